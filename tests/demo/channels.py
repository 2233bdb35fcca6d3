"""The chapters about real channels: their own protocols, against stand-ins as strict as they are.

The buyer is played through the stand-in's control, and what is said is held against its own book.
"""

import asyncio
from datetime import date

from paymentgateway.client import money_text
from paymentgateway.v1.payment_method_pb2 import AlipayMethod, BarcodeWay, QrCodeWay, WechatMethod
from paymentgateway.v1.payment_pb2 import (
    PAYMENT_STATE_PROCESSING,
    PAYMENT_STATE_REQUIRES_ACTION,
    PAYMENT_STATE_SUCCEEDED,
    Payment,
    PaymentMethod,
)
from paymentgateway.v1.refund_pb2 import OPERATION_STATE_SUCCEEDED
from tests.demo.shop import Shop, line, state
from tests.demo.story import Story
from tests.demo.street import Street
from tests.e2e.probing import Metrics
from tests.e2e.waiting import until

QR_CODE = PaymentMethod(wechat=WechatMethod(native=QrCodeWay()))
BARCODE = PaymentMethod(alipay=AlipayMethod(code=BarcodeWay(auth_code="281234567890123456")))
RECORDS = {"wechat": "orders", "alipay": "trades"}
"""How each stand-in calls payments."""

TITLES = {"wechat": "WeChat Pay", "alipay": "Alipay"}
MOVED = {"wechat": 2, "alipay": 1}
"""Numbers under which money moved at each: what its bill must list."""


async def play(story: Story, shop: Shop, street: Street) -> None:
    """Play them all, on one day of the channels'."""
    day = await street.begin_day()
    paid = await scanning(story, shop, street)
    await losing(story, shop, street)
    await returning(story, shop, street, paid)
    await billing(story, street, day)


async def scanning(story: Story, shop: Shop, street: Street) -> Payment:
    """Pay by a code that the buyer scans; only the channel is believed that it was paid."""
    story.chapter("WeChat Pay: the buyer scans a code, and a signed notification tells us")
    payment = (
        await shop.pay("12.50", "o-10", method=QR_CODE, description="Two cups of tea")
    ).payment
    asked = payment.state == PAYMENT_STATE_REQUIRES_ACTION
    story.check("the payment waits for the buyer", asked, state(payment))
    story.say(f"QR code: {payment.next_action.qr_code}")
    await _forged(story, street, payment)
    control, order = street.stand_ins["wechat"].control, f"orders/{payment.attempt_number}"
    shown = await control("scan", {"code_url": payment.next_action.qr_code})
    story.say(f"The buyer's phone shows {shown['total']} fen for {shown['description']}.")
    await control(f"{order}/confirm", {})
    await until(lambda: _notified(street, "accepted"))
    story.check("confirmed; a notification that WeChat Pay signed is accepted", holds=True)
    ended = await shop.ended(payment.payment_id)
    story.say(line(ended))
    story.check("the payment succeeded", ended.state == PAYMENT_STATE_SUCCEEDED, state(ended))
    return ended


async def _forged(story: Story, street: Street, payment: Payment) -> None:
    """Somebody else says that it was paid."""
    order = f"orders/{payment.attempt_number}"
    await street.stand_ins["wechat"].control(f"{order}/notify", {"as": "WRONG_KEY"})
    await until(lambda: _notified(street, "refused"))
    status, output = await street.stack.command("reviews", "quarantine")
    kept = status == 0 and output.endswith("\n1 notifications are in quarantine.\n")
    story.check("a notification under another key is refused, and kept for people", kept, output)
    story.say(output.partition("\n")[0])


async def losing(story: Story, shop: Shop, street: Street) -> None:
    """The channel takes the money, and its answer is lost."""
    story.chapter("Alipay: a barcode is charged, and the answer is lost on the way")
    expect = street.stand_ins["alipay"].rule
    await expect(operation="pay", fault={"name": "DROP_AFTER_EFFECT"})
    await expect(operation="pay", play={"notify": "NONE"})
    payment = (await shop.pay("6.00", "o-11", method=BARCODE)).payment
    unknown = payment.state == PAYMENT_STATE_PROCESSING
    story.check("nobody knows, and so says the gateway: PROCESSING", unknown, state(payment))
    ended = await shop.ended(payment.payment_id)
    won = ended.state == PAYMENT_STATE_SUCCEEDED
    story.check("it was resolved by asking Alipay: SUCCEEDED", won, state(ended))
    moved = await _effects(street, "alipay", ended)
    story.check("and charged once", moved["charge"] == 600, moved)


async def returning(story: Story, shop: Shop, street: Street, payment: Payment) -> None:
    """Give a part back; the bank behind WeChat Pay takes its time."""
    story.chapter("WeChat Pay: 5.00 of 12.50 are given back")
    asked = await shop.refund(payment, "5.00")
    refund = await shop.refunded(asked)
    done = refund.state == OPERATION_STATE_SUCCEEDED
    story.check(f"{money_text(refund.amount)} are given back", done, refund)
    moved = await _effects(street, "wechat", payment)
    story.check("so says WeChat Pay's own book", moved["refund"] == 500, moved)


async def billing(story: Story, street: Street, day: date) -> None:
    """Hold the channels' bills of the day against our books."""
    story.chapter("The next morning: the channels' bills, and our books beside them")
    await street.end_day()
    fetches = (
        street.stack.command("bills", "fetch", channel, day.isoformat(), "--compare")
        for channel in street.stand_ins
    )
    check, *bills = await asyncio.gather(street.stack.command("ledger", "check"), *fetches)
    for channel, (status, output) in zip(street.stand_ins, bills, strict=True):
        story.say(output.strip())
        agrees = status == 0 and f"{MOVED[channel]} numbers agree, 0 differ" in output
        story.check(f"{TITLES[channel]}'s bill is what our books say", agrees, status)
    story.say(check[1].strip())
    story.check("and the books balance", check[0] == 0, check)


async def _notified(street: Street, verdict: str) -> float:
    """Count the notifications of WeChat Pay that became that."""
    metrics = await Metrics.read(street.stack.ops_urls[0])
    return metrics.total("gateway_notifications_total", channel="wechat", verdict=verdict)


async def _effects(street: Street, channel: str, payment: Payment) -> dict[str, int]:
    """Read what really moved, in the channel's own book."""
    page = await street.stand_ins[channel].control(f"{RECORDS[channel]}?limit=1000")
    for record in page[RECORDS[channel]]:
        if record["number"] == payment.attempt_number:
            return dict(record["effects"])
    return {}
