"""A shop that takes cards through UnionPay, and the people at the channel who pay it.

The channel's own book lists every transaction, and a completion of a pre-authorisation is one of
its own: what moved for a payment is added up over both.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from paymentgateway.v1.payment_method_pb2 import AccountTokenWay, InAppWay, UnionpayMethod
from paymentgateway.v1.payment_pb2 import CAPTURE_MODE_MANUAL, Payment, PaymentMethod
from paymentgateway.v1.payment_service_pb2 import PayResponse
from tests.e2e.channels.v3style import TIME_TO_PAY, Till
from tests.e2e.shop import state

APP = PaymentMethod(unionpay=UnionpayMethod(app=InAppWay()))
TOKEN = "6235240000020757577"
BACK = PaymentMethod(unionpay=UnionpayMethod(back=AccountTokenWay(account_token=TOKEN)))

EXPIRY_MARGIN = timedelta(minutes=11)
"""More than the gateway waits after the end of an order until it says that it is over."""

AGE_EXPIRY = """
update payments set expire_time = expire_time - $2::interval where attempt_number = $1
"""


class CardTill(Till):
    """One merchant of its own."""

    async def pay(self, amount: str = "10.00", **fields: Any) -> PayResponse:
        """Pay in the app, or as the fields say."""
        asked: dict[str, Any] = {
            "payment_method": APP,
            "expire_time": datetime.now(UTC) + TIME_TO_PAY,
            "description": "茶 and songs",
        }
        return await self.shop.pay(amount, **asked | fields)

    async def scanned(self, amount: str = "10.00", **fields: Any) -> Payment:
        """Ask for a payment in the app, and let it open the channel's front end."""
        payment = (await self.pay(amount, **fields)).payment
        assert state(payment) == "REQUIRES_ACTION"
        asked = json.loads(payment.next_action.challenge)
        shown = await self.emulator.control("scan", asked)
        assert shown["order_id"] == payment.attempt_number
        assert shown["amount"] == payment.amount.minor_units
        return payment

    async def held(self, amount: str = "10.00", **fields: Any) -> Payment:
        """Authorise an amount on a bound card."""
        asked: dict[str, Any] = {"payment_method": BACK, "capture_mode": CAPTURE_MODE_MANUAL}
        payment = (await self.pay(amount, **asked | fields)).payment
        return await self.shop.reached(payment, "AUTHORIZED")

    async def let_time_be_over(self, payment: Payment, span: timedelta) -> None:
        """Let the time to pay pass, at the channel and here; here with the margin after it."""
        await self.emulator.advance(seconds=span.total_seconds())
        await self.house.fetch(AGE_EXPIRY, payment.attempt_number, span + EXPIRY_MARGIN)

    async def asked(self) -> int:
        """Count the questions that the channel was asked."""
        return int((await self.emulator.control("summary"))["requests"].get("query", 0))

    async def orders(self) -> list[dict[str, Any]]:
        """Read every transaction that the channel knows."""
        page: dict[str, Any] = {"next": 0}
        found: list[dict[str, Any]] = []
        while page["next"] is not None:
            page = await self.emulator.control(f"orders?limit=1000&after={page['next']}")
            found += page["orders"]
        return found

    async def about(self, payment: Payment) -> list[dict[str, Any]]:
        """Read the transactions of a payment: its own, and those that followed it."""
        orders = await self.orders()
        own = [order for order in orders if order["order_id"] == payment.attempt_number]
        assert own, f"the channel does not know {payment.attempt_number}"
        about, seqs = own, {order["seq"] for order in own}
        while later := [one for one in orders if one["orig_seq"] in seqs and one not in about]:
            about, seqs = [*about, *later], {order["seq"] for order in later}
        return about

    async def effects(self, payment: Payment) -> dict[str, int]:
        """Read what really moved for a payment, in the channel's own book."""
        found = [order["effects"] for order in await self.about(payment)]
        return {kind: sum(effects[kind] for effects in found) for kind in found[0]}
