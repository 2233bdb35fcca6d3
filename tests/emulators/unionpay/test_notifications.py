"""Notifications: forms, signed at each attempt, retried; and every way they go wrong."""

import asyncio
from collections import Counter

import pytest

from gateway.emulators.unionpay.notices import RETRY_DELAYS_MS
from tests.emulators.bench import Receiver
from tests.emulators.unionpay.test_faults import SPOILS
from tests.emulators.unionpay.till import Till, read_notification


async def sent(till: Till, attempts: int) -> None:
    """Wait until so many attempts are written down."""
    async with asyncio.timeout(5):
        while (await till.summary())["notifications"]["sent"] < attempts:
            await asyncio.sleep(0.01)


async def test_a_payment_is_told(till: Till, receiver: Receiver) -> None:
    """What is told is what a query tells, under the order's own codes, and it is UnionPay's."""
    paid = await till.paid(backUrl=f"{receiver.url}/n?shop=1", reqReserved="7 apples")
    [received] = await receiver.wait_for(1)
    assert received.target == "/n?shop=1"
    told = read_notification(received)
    assert till.network.complaint(told) is None
    assert (told["respCode"], told["respMsg"], told["reqReserved"]) == (
        "00",
        "成功[0000000]",
        "7 apples",
    )
    assert (told["bizType"], "origRespCode" in told) == ("000201", False)
    same = set(told) - {"bizType", "reqReserved", "signature"}
    assert {name: told[name] for name in same} == {name: paid[name] for name in same}
    await sent(till, 1)
    assert (await till.summary())["notifications"]["acknowledged"] == 1


async def test_everything_that_succeeds_is_told(till: Till, receiver: Receiver) -> None:
    """Authorisations, completions, voids, refunds: each tells of itself and of its origin."""
    await till.jump_to(12)
    where = {"backUrl": f"{receiver.url}/n"}
    held = await till.paid("02", **where)
    done = await till.done("03", held["queryId"], **where)
    await till.done("04", done["queryId"], **where, txnAmt="40")
    paid = await till.paid(**where)
    await till.done("31", paid["queryId"], **where)
    told = [read_notification(each) for each in await receiver.wait_for(5)]
    found = {each["txnType"]: each.get("origQryId") for each in told}
    assert found == {
        "02": None,
        "03": held["queryId"],
        "04": done["queryId"],
        "01": None,
        "31": paid["queryId"],
    }
    assert all(till.network.complaint(each) is None for each in told)


async def test_failures_are_not_told_unless_played(till: Till, receiver: Receiver) -> None:
    """A bank's refusal is silent as published; some products tell it, so it can be played."""
    where = {"backUrl": f"{receiver.url}/n"}
    await till.play("consume", settle="64", settle_delay_ms=0)
    await till.play("consume", settle="64", settle_delay_ms=0, tell_failure=True)
    silent = (await till.back(**where)).fields
    told = (await till.back(**where)).fields
    for asked in (silent, told):
        assert (await till.settled(asked))["origRespCode"] == "64"
    [received] = await receiver.wait_for(1)
    fields = read_notification(received)
    assert (fields["orderId"], fields["respCode"]) == (told["orderId"], "64")
    assert till.network.complaint(fields) is None
    await sent(till, 1)
    assert (await till.summary())["notifications"]["pending"] == 0


@pytest.mark.parametrize(
    ("status", "accepted"), [(200, True), (204, False), (302, False), (500, False)]
)
async def test_only_200_acknowledges(
    till: Till, receiver: Receiver, status: int, *, accepted: bool
) -> None:
    """Whatever the body, 200 is enough, and nothing else is."""
    receiver.answer = lambda _: (status, b"")
    await till.paid(backUrl=f"{receiver.url}/n")
    await sent(till, 1)
    assert (await till.summary())["notifications"]["pending"] == (0 if accepted else 1)


async def test_it_is_told_five_times_in_all(till: Till, receiver: Receiver) -> None:
    """On schedule, in virtual time, each with the certificate in force; then never again."""
    assert RETRY_DELAYS_MS == (60_000, 120_000, 240_000, 300_000)
    receiver.answer = lambda _: (500, b"")
    await till.paid(backUrl=f"{receiver.url}/n")
    for attempt, delay_ms in enumerate(RETRY_DELAYS_MS, start=1):
        await receiver.wait_for(attempt)
        await sent(till, attempt)
        await till.advance(milliseconds=delay_ms - 30_000)
        await asyncio.sleep(0.02)
        assert len(receiver.received) == attempt, f"too early after attempt {attempt}"
        if attempt == 1:
            await till.control("POST", "/control/keys/rotate", {"what": "SIGNING_CERTIFICATE"})
        await till.advance(milliseconds=30_000)
    told = [read_notification(each) for each in await receiver.wait_for(5)]
    await sent(till, 5)
    await till.advance(days=2)
    assert (await till.summary())["notifications"]["abandoned"] == 1
    assert len(receiver.received) == 5
    assert [till.network.complaint(each) for each in told] == [None] * 5
    assert Counter(each["signPubKeyCert"] for each in told).most_common()[0][1] == 4


