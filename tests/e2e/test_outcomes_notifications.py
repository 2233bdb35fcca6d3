"""How a channel may notify: twice, in the wrong order, too early, a thousand times, or lying.

A notification goes the same way as an answer, so any number in any order makes one outcome; what is
not verified, or not about our intent, changes nothing.
"""

import aiohttp
import pytest

from tests.e2e.house import House
from tests.e2e.scripts import later, script
from tests.e2e.shop import Shop, state
from tests.e2e.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

HARMLESS = ["NONE", "ONCE", "TWICE", "OUT_OF_ORDER", "FORGED", "STALE"]


@pytest.mark.parametrize("notify", HARMLESS)
async def test_a_payment_succeeds_however_it_is_notified(shop: Shop, notify: str) -> None:
    """One success, one booking; a notification that is forged or stale is as good as none."""
    payment = (await shop.pay(script=later(notify=notify))).payment
    paid = await shop.reached(payment, "SUCCEEDED")
    if notify not in {"NONE", "ONCE"}:
        await until(lambda: _hit(shop.house, paid.attempt_number, f"NOTIFY_{notify}"))
    assert await shop.get(paid) == paid
    assert await shop.balance() == 1_000
    assert await shop.house.cases(paid) == []


async def test_a_notification_before_the_reply(shop: Shop) -> None:
    """The notification books it, and the reply that comes after changes nothing."""
    early = script(notify="BEFORE_REPLY")
    paid = (await shop.pay(script=early)).payment
    assert state(paid) == "SUCCEEDED"
    assert await shop.house.faults(paid.attempt_number) == ["NOTIFY_BEFORE_REPLY"]
    assert paid.version == 2
    assert await shop.balance() == 1_000


async def test_a_storm_of_notifications(shop: Shop) -> None:
    """A thousand of the same: all acknowledged, one outcome, and payments go on meanwhile."""
    before = (await shop.house.control("summary"))["notifications"]["acknowledged"]
    storm = later(50, notify="STORM", notify_count=1_000)
    payment = (await shop.pay(script=storm)).payment
    paid = await shop.reached(payment, "SUCCEEDED")
    assert state((await shop.pay(via=1)).payment) == "SUCCEEDED"

    async def acknowledged() -> int:
        counts = (await shop.house.control("summary"))["notifications"]
        return int(counts["acknowledged"]) - before

    await until(acknowledged, lambda count: count >= 1_000)
    assert await shop.get(paid) == paid
    assert await shop.balance() == 2_000


async def test_a_notification_of_another_amount(shop: Shop) -> None:
    """It is quarantined for a person; what was really paid is booked."""
    payment = (await shop.pay(script=later(notify="WRONG_AMOUNT"))).payment
    paid = await shop.reached(payment, "SUCCEEDED")
    await shop.house.case(paid, "MISMATCH")
    assert paid.captured.minor_units == 1_000


async def test_a_notification_about_a_stranger(house: House, shop: Shop) -> None:
    """A number that is not ours is kept for a person, and books nothing."""
    query = "select case_id from review_cases where kind = 'UNKNOWN_NUMBER'"
    before = len(await house.fetch(query))
    payment = (await shop.pay(script=later(notify="WRONG_NUMBER"))).payment
    await shop.reached(payment, "SUCCEEDED")
    await until(lambda: house.fetch(query), lambda rows: len(rows) == before + 1)
    assert await shop.balance() == 1_000


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/notify/sandbox", b"{}", 401),
        ("/notify/sandbox", b"\xff" * 100, 401),
        ("/notify/nobody", b"{}", 404),
        ("/notify/sandbox", b"x" * 100_000, 413),
    ],
    ids=["unsigned", "no text", "no such channel", "too long"],
)
async def test_strangers_at_the_listener(house: House, path: str, body: bytes, status: int) -> None:
    """Whoever finds the listener, and holds no key, changes nothing."""
    await house.rest()
    before = await house.row_counts()
    url = f"http://127.0.0.1:{house.stack.notify_ports[0]}{path}"
    async with (
        aiohttp.ClientSession(trust_env=False) as session,
        session.post(url, data=body) as reply,
    ):
        assert reply.status == status
    assert await house.row_counts() == before


async def _hit(house: House, number: str, fault: str) -> bool:
    return fault in await house.faults(number)
