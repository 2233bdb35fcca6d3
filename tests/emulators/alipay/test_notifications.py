"""Notifications: signed forms, retried on the published schedule; and every way they go wrong."""

import asyncio
import json
from typing import Any

import pytest

from gateway.emulators.alipay.channel import RETRY_DELAYS_MS
from tests.emulators.alipay import till
from tests.emulators.alipay.merchant import Shop, number
from tests.emulators.bench import Received, Receiver

SUCCESS = b"success"


@pytest.fixture(autouse=True)
def _acknowledging(receiver: Receiver) -> None:
    """The receiver says what the channel wants to hear."""
    receiver.answer = lambda _: (200, SUCCESS)


async def paid(shop: Shop, receiver: Receiver, **play: Any) -> str:
    """A trade that was paid and is told of as a play says."""
    await shop.play("pay", **play)
    return await till.paid(shop, notify_url=f"{receiver.url}/n?a=1")


async def quiet(shop: Shop) -> None:
    """Wait until nothing is on its way."""
    async with asyncio.timeout(5):
        while (await shop.summary())["notifications"]["pending"]:
            await asyncio.sleep(0.01)


async def attempts(shop: Shop, count: int) -> None:
    """Wait until so many attempts are on record."""
    async with asyncio.timeout(5):
        while (await shop.summary())["notifications"]["sent"] < count:
            await asyncio.sleep(0.01)


async def test_a_payment_is_told(shop: Shop, receiver: Receiver) -> None:
    """A form, signed without sign_type, with everything that must be compared with the order."""
    of = await paid(shop, receiver)
    [received] = await receiver.wait_for(1)
    assert received.target == "/n?a=1"
    assert received.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    told = shop.read(received)
    assert told.verified
    fields, truth = told.fields, (await till.query(shop, of)).content
    assert fields["sign_type"] == "RSA2"
    assert (fields["notify_type"], fields["trade_status"]) == ("trade_status_sync", "TRADE_SUCCESS")
    assert (fields["app_id"], fields["seller_id"]) == (shop.app_id, shop.settings["seller_id"])
    assert (fields["out_trade_no"], fields["trade_no"]) == (of, truth["trade_no"])
    assert (fields["total_amount"], fields["gmt_payment"]) == ("1.00", truth["send_pay_date"])
    assert fields["subject"] == truth["subject"]
    funds = json.loads(fields["fund_bill_list"])
    assert funds == [{"amount": "1.00", "fundChannel": "ALIPAYACCOUNT"}]
    assert all(fields.values()), "an empty field was sent"
    await quiet(shop)


async def test_what_is_sent_along_comes_back(shop: Shop, receiver: Receiver) -> None:
    """passback_params and every letter of the subject survive the form."""
    subject = "a b&c=d%+é 茶"
    await till.paid(shop, notify_url=f"{receiver.url}/n", subject=subject, passback_params="k%3Dv")
    told = shop.read((await receiver.wait_for(1))[0])
    assert (told.verified, told.fields["subject"]) == (True, subject)
    assert told.fields["passback_params"] == "k%3Dv"


async def test_the_whole_life_of_a_trade_is_told(shop: Shop, receiver: Receiver) -> None:
    """Paid, refunded in part, refunded in whole: each with the sum so far, and the last closes."""
    of = await till.paid(shop, "3.00", notify_url=f"{receiver.url}/n")
    numbers = [number(), number()]
    for count, (request, amount) in enumerate(zip(numbers, ("1.00", "2.00"), strict=True), 1):
        await till.refund(shop, of, amount, out_request_no=request)
        await receiver.wait_for(1 + count)
    told = [shop.read(received).fields for received in await receiver.wait_for(3)]
    assert [fields["trade_status"] for fields in told] == [
        "TRADE_SUCCESS",
        "TRADE_SUCCESS",
        "TRADE_CLOSED",
    ]
    assert [fields.get("refund_fee") for fields in told] == [None, "1.00", "3.00"]
    assert [fields.get("out_biz_no") for fields in told] == [None, *numbers]
    assert len({fields["notify_id"] for fields in told}) == 3


async def test_an_end_without_money_is_told(shop: Shop, receiver: Receiver) -> None:
    """A trade that is closed, canceled or runs out says TRADE_CLOSED, and nothing of a payment."""
    await shop.play("pay", answer="WAITING", count=2)
    closed, late = number(), number()
    url = f"{receiver.url}/n"
    await till.pay(shop, url, out_trade_no=closed)
    await till.pay(shop, url, out_trade_no=late, timeout_express="5m")
    await till.close(shop, closed)
    await receiver.wait_for(1)
    await shop.advance(minutes=5)
    told = [shop.read(received).fields for received in await receiver.wait_for(2)]
    assert [fields["out_trade_no"] for fields in told] == [closed, late]
    assert {fields["trade_status"] for fields in told} == {"TRADE_CLOSED"}
    assert not any("gmt_payment" in fields for fields in told)


