"""Plans: what is called all the time reads few rows, however many there are.

The tables are filled while plans are already cached and statistics do not exist or tell of a tiny
table, which is how a new database meets its first load.
"""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from gateway.domain.operation import OperationKind, OperationState
from gateway.domain.payment import PaymentState
from gateway.domain.ports import OperationFilter, PaymentFilter
from gateway.store.pool import fetching
from tests.store import builders, wallet_scenes
from tests.store.postgres import new_database
from tests.store.scenes import opened, paid_one

ROWS = 3_000
ROWS_READ_MAX = 40
TURNS = 8
"""Postgres settles on a plan at the sixth execution."""
LEASE = timedelta(seconds=30)
HOT_TABLES = (
    *("payments", "payment_operations", "attempts", "operations", "transfers", "events"),
    *("wallets", "wallet_owners"),
)

FILL = """
insert into payments (
    merchant_id, payment_id, idempotency_key, order_id, currency, amount, channel, method_details,
    capture_mode, payer, scene, description, attributes, one_per_order, caller_id, purpose,
    create_time, expire_time, state, captured, refunded, fee_millionths, fee_returned_millionths,
    attempt_number, channel_number, capture_time, update_time, version
)
select 'm_1', gen_random_uuid(), 'f-' || n, 'f-' || n, 'CNY', 1, 'sandbox', '{{}}', 'AUTOMATIC',
    '{{}}', 'APP', '', '{{}}', false, '', 'PURCHASE', now(), now(), 'SUCCEEDED', 1, 0, 0, 0, '',
    '', now(), now(), 1
from generate_series(1, {rows}) n;
insert into payment_operations (
    merchant_id, operation_id, payment_id, kind, idempotency_key, currency, amount, final, advanced,
    description, caller_id, create_time, state, attempt_number, channel_number, under_review,
    update_time
)
select 'm_1', payment_id, payment_id, 'REFUND', 'g' || order_id, 'CNY', 1, false, 0, '', '', now(),
    'SUCCEEDED', '', '', false, now()
from payments where order_id like 'f-%';
insert into attempts (
    merchant_id, attempt_id, payment_id, kind, channel, number, charge_number, currency, amount,
    create_time, state, tries, not_found_count, fenced, evidence
)
select 'm_1', payment_id, payment_id, 'CHARGE', 'sandbox', order_id, order_id, 'CNY', 1, now(),
    'SUCCEEDED', 0, 0, false, ''
from payments where order_id like 'f-%';
insert into events (
    merchant_id, event_id, payment_id, order_id, type, state, currency, amount, captured, refunded,
    version, digest, digest_version, create_time
)
select 'm_1', payment_id, payment_id, order_id, 'CREATED', 'SUCCEEDED', 'CNY', 1, 1, 0, 1,
    sha256(''), 1, now()
from payments where order_id like 'f-%';
insert into transfers (
    owner_id, entry_id, position, event, payment_id, book, debit_code, debit_key, credit_code,
    credit_key, currency, amount, create_time
)
select 'm_1', payment_id, 0, 'x', payment_id, 'C', 'channel_receivable', 'sandbox',
    'merchant_unsettled', 'm_1', 'CNY', 1, now()
from payments where order_id like 'f-%';
insert into operations (
    owner_id, idempotency_key, kind, fingerprint, fingerprint_version, object_id, create_time
)
select 'm_1', 'f-' || n, 'PAY', sha256(''), 1, gen_random_uuid(), now()
from generate_series(1, {rows}) n;
insert into wallet_owners (owner_id, create_time)
select '@f-' || n, now() from generate_series(1, {rows}) n;
insert into wallets (owner_id, currency, available, held, create_time)
select owner_id, 'CNY', 0, 0, now() from wallet_owners where owner_id like '@f-%';
"""


