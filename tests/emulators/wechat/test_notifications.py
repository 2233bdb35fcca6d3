"""Notifications: sealed, signed, retried on the published schedule; and every way they go wrong."""

import asyncio
import time

import pytest

from gateway.emulators.v3style.names import RETRY_DELAYS_MS
from tests.emulators.bench import Received, Receiver
from tests.emulators.v3bench import Event, Shop, number
from tests.emulators.wechat import till


async def paid(shop: Shop, receiver: Receiver, **play: object) -> str:
    """An order that was paid and is told of as a play says."""
    await shop.play("create", **play)
    return await till.paid(shop, notify_url=f"{receiver.url}/n")


async def first(shop: Shop, receiver: Receiver) -> Event:
    """The first notification, opened."""
    return shop.open((await receiver.wait_for(1))[0])


async def quiet(shop: Shop) -> None:
    """Wait until nothing is on its way."""
    async with asyncio.timeout(5):
        while (await shop.summary())["notifications"]["pending"]:
            await asyncio.sleep(0.01)


async def test_a_payment_is_told(shop: Shop, receiver: Receiver) -> None:
    """The envelope has its fields, the resource opens with the APIv3 key and is the transaction."""
    of = await paid(shop, receiver)
    [received] = await receiver.wait_for(1)
    event = shop.open(received)
    assert event.verified
    assert received.headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
    assert set(event.envelope) == {
        "id",
        "create_time",
        "event_type",
        "resource_type",
        "summary",
        "resource",
    }
    assert event.envelope["event_type"] == "TRANSACTION.SUCCESS"
    resource = event.envelope["resource"]
    assert (resource["algorithm"], len(resource["nonce"])) == ("AEAD_AES_256_GCM", 12)
    assert resource["associated_data"] == resource["original_type"] == "transaction"
    assert event.told == (await till.query(shop, of)).body
    await quiet(shop)
    assert (await shop.summary())["notifications"]["acknowledged"] == 1


@pytest.mark.parametrize(
    ("status", "accepted"), [(200, True), (204, True), (201, False), (500, False)]
)
async def test_what_counts_as_an_acknowledgement(
    shop: Shop, receiver: Receiver, status: int, *, accepted: bool
) -> None:
    """200 and 204 acknowledge, whatever the body; anything else does not."""
    receiver.answer = lambda _: (status, b"")
    await paid(shop, receiver)
    await receiver.wait_for(1)
    async with asyncio.timeout(5):
        while (await shop.summary())["notifications"]["sent"] == 0:
            await asyncio.sleep(0.01)
    assert (await shop.summary())["notifications"]["pending"] == (0 if accepted else 1)


async def test_the_schedule_is_the_published_one(shop: Shop, receiver: Receiver) -> None:
    """16 attempts in 24 h 4 min, each signed anew over the same envelope, then never again."""
    assert len(RETRY_DELAYS_MS) == 15
    assert sum(RETRY_DELAYS_MS) == (24 * 3600 + 4 * 60) * 1000
    receiver.answer = lambda _: (500, b'{"code":"FAIL","message":"no"}')
    await paid(shop, receiver)
    for attempt, delay_ms in enumerate(RETRY_DELAYS_MS, start=1):
        await receiver.wait_for(attempt)
        async with asyncio.timeout(5):
            while (await shop.summary())["notifications"]["sent"] < attempt:
                await asyncio.sleep(0.01)
        await shop.advance(ms=delay_ms - 10_000)
        await asyncio.sleep(0.02)
        assert len(receiver.received) == attempt, f"too early after attempt {attempt}"
        await shop.advance(ms=10_000)
    await receiver.wait_for(16)
    await quiet(shop)
    await shop.advance(days=2)
    assert (await shop.summary())["notifications"]["abandoned"] == 1
    assert len({received.raw for received in receiver.received}) == 1
    assert len({r.headers["Wechatpay-Nonce"] for r in receiver.received}) == 16
    assert all(shop.open(received).verified for received in receiver.received)


