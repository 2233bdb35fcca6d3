"""Wallets: opened once, moved with what is booked, never below zero, and their entries found."""

import asyncio
from itertools import pairwise

import asyncpg
import pytest

from gateway.domain.ids import parse_channel_number
from gateway.domain.ledger import customer
from gateway.domain.payment import FailureReason, PaymentState
from gateway.domain.wallet import WalletRef, owner_of
from tests.invariants import read_world, violations
from tests.store import builders, wallet_scenes
from tests.store.postgres import new_database
from tests.store.scenes import opened, rows_of
from tests.store.wallet_scenes import PAID, PAYER, UNPAID, balance, ref

SERIAL_MIN = 1 << 35


@pytest.fixture
async def filled(database):
    """A wallet with 1000."""
    await database.merchants.create_merchant(builders.merchant(channels=("wallet", "sandbox")))
    await wallet_scenes.top_up(database, 1000)
    return database


async def test_a_wallet_is_opened_once(each_urls):
    """Forty openings at once in two processes make one wallet, and all are answered with it."""
    async with opened(each_urls) as one, opened(each_urls) as two:
        now = builders.clock.now()
        made = await asyncio.gather(
            *((one, two)[number % 2].wallets.open_wallet(ref(), now) for number in range(40))
        )
        assert all(wallet == made[0] for wallet in made)
        assert (made[0].payer_id, made[0].currency) == (PAYER, "CNY")
        assert (made[0].available, made[0].held) == (0, 0)
        assert made[0].create_time == made[0].update_time == now
        assert made[0].serial >= SERIAL_MIN
        assert await one.wallets.open_wallet(ref(), builders.clock.now()) == made[0]


async def test_a_payer_has_one_number_and_a_wallet_per_currency(database):
    """Two currencies are two wallets of one owner; another payer has another number."""
    now = builders.clock.now()
    yuan, dollars = [
        await database.wallets.open_wallet(WalletRef(owner_of(PAYER), currency), now)
        for currency in ("CNY", "USD")
    ]
    assert yuan.serial == dollars.serial
    other = await database.wallets.open_wallet(ref("p-2"), now)
    assert other.serial == yuan.serial + 1
    assert await database.wallets.get_wallet(WalletRef(owner_of("p-2"), "USD")) is None
    assert await database.wallets.get_wallet(ref("p-3")) is None


async def test_the_longest_payer_id_has_a_wallet(database):
    """A payer's id may have 64 characters, and its owner's one more."""
    wallet = await database.wallets.open_wallet(ref("p" * 64), builders.clock.now())
    assert wallet.payer_id == "p" * 64


async def test_a_merchant_has_no_wallet(database):
    """What names no payer is a fault of who asks, and makes nothing."""
    merchants = WalletRef("m_1", "CNY")
    with pytest.raises(ValueError, match="'m_1' is no payer"):
        await database.wallets.open_wallet(merchants, builders.clock.now())
    with pytest.raises(ValueError, match="no payer"):
        await database.wallets.list_entries(merchants, None, 1)


async def test_what_is_booked_moves_the_wallet(filled, urls):
    """Whatever happens to a wallet leaves in its row what was booked on it."""
    assert await balance(filled) == (1000, 0)
    paid = await wallet_scenes.pay(filled, 300)
    assert await balance(filled) == (700, 0)
    held = await wallet_scenes.hold(filled, 500)
    assert (held.state, await balance(filled)) == (PaymentState.AUTHORIZED, (200, 500))
    await wallet_scenes.capture(filled, held, 100)
    assert await balance(filled) == (200, 400)
    done = await wallet_scenes.capture(filled, held, 50, final=True)
    assert (done.captured, await balance(filled)) == (150, (550, 0))
    await wallet_scenes.cancel(filled, await wallet_scenes.hold(filled, 550))
    assert await balance(filled) == (550, 0)
    await wallet_scenes.refund(filled, paid, 40)
    assert await balance(filled) == (590, 0)
    out = await wallet_scenes.withdraw(filled, 90)
    assert await balance(filled) == (500, 0)
    await wallet_scenes.answer(filled, out, PAID)
    back = await wallet_scenes.withdraw(filled, 60)
    await wallet_scenes.answer(filled, back, UNPAID)
    await wallet_scenes.hold(filled, 70)
    assert await balance(filled) == (430, 70)
    assert await filled.ledger.check() == []
    assert violations(await read_world(urls.owner)) == []


async def test_a_late_payout_is_found_in_suspense(filled):
    """A failed withdrawal that was paid all the same leaves books that add up, and a case."""
    out = await wallet_scenes.withdraw(filled, 90)
    await wallet_scenes.answer(filled, out, UNPAID)
    await wallet_scenes.answer(filled, out, PAID)
    assert await balance(filled) == (1000, 0)
    assert await filled.ledger.check() == []
    assert len(await filled.work.list_reviews(include_resolved=False, limit=9)) == 1