async def test_frozen_money_is_told(shop: Shop, receiver: Receiver) -> None:
    """Freezing and unfreezing have forms of their own, with what rests."""
    reply = await till.freeze(shop, f"{receiver.url}/f", amount="5.00")
    await till.unfreeze(shop, reply.content["auth_no"], "2.00")
    first, second = [shop.read(received) for received in await receiver.wait_for(2)]
    assert first.verified
    assert second.verified
    kinds = [told.fields["notify_type"] for told in (first, second)]
    assert kinds == ["fund_auth_freeze", "fund_auth_unfreeze"]
    assert [told.fields["rest_amount"] for told in (first, second)] == ["5.00", "3.00"]
    assert first.fields["payee_user_id"] == shop.settings["seller_id"]


async def test_an_agreement_is_told(shop: Shop, receiver: Receiver) -> None:
    """Signing and ending are told to the address of the page."""
    body = {
        "personal_product_code": "GENERAL_WITHHOLDING_P",
        "sign_scene": "INDUSTRY|MOBILE",
        "external_agreement_no": number(),
        "access_params": {"channel": "QRCODE"},
    }
    url = f"{receiver.url}/a"
    await shop.ask("alipay.user.agreement.page.sign", body, notify_url=url)
    path = f"/control/agreements/{body['external_agreement_no']}"
    signed = await shop.control("POST", f"{path}/sign", {})
    await shop.control("POST", f"{path}/terminate", {})
    told = [shop.read(received) for received in await receiver.wait_for(2)]
    assert all(each.verified for each in told)
    kinds = [(each.fields["notify_type"], each.fields["status"]) for each in told]
    assert kinds == [("dut_user_sign", "NORMAL"), ("dut_user_unsign", "UNSIGN")]
    assert {each.fields["agreement_no"] for each in told} == {signed["agreement_no"]}


async def test_in_certificate_mode_the_certificate_signs(shop: Shop, receiver: Receiver) -> None:
    """Who asked in certificate mode is told in it."""
    shop.certified = True
    await paid(shop, receiver)
    [received] = await receiver.wait_for(1)
    assert shop.read(received).verified
    shop.certified = False
    assert not shop.read(received).verified


NO: tuple[tuple[int, bytes], ...] = (
    (200, b"SUCCESS"),
    (200, b"success\n"),
    (200, b'"success"'),
    (200, b""),
    (201, b"success"),
    (302, b"success"),
)


async def test_what_counts_as_an_acknowledgement(shop: Shop, receiver: Receiver) -> None:
    """Exactly the seven bytes with 200; anything else is tried again."""
    answers = iter((*NO, (200, SUCCESS)))
    receiver.answer = lambda _: next(answers)
    await paid(shop, receiver)
    for count in range(3, len(NO) + 1):
        await attempts(shop, count)
        assert (await shop.summary())["notifications"]["pending"] == 1
        await shop.advance(hours=1)
    await quiet(shop)
    fates = (await shop.summary())["notifications"]
    assert (fates["sent"], fates["acknowledged"]) == (7, 1)


