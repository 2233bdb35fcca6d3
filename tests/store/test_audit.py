"""`gateway ledger check`: each thing that can be wrong is found, and named exactly."""

import asyncpg
import pytest

from gateway.domain.ids import to_text
from tests.store import builders, wallet_scenes
from tests.store.scenes import paid_one

TRANSFER = (
    "insert into transfers (owner_id, entry_id, position, event, book, debit_code, debit_key, "
    "credit_code, credit_key, currency, amount, create_time, payment_id) values "
)


@pytest.fixture
async def paid(database):
    """A payment with a refund under way, and everything folded."""
    made = await paid_one(database)
    claim = builders.refund_claim(made, "r", 300)
    changed = await database.payments.change_payment(
        "m_1", made.payment_id, builders.refund(claim, 300), claim=claim
    )
    await database.ledger.fold()
    assert await database.ledger.check() == []
    return changed.aggregate.payment


async def spoil(urls, statement):
    """Change what only the owner can."""
    connection = await asyncpg.connect(urls.owner)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("statement", "rule", "words"),
    [
        (
            "update balances set debits = debits + 1 where code = 'merchant_unsettled'",
            "cached balance",
            ["C merchant_unsettled[m_1] CNY", "301 debits", "300 and 1000"],
        ),
        (
            "delete from balances where code = 'refund_in_transit'",
            "cached balance",
            ["C refund_in_transit[sandbox] CNY", "0 debits and 0 credits", "0 and 300"],
        ),
        (
            "update payments set captured = 999",
            "payment",
            ["PAYMENT of m_1", "999 captured", "1000 and 300 CNY"],
        ),
        ("update payments set refunded = 299", "payment", ["299 refunded", "300 CNY"]),
        (
            "update payment_operations set amount = 299",
            "under way",
            ["PAYMENT of m_1", "300 CNY on refund_in_transit[sandbox]", "299 is under way"],
        ),
        (
            "update payment_operations set state = 'SUCCEEDED'",
            "under way",
            ["300 CNY", "0 is under way"],
        ),
        (
            "delete from events where version = 2",
            "events",
            ["PAYMENT", "version 3", "has 2 events"],
        ),
        ("update payments set version = 4", "events", ["version 4", "up to version 3"]),
        ("update events set state = 'FAILED' where version = 3", "events", ["says otherwise"]),
        ("delete from operations where kind = 'PAY'", "keys", ["PAY", "does not stand for it"]),
        (
            "update operations set idempotency_key = 'other' where kind = 'REFUND'",
            "keys",
            ["'other'", "not there"],
        ),
        ("insert into own_funds values ('CNY', 1)", "budget", ["1 CNY", "only 0"]),
    ],
)
async def test_what_was_changed_is_found_and_named(database, urls, paid, statement, rule, words):
    """A row that was changed beside the gateway is found by its rule, with its name and amounts."""
    await spoil(urls, statement)
    findings = await database.ledger.check()
    found = [finding.sentence for finding in findings if finding.rule == rule]
    named = [
        word.replace("PAYMENT", f"payment {to_text('pay', paid.payment_id)}") for word in words
    ]
    assert found, findings
    assert all(any(word in sentence for sentence in found) for word in named), found


@pytest.fixture
async def kept(database):
    """A payer's wallet with money held, money on its way out, and payments from it."""
    await database.merchants.create_merchant(builders.merchant())
    await wallet_scenes.top_up(database, 1000)
    await wallet_scenes.pay(database, 100)
    held = await wallet_scenes.hold(database, 300)
    await wallet_scenes.capture(database, held, 50)
    await wallet_scenes.withdraw(database, 200)
    await database.ledger.fold()
    assert await database.ledger.check() == []