async def everything_hot(database, turn):
    """Do once what is done all the time."""
    paid = await paid_one(database, order_id=f"o-{turn}")
    claim = builders.refund_claim(paid, f"r-{turn}", 10)
    changed = await database.payments.change_payment(
        "m_1", paid.payment_id, builders.refund(claim, 10), claim=claim, lock_funds=True
    )
    [attempt] = changed.aggregate.open_attempts(claim.object_id)
    await database.payments.load("m_1", paid.payment_id)
    await database.payments.find_claim("m_1", claim.idempotency_key)
    await database.payments.find_operation("m_1", claim.object_id)
    await database.payments.find_attempt("m_1", attempt.attempt_id)
    await database.work.lease_attempts(10, LEASE)
    await database.work.postpone_attempt(attempt, LEASE)
    await database.work.hurry_attempts("m_1", paid.payment_id, LEASE / 2, LEASE)
    await database.work.lease_expired_authorizations(10, LEASE)
    await wallet_scenes.top_up(database, 5)
    await wallet_scenes.pay(database, 5)
    await database.wallets.list_entries(wallet_scenes.ref(), None, 2)
    await database.events.read_events("m_1", await database.events.feed_end(), 10)
    await database.ledger.fold()


async def lists(database):
    """Read a page of each list that the filled rows are not in."""
    now = builders.clock.now()
    for chosen in (
        PaymentFilter("m_1", order_id="o-1"),
        PaymentFilter("m_1", state=PaymentState.FAILED),
        PaymentFilter("m_1", channel="other"),
        PaymentFilter("m_1", create_time_from=now),
        PaymentFilter("m_1", create_time_to=builders.day(1)),
    ):
        await database.payments.list_payments(chosen, None, 10)
    refunds = {"merchant_id": "m_1", "kind": OperationKind.REFUND}
    for chosen in (
        OperationFilter(**refunds, payment_id=builders.clock.new_id()),
        OperationFilter(**refunds, state=OperationState.FAILED),
        OperationFilter(**refunds, create_time_from=now),
        OperationFilter("m_1", OperationKind.CAPTURE),
    ):
        await database.payments.list_operations(chosen, None, 10)


async def rows_read(urls, database, work):
    """Do work and say how many rows of each hot table the server read for it."""
    await _flush(database)
    connection = await asyncpg.connect(urls.superuser)
    await connection.execute("select pg_stat_reset()")
    await work
    await _flush(database)
    found = await connection.fetch(
        "select relname, seq_tup_read + coalesce(idx_tup_fetch, 0) as count "
        "from pg_stat_user_tables where relname = any($1)",
        HOT_TABLES,
    )
    await connection.close()
    return dict(found)


async def _flush(database):
    """Let the pool's one session hand in its counts, which it does when a statement has ended."""
    for statement in ("select pg_stat_force_next_flush()", "select 1"):
        await database._pool.read(fetching(statement))
    await asyncio.sleep(0.1)


@pytest.fixture(params=["never analyzed", "analyzed when tiny", "older, never", "older, tiny"])
async def filled(request, server, older_server):
    """A database that was used a little, so that plans are cached, and then filled."""
    urls = await new_database(older_server if request.param.startswith("older") else server)
    async with opened(urls, size_max=1) as database:
        owner = await asyncpg.connect(urls.owner)
        for turn in range(TURNS):
            await everything_hot(database, turn)
            await lists(database)
        if request.param.endswith("tiny"):
            await owner.execute("analyze")
            for turn in range(TURNS, 2 * TURNS):
                await everything_hot(database, turn)
                await lists(database)
        await owner.execute(FILL.format(rows=ROWS))
        await database.ledger.fold()
        yield urls, database, owner
        await owner.close()


async def test_hot_paths_read_few_rows(filled):
    """A payment, a refund, a worker's round and a look at the feed read tens of rows, not all."""
    urls, database, owner = filled
    before = await rows_read(urls, database, everything_hot(database, 100))
    assert all(count <= ROWS_READ_MAX for count in before.values()), before
    assert sum(before.values()) > 10, "nothing was counted"
    await owner.execute("analyze")
    after = await rows_read(urls, database, everything_hot(database, 101))
    assert all(count <= ROWS_READ_MAX for count in after.values()), after


async def test_lists_read_what_they_give(filled):
    """Each filter of a list finds its page without reading the merchant's other rows."""
    urls, database, owner = filled
    await owner.execute("analyze")
    read = await rows_read(urls, database, lists(database))
    assert all(count <= ROWS_READ_MAX for count in read.values()), read