async def test_too_little_is_refused_and_bound(filled):
    """What a wallet does not cover fails for good under its key and moves nothing."""
    failed = await wallet_scenes.pay(filled, 1001)
    assert failed.state is PaymentState.FAILED
    assert failed.failure.reason is FailureReason.INSUFFICIENT_FUNDS
    await wallet_scenes.hold(filled, 1000)
    assert (await wallet_scenes.pay(filled, 1)).state is PaymentState.FAILED
    assert (await wallet_scenes.withdraw(filled, 1)).state is PaymentState.FAILED
    assert await balance(filled) == (0, 1000)
    assert await filled.ledger.check() == []


async def test_a_wallet_is_never_overdrawn(each_urls):
    """Of eighty payments over two processes against money for fifty, fifty succeed."""
    async with opened(each_urls) as one, opened(each_urls) as two:
        await one.merchants.create_merchant(builders.merchant())
        await wallet_scenes.top_up(one, 1000)
        paid = await asyncio.gather(
            *(wallet_scenes.pay((one, two)[number % 2], 20) for number in range(80))
        )
        states = [payment.state for payment in paid]
        assert states.count(PaymentState.SUCCEEDED) == 50
        assert states.count(PaymentState.FAILED) == 30
        assert await balance(one) == (0, 0)
        assert await one.ledger.check() == []


async def test_the_row_and_the_bookings_agree_at_every_moment(each_urls):
    """Whenever one looks beside writers, every wallet says what its transfers add up to."""
    async with opened(each_urls) as one, opened(each_urls) as two:
        await one.merchants.create_merchant(builders.merchant())
        payers = [f"p-{number}" for number in range(4)]
        for payer_id in payers:
            await wallet_scenes.top_up(one, 300, payer_id)
        done = asyncio.Event()

        async def spend(number):
            database, payer_id = (one, two)[number % 2], payers[number % 4]
            await wallet_scenes.pay(database, 7, payer_id)
            held = await wallet_scenes.hold(database, 9, payer_id)
            if held.state is PaymentState.AUTHORIZED:
                await wallet_scenes.capture(database, held, 4, final=True)
            await wallet_scenes.top_up(database, 5, payer_id)

        async def look():
            looks = 0
            while not done.is_set():
                assert await two.ledger.check() == []
                looks += 1
            return looks

        looking = asyncio.create_task(look())
        await asyncio.gather(*(spend(number) for number in range(48)))
        done.set()
        assert await looking > 1
        assert [await balance(one, payer_id) for payer_id in payers] == [(228, 0)] * 4


async def test_the_database_keeps_wallets_above_zero(filled, urls):
    """A row below zero cannot be written, by whomever; nor can one without its owner."""
    for column in ("available", "held"):
        with pytest.raises(asyncpg.CheckViolationError) as caught:
            await rows_of(urls.runtime, f"update wallets set {column} = -1")
        assert caught.value.constraint_name == f"wallets_{column}_check"
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await rows_of(
            urls.runtime,
            "insert into wallets (owner_id, currency, available, held, create_time) "
            "values ('@nobody', 'CNY', 0, 0, now())",
        )


async def test_the_number_of_a_top_up_names_its_owner(filled):
    """What a channel tells about a top-up's number is found without knowing whose it is."""
    made = await wallet_scenes.begin_top_up(filled, 5)
    serial, attempt_id = parse_channel_number(made.attempt_number)
    assert await filled.merchants.find_owner_by_serial(serial) == owner_of(PAYER)
    attempt = await filled.payments.find_attempt(owner_of(PAYER), attempt_id)
    assert attempt.payment_id == made.payment_id


async def test_entries_are_found_by_their_wallet(filled):
    """A wallet's entries, whoever owns them, come newest first, each as far as it touched it."""
    held = await wallet_scenes.hold(filled, 99)
    await wallet_scenes.capture(filled, held, 35, final=True)
    await wallet_scenes.pay(filled, 10, merchant_id="m_2")
    await wallet_scenes.top_up(filled, 500, "p-2")
    entries = await filled.wallets.list_entries(ref(), None, 10)
    assert sorted(entry.event for entry in entries) == [
        "payment_captured",
        "payment_captured",
        "payment_captured",
        "payment_held",
    ]
    assert all(one.entry_id > other.entry_id for one, other in pairwise(entries))
    [captured] = [entry for entry in entries if len(entry.transfers) == 2]
    wallet, aside = customer("wallet", PAYER), customer("wallet_held", PAYER)
    unsettled = customer("merchant_unsettled", "m_1")
    assert [(item.debit, item.credit, item.amount) for item in captured.transfers] == [
        (aside, unsettled, 35),
        (aside, wallet, 64),
    ]
    assert {entry.owner_id for entry in entries} == {owner_of(PAYER), "m_1", "m_2"}
    assert await filled.wallets.list_entries(WalletRef(owner_of(PAYER), "USD"), None, 10) == []
    assert len(await filled.wallets.list_entries(ref("p-2"), None, 10)) == 1


