"""Work: leased by one worker at a time, by the database's clock; review cases."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from gateway.domain.change import Change, ReviewKind
from gateway.domain.channel import AttemptState
from tests.store import builders
from tests.store.scenes import open_one, open_under, opened, rows_of, value_of

LEASE = timedelta(seconds=30)
YOUNG = timedelta(0)
"""Least age that every attempt here has."""


async def make_due(urls):
    await rows_of(urls.owner, "update attempts set due_time = now() - interval '1 second'")


async def test_only_what_is_due_is_leased(database, urls):
    """An attempt is not taken before its time, nor once it is closed."""
    made = await open_one(database)
    assert await database.work.lease_attempts(10, LEASE) == []
    await make_due(urls)
    [taken] = await database.work.lease_attempts(10, LEASE)
    [kept] = (await database.payments.load("m_1", made.payment_id)).attempts.values()
    assert taken == kept
    await database.payments.change_payment("m_1", made.payment_id, builders.succeed)
    assert await database.work.lease_attempts(10, timedelta(0)) == []


async def test_a_lease_ends_by_itself(database, urls):
    """What a dead worker took is due again after its lease."""
    await open_one(database)
    await make_due(urls)
    assert len(await database.work.lease_attempts(10, timedelta(0))) == 1
    assert len(await database.work.lease_attempts(10, LEASE)) == 1
    assert await database.work.lease_attempts(10, LEASE) == []
    left = await value_of(urls.owner, "select extract(epoch from due_time - now()) from attempts")
    assert 20 < left <= 30


async def test_workers_never_take_the_same(each_urls):
    """Eight workers over two pools take sixty due attempts, each exactly once."""
    async with opened(each_urls) as one, opened(each_urls) as two:
        await one.merchants.create_merchant(builders.merchant())
        for _ in range(60):
            made = builders.payment()
            await open_under(one, builders.claim(made), builders.opening(made))
        await make_due(each_urls)

        async def worker(database):
            taken = []
            while page := await database.work.lease_attempts(5, LEASE):
                taken += [attempt.attempt_id for attempt in page]
            return taken

        taken = await asyncio.gather(*(worker((one, two)[number % 2]) for number in range(8)))
        # A worker that loses a race gets fewer than asked, even none, and stops here.
        rest = await worker(one)
    found = [*rest, *(attempt_id for part in taken for attempt_id in part)]
    assert len(found) == len(set(found)) == 60


async def test_what_is_learned_of_an_attempt_is_kept(database, urls):
    """Tries, verified "not found" answers and the fence are kept, and it is due after the delay."""
    made = await open_one(database)
    [attempt] = (await database.payments.load("m_1", made.payment_id)).attempts.values()
    learned = replace(attempt, tries=3, not_found_count=2, fenced=True)
    await database.work.postpone_attempt(learned, timedelta(seconds=100))
    kept = await database.payments.find_attempt("m_1", attempt.attempt_id)
    assert kept == replace(learned, due_time=kept.due_time)
    left = await value_of(urls.owner, "select extract(epoch from due_time - now()) from attempts")
    assert 90 < left <= 100


async def test_a_closed_attempt_is_not_postponed(database):
    """An attempt that was concluded meanwhile stays closed."""
    made = await open_one(database)
    [attempt] = (await database.payments.load("m_1", made.payment_id)).attempts.values()
    changed = await database.payments.change_payment("m_1", made.payment_id, builders.succeed)
    await database.work.postpone_attempt(attempt, LEASE)
    kept = await database.payments.find_attempt("m_1", attempt.attempt_id)
    assert kept == changed.aggregate.attempts[attempt.attempt_id]
    assert kept.state is AttemptState.SUCCEEDED


async def test_what_is_hurried_is_due_soon(database, urls):
    """Open attempts of one payment are due after the delay, once; those due sooner stay so."""
    hurried, other = [await open_one(database, order_id=f"o-{number}") for number in range(2)]
    before = await due_times(database, hurried, other)
    await database.work.hurry_attempts("m_1", hurried.payment_id, timedelta(seconds=1), YOUNG)
    after = await due_times(database, hurried, other)
    assert after[0] < before[0]
    assert after[1] == before[1]
    for delay in (timedelta(seconds=30), timedelta(seconds=1)):
        await database.work.hurry_attempts("m_1", hurried.payment_id, delay, YOUNG)
    assert await due_times(database, hurried, other) == after
    await make_due(urls)
    await database.work.lease_attempts(10, LEASE)
    await database.work.hurry_attempts("m_1", hurried.payment_id, timedelta(0), YOUNG)
    [taken] = await database.work.lease_attempts(10, LEASE)
    assert taken.payment_id == hurried.payment_id


async def test_what_a_sender_may_still_hold_is_not_hurried(database, urls):
    """An attempt younger than the least age keeps its lease, by the database's clock."""
    made = await open_one(database)
    before = await due_times(database, made)
    await database.work.hurry_attempts("m_1", made.payment_id, timedelta(0), LEASE)
    assert await due_times(database, made) == before
    await rows_of(urls.owner, "update attempts set create_time = now() - interval '30 seconds'")
    await database.work.hurry_attempts("m_1", made.payment_id, timedelta(0), LEASE)
    assert await due_times(database, made) < before


