"""Faults at every statement: no half result, no second effect, and the truth about the rest."""

import asyncio
from typing import NamedTuple

import asyncpg
import pytest

from gateway.domain.errors import GatewayError, Overloaded, Reason, Refused, Unavailable
from gateway.domain.payment import PaymentState
from gateway.store.database import Database
from gateway.store.pool import PoolSettings
from tests.store import builders
from tests.store.fragile import FragileConnection, Plan, When, make_fragile
from tests.store.scenes import open_one, open_under, opened, paid_one, value_of

# begin, claim, lock, load, guard, guard made, guard, funds, write, commit
REFUND_STATEMENTS = 9
"""begin, claims, lock, load, make guards, lock them, read funds, write, commit."""

COMMIT = REFUND_STATEMENTS

OPENING_STATEMENTS = 2
"""look, write."""


class Scene(NamedTuple):
    """A paid payment, a refund of it, and who carries the refund out."""

    database: Database
    urls: object
    paid: object
    claim: object

    async def refund(self):
        return await self.database.payments.change_payment(
            "m_1",
            self.paid.payment_id,
            builders.refund(self.claim, 300),
            claim=self.claim,
            lock_funds=True,
        )


@pytest.fixture
async def scene(urls, monkeypatch):
    make_fragile(monkeypatch)
    async with opened(urls) as database:
        paid = await paid_one(database)
        yield Scene(database, urls, paid, builders.refund_claim(paid, "r", 300))
        FragileConnection.plan = None
    await let_in(urls)


def plan(urls, at, when, **options):
    FragileConnection.plan = Plan(urls, at, when, **options)
    return FragileConnection.plan


async def kept(urls):
    """How many refunds there are, as the claim, the operation, its attempt and its entry say."""
    return {
        "claims": await value_of(urls.owner, "select count(*) from operations where kind='REFUND'"),
        "operations": await value_of(urls.owner, "select count(*) from payment_operations"),
        "attempts": await value_of(urls.owner, "select count(*) from attempts where kind='REFUND'"),
        "transfers": await value_of(
            urls.owner, "select count(*) from transfers where event = 'refund_accepted'"
        ),
        "events": await value_of(
            urls.owner, "select count(*) from events where type = 'REFUND_ACCEPTED'"
        ),
    }


async def test_a_refund_has_the_statements_that_faults_are_aimed_at(scene):
    """The list of statements that the other tests count by is the real one."""
    followed = plan(scene.urls, 0, When.BEFORE)
    await scene.refund()
    assert len(followed.statements) == REFUND_STATEMENTS
    assert followed.statements[-1] == "commit"


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
@pytest.mark.parametrize("at", range(1, REFUND_STATEMENTS + 1))
async def test_a_lost_connection_is_survived(scene, at, when):
    """A connection lost at any statement, done or not, ends in one refund that is told as made."""
    followed = plan(scene.urls, at, when)
    changed = await scene.refund()
    assert followed.hits == 1
    assert changed.written
    assert changed.existing is None
    assert scene.claim.object_id in changed.aggregate.operations
    assert set((await kept(scene.urls)).values()) == {1}
    assert await scene.database.ledger.check() == []


@pytest.mark.parametrize("at", range(1, COMMIT))
async def test_a_database_that_goes_away_before_the_commit_kept_nothing(scene, at):
    """Lost before the commit was sent and not found again: DATABASE_UNAVAILABLE, and no intent."""
    plan(scene.urls, at, When.AFTER, then_away=True)
    with pytest.raises(Unavailable) as caught:
        await scene.refund()
    assert caught.value.reason is Reason.DATABASE_UNAVAILABLE
    assert caught.value.retry_after_s
    await let_in(scene.urls)
    assert set((await kept(scene.urls)).values()) == {0}


@pytest.mark.parametrize(("when", "count"), [(When.BEFORE, 0), (When.AFTER, 1)])
async def test_a_database_that_goes_away_at_the_commit_leaves_it_unknown(scene, when, count):
    """Lost at the commit and not found again: COMMIT_UNKNOWN, whether it was kept or not."""
    plan(scene.urls, COMMIT, when, then_away=True)
    with pytest.raises(Unavailable) as caught:
        await scene.refund()
    assert caught.value.reason is Reason.COMMIT_UNKNOWN
    await let_in(scene.urls)
    assert set((await kept(scene.urls)).values()) == {count}


async def let_in(urls):
    """Let the database that a plan sent away accept connections again."""
    connection = await asyncpg.connect(urls.superuser)
    name = await connection.fetchval("select current_database()")
    await connection.execute(f"alter database {name} connection limit -1")
    await connection.close()


@pytest.mark.parametrize("at", range(1, REFUND_STATEMENTS + 1))
async def test_a_cancelled_caller_stops_nothing(scene, at):
    """A caller cancelled at any statement only stops waiting: what he asked for is done once."""
    followed = plan(scene.urls, at, When.CANCELED)
    followed.caller = asyncio.create_task(scene.refund())
    with pytest.raises(asyncio.CancelledError):
        await followed.caller
    assert followed.hits == 1
    await scene.database.payments.drain()
    FragileConnection.plan = None
    assert scene.database.pool.idle == scene.database.pool.size
    changed = await scene.refund()
    assert scene.claim.object_id in changed.aggregate.operations
    assert set((await kept(scene.urls)).values()) == {1}


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
@pytest.mark.parametrize("at", range(1, OPENING_STATEMENTS + 1))
async def test_an_opening_that_is_lost_is_made_once(scene, at, when):
    """A payment whose connection is lost at any statement is made once and told as made."""
    made = builders.payment()
    followed = plan(scene.urls, at, when)
    assert await open_under(scene.database, builders.claim(made), builders.opening(made)) is None
    assert followed.hits == 1
    assert len(followed.statements) > OPENING_STATEMENTS
    found = await value_of(
        scene.urls.owner, "select count(*) from events where payment_id = $1", made.payment_id
    )
    assert found == 1