async def test_a_notification_may_not_verify(till: Till, receiver: Receiver) -> None:
    """Spoiled in one thing at first, good at the next attempt; who believed it is on record."""
    where = {"backUrl": f"{receiver.url}/n"}
    receiver.answer = lambda _: (200 if len(receiver.received) == 1 else 500, b"")
    for count, (name, complaint) in enumerate(SPOILS.items(), start=1):
        await till.play("app_consume", notify=name)
        paid = await till.paid(**where)
        told = read_notification((await receiver.wait_for(count))[-1])
        assert till.network.complaint(told) == complaint, name
        await sent(till, count)
        hits = [f"NOTIFY_{name}"] + ([f"NOTIFY_{name}_ACKNOWLEDGED"] if count == 1 else [])
        assert await till.faults(paid["orderId"]) == hits
    receiver.answer = lambda _: (200, b"")
    await till.advance(minutes=1)
    again = [read_notification(each) for each in (await receiver.wait_for(2 * len(SPOILS) - 1))]
    assert {till.network.complaint(each) for each in again[len(SPOILS) :]} == {None}


async def test_a_well_signed_notification_may_lie(till: Till, receiver: Receiver) -> None:
    """Only comparing with what was asked finds out; whoever acknowledges it is written down."""
    where = {"backUrl": f"{receiver.url}/n"}
    table = {
        "WRONG_AMOUNT": "txnAmt",
        "WRONG_NUMBER": "orderId",
        "WRONG_TIME": "txnTime",
        "WRONG_MERCHANT": "merId",
        "WRONG_CURRENCY": "currencyCode",
    }
    for count, (name, field) in enumerate(table.items(), start=1):
        await till.play("app_consume", notify=name)
        paid = await till.paid(**where)
        told = read_notification((await receiver.wait_for(count))[-1])
        assert till.network.complaint(told) is None
        assert told[field] != paid[field]
        await sent(till, count)
        assert await till.faults(paid["orderId"]) == [
            f"NOTIFY_{name}",
            f"NOTIFY_{name}_ACKNOWLEDGED",
        ]


async def test_notifications_come_twice_late_out_of_order_or_not_at_all(
    till: Till, receiver: Receiver
) -> None:
    """Duplicates, storms, silence, and one that others overtake."""
    where = {"backUrl": f"{receiver.url}/n"}
    await till.play("app_consume", notify="NONE")
    await till.paid(**where)
    await till.play("app_consume", notify_delay_ms=60_000)
    held = await till.paid(**where)
    await till.play("app_consume", notify="TWICE")
    await till.paid(**where)
    await till.play("app_consume", notify="STORM", notify_count=20)
    await till.paid(**where)
    counts = Counter(read_notification(r)["orderId"] for r in await receiver.wait_for(22))
    assert sorted(counts.values()) == [2, 20]
    assert held["orderId"] not in counts
    await till.advance(minutes=1)
    assert read_notification((await receiver.wait_for(23))[-1])["orderId"] == held["orderId"]


async def test_a_notification_may_come_before_the_reply(till: Till, receiver: Receiver) -> None:
    """The merchant hears of the money before it hears that it was accepted."""
    where = {"backUrl": f"{receiver.url}/n"}
    receiver.hold.clear()
    await till.play("consume", notify="BEFORE_REPLY")
    asking = asyncio.create_task(till.back(**where))
    await receiver.wait_for(1)
    assert not asking.done()
    receiver.hold.set()
    reply = await asking
    told = read_notification(receiver.received[0])
    assert (reply.code, told["queryId"]) == ("00", reply.fields["queryId"])


async def test_anything_can_be_told_once_more(till: Till, receiver: Receiver) -> None:
    """By hand, in any mode, long after."""
    paid = await till.paid(backUrl=f"{receiver.url}/n")
    await receiver.wait_for(1)
    path = f"/control/orders/{paid['orderId']}/notify"
    assert await till.control("POST", path, {}) == {"notifications": 1}
    await till.control("POST", path, {"as": "FORGED"})
    complaints = [till.network.complaint(read_notification(r)) for r in await receiver.wait_for(3)]
    assert sorted(complaints, key=str) == [None, None, "chain"]