async def test_pages_of_entries_are_whole(filled):
    """Pages of any size, one after another, give every entry once, and never half of one."""
    held = await wallet_scenes.hold(filled, 99)
    await wallet_scenes.capture(filled, held, 1, final=True)
    for _ in range(3):
        await wallet_scenes.pay(filled, 1)
    everything = await filled.wallets.list_entries(ref(), None, 100)
    assert len(everything) == 6
    for size in (1, 2, 5):
        pages, before = [], None
        while page := await filled.wallets.list_entries(ref(), before, size):
            assert len(page) <= size
            pages += page
            before = page[-1].entry_id
        assert pages == everything


async def test_what_two_payers_share_is_told_to_neither(filled, urls):
    """Transfers of an entry that touch no wallet, or another payer's, are not in a payer's list."""
    columns = (
        "insert into transfers (owner_id, entry_id, position, event, book, debit_code, debit_key, "
        "credit_code, credit_key, currency, amount, create_time) values "
    )
    entry = (
        "'m_1', '{}', {}, 'shared', 'C', '{}', '{}', 'merchant_unsettled', 'm_1', 'CNY', 5, now()"
    )
    entry_id = builders.clock.new_id()
    legs = [("wallet", PAYER), ("wallet", "p-2"), ("due_to_own", "")]
    values = [f"({entry.format(entry_id, place, *leg)})" for place, leg in enumerate(legs)]
    await rows_of(urls.owner, columns + ", ".join(values))
    for payer_id in (PAYER, "p-2"):
        [shared] = await filled.wallets.list_entries(ref(payer_id), None, 1)
        assert [item.debit for item in shared.transfers] == [customer("wallet", payer_id)]


async def test_a_fold_keeps_one_balance_for_all_wallets(filled, urls):
    """However many payers there are, a fold keeps few balances, and changes what none says."""
    for number in range(12):
        await wallet_scenes.top_up(filled, 10, f"p-{number + 10}")
        await wallet_scenes.pay(filled, 10, f"p-{number + 10}")
    before, everything = [await filled.ledger.trial_balance(owner) for owner in ("m_1", "")]
    await filled.ledger.fold()
    assert await filled.ledger.trial_balance("m_1") == before
    assert await filled.ledger.trial_balance("") == everything
    found = {(item.account.code, item.account.key): item.balance for item in before}
    assert found == {("wallet", ""): -120, ("merchant_unsettled", "m_1"): 120}
    owners = await rows_of(urls.owner, "select owner_id, count(*) from balances group by 1")
    assert dict(owners) == {"m_1": 2, "@": 2}
    assert await filled.ledger.check() == []


async def test_a_busy_wallet_stays_on_its_page(server):
    """A thousand changes of one wallet are made in place: neither its index nor its table grow."""
    urls = await new_database(server)
    async with opened(urls) as database:
        await wallet_scenes.wallet_of(database)
    connection = await asyncpg.connect(urls.runtime)
    for _ in range(1000):
        await connection.execute("update wallets set available = available + 1")
    await connection.execute("select pg_stat_force_next_flush()")
    sizes = await connection.fetchrow(
        "select pg_relation_size('wallets') as rows, pg_relation_size('wallets_pkey') as keys"
    )
    hot = await connection.fetchrow(
        "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'wallets'"
    )
    await connection.close()
    assert sizes["rows"] <= 3 * 8192
    assert sizes["keys"] == 2 * 8192
    assert hot["n_tup_upd"] == 1000
    assert hot["n_tup_hot_upd"] >= 990


@pytest.mark.parametrize("major", ["server", "older_server"])
async def test_lists_do_not_read_other_wallets(request, major):
    """A page of entries reads about as many rows as it gives, whatever else the journal holds."""
    urls = await new_database(request.getfixturevalue(major))
    owner = await asyncpg.connect(urls.owner)
    await owner.execute(
        "insert into transfers (owner_id, entry_id, position, event, payment_id, book, debit_code, "
        "debit_key, credit_code, credit_key, currency, amount, create_time) "
        "select 'm_1', gen_random_uuid(), 0, 'x', gen_random_uuid(), 'C', 'wallet', "
        "'p-' || n % 40, 'merchant_unsettled', 'm_1', 'CNY', 1, now() "
        "from generate_series(1, 8000) n"
    )
    async with opened(urls, size_max=1) as database:
        for _ in range(8):  # Postgres settles on a plan at the sixth execution
            assert len(await database.wallets.list_entries(ref("p-7"), None, 20)) == 20
    await asyncio.sleep(0.2)
    # What the sessions read until now, and what 8 pages of 20 may read.
    read = await owner.fetchval(
        "select seq_tup_read + idx_tup_fetch from pg_stat_user_tables where relname = 'transfers'"
    )
    await owner.close()
    assert 160 <= read <= 8 * 25
