"""A shop that takes Alipay, and the people at the channel who pay it.

At the channel a code is no trade before it is scanned, and what is captured of a hold is a trade of
its own: what moved for a payment is added up over the hold and its trades.
"""

from datetime import UTC, datetime
from typing import Any

from paymentgateway.v1.payment_method_pb2 import (
    AgreementWay,
    AlipayMethod,
    BarcodeWay,
    QrCodeWay,
)
from paymentgateway.v1.payment_pb2 import CAPTURE_MODE_MANUAL, Payment, PaymentMethod
from paymentgateway.v1.payment_service_pb2 import PayResponse
from tests.e2e.channels.v3style import TIME_TO_PAY, Till
from tests.e2e.shop import state

BARCODE = "287654321098765432"


def scan(**wishes: Any) -> PaymentMethod:
    """The payer scans a code that the merchant shows."""
    return PaymentMethod(alipay=AlipayMethod(precreate=QrCodeWay(), **wishes))


def barcode(**wishes: Any) -> PaymentMethod:
    """The merchant scans the payer's barcode."""
    return PaymentMethod(alipay=AlipayMethod(code=BarcodeWay(auth_code=BARCODE), **wishes))


def agreement(agreement_no: str) -> PaymentMethod:
    """Money is deducted under an agreement."""
    return PaymentMethod(alipay=AlipayMethod(agreement=AgreementWay(agreement_no=agreement_no)))


HOLD = PaymentMethod(alipay=AlipayMethod(auth_code_freeze=BarcodeWay(auth_code=BARCODE)))


class AlipayTill(Till):
    """One merchant of its own."""

    async def pay(self, amount: str = "10.00", **fields: Any) -> PayResponse:
        """Pay by a code that is shown, or as the fields say."""
        asked: dict[str, Any] = {
            "payment_method": scan(),
            "expire_time": datetime.now(UTC) + TIME_TO_PAY,
            "description": "茶 and songs",
        }
        return await self.shop.pay(amount, **asked | fields)

    async def scanned(self, amount: str = "10.00", **fields: Any) -> Payment:
        """Ask for a payment by a code, and let the payer scan it."""
        payment = (await self.pay(amount, **fields)).payment
        assert state(payment) == "REQUIRES_ACTION"
        shown = await self.emulator.control("scan", {"qr_code": payment.next_action.qr_code})
        assert shown["out_trade_no"] == payment.attempt_number
        units = payment.amount.minor_units
        assert shown["total_amount"] == f"{units // 100}.{units % 100:02d}"
        return payment

    async def confirm(self, payment: Payment, **wishes: Any) -> None:
        """Let the payer pay, from where he likes."""
        await self.emulator.control(f"trades/{payment.attempt_number}/confirm", wishes)

    async def held(self, amount: str = "10.00", **fields: Any) -> Payment:
        """Let an amount be held by the payer's barcode."""
        asked: dict[str, Any] = {"payment_method": HOLD, "capture_mode": CAPTURE_MODE_MANUAL}
        payment = (await self.pay(amount, **asked | fields)).payment
        return await self.shop.reached(payment, "AUTHORIZED")

    async def hold(self, payment: Payment) -> dict[str, Any]:
        """Read the hold of a payment in the channel's own book."""
        found = await self._records("authorizations")
        return next(one for one in found if one["number"] == payment.attempt_number)

    async def trades(self, payment: Payment) -> list[dict[str, Any]]:
        """Read the trades of a payment in the channel's own book: one, or those of its hold."""
        number, holds = payment.attempt_number, await self._records("authorizations")
        owned = {one["auth_no"] for one in holds if one["number"] == number}
        trades = await self._records("trades")
        return [one for one in trades if one["number"] == number or one["auth_no"] in owned]

    async def effects(self, payment: Payment) -> dict[str, int]:
        """Read what really moved for a payment, in the channel's own book."""
        moved = {"charge": 0, "refund": 0, "return": 0}
        for trade in await self.trades(payment):
            for kind, amount in trade["effects"].items():
                moved[kind] += amount
        return moved

    async def _records(self, kind: str) -> list[dict[str, Any]]:
        page: dict[str, Any] = {"next": 0}
        found: list[dict[str, Any]] = []
        while page["next"] is not None:
            page = await self.emulator.control(f"{kind}?limit=1000&after={page['next']}")
            found += page[kind]
        return found
