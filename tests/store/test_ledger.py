"""The ledger: balances, entries, the fold, the platform's own money."""

import asyncio

import asyncpg
import pytest

from gateway.domain.errors import Reason, Refused
from gateway.domain.ledger import customer, own
from gateway.domain.money import Money
from gateway.store import ledger
from tests.store import builders
from tests.store.scenes import open_one, open_under, opened, paid_one, rows_of, value_of


def balances(sums):
    return {(item.account.code, item.account.key): item.balance for item in sums}


async def refunded_one(database, amount=300, **fields):
    paid = await paid_one(database, **fields)
    claim = builders.refund_claim(paid, f"r-{paid.payment_id}", amount)
    await database.payments.change_payment(
        paid.merchant_id, paid.payment_id, builders.refund(claim, amount), claim=claim
    )
    return paid, claim


async def test_balances_are_the_same_before_and_after_a_fold(database):
    """Folding moves sums into the cache and changes no balance; a second fold finds nothing."""
    await refunded_one(database)
    before = await database.ledger.trial_balance("")
    assert balances(before) == {
        ("channel_receivable", "sandbox"): 1000,
        ("merchant_unsettled", "m_1"): 700,
        ("refund_in_transit", "sandbox"): 300,
    }
    assert await database.ledger.fold() == 3
    assert await database.ledger.trial_balance("") == before
    assert await database.ledger.fold() == 0
    await refunded_one(database, order_id="o-2")
    assert balances(await database.ledger.trial_balance(""))[("merchant_unsettled", "m_1")] == 1400
    assert await database.ledger.check() == []


async def test_a_merchant_sees_its_own_accounts_only(database):
    """A merchant's accounts are those kept under its key; its trial balance, what it touched."""
    await refunded_one(database)
    await refunded_one(database, merchant_id="m_2")
    for _ in range(2):  # not folded, then folded
        own_accounts = await database.ledger.merchant_accounts("m_1")
        assert balances(own_accounts) == {("merchant_unsettled", "m_1"): 700}
        touched = balances(await database.ledger.trial_balance("m_1"))
        assert touched[("channel_receivable", "sandbox")] == 1000
        assert ("merchant_unsettled", "m_2") not in touched
        everything = balances(await database.ledger.trial_balance(""))
        assert everything[("channel_receivable", "sandbox")] == 2000
        await database.ledger.fold()


async def test_entries_come_back_as_they_were_booked(database):
    """A payment's entries are read oldest first, each with its transfers in order."""
    paid, claim = await refunded_one(database)
    await database.payments.change_payment(
        "m_1", paid.payment_id, builders.refund_done(claim.object_id)
    )
    entries = await database.ledger.payment_entries("m_1", paid.payment_id)
    assert [entry.event for entry in entries] == [
        "payment_captured",
        "refund_accepted",
        "refund_succeeded",
    ]
    transfer = entries[1].transfers[0]
    assert transfer.debit == customer("merchant_unsettled", "m_1")
    assert transfer.credit == customer("refund_in_transit", "sandbox")
    assert transfer.amount == 300
    assert entries[1].operation_id == claim.object_id
    assert await database.ledger.payment_entries("m_2", paid.payment_id) == []


async def test_a_fold_beside_writers_loses_and_doubles_nothing(each_urls):
    """While eight writers book and two fold, balances always equal the fold of all transfers."""
    async with opened(each_urls) as writing, opened(each_urls) as folding:
        await writing.merchants.create_merchant(builders.merchant())
        done = asyncio.Event()
        findings = []

        async def write():
            for _ in range(10):
                made = builders.payment()
                await open_under(writing, builders.claim(made), builders.opening(made))
                await writing.payments.change_payment("m_1", made.payment_id, builders.succeed)

        async def fold():
            folds = 0
            while not done.is_set():
                folds += bool(await folding.ledger.fold())
                findings.extend(await folding.ledger.check())
            return folds

        folders = [asyncio.create_task(fold()) for _ in range(2)]
        await asyncio.gather(*(write() for _ in range(8)))
        done.set()
        folds = await asyncio.gather(*folders)
        assert sum(folds) > 2
        assert findings == []
        await folding.ledger.fold()
        accounts = await folding.ledger.merchant_accounts("m_1")
        assert balances(accounts) == {("merchant_unsettled", "m_1"): 80 * 1000}
        assert await value_of(each_urls.owner, "select count(*) from balances") == 2


