"""Refunds: accepted first, done later; the sum, the parts, the minute between, the year."""

import asyncio
from typing import Any

import pytest

from tests.emulators.bench import Receiver
from tests.emulators.v3bench import Shop, number
from tests.emulators.wechat import till


async def settled(shop: Shop, of: str) -> Any:
    """A refund once it is no longer on its way."""
    async with asyncio.timeout(5):
        while (body := (await till.query_refund(shop, of)).body)["status"] == "PROCESSING":
            await asyncio.sleep(0.01)
    return body


async def test_a_refund_is_accepted_and_then_done(shop: Shop, receiver: Receiver) -> None:
    """200 means PROCESSING; the notification and the query tell SUCCESS, under their own names."""
    order, of = await till.paid(shop), number()
    reply = await till.refund(shop, order, 60, out_refund_no=of, notify_url=f"{receiver.url}/r")
    assert (reply.status, reply.signed, reply.body["status"]) == (200, True, "PROCESSING")
    assert await till.state(shop, order) == "REFUND"
    done = await settled(shop, of)
    assert (done["status"], done["amount"]["refund"], done["amount"]["total"]) == (
        "SUCCESS",
        60,
        100,
    )
    [received] = await receiver.wait_for(1)
    event = shop.open(received)
    assert (event.verified, event.envelope["event_type"]) == (True, "REFUND.SUCCESS")
    assert event.told["refund_status"] == "SUCCESS"
    assert (event.told["out_refund_no"], event.told["mchid"]) == (of, shop.merchant.mchid)
    assert await shop.moved() == {"charge": 100, "refund": 60, "return": 0}


async def test_an_order_can_be_named_by_either_number(shop: Shop) -> None:
    """By the channel's number too; two numbers that name two orders are refused, none is too."""
    first, second = await till.paid(shop), await till.paid(shop)
    transaction_id = (await till.query(shop, first)).body["transaction_id"]
    amount = {"refund": 1, "total": 100, "currency": "CNY"}
    body = {"transaction_id": transaction_id, "out_refund_no": number(), "amount": amount}
    assert (await shop.ask("POST", till.REFUNDS, body)).body["out_trade_no"] == first
    reply = await till.refund(shop, second, 1, transaction_id=transaction_id)
    assert reply.code == "PARAM_ERROR"
    nameless = {"out_refund_no": number(), "amount": amount}
    assert (await shop.ask("POST", till.REFUNDS, nameless)).code == "PARAM_ERROR"


async def test_the_same_refund_again_is_the_same_refund(shop: Shop) -> None:
    """Twenty identical requests at once give back once; other parameters are refused."""
    order, of = await till.paid(shop), number()
    replies = await asyncio.gather(
        *(till.refund(shop, order, 60, out_refund_no=of) for _ in range(20))
    )
    assert {reply.status for reply in replies} == {200}
    assert len({reply.body["refund_id"] for reply in replies}) == 1
    await settled(shop, of)
    assert (await shop.moved())["refund"] == 60
    other = await till.refund(shop, order, 59, out_refund_no=of)
    assert (other.status, other.code) == (400, "INVALID_REQUEST")


async def test_refunds_never_exceed_what_was_paid(shop: Shop) -> None:
    """A refund that is on its way counts; one that was closed gives its amount free."""
    order, first = await till.paid(shop), number()
    await shop.play("refund", settle="CLOSED")
    await till.refund(shop, order, 60, out_refund_no=first)
    await shop.advance(minutes=1)
    assert (await settled(shop, first))["status"] == "CLOSED"
    second = number()
    await till.refund(shop, order, 100, out_refund_no=second)
    await shop.advance(minutes=1)
    assert (await till.refund(shop, order, 1)).code == "INVALID_REQUEST"
    await settled(shop, second)
    assert await shop.moved() == {"charge": 100, "refund": 100, "return": 0}


async def test_a_minute_lies_between_two_refunds(shop: Shop) -> None:
    """A second refund of one order within sixty seconds is too frequent, later it is fine."""
    order = await till.paid(shop)
    assert (await till.refund(shop, order, 1)).status == 200
    reply = await till.refund(shop, order, 1)
    assert (reply.status, reply.code, reply.number) == (429, "FREQUENCY_LIMITED", 268447840)
    assert reply.signed
    await shop.advance(seconds=60)
    assert (await till.refund(shop, order, 1)).status == 200


