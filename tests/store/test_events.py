"""The feed: every event exactly once, in one order, whatever commits when."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import asyncpg
import pytest

from gateway.domain.change import EventType
from gateway.domain.errors import InvalidRequest, Reason
from gateway.domain.payment import PaymentState
from tests.store import builders
from tests.store.scenes import open_one, open_under, opened, paid_one, value_of


async def test_an_event_says_what_was_then(database):
    """Events carry state, amounts, version, time and digest of their moment, not of now."""
    start = await database.events.feed_end()
    made = await open_one(database)
    await database.payments.change_payment("m_1", made.payment_id, builders.succeed)
    page, _ = await database.events.read_events("m_1", start, 10)
    (_, created), (_, changed) = page
    assert (created.type, changed.type) == (EventType.CREATED, EventType.CHANGED)
    assert created.payment.state is PaymentState.PROCESSING
    assert (created.payment.captured, created.payment.version) == (0, 1)
    assert changed.payment.state is PaymentState.SUCCEEDED
    assert (changed.payment.captured, changed.payment.version) == (1000, 2)
    assert (changed.payment.order_id, changed.payment.amount) == (made.order_id, made.amount)
    assert changed.digest == builders.fingerprint("state")
    assert created.create_time < changed.create_time
    assert changed.payment.update_time == changed.create_time


async def test_a_feed_goes_on_where_it_stopped(database):
    """Reading in pages of two from position to position gives every event once, then nothing."""
    position = await database.events.feed_end()
    for number in range(5):
        await paid_one(database, order_id=f"o-{number}")
    seen = []
    for _ in range(5):
        page, position = await database.events.read_events("m_1", position, 2)
        seen += [event.event_id for _, event in page]
        assert len(page) == 2
    assert len(set(seen)) == 10
    page, again = await database.events.read_events("m_1", position, 2)
    assert page == []
    assert again.transaction_id >= position.transaction_id
    await paid_one(database, order_id="later")
    page, _ = await database.events.read_events("m_1", again, 10)
    assert len(page) == 2


async def test_every_position_in_a_page_can_be_gone_on_from(database):
    """A position beside an event gives exactly what follows that event."""
    start = await database.events.feed_end()
    for number in range(3):
        await paid_one(database, order_id=f"o-{number}")
    page, _ = await database.events.read_events("m_1", start, 100)
    for index, (position, _) in enumerate(page):
        rest, _ = await database.events.read_events("m_1", position, 100)
        assert rest == page[index + 1 :]


async def test_merchants_have_feeds_of_their_own(database):
    """A merchant's feed has nothing of another's, and still moves on."""
    start = await database.events.feed_end()
    await paid_one(database, merchant_id="m_2")
    page, position = await database.events.read_events("m_1", start, 10)
    assert page == []
    assert position.transaction_id > start.transaction_id


async def test_what_is_not_committed_holds_the_feed(database, urls):
    """An event is not given while an older transaction could still add one before it."""
    start = await database.events.feed_end()
    slow = await asyncpg.connect(urls.owner)
    await slow.execute("begin")
    await slow.fetchval("select pg_current_xact_id()")
    await paid_one(database)
    page, held = await database.events.read_events("m_1", start, 10)
    assert page == []
    await slow.execute("commit")
    await slow.close()
    page, _ = await database.events.read_events("m_1", held, 10)
    assert len(page) == 2


async def test_a_position_of_another_database_is_refused(database):
    """A cursor names its database; one of another is INVALID_CURSOR, not an empty feed."""
    position = replace(await database.events.feed_end(), deployment_id=builders.clock.new_id())
    with pytest.raises(InvalidRequest) as caught:
        await database.events.read_events("m_1", position, 10)
    assert caught.value.reason is Reason.INVALID_CURSOR


async def test_a_reader_beside_eight_writers_sees_everything_once_in_order(each_urls):
    """A reader who follows eight concurrent writers sees each event once, each payment in order."""
    async with opened(each_urls) as writing, opened(each_urls) as reading:
        await writing.merchants.create_merchant(builders.merchant())
        position = await reading.events.feed_end()
        done = asyncio.Event()
        seen = []

        async def write():
            for _ in range(12):
                made = builders.payment()
                await open_under(writing, builders.claim(made), builders.opening(made))
                await writing.payments.change_payment("m_1", made.payment_id, builders.succeed)

        async def read():
            nonlocal position
            while True:
                last_look = done.is_set()
                page, position = await reading.events.read_events("m_1", position, 7)
                seen.extend(page)
                if last_look and not page:
                    return
                await asyncio.sleep(0.002)

        reader = asyncio.create_task(read())
        await asyncio.gather(*(write() for _ in range(8)))
        done.set()
        await reader
        assert await value_of(each_urls.owner, "select count(*) from events") == 8 * 12 * 2
    assert len({event.event_id for _, event in seen}) == len(seen) == 8 * 12 * 2
    places = [(at.transaction_id, at.event_id) for at, _ in seen]
    assert all(earlier < later for earlier, later in pairwise(places))
    versions = defaultdict(list)
    for _, event in seen:
        versions[event.payment.payment_id].append(event.payment.version)
    assert all(found == [1, 2] for found in versions.values())