async def test_a_long_way_is_folded_in_steps(database, urls, monkeypatch):
    """A fold takes a bounded number of transfers, and several go the whole way."""
    monkeypatch.setattr(ledger, "FOLD_TRANSFERS_MAX", 3)
    for number in range(5):
        await refunded_one(database, order_id=f"o-{number}")
    steps = 0
    while await database.ledger.fold():
        steps += 1
        assert await database.ledger.check() == []
    assert steps == 4  # of ten transfers, three at a time
    assert await value_of(urls.owner, "select sum(debits) from balances") == 5 * 1300


async def test_a_running_transaction_is_left_for_the_next_fold(database, urls):
    """What an unfinished transaction books is not folded over: it counts once it commits."""
    paid = await paid_one(database)
    slow = await asyncpg.connect(urls.owner)
    await slow.execute("begin")
    await slow.execute(
        "insert into transfers (owner_id, entry_id, position, event, book, debit_code, debit_key, "
        "credit_code, credit_key, currency, amount, create_time) values ('m_1', "
        "gen_random_uuid(), 0, 'by hand', 'C', 'reserve_bank', 'b', 'channel_receivable', "
        "'sandbox', 'CNY', 5, now())"
    )
    await database.ledger.fold()
    await paid_one(database, order_id="o-2")
    await slow.execute("commit")
    await slow.close()
    for _ in range(2):
        found = balances(await database.ledger.trial_balance(""))
        assert found[("channel_receivable", "sandbox")] == 2 * paid.captured - 5
        assert await database.ledger.check() == []
        await database.ledger.fold()


async def test_own_money_comes_in_once_per_key(database, urls):
    """Funding books both books, raises the budget, and does neither twice for one key."""
    assert await database.ledger.fund(Money("CNY", 500), "k")
    assert not await database.ledger.fund(Money("CNY", 500), "k")
    found = {item.account: item.balance for item in await database.ledger.trial_balance("")}
    assert found == {
        customer("reserve_bank", "main"): 500,
        customer("due_to_own"): 500,
        own("due_from_reserve"): 500,
        own("own_bank"): -500,
    }
    assert await value_of(urls.owner, "select budget from own_funds") == 500
    with pytest.raises(Refused) as caught:
        await database.ledger.fund(Money("CNY", 501), "k")
    assert caught.value.reason is Reason.IDEMPOTENCY_KEY_MISMATCH
    assert await database.ledger.fund(Money("CNY", 1), "other")
    assert await value_of(urls.owner, "select budget from own_funds") == 501
    assert await database.ledger.check() == []


async def test_twenty_fundings_with_one_key_are_one(database, urls):
    """Funding raced with itself books once."""
    made = await asyncio.gather(*(database.ledger.fund(Money("CNY", 7), "k") for _ in range(20)))
    assert made.count(True) == 1
    assert await value_of(urls.owner, "select budget from own_funds") == 7


async def test_nothing_cannot_be_funded(database):
    """An amount below one is a fault of who asks."""
    with pytest.raises(ValueError, match="not a transfer"):
        await database.ledger.fund(Money("CNY", 0), "k")


async def test_an_empty_ledger_is_in_order(database):
    """Nothing booked is nothing wrong."""
    assert await database.ledger.check() == []
    assert await database.ledger.trial_balance("") == []
    assert await database.ledger.fold() == 0
    await open_one(database)
    assert await database.ledger.check() == []


async def test_a_fold_on_a_server_with_an_older_clock_stops(database, urls):
    """Where the data came from another server, the fold refuses, and the check says so."""
    horizon = await value_of(urls.owner, "select horizon from fold_position")
    await rows_of(urls.owner, "update fold_position set horizon = '1000000000'")
    try:
        with pytest.raises(AssertionError, match="from a dump"):
            await database.ledger.fold()
        [finding] = await database.ledger.check()
        assert finding.rule == "horizon"
    finally:
        await rows_of(urls.owner, f"update fold_position set horizon = '{horizon}'")
