"""A shop that is paid on the phone bill, and the people at the operator."""

from decimal import Decimal
from typing import Any

from paymentgateway.v1.payment_method_pb2 import CarrierMethod
from paymentgateway.v1.payment_pb2 import Payment, PaymentMethod
from paymentgateway.v1.payment_service_pb2 import PayResponse
from tests.e2e.channels.v3style import Till

PHONE = "+8613900139000"
ON_THE_BILL = PaymentMethod(carrier=CarrierMethod(phone_number=PHONE))


def units(amount: str) -> int:
    """Minor units of an amount as the operator's book writes it."""
    return int(Decimal(amount) * 100)


class CarrierTill(Till):
    """One merchant of its own."""

    async def pay(self, amount: str = "10.00", **fields: Any) -> PayResponse:
        """Pay in one step, or as the fields say."""
        asked: dict[str, Any] = {"payment_method": ON_THE_BILL, "description": "茶 and songs"}
        return await self.shop.pay(amount, **asked | fields)

    async def paid(self, amount: str = "10.00", **fields: Any) -> Payment:
        """Make a payment that succeeded."""
        return await self.shop.reached((await self.pay(amount, **fields)).payment, "SUCCEEDED")

    async def held(self, amount: str = "10.00") -> Payment:
        """Make a payment whose amount is reserved."""
        payment = (await self.pay(amount, manual=True)).payment
        return await self.shop.reached(payment, "AUTHORIZED")

    async def play(self, operation: str, **play: Any) -> None:
        """Let the next request of an operation be played so."""
        await self.emulator.rule(operation=operation, play=play)

    async def fault(self, operation: str, name: str, **frame: Any) -> None:
        """Let a request of an operation go wrong."""
        await self.emulator.rule(operation=operation, fault={"name": name}, **frame)

    async def record(self, payment: Payment) -> dict[str, Any]:
        """Read a payment in the operator's own book."""
        page: dict[str, Any] = {"next": 0}
        while page["next"] is not None:
            page = await self.emulator.control(f"payments?limit=1000&after={page['next']}")
            for entry in page["payments"]:
                if entry["correlator"] == payment.attempt_number:
                    return dict(entry)
        raise AssertionError(f"the operator does not know {payment.attempt_number}")

    async def effects(self, payment: Payment) -> dict[str, int]:
        """Read what really moved for a payment, in the operator's own book."""
        moved = (await self.record(payment))["effects"]
        return {kind: units(amount) for kind, amount in moved.items()}