async def test_a_resend_may_keep_its_old_signature(
    shop: Shop, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a resend is not signed anew, its timestamp stays that of the first attempt."""
    receiver.answer = lambda _: (500, b"")
    await paid(shop, receiver, resend="KEPT")
    await receiver.wait_for(1)
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + 400 * 10**9)  # the machine's clock jumps
    stamps = [r.headers["Wechatpay-Timestamp"] for r in await receiver.wait_for(2)]
    assert stamps[0] == stamps[1]
    assert shop.open(receiver.received[1]).verified  # by the bench's clock, which did not jump


@pytest.mark.parametrize(
    "spoil",
    [
        "UNSIGNED",
        "WRONG_KEY",
        "UNKNOWN_SERIAL",
        "STALE",
        "ALTERED",
        "SIGNTEST",
        "PARTLY_SIGNED",
    ],
)
async def test_a_spoiled_notification_is_found_out_and_comes_again(
    shop: Shop, receiver: Receiver, spoil: str
) -> None:
    """The first attempt must not verify; refused, it comes again with a good signature."""

    def answer(received: Received) -> tuple[int, bytes]:
        good = shop.open(received).verified
        return (200, b"") if good else (401, b'{"code":"FAIL","message":"signature"}')

    receiver.answer = answer
    of = await paid(shop, receiver, notify=spoil)
    event = await first(shop, receiver)
    assert not event.verified
    async with asyncio.timeout(5):
        while (await shop.summary())["notifications"]["sent"] == 0:
            await asyncio.sleep(0.01)
    await shop.advance(seconds=15)
    again = shop.open((await receiver.wait_for(2))[1])
    assert again.verified
    assert again.envelope == event.envelope
    await quiet(shop)
    assert await shop.faults(of) == [f"NOTIFY_{spoil}"]


async def test_who_accepts_a_spoiled_one_is_written_down(shop: Shop, receiver: Receiver) -> None:
    """An acknowledgement of a message that does not verify is there for the oracle to read."""
    of = await paid(shop, receiver, notify="WRONG_KEY")
    await receiver.wait_for(1)
    await quiet(shop)
    assert await shop.faults(of) == ["NOTIFY_WRONG_KEY", "NOTIFY_WRONG_KEY_ACKNOWLEDGED"]


async def test_a_probe_is_named_as_one(shop: Shop, receiver: Receiver) -> None:
    """A SIGNTEST signature begins as the channel prescribes."""
    await paid(shop, receiver, notify="SIGNTEST")
    [received] = await receiver.wait_for(1)
    assert received.headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")


@pytest.mark.parametrize(
    ("lie", "member"), [("WRONG_NUMBER", "out_trade_no"), ("WRONG_MERCHANT", "mchid")]
)
async def test_a_well_signed_notification_may_lie(
    shop: Shop, receiver: Receiver, lie: str, member: str
) -> None:
    """Signature and seal are good, but what is told belongs to somebody else."""
    of = await paid(shop, receiver, notify=lie)
    event = await first(shop, receiver)
    assert event.verified
    truth = (await till.query(shop, of)).body
    assert event.told[member] != truth[member]
    assert {**event.told, member: truth[member]} == truth


async def test_an_amount_may_lie(shop: Shop, receiver: Receiver) -> None:
    """One fen too much, well signed."""
    await paid(shop, receiver, notify="WRONG_AMOUNT")
    assert (await first(shop, receiver)).told["amount"]["total"] == 101


async def test_a_resource_may_be_sealed_for_somebody_else(shop: Shop, receiver: Receiver) -> None:
    """The signature is good, but the APIv3 key does not open it."""
    await paid(shop, receiver, notify="WRONG_API_V3_KEY")
    event = await first(shop, receiver)
    assert (event.verified, event.told) == (True, None)


@pytest.mark.parametrize(("mode", "count"), [("TWICE", 2), ("STORM", 7)])
async def test_a_notification_may_come_often(
    shop: Shop, receiver: Receiver, mode: str, count: int
) -> None:
    """Duplicates are the same event under the same id."""
    of = await paid(shop, receiver, notify=mode, notify_count=7)
    found = [shop.open(received) for received in await receiver.wait_for(count)]
    await quiet(shop)
    assert len(receiver.received) == count
    assert len({event.envelope["id"] for event in found}) == 1
    assert await shop.faults(of) == [f"NOTIFY_{mode}"]


async def test_a_notification_may_never_come(shop: Shop, receiver: Receiver) -> None:
    """NONE: only a query tells the end."""
    of = await paid(shop, receiver, notify="NONE")
    await shop.advance(days=2)
    assert (await shop.summary())["notifications"]["sent"] == 0
    assert receiver.received == []
    assert await till.state(shop, of) == "SUCCESS"


async def test_notifications_may_come_out_of_order(shop: Shop, receiver: Receiver) -> None:
    """A payment's notification that is held back comes after that of its own refund."""
    of = await paid(shop, receiver, notify_delay_ms=600_000)
    await till.refund(shop, of, notify_url=f"{receiver.url}/n")
    await receiver.wait_for(1)
    await shop.advance(minutes=10)
    events = [shop.open(r) for r in await receiver.wait_for(2)]
    assert [e.envelope["event_type"] for e in events] == ["REFUND.SUCCESS", "TRANSACTION.SUCCESS"]
    assert events[1].told["trade_state"] == "SUCCESS"


async def test_a_refund_may_be_told_before_it_is_accepted(shop: Shop, receiver: Receiver) -> None:
    """REFUND.SUCCESS arrives before the reply that says PROCESSING."""
    await shop.play("refund", notify="BEFORE_REPLY")
    reply = await till.refund(shop, await till.paid(shop), notify_url=f"{receiver.url}/r")
    assert len(receiver.received) == 1
    assert reply.body["status"] == "PROCESSING"


async def test_telling_again_by_hand(shop: Shop, receiver: Receiver) -> None:
    """An order and a refund can be told of again at any time, in any of the ways."""
    of, refund = await paid(shop, receiver), number()
    url = f"{receiver.url}/n"
    await till.refund(shop, of, out_refund_no=refund, notify_url=url)
    await receiver.wait_for(2)
    await shop.control("POST", f"/control/orders/{of}/notify", {"as": "STALE"})
    assert not shop.open((await receiver.wait_for(3))[2]).verified
    await shop.control("POST", f"/control/refunds/{refund}/notify", {})
    assert shop.open((await receiver.wait_for(4))[3]).told["refund_status"] == "SUCCESS"
    assert (await shop.try_control("POST", "/control/orders/x/notify", {})).status == 404


async def test_a_slow_receiver_is_tried_again(shop: Shop, receiver: Receiver) -> None:
    """A receiver that hangs holds up nobody else's notification."""
    receiver.hold.clear()
    slow = await paid(shop, receiver)
    await receiver.wait_for(1)
    other = await paid(shop, receiver)
    told = [shop.open(r).told["out_trade_no"] for r in await receiver.wait_for(2)]
    assert told == [slow, other]
    receiver.hold.set()
    await quiet(shop)
