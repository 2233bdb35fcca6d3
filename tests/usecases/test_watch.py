"""Watch: a merchant's changes from any position on, none missed, with heartbeats in between."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.domain.change import Event
from gateway.domain.errors import NotFound, Overloaded, Reason, Unavailable
from gateway.domain.payment import PaymentState
from gateway.domain.ports import EventFeed, FeedPosition
from gateway.usecases.watch import PAGE_EVENTS_MAX, Watch, WatchTerms
from tests.domain.lives import PAID
from tests.usecases.world import World

S = PaymentState
TERMS = WatchTerms(watchers_max=2, poll_s=0.5, heartbeat_s=5.0)
AWAY = Unavailable(Reason.DATABASE_UNAVAILABLE, "Away.", retry_after_s=1)


@pytest.fixture
def watch(world: World) -> Watch:
    """Watching, with two watchers at most."""
    return Watch(world.store, world.merchants, world.clock, TERMS)


@asynccontextmanager
async def following(watch: Watch, after: FeedPosition | None = None) -> AsyncIterator[EventFeed]:
    """Watch the merchant until the block ends."""
    feed = watch("m_1", after)
    try:
        yield feed
    finally:
        await feed.aclose()


async def _events(feed: EventFeed, count: int) -> list[tuple[FeedPosition, Event]]:
    """Take so many events, passing over heartbeats."""
    found: list[tuple[FeedPosition, Event]] = []
    while len(found) < count:
        position, event = await anext(feed)
        if event:
            found.append((position, event))
    return found


async def test_it_begins_with_a_heartbeat(world: World, watch: Watch) -> None:
    """The first thing told is the position from which on nothing is missed."""
    await world.paid()

    async with following(watch) as feed:
        assert await anext(feed) == (world.store.position(2), None)


async def test_changes_come_in_their_order(world: World, watch: Watch) -> None:
    """Each change is told once, in the order of commits, with the position after it."""
    async with following(watch) as feed:
        await anext(feed)
        payment = await world.paid()

        told = await _events(feed, 2)

    assert [event.payment.state for _, event in told] == [S.PROCESSING, S.SUCCEEDED]
    assert [position for position, _ in told] == [world.store.position(n) for n in (1, 2)]
    assert told[-1][1].payment == payment


async def test_whoever_comes_back_misses_nothing(world: World, watch: Watch) -> None:
    """From a position of before, everything after it is told, and nothing before it."""
    async with following(watch) as feed:
        position, _ = await anext(feed)
        await world.paid()
        (reached, _), *_ = await _events(feed, 1)
    await world.paid(idempotency_key="pay-2")

    async with following(watch, position) as feed:
        every = await _events(feed, 4)
    async with following(watch, reached) as feed:
        rest = await _events(feed, 3)

    assert [place.transaction_id for place, _ in every] == [1, 2, 3, 4]
    assert rest == every[1:]


async def test_more_than_a_page_is_told_without_a_pause(world: World, watch: Watch) -> None:
    """A backlog is read page after page, at once."""
    start = await world.store.feed_end()
    await world.paid()
    world.rows.events *= PAGE_EVENTS_MAX
    before = world.clock.monotonic()

    async with following(watch, start) as feed:
        told = await _events(feed, 2 * PAGE_EVENTS_MAX)

    assert [position.transaction_id for position, _ in told] == list(
        range(1, 2 * PAGE_EVENTS_MAX + 1)
    )
    assert world.clock.monotonic() == before


async def test_only_the_merchants_own_changes_are_told(world: World, watch: Watch) -> None:
    """Another merchant's changes move the position, and are not told."""
    world.rows.merchants["m_2"] = replace(world.rows.merchants["m_1"], merchant_id="m_2", serial=8)

    async with following(watch) as feed:
        await anext(feed)
        await world.paying(PAID, merchant_id="m_2")
        position, event = await anext(feed)

    assert event is None
    assert position == world.store.position(2)


async def test_silence_is_broken_by_heartbeats(world: World, watch: Watch) -> None:
    """While nothing happens the watcher is told so, every few seconds."""
    async with following(watch) as feed:
        await anext(feed)
        moments = [world.clock.monotonic()]
        for _ in range(3):
            assert (await anext(feed))[1] is None
            moments.append(world.clock.monotonic())

    spans = [after - before for before, after in itertools.pairwise(moments)]
    assert spans == pytest.approx([TERMS.heartbeat_s] * 3, abs=TERMS.poll_s)


async def test_a_change_is_told_within_one_look(world: World, watch: Watch) -> None:
    """What happens while a watcher sleeps is told at his next look."""
    async with following(watch) as feed:
        await anext(feed)
        waiting = asyncio.create_task(_events(feed, 1))
        while world.clock.monotonic() < 1.0:
            await asyncio.sleep(0.1)
        await world.paid()
        before = world.clock.monotonic()
        await waiting

    assert world.clock.monotonic() - before <= TERMS.poll_s


async def test_watchers_are_bounded(world: World, watch: Watch) -> None:
    """Beyond the bound a watcher is sent away with a hint, and let in when another one left."""
    async with following(watch) as one, following(watch) as other:
        await anext(one)
        await anext(other)
        async with following(watch) as third:
            with pytest.raises(Overloaded) as refused:
                await anext(third)
            assert refused.value.reason is Reason.WATCHER_LIMIT
            assert refused.value.retry_after_s
    assert watch.watchers == 0

    async with following(watch) as feed:
        await anext(feed)
        assert watch.watchers == 1


async def test_a_place_is_left_whatever_ends_it(world: World, watch: Watch) -> None:
    """A watcher who is cancelled in the middle of a wait, or meets a fault, leaves his place."""
    async with following(watch) as feed:
        await anext(feed)
        waiting = asyncio.ensure_future(anext(feed))
        await asyncio.sleep(0.1)
        waiting.cancel()
        await asyncio.wait({waiting})
    assert watch.watchers == 0

    for where in ("feed_end", "read_events"):
        async with following(watch) as feed:
            world.store.hooks.fail(where, AWAY)
            with pytest.raises(Unavailable):
                await _events(feed, 1)
        assert watch.watchers == 0


async def test_there_must_be_such_a_merchant(world: World, watch: Watch) -> None:
    """Nobody watches a merchant that does not exist."""
    with pytest.raises(NotFound):
        await anext(watch("m_9", None))
    assert watch.watchers == 0