async def test_the_schedule_is_the_published_one(shop: Shop, receiver: Receiver) -> None:
    """Three at once, then after 4 m, 10 m, 10 m, 1, 2, 6, 15 h; one notify_id, signed anew."""
    assert [delay // 60_000 for delay in RETRY_DELAYS_MS] == [0, 0, 4, 10, 10, 60, 120, 360, 900]
    receiver.answer = lambda _: (500, b"no")
    await paid(shop, receiver)
    for attempt, delay_ms in enumerate(RETRY_DELAYS_MS, start=1):
        await attempts(shop, attempt)
        if delay_ms:
            await shop.advance(ms=delay_ms - 30_000)
            await asyncio.sleep(0.02)
            assert len(receiver.received) == attempt, f"too early after attempt {attempt}"
            await shop.advance(ms=30_000)
    await receiver.wait_for(10)
    await quiet(shop)
    await shop.advance(days=2)
    assert (await shop.summary())["notifications"]["abandoned"] == 1
    told = [shop.read(received) for received in receiver.received]
    assert len(told) == 10
    assert all(each.verified for each in told)
    assert len({each.fields["notify_id"] for each in told}) == 1
    assert told[0].fields["notify_time"] < told[-1].fields["notify_time"]


@pytest.mark.parametrize("spoil", ["UNSIGNED", "WRONG_KEY", "ALTERED"])
async def test_a_spoiled_notification_is_found_out_and_comes_again(
    shop: Shop, receiver: Receiver, spoil: str
) -> None:
    """The first attempt must not verify; refused, it comes again with a good signature."""

    def answer(received: Received) -> tuple[int, bytes]:
        return (200, SUCCESS) if shop.read(received).verified else (200, b"failure")

    receiver.answer = answer
    of = await paid(shop, receiver, notify=spoil)
    bad, good = [shop.read(received) for received in await receiver.wait_for(2)]
    assert (bad.verified, good.verified) == (False, True)
    assert bad.fields["notify_id"] == good.fields["notify_id"]
    await quiet(shop)
    assert await shop.faults(of) == [f"NOTIFY_{spoil}"]


@pytest.mark.parametrize(
    ("lie", "member"),
    [
        ("WRONG_AMOUNT", "total_amount"),
        ("WRONG_NUMBER", "out_trade_no"),
        ("WRONG_SELLER", "seller_id"),
        ("WRONG_APP", "app_id"),
    ],
)
async def test_a_well_signed_notification_may_lie(
    shop: Shop, receiver: Receiver, lie: str, member: str
) -> None:
    """The signature is good, one member is not; and who acknowledges it is written down."""
    of = await paid(shop, receiver, notify=lie)
    told = shop.read((await receiver.wait_for(1))[0])
    truth = {
        "total_amount": "1.00",
        "out_trade_no": of,
        "seller_id": shop.settings["seller_id"],
        "app_id": shop.app_id,
    }
    assert told.verified
    assert [name for name in truth if told.fields[name] != truth[name]] == [member]
    await quiet(shop)
    assert await shop.faults(of) == [f"NOTIFY_{lie}", f"NOTIFY_{lie}_ACKNOWLEDGED"]


@pytest.mark.parametrize(("mode", "count"), [("TWICE", 2), ("STORM", 7)])
async def test_a_notification_may_come_often(
    shop: Shop, receiver: Receiver, mode: str, count: int
) -> None:
    """Duplicates are the same under the same id."""
    await paid(shop, receiver, notify=mode, notify_count=7)
    told = [shop.read(received) for received in await receiver.wait_for(count)]
    await quiet(shop)
    assert len(receiver.received) == count
    assert len({each.fields["notify_id"] for each in told}) == 1


async def test_old_news_is_well_signed(shop: Shop, receiver: Receiver) -> None:
    """A day old, or of a state that is over: true signatures over what is true no more."""
    of = await paid(shop, receiver, notify="STALE")
    stale = shop.read((await receiver.wait_for(1))[0])
    assert (stale.verified, stale.fields["trade_status"]) == (True, "TRADE_SUCCESS")
    assert stale.fields["notify_time"] < stale.fields["gmt_payment"]
    await shop.control("POST", f"/control/trades/{of}/notify", {"as": "EARLIER_STATE"})
    early = shop.read((await receiver.wait_for(2))[1])
    assert (early.verified, early.fields["trade_status"]) == (True, "WAIT_BUYER_PAY")
    assert "gmt_payment" not in early.fields


async def test_notifications_may_come_out_of_order_or_never(shop: Shop, receiver: Receiver) -> None:
    """A payment's notification that is held back comes after that of its own refund."""
    of = await paid(shop, receiver, notify_delay_ms=600_000)
    await till.refund(shop, of, "0.40")
    await receiver.wait_for(1)
    await shop.advance(minutes=10)
    told = [shop.read(received).fields for received in await receiver.wait_for(2)]
    assert [fields.get("refund_fee") for fields in told] == ["0.40", None]
    await paid(shop, receiver, notify="NONE")
    await shop.advance(days=2)
    assert len(receiver.received) == 2


async def test_a_payment_may_be_told_before_it_is_answered(shop: Shop, receiver: Receiver) -> None:
    """The notification arrives before the reply that says 10000; so may that of a refund."""
    of = await paid(shop, receiver, notify="BEFORE_REPLY")
    assert len(receiver.received) == 1
    await shop.play("refund", notify="BEFORE_REPLY")
    await till.refund(shop, of)
    assert len(receiver.received) == 2


async def test_telling_again_by_hand(shop: Shop, receiver: Receiver) -> None:
    """A trade and a refund can be told of again at any time, in any of the ways."""
    of, request = await paid(shop, receiver), number()
    await till.refund(shop, of, "0.40", out_request_no=request)
    await receiver.wait_for(2)
    await shop.control("POST", f"/control/trades/{of}/notify", {"as": "ALTERED"})
    assert not shop.read((await receiver.wait_for(3))[2]).verified
    await attempts(shop, 3)
    await shop.control("POST", f"/control/refunds/{request}/notify", {})
    assert shop.read((await receiver.wait_for(4))[3]).fields["out_biz_no"] == request
    assert (await shop.try_control("POST", "/control/trades/x/notify", {})).status == 404
