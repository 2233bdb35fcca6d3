"""Group commit: many callers' changes in one transaction, and nobody notices but the clock."""

import asyncio
from dataclasses import replace
from functools import partial

import asyncpg
import pytest

from gateway.domain.change import Change
from gateway.domain.errors import Contended, Overloaded, Reason, Refused
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, FailureReason, PaymentState
from gateway.domain.ports import Opened, Opening
from gateway.store.commit import ground as ground_room
from gateway.store.commit import group as group_room
from gateway.store.commit.gather import GatherBounds
from gateway.store.database import Database
from gateway.store.pool import PoolSettings
from tests.store import builders
from tests.store.fragile import FragileConnection, Plan, When, make_fragile
from tests.store.scenes import PATIENT, open_one, open_under, opened, paid_one, value_of
from tests.store.wallet_scenes import balance, spending, top_up


async def available(database: Database, payer: str) -> int:
    return (await balance(database, payer))[0]


async def commits(urls) -> int:
    """How many transactions opened payments of the merchant."""
    statement = "select count(distinct xid) from events where merchant_id = 'm_1' and version = 1"
    return await value_of(urls.owner, statement)


async def together(database: Database, openings) -> list[Opened | Exception]:
    """Send all at the same time, each as a call of its own."""
    calls = (database.payments.open_payment(opening) for opening in openings)
    return await asyncio.gather(*calls, return_exceptions=True)


def states(answers) -> list[str]:
    return [answer.aggregate.payment.state for answer in answers]


async def test_many_payments_share_few_commits(database, urls):
    """Two hundred payments at once are each told their own answer, out of a few transactions."""
    await top_up(database, 10_000, "p")
    answers = await together(database, [spending(1, "p") for _ in range(200)])
    assert set(states(answers)) == {PaymentState.SUCCEEDED}
    assert len({answer.aggregate.payment.payment_id for answer in answers}) == 200
    assert await available(database, "p") == 9_800
    assert await commits(urls) < 20
    assert await database.ledger.check() == []


async def test_a_wallet_is_spent_in_order_of_arrival(database, urls):
    """What is too large is refused, and the smaller one behind it is paid: each on what is left."""
    await top_up(database, 100, "p")
    wanted = [60, 50, 40, 1]
    answers = await together(database, [spending(amount, "p") for amount in wanted])
    assert states(answers) == ["SUCCEEDED", "FAILED", "SUCCEEDED", "FAILED"]
    failure = answers[1].aggregate.payment.failure
    assert failure.reason is FailureReason.INSUFFICIENT_FUNDS
    assert await available(database, "p") == 0
    assert await commits(urls) == 1


