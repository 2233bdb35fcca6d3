"""A shop that takes WeChat Pay or Douyin Pay, and the people at the channel who pay it.

Payments may be paid for days, because the stand-in's time runs ahead of the gateway's: it began
with the next morning, and each story lets it pass.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from paymentgateway.v1.merchant_pb2 import FeeSchedule
from paymentgateway.v1.payment_method_pb2 import DouyinMethod, OpenidWay, QrCodeWay, WechatMethod
from paymentgateway.v1.payment_pb2 import Payment, PaymentMethod
from paymentgateway.v1.payment_service_pb2 import PayResponse
from paymentgateway.v1.refund_pb2 import Refund
from tests.e2e.channels.emulator import Emulator
from tests.e2e.house import House
from tests.e2e.shop import Shop, state
from tests.e2e.waiting import until

TIME_TO_PAY = timedelta(days=5)
CHANNELS = ("wechat", "douyin")

NATIVE = {
    "wechat": PaymentMethod(wechat=WechatMethod(native=QrCodeWay())),
    "douyin": PaymentMethod(douyin=DouyinMethod(native=QrCodeWay())),
}
OPENID = OpenidWay(openid="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o")
JSAPI = {
    "wechat": PaymentMethod(wechat=WechatMethod(jsapi=OPENID)),
    "douyin": PaymentMethod(douyin=DouyinMethod(jsapi=OPENID)),
}

PASS_TIME = """
update payment_operations set create_time = create_time - $2::interval
where attempt_number = any (select number from attempts where charge_number = $1)
"""
AGE_PAYMENT = """
update payments set capture_time = capture_time - $2::interval where attempt_number = $1
"""


class Till:
    """One merchant of its own at one of the channels."""

    def __init__(self, house: House, shop: Shop, emulator: Emulator) -> None:
        self.house, self.shop, self.emulator = house, shop, emulator
        self.channel = emulator.name

    @classmethod
    async def open(cls, house: House, emulator: Emulator) -> "Till":
        """Open a merchant that takes this channel."""
        schedule = FeeSchedule(
            channel=emulator.name,
            currency_code="CNY",
            effective_time={"seconds": 1},
            rate_millionths=6_000,
            returned_on_refund=True,
        )
        shop = await house.shop(
            channels=[emulator.name], currency_codes=["CNY"], fee_schedules=[schedule]
        )
        return cls(house, shop, emulator)

    async def pay(self, amount: str = "10.00", **fields: Any) -> PayResponse:
        """Pay by a QR code, or as the fields say."""
        asked: dict[str, Any] = {
            "payment_method": NATIVE[self.channel],
            "expire_time": datetime.now(UTC) + TIME_TO_PAY,
            "description": "茶 and songs",
        }
        return await self.shop.pay(amount, **asked | fields)

    async def scanned(self, amount: str = "10.00") -> Payment:
        """Ask for a payment by QR code, and let the payer open what the code says."""
        payment = (await self.pay(amount)).payment
        assert state(payment) == "REQUIRES_ACTION"
        shown = await self.emulator.control("scan", {"code_url": payment.next_action.qr_code})
        assert shown["out_trade_no"] == payment.attempt_number
        assert shown["total"] == payment.amount.minor_units
        return payment

    async def paid(self, amount: str = "10.00") -> Payment:
        """Make a payment that the payer made, and the gateway knows of."""
        payment = await self.scanned(amount)
        await self.confirm(payment)
        return await self.shop.reached(payment, "SUCCEEDED")

    async def confirm(self, payment: Payment) -> None:
        """Let the payer pay."""
        await self.emulator.control(f"orders/{payment.attempt_number}/confirm", {})

    async def refunded(self, payment: Payment, amount: str = "") -> Refund:
        """Refund, and wait for the end."""
        return await self.shop.refunded((await self.shop.refund(payment, amount)).refund)

    async def pass_time(self, payment: Payment, **span: float) -> None:
        """Let time pass since the payment's operations, here and at the channel."""
        await self.house.fetch(PASS_TIME, payment.attempt_number, timedelta(**span))
        await self.emulator.advance(**span)

    async def forget_capture(self, payment: Payment, **span: float) -> None:
        """Let it be longer ago, here, that the payment was captured."""
        await self.house.fetch(AGE_PAYMENT, payment.attempt_number, timedelta(**span))

    async def effects(self, payment: Payment) -> dict[str, int]:
        """Read what really moved for a payment, in the channel's own book."""
        page: dict[str, Any] = {"next": 0}
        while page["next"] is not None:
            page = await self.emulator.control(f"orders?limit=1000&after={page['next']}")
            for order in page["orders"]:
                if order["number"] == payment.attempt_number:
                    return dict(order["effects"])
        raise AssertionError(f"the channel does not know {payment.attempt_number}")

    async def faults(self, number: str) -> list[str]:
        """Name what struck a number: the proof that a fault hit."""
        return [hit["fault"] for hit in (await self.emulator.control(f"faults/{number}"))["faults"]]

    async def struck(self, number: str, fault: str) -> None:
        """Wait until a fault has hit."""
        await until(lambda: self.faults(number), lambda found: fault in found)