@pytest.mark.parametrize("at", range(1, OPENING_STATEMENTS + 1))
async def test_an_opening_that_is_lost_with_its_database(scene, at):
    """Lost with its database a payment is COMMIT_UNKNOWN from the commit on, and else not kept."""
    made = builders.payment()
    plan(scene.urls, at, When.AFTER, then_away=True)
    with pytest.raises(Unavailable) as caught:
        await open_under(scene.database, builders.claim(made), builders.opening(made))
    committing = at == OPENING_STATEMENTS
    expected = Reason.COMMIT_UNKNOWN if committing else Reason.DATABASE_UNAVAILABLE
    assert caught.value.reason is expected


@pytest.mark.parametrize("at", range(1, OPENING_STATEMENTS + 2))
async def test_a_refused_order_that_is_lost_stays_refused(scene, at):
    """ORDER_ALREADY_PAID is told and kept also where any statement on the way to it is lost."""
    await open_one(scene.database, one_per_order=True)
    second = builders.payment(one_per_order=True)
    followed = plan(scene.urls, at, When.AFTER)
    with pytest.raises(Refused) as caught:
        await open_under(scene.database, builders.claim(second), builders.opening(second))
    assert caught.value.reason is Reason.ORDER_ALREADY_PAID
    assert followed.hits == 1
    FragileConnection.plan = None
    claim = await scene.database.payments.find_claim("m_1", second.idempotency_key)
    assert claim.refusal is Reason.ORDER_ALREADY_PAID


async def test_a_bound_refusal_that_is_lost_at_its_commit_is_told(scene):
    """A refusal for ever whose commit is lost is found under its key, and raised."""
    made = await open_one(scene.database)
    await scene.database.payments.change_payment("m_1", made.payment_id, builders.decline)
    claim = builders.refund_claim(made, "refused", 1)
    followed = plan(scene.urls, 6, When.AFTER)  # begin, claims, lock, load, write, commit
    with pytest.raises(Refused) as caught:
        await scene.database.payments.change_payment(
            "m_1", made.payment_id, builders.refund(claim, 1), claim=claim
        )
    assert followed.statements[5] == "commit"
    assert caught.value.key_bound
    assert followed.hits == 1


async def test_a_conclusion_that_is_lost_is_there(scene):
    """A conclusion without a key whose commit is lost finds itself done."""
    made = await open_one(scene.database)
    followed = plan(scene.urls, 5, When.AFTER)  # begin, lock, load, write, commit
    changed = await scene.database.payments.change_payment("m_1", made.payment_id, builders.succeed)
    assert followed.statements[4] == "commit"
    assert changed.aggregate.payment.state is PaymentState.SUCCEEDED
    assert changed.aggregate.payment.version == 2


async def test_reads_survive_a_lost_connection(scene):
    """A read whose connection is lost is made again on another one."""
    followed = plan(scene.urls, 1, When.BEFORE)
    assert (await scene.database.payments.load("m_1", scene.paid.payment_id)) is not None
    assert followed.hits == 1


async def test_a_deadlock_is_tried_again(scene):
    """Who is chosen to end a deadlock does its work again when the other is through."""
    await scene.refund()
    rival = await asyncpg.connect(scene.urls.owner)
    await rival.execute("begin")
    await rival.execute("select 1 from balance_guards for update")
    second = scene._replace(claim=builders.refund_claim(scene.paid, "second", 300))
    refunding = asyncio.create_task(second.refund())
    while not await value_of(
        scene.urls.superuser, "select count(*) from pg_locks where not granted"
    ):
        await asyncio.sleep(0.02)
    await rival.execute("select 1 from payments for update")
    await rival.execute("commit")
    await rival.close()
    assert (await refunding).written


async def test_an_exhausted_pool_refuses_in_time(urls):
    """With no connection free in time a call is refused as overload, and kept nothing."""
    async with opened(urls, size_max=1, acquire_timeout_s=0.2) as database:
        made = await open_one(database)
        blocker = await asyncpg.connect(urls.owner)
        await blocker.execute("begin")
        await blocker.execute("select 1 from payments for update")
        waiting = asyncio.create_task(
            database.payments.change_payment("m_1", made.payment_id, builders.succeed)
        )
        await asyncio.sleep(0.05)
        with pytest.raises(Overloaded):
            await database.payments.load("m_1", made.payment_id)
        await blocker.close()
        assert (await waiting).written
        assert database.pool.waiting == 0


async def test_a_server_that_is_away_is_told_in_one_sentence(tmp_path):
    """Without a server every call is UNAVAILABLE, soon, and `problems` says what to do."""
    database = Database(PoolSettings(dsn=f"postgresql://gateway_runtime@/gateway?host={tmp_path}"))
    await database.open()
    with pytest.raises(Unavailable) as caught:
        await database.payments.find_claim("m_1", "k")
    assert caught.value.reason is Reason.DATABASE_UNAVAILABLE
    with pytest.raises(Unavailable):
        await database.ping(0.5)
    [problem] = await database.problems()
    assert "GATEWAY_DATABASE_URL" in problem
    await database.close()


async def test_a_closed_database_refuses(urls):
    """After closing, calls are refused as UNAVAILABLE and do not hang."""
    async with opened(urls) as database:
        await database.ping(5)
    with pytest.raises(GatewayError) as caught:
        await database.payments.find_claim("m_1", "k")
    assert caught.value.reason is Reason.DATABASE_UNAVAILABLE