async def test_fifty_parts_are_the_most(shop: Shop) -> None:
    """The fifty-first partial refund is refused."""
    order = await till.paid(shop)
    for _ in range(50):
        assert (await till.refund(shop, order, 1)).status == 200
        await shop.advance(minutes=1)
    reply = await till.refund(shop, order, 1)
    assert (reply.status, reply.code) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(("days", "status"), [(364.9, 200), (365.1, 400)])
async def test_a_year_is_the_window(shop: Shop, days: float, status: int) -> None:
    """Up to 365 days after the payment, and not a day more."""
    order = await till.paid(shop)
    await shop.advance(days=days)
    assert (await till.refund(shop, order, 1)).status == status


@pytest.mark.parametrize(("amount", "total"), [(1, 99), (1, 101), (101, 101), (101, 100)])
async def test_the_total_must_be_that_of_the_order(shop: Shop, amount: int, total: int) -> None:
    """A wrong total is refused, and so is more than the total."""
    reply = await till.refund(shop, await till.paid(shop), amount, total)
    assert (reply.status, reply.code) == (400, "INVALID_REQUEST")


async def test_only_what_was_paid_can_be_given_back(shop: Shop) -> None:
    """An unpaid order, a closed one and an unknown one have nothing to refund."""
    unpaid, closed = number(), number()
    for of in (unpaid, closed):
        await till.create(shop, out_trade_no=of)
    await till.close(shop, closed)
    assert (await till.refund(shop, unpaid)).code == "INVALID_REQUEST"
    assert (await till.refund(shop, closed)).code == "INVALID_REQUEST"
    assert (await till.refund(shop, number())).code == "RESOURCE_NOT_EXISTS"
    assert (await till.query_refund(shop, number())).code == "RESOURCE_NOT_EXISTS"


@pytest.mark.parametrize(
    ("change", "number_"),
    [
        ({"mchid": "1900000109"}, 270924358),
        ({"out_refund_no": "x" * 65}, 268435461),
        ({"out_refund_no": "with space"}, 268435461),
        ({"amount": {"refund": 1, "total": 100}}, 268435461),
        ({"amount": {"refund": "1", "total": 100, "currency": "CNY"}}, 268435461),
        ({"reason": "x" * 81}, 268435461),
    ],
)
async def test_refund_bodies_are_strict(shop: Shop, change: dict[str, Any], number_: int) -> None:
    """Unknown fields and wrong forms are refused; a refund names no merchant."""
    reply = await till.refund(shop, await till.paid(shop), 1, **change)
    assert (reply.status, reply.code, reply.number) == (400, "PARAM_ERROR", number_)


async def test_an_abnormal_refund_goes_another_way(shop: Shop, receiver: Receiver) -> None:
    """ABNORMAL is told, moves nothing, and arrives once the merchant says where to."""
    order, of = await till.paid(shop), number()
    await shop.play("refund", settle="ABNORMAL")
    url = f"{receiver.url}/r"
    refund_id = (await till.refund(shop, order, out_refund_no=of, notify_url=url)).body["refund_id"]
    assert (await settled(shop, of))["status"] == "ABNORMAL"
    assert (await shop.moved())["refund"] == 0
    target = f"{till.REFUNDS}/{refund_id}/apply-abnormal-refund"
    body = {"out_refund_no": of, "type": "MERCHANT_BANK_CARD"}
    assert (await shop.ask("POST", target, body)).body["status"] == "PROCESSING"
    assert (await settled(shop, of))["status"] == "SUCCESS"
    events = [shop.open(r).envelope["event_type"] for r in await receiver.wait_for(2)]
    assert events == ["REFUND.ABNORMAL", "REFUND.SUCCESS"]
    assert (await shop.moved())["refund"] == 100
    assert (await shop.ask("POST", target, body)).code == "INVALID_REQUEST"


async def test_a_refund_may_be_done_at_once_or_never(shop: Shop) -> None:
    """A play answers SUCCESS straight away, or leaves it PROCESSING until somebody decides."""
    await shop.play("refund", answer="SUCCESS")
    reply = await till.refund(shop, await till.paid(shop))
    assert reply.body["status"] == "SUCCESS"
    await shop.play("refund", settle="NEVER")
    of = number()
    await till.refund(shop, await till.paid(shop), out_refund_no=of)
    await shop.advance(days=1)
    assert (await till.query_refund(shop, of)).body["status"] == "PROCESSING"
    path = f"/control/refunds/{of}/settle"
    assert (await shop.control("POST", path, {"state": "CLOSED"}))["status"] == "CLOSED"
    assert (await shop.try_control("POST", path, {"state": "SUCCESS"})).status == 409