async def test_a_closed_attempt_is_not_hurried(database):
    """What was concluded is never asked about again."""
    made = await open_one(database)
    await database.payments.change_payment("m_1", made.payment_id, builders.succeed)
    await database.work.hurry_attempts("m_1", made.payment_id, timedelta(0), YOUNG)
    assert await database.work.lease_attempts(10, LEASE) == []


async def due_times(database, *payments):
    """When workers next ask about the first attempt of each."""
    found = [await database.payments.load("m_1", made.payment_id) for made in payments]
    return [next(iter(each.attempts.values())).due_time for each in found]


async def test_expired_authorizations_are_leased(database, urls):
    """Authorised payments are taken once their time to capture has passed, and once per lease."""
    ended, running = [await open_one(database, order_id=f"o-{number}") for number in range(2)]
    for made, lifetime in ((ended, timedelta(seconds=-1)), (running, timedelta(days=1))):

        def decide(aggregate, lifetime=lifetime):
            return builders.authorize(aggregate, lifetime)

        await database.payments.change_payment("m_1", made.payment_id, decide)
    due = [("m_1", ended.payment_id)]
    assert await database.work.lease_expired_authorizations(10, timedelta(0)) == due
    assert await database.work.lease_expired_authorizations(10, LEASE) == due
    assert await database.work.lease_expired_authorizations(10, LEASE) == []


async def test_a_change_does_not_end_a_lease(database):
    """A payment that stays authorised stays with the worker that took it; one that ends leaves."""
    made = await open_one(database)
    await database.payments.change_payment(
        "m_1", made.payment_id, lambda found: builders.authorize(found, timedelta(seconds=-1))
    )
    assert len(await database.work.lease_expired_authorizations(10, LEASE)) == 1

    def touch(aggregate):
        after = builders.next_version(aggregate.payment)
        return Change(after, builders.event(after))

    await database.payments.change_payment("m_1", made.payment_id, touch)
    assert await database.work.lease_expired_authorizations(10, LEASE) == []


async def test_a_review_case_is_kept_once(database):
    """There is one case per owner, kind and subject, and a resolved one is not opened again."""
    case = builders.review()
    assert await database.work.open_review(case)
    again = builders.review(detail="again")
    assert not await database.work.open_review(again)
    assert await database.work.open_review(builders.review(kind=ReviewKind.MISMATCH))
    assert await database.work.open_review(builders.review(owner_id="m_2"))
    now = builders.clock.now()
    resolved = replace(case, resolve_time=now, resolution="acknowledged", note="seen")
    assert await database.work.resolve_review(resolved)
    assert not await database.work.resolve_review(resolved)
    assert await database.work.find_review(case.case_id) == resolved
    assert not await database.work.open_review(again)


async def test_what_became_clear_by_itself_needs_nobody(database):
    """Settling closes the open case of that owner, kind and subject, and no other."""
    cases = [builders.review(subject=subject) for subject in ("clear", "dark")]
    for case in cases:
        await database.work.open_review(case)
    for subject in ("clear", "unknown"):
        await database.work.settle_review("m_1", ReviewKind.UNRESOLVED, subject)
    await database.work.settle_review("m_2", ReviewKind.UNRESOLVED, "dark")
    assert await database.work.list_reviews(include_resolved=False, limit=10) == [cases[1]]
    settled = await database.work.find_review(cases[0].case_id)
    assert settled.resolve_time is not None
    assert settled.resolution


async def test_twenty_finders_open_one_review_case(database):
    """Of twenty who find the same thing at once one is told that its case is new."""
    opened_cases = await asyncio.gather(
        *(database.work.open_review(builders.review()) for _ in range(20))
    )
    assert opened_cases.count(True) == 1


async def test_review_cases_are_listed_oldest_first(database):
    """Open cases are listed by age; resolved ones only for who asks."""
    cases = [builders.review(subject=str(number)) for number in range(5)]
    for case in reversed(cases):
        await database.work.open_review(case)
    done = replace(cases[1], resolve_time=builders.clock.now(), resolution="x")
    await database.work.resolve_review(done)
    expected = [cases[0], *cases[2:]]
    assert await database.work.list_reviews(include_resolved=False, limit=10) == expected
    assert await database.work.list_reviews(include_resolved=False, limit=2) == expected[:2]
    everything = [cases[0], done, *cases[2:]]
    assert await database.work.list_reviews(include_resolved=True, limit=10) == everything
    assert await database.work.find_review(builders.clock.new_id()) is None