async def test_no_wallet_goes_below_zero(each_urls):
    """Two processes spend twenty wallets from many sides at once: to the last unit, never more."""
    async with opened(each_urls) as one, opened(each_urls) as two:
        for number in range(20):
            await top_up(one, 100, f"p{number}")
        openings = [spending(7, f"p{number % 20}") for number in range(400)]
        halves = (together(one, openings[::2]), together(two, openings[1::2]))
        answers = [answer for half in await asyncio.gather(*halves) for answer in half]
        assert states(answers).count("SUCCEEDED") == 20 * (100 // 7)
        assert {await available(one, f"p{number}") for number in range(20)} == {100 % 7}
        assert await one.ledger.check() == []
    deadlocks = "select deadlocks from pg_stat_database where datname = current_database()"
    assert await value_of(each_urls.owner, deadlocks) == 0


async def test_the_same_key_twice_in_one_batch(database, urls):
    """Of twins in one call one is made; the other is told so, and another request is told apart."""
    await top_up(database, 100, "p")
    first = spending(10, "p")
    key = first.claim.idempotency_key
    twin, other = spending(10, "p"), spending(20, "p")
    openings = [
        first,
        replace(twin, claim=replace(twin.claim, idempotency_key=key)),
        replace(
            other,
            claim=replace(
                other.claim, idempotency_key=key, fingerprint=builders.fingerprint("another")
            ),
        ),
    ]
    answers = await database.payments.open_payments(openings)
    assert [answer.existing for answer in answers] == [None, first.claim, first.claim]
    assert answers[1].aggregate.payment == answers[0].aggregate.payment
    assert not answers[2].existing.same_request(openings[2].claim)
    assert await available(database, "p") == 90


async def test_a_bad_item_fails_alone(database, urls):
    """One item that the database refuses and one whose decision breaks spare their neighbours."""
    await top_up(database, 1_000, "p")
    openings = [spending(1, "p") for _ in range(30)]

    def broken(_available: int) -> Change:
        raise ZeroDivisionError

    openings[7] = replace(openings[7], decide=broken)
    unknown = builders.payment(amount=Money("CNY", 1), channel_number="\0")
    openings[19] = Opening(builders.claim(unknown), lambda _available: builders.opening(unknown))
    answers = await database.payments.open_payments(openings)
    assert isinstance(answers[7], ZeroDivisionError)
    assert isinstance(answers[19], Exception)
    good = [answer for index, answer in enumerate(answers) if index not in (7, 19)]
    assert set(states(good)) == {PaymentState.SUCCEEDED}
    assert await available(database, "p") == 1_000 - 28
    for index in (7, 19):
        claim = openings[index].claim
        assert await database.payments.find_claim("m_1", claim.idempotency_key) is None


async def test_a_refusal_binds_only_its_own_key(database, urls):
    """A refusal for ever and one for now in one batch: one keeps its key, one frees it."""
    await top_up(database, 10, "p")
    paid = await paid_one(database)
    bound, free = (builders.refund_claim(paid, key, 1) for key in ("bound", "free"))
    others = [await paid_one(database) for _ in range(2)]

    def refuse(_aggregate, *, key_bound: bool) -> Change:
        reason = Reason.ILLEGAL_TRANSITION
        raise Refused(reason, "No.", key_bound=key_bound)

    change = database.payments.change_payment
    answers = await asyncio.gather(
        change("m_1", others[0].payment_id, partial(refuse, key_bound=True), claim=bound),
        change("m_1", others[1].payment_id, partial(refuse, key_bound=False), claim=free),
        database.payments.open_payment(spending(10, "p")),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [Refused, Refused, Opened]
    assert (await database.payments.find_claim("m_1", "bound")).refusal is not None
    assert await database.payments.find_claim("m_1", "free") is None
    assert await available(database, "p") == 0


async def test_a_stuck_payment_does_not_hold_up_its_neighbours(urls):
    """While one payment is locked by somebody else the others of its batch are committed."""
    async with opened(urls, lock_timeout_s=10) as database:
        await top_up(database, 100, "p")
        stuck, free = await open_one(database), await open_one(database)
        blocker = await asyncpg.connect(urls.owner)
        await blocker.execute("begin")
        await blocker.execute(
            "select 1 from payments where payment_id = $1 for update", stuck.payment_id
        )
        change = database.payments.change_payment
        waiting = asyncio.create_task(change("m_1", stuck.payment_id, builders.succeed))
        others = (
            change("m_1", free.payment_id, builders.succeed),
            *(database.payments.open_payment(spending(1, "p")) for _ in range(20)),
        )
        async with asyncio.timeout(8):
            await asyncio.gather(*others)
        assert not waiting.done()
        await blocker.execute("rollback")
        await blocker.close()
        assert (await waiting).written


async def test_a_stuck_payment_is_contention_in_the_end(urls):
    """Who waits alone for a lock waits no longer than the pool's bound, and nothing is kept."""
    async with opened(urls, lock_timeout_s=0.3) as database:
        stuck, free = await open_one(database), await open_one(database)
        blocker = await asyncpg.connect(urls.owner)
        await blocker.execute("begin")
        await blocker.execute(
            "select 1 from payments where payment_id = $1 for update", stuck.payment_id
        )
        answers = await asyncio.gather(
            database.payments.change_payment("m_1", stuck.payment_id, builders.succeed),
            database.payments.change_payment("m_1", free.payment_id, builders.succeed),
            return_exceptions=True,
        )
        await blocker.close()
        assert isinstance(answers[0], Contended)
        assert answers[1].written


async def test_a_full_backlog_sheds_before_any_intent(urls):
    """What does not fit the backlog is refused whole, and no row of it is ever written."""
    bounds = GatherBounds(backlog_max=10)
    database = Database(PoolSettings(dsn=urls.runtime, **PATIENT), bounds=bounds)
    await database.open()
    await top_up(database, 100, "p")
    with pytest.raises(Overloaded):
        await database.payments.open_payments([spending(1, "p") for _ in range(11)])
    answers = await database.payments.open_payments([spending(1, "p") for _ in range(10)])
    assert set(states(answers)) == {PaymentState.SUCCEEDED}
    await database.close()
    assert await value_of(urls.owner, "select count(*) from operations where kind = 'PAY'") == 10


async def test_an_order_has_one_payment_also_within_a_batch(database, urls):
    """Of many payments for orders that may have one each, one per order is made."""
    await top_up(database, 1_000, "p")
    openings = []
    for number in range(30):
        opening = spending(1, "p", one_per_order=True, order_id=f"o{number % 3}")
        openings.append(replace(opening, exclusive_order=f"o{number % 3}"))
    answers = await database.payments.open_payments(openings)
    made = [answer for answer in answers if isinstance(answer, Opened)]
    assert len(made) == 3
    assert sum(isinstance(answer, Refused) for answer in answers) == 27
    assert await available(database, "p") == 997


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
@pytest.mark.parametrize("at", [1, 2])
async def test_a_batch_that_is_lost_anywhere_is_made_once(urls, monkeypatch, at, when):
    """A connection lost at any statement of a batch leaves each payment made once, each told so."""
    make_fragile(monkeypatch)
    async with opened(urls) as database:
        await top_up(database, 100, "p")
        openings = [spending(9, "p") for _ in range(12)]
        FragileConnection.plan = Plan(urls, at, when)
        answers = await database.payments.open_payments(openings)
        assert FragileConnection.plan.hits == 1
        FragileConnection.plan = None
        assert states(answers).count("SUCCEEDED") == 11
        assert [answer.existing for answer in answers] == [None] * 12
        assert await available(database, "p") == 1
        assert (
            await value_of(urls.owner, "select count(*) from payments where merchant_id = 'm_1'")
            == 12
        )
        assert await database.ledger.check() == []


async def test_racing_processes_decide_again(each_urls):
    """Where another process was first with a key, the batch is decided anew and refuses nobody."""
    async with opened(each_urls) as one, opened(each_urls) as two:
        await top_up(one, 1_000, "p")
        await one.merchants.create_merchant(builders.merchant())
        openings = [spending(20, "p") for _ in range(50)]
        twins = []
        for opening in openings:
            twin = spending(20, "p")
            claim = replace(twin.claim, idempotency_key=opening.claim.idempotency_key)
            twins.append(replace(twin, claim=claim))
        answers = await asyncio.gather(together(one, openings), together(two, twins))
        for first, second in zip(*answers, strict=True):
            assert states([first, second]) == ["SUCCEEDED", "SUCCEEDED"]
            assert first.aggregate.payment.payment_id == second.aggregate.payment.payment_id
            assert (first.existing is None) != (second.existing is None)
        assert await available(one, "p") == 0


async def test_rivals_for_a_wallet_that_holds_enough_do_not_race(each_urls):
    """Two processes pay from one wallet at once, and none is told to decide anew."""
    async with opened(each_urls) as one, opened(each_urls) as two:
        await top_up(one, 1_000, "p")
        for _ in range(5):
            halves = (
                together(database, [spending(1, "p") for _ in range(50)]) for database in (one, two)
            )
            for answers in await asyncio.gather(*halves):
                assert set(states(answers)) == {PaymentState.SUCCEEDED}
        assert await available(one, "p") == 500
        assert [database.payments._commits._wary for database in (one, two)] == [0, 0]
        assert await one.ledger.check() == []


async def test_nobody_is_refused_for_want_of_what_is_there(urls, monkeypatch):
    """Money that came in between the look and the commit counts for every payment of the batch."""
    async with opened(urls) as one, opened(urls) as two:
        await top_up(one, 100, "p")
        seen = []

        async def glance(connection, batch):
            seen.append(batch)
            ground = await ground_room.glance(connection, batch)
            if len(batch) == 2:
                await top_up(two, 50, "p")
            return ground

        monkeypatch.setattr(group_room, "glance", glance)
        answers = await one.payments.open_payments([spending(60, "p"), spending(60, "p")])
        assert states(answers) == ["SUCCEEDED", "SUCCEEDED"]
        assert [len(batch) for batch in seen].count(2) == 1, "the look was taken before the top-up"
        assert await available(one, "p") == 30
        assert await one.ledger.check() == []


async def test_refunds_of_one_merchant_share_a_batch_and_its_balance(database, urls):
    """Refunds decided together see what the ones before them took from the merchant's balance."""
    paid = [await paid_one(database) for _ in range(6)]
    claims = [builders.refund_claim(item, f"r{number}", 900) for number, item in enumerate(paid)]
    seen = []

    def decide(claim, aggregate):
        seen.append(aggregate.funds.merchant_balance)
        return builders.refund(claim, 900)(aggregate)

    await asyncio.gather(
        *(
            database.payments.change_payment(
                "m_1", item.payment_id, partial(decide, claim), claim=claim, lock_funds=True
            )
            for item, claim in zip(paid, claims, strict=True)
        )
    )
    assert sorted(seen, reverse=True) == [6_000 - 900 * number for number in range(6)]
    statement = "select count(distinct xid) from events where type = 'REFUND_ACCEPTED'"
    assert await value_of(urls.owner, statement) < 6


async def test_unopened_wallets_hold_nothing(database):
    """A payment from a wallet that was never opened is refused for want of money, and kept so."""
    opening = spending(1, "stranger")
    answer = await database.payments.open_payment(opening)
    assert answer.aggregate.payment.failure.reason is FailureReason.INSUFFICIENT_FUNDS
    again = replace(opening.claim, object_id=builders.clock.new_id())
    assert await open_under(database, again, opening.decide(0)) == opening.claim


async def test_a_hold_counts_against_what_is_available(database, urls):
    """What is authorised and not captured cannot be spent a second time."""
    await top_up(database, 100, "p")
    holding = spending(70, "p", CaptureMode.MANUAL)
    answers = await database.payments.open_payments([holding, spending(31, "p"), spending(30, "p")])
    assert states(answers) == ["AUTHORIZED", "FAILED", "SUCCEEDED"]
    assert await balance(database, "p") == (0, 70)