@pytest.mark.parametrize(
    ("statement", "rule", "words"),
    [
        (
            "update wallets set available = 401",
            "wallet",
            "the wallet of p-1 says 401 available and 250 held CNY, its transfers 400 and 250",
        ),
        (
            "update wallets set held = 0, available = 650",
            "wallet",
            "says 650 available and 0 held CNY, its transfers 400 and 250",
        ),
        (
            (
                "insert into wallets (owner_id, currency, available, held, create_time) "
                "values ('@p-1', 'USD', 7, 0, now())"
            ),
            "wallet",
            "says 7 available and 0 held USD, its transfers 0 and 0",
        ),
        (
            (
                "update payments set state = 'CANCELED', captured = 0, capture_time = null, "
                "due_time = null where state = 'AUTHORIZED'"
            ),
            "under way",
            "has 250 CNY on wallet_held[p-1], but 0 is under way with it",
        ),
        (
            "update payments set captured = 51 where state = 'AUTHORIZED'",
            "under way",
            "has 250 CNY on wallet_held[p-1], but 249 is under way with it",
        ),
        (
            "update payments set state = 'CANCELED' where purpose = 'WITHDRAWAL'",
            "under way",
            "of @p-1 has 200 CNY on payout_in_transit[sandbox], but 0 is under way with it",
        ),
        (
            "update payments set captured = 999 where purpose = 'TOP_UP'",
            "payment",
            "of @p-1 says 999 captured and 0 refunded CNY, its transfers 1000 and 0 CNY",
        ),
        (
            "update payments set purpose = 'WITHDRAWAL' where purpose = 'TOP_UP'",
            "payment",
            "its transfers 0 and 0 CNY, and 1000 as if it had another purpose",
        ),
        (
            "update operations set kind = 'PAY' where kind = 'WITHDRAW'",
            "keys",
            "WITHDRAW",
        ),
        (
            "update operations set idempotency_key = 'other' where kind = 'TOP_UP'",
            "keys",
            "'other' stands for TOP_UP",
        ),
        (
            "update balances set credits = credits + 1 where code = 'wallet' and owner_id = 'm_1'",
            "cached balance",
            "C wallet CNY of m_1",
        ),
    ],
)
async def test_what_was_changed_about_wallets_is_found(
    database, urls, kept, statement, rule, words
):
    """A wallet, hold or payout that was changed beside the gateway is found by its rule."""
    await spoil(urls, statement)
    findings = await database.ledger.check()
    found = [finding.sentence for finding in findings if finding.rule == rule]
    assert any(words in sentence for sentence in found), findings


@pytest.mark.parametrize(
    ("owner", "accounts", "payment", "rule", "words"),
    [
        (
            "m_1",
            ("due_to_own", "", "reserve_bank", "b"),
            "null",
            "never negative",
            "C due_to_own CNY is -5",
        ),
        (
            "m_1",
            ("reserve_bank", "b", "due_to_own", ""),
            "null",
            "books meet",
            "due_to_own CNY is 5, due_from_reserve 0",
        ),
        (
            "m_1",
            ("reserve_bank", "b", "due_to_own", ""),
            "null",
            "crossing",
            "moves different amounts",
        ),
        (
            "m_1",
            ("channel_receivable", "sandbox", "merchant_unsettled", "m_1"),
            "gen_random_uuid()",
            "payment",
            "has transfers but no row",
        ),
        (
            "p_1",
            ("wallet", "p_1", "merchant_unsettled", "m_1"),
            "null",
            "never negative",
            "C wallet CNY is -5",
        ),
        (
            "m_1",
            ("wallet", "p_1", "wallet", "p_2"),
            "null",
            "wallet",
            "the wallet of p_1 says 0 available and 0 held CNY, its transfers -5 and 0",
        ),
        (
            "m_1",
            ("merchant_unsettled", "m_1", "wallet_held", "p_1"),
            "null",
            "under way",
            "no payment of m_1 has 5 CNY on wallet_held[p_1], but 0 is under way",
        ),
    ],
)
async def test_what_was_booked_beside_is_found(
    database, urls, paid, owner, accounts, payment, rule, words
):
    """A transfer that nobody of the gateway would book is found by the rule that it breaks."""
    names = ", ".join(f"'{name}'" for name in accounts)
    values = f"('{owner}', gen_random_uuid(), 0, 'x', 'C', {names}, 'CNY', 5, now(), {payment})"
    await spoil(urls, TRANSFER + values)
    findings = await database.ledger.check()
    found = [finding.sentence for finding in findings if finding.rule == rule]
    assert any(words in sentence for sentence in found), findings


async def test_an_account_that_the_chart_lacks_is_found(database, urls, paid):
    """Without its constraint the journal could take an unknown account; the check would tell."""
    connection = await asyncpg.connect(urls.owner)
    definition = await connection.fetchval(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = $1",
        "transfers_chart_check",
    )
    await connection.execute("alter table transfers drop constraint transfers_chart_check")
    try:
        await connection.execute(
            TRANSFER + "('m_1', gen_random_uuid(), 0, 'x', 'C', 'cash', '', 'escrow', 'e', 'CNY', "
            "5, now(), null)"
        )
        findings = [str(finding) for finding in await database.ledger.check()]
        assert "chart: C cash CNY is booked on, but the chart has no such account" in findings
    finally:
        await connection.execute("delete from transfers where debit_code = 'cash'")
        await connection.execute(
            f"alter table transfers add constraint transfers_chart_check {definition}"
        )
        await connection.close()


async def test_findings_are_bounded(database, urls):
    """However much is wrong, a rule tells of a bounded number of cases."""
    await spoil(
        urls,
        "insert into operations (owner_id, idempotency_key, kind, fingerprint, "
        "fingerprint_version, object_id, create_time) select 'm_1', 'k' || n, 'PAY', sha256(''), "
        "1, gen_random_uuid(), now() from generate_series(1, 300) n",
    )
    assert len(await database.ledger.check()) == 100
