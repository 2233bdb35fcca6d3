"""Re-adds the ledger from its transfers, and says exactly what does not agree.

That every entry balances needs no check: a row is a debit and a credit of one amount within one
book. What can be wrong is everything that was derived or written beside: cached balances, wallets,
amounts on payments, money under way, the pair in which the books meet, events, keys. All of it is
read as of one moment, beside whatever is being written.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.domain.ids import to_text
from gateway.domain.ledger import MEETING_ACCOUNTS, AccountKind, AccountSum, Book
from gateway.store.journal_rows import account_sum_of
from gateway.store.pool import Connection
from gateway.store.queries import sql

FINDINGS_MAX = 100
"""Findings given at most per rule."""

TIMEOUT_S = 600
"""Seconds that one statement of a check may take."""

ALLOW_LONG_STATEMENTS = sql("allow_long_statements")
AUDIT_ACCOUNTS = sql("audit_accounts")

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not add up: the rule, and a sentence that names what and by how much."""

    rule: str
    sentence: str

    def __str__(self) -> str:
        """Show it as people read it."""
        return f"{self.rule}: {self.sentence}"


async def check(connection: Connection) -> list[Finding]:
    """Check everything within the transaction given, which must see one moment."""
    await connection.fetchval(ALLOW_LONG_STATEMENTS, f"{TIMEOUT_S}s")
    accounts = await connection.fetch(AUDIT_ACCOUNTS, timeout=TIMEOUT_S)
    found = list(_account_findings(accounts))
    for rule, (statement, sentence) in RULES.items():
        records = await connection.fetch(statement, FINDINGS_MAX, timeout=TIMEOUT_S)
        found += [Finding(rule, sentence(record)) for record in records]
    return found


def _account_findings(records: list[Record]) -> Iterator[Finding]:
    sums = []
    for record in records:
        try:
            sums.append(account_sum_of(record))
        except ValueError:
            words = f"{_account(record)} is booked on, but the chart has no such account"
            yield Finding("chart", words)
    yield from _negative(sums)
    yield from _meeting(sums)
    yield from _equation(sums)


def _negative(sums: list[AccountSum]) -> Iterator[Finding]:
    for item in sums:
        if item.account.rule.never_negative and item.balance < 0:
            name = _name(item.account.book, item.account.code, item.account.key)
            words = f"{name} {item.currency} is {item.balance} and may never be below zero"
            yield Finding("never negative", words)


def _meeting(sums: list[AccountSum]) -> Iterator[Finding]:
    """The books meet in one pair of accounts, which are always equal."""
    sides: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for item in sums:
        if item.account.code in MEETING_ACCOUNTS:
            sides[item.currency][MEETING_ACCOUNTS.index(item.account.code)] += item.balance
    for currency, (liability, asset) in sorted(sides.items()):
        if liability != asset:
            words = f"due_to_own {currency} is {liability}, due_from_reserve {asset}"
            yield Finding("books meet", words)


def _equation(sums: list[AccountSum]) -> Iterator[Finding]:
    """What is held for customers is what is owed to them."""
    net: dict[str, int] = defaultdict(int)
    for item in sums:
        if item.account.book is Book.CUSTOMER:
            is_asset = item.account.rule.kind is AccountKind.ASSET
            net[item.currency] += item.balance if is_asset else -item.balance
    for currency, difference in sorted(net.items()):
        if difference:
            words = f"assets less liabilities of book C in {currency} are {difference}"
            yield Finding("customer book", words)


def _balance(record: Record) -> str:
    kept, told = (
        (record["kept_debits"], record["kept_credits"]),
        (
            record["debits"],
            record["credits"],
        ),
    )
    return (
        f"{_account(record)} of {record['owner_id']}: cached and unfolded say {kept[0]} debits "
        f"and {kept[1]} credits, its transfers {told[0]} and {told[1]}"
    )


def _crossing(record: Record) -> str:
    entry = to_text("ent", record["entry_id"])
    return (
        f"entry {entry} of {record['owner_id']} in {record['currency']} moves different amounts "
        "on due_to_own and due_from_reserve, or is of two currencies"
    )


def _payment(record: Record) -> str:
    if record["captured"] is None:
        return f"{_payment_name(record)} has transfers but no row"
    other = record["booked_in_all"] - record["booked_captured"]
    return (
        f"{_payment_name(record)} says {record['captured']} captured and {record['refunded']} "
        f"refunded {record['currency']}, its transfers {record['booked_captured']} and "
        f"{record['booked_refunded']} {record['booked_currency'] or record['currency']}"
        + (f", and {other} as if it had another purpose" if other else "")
    )


def _under_way(record: Record) -> str:
    return (
        f"{_payment_name(record)} has {record['booked']} {record['currency']} on "
        f"{record['code']}[{record['key']}], but {record['expected']} is under way with it"
    )


def _wallet(record: Record) -> str:
    return (
        f"the wallet of {record['payer_id']} says {record['available']} available and "
        f"{record['held']} held {record['currency']}, its transfers "
        f"{record['booked_available']} and {record['booked_held']}"
    )


def _event(record: Record) -> str:
    return (
        f"{_payment_name(record)} is at version {record['version']}, but has {record['events']} "
        f"events up to version {record['told_version']}, or the latest says otherwise"
    )


def _claim(record: Record) -> str:
    what = f"{record['kind']} {record['object_id']} of {record['merchant_id']}"
    if record["claimed"]:
        return f"the key {record['idempotency_key']!r} stands for {what}, which is not there"
    return f"{what} is there, but the key {record['idempotency_key']!r} does not stand for it"


def _budget(record: Record) -> str:
    budget, held = record["budget"], record["held"]
    return f"{budget} {record['currency']} may be advanced, but only {held} is held"


def _horizon(record: Record) -> str:
    return f"the horizon {record['horizon']} is ahead of this server: its data came from a dump"


def _payment_name(record: Record) -> str:
    if record["payment_id"] is None:
        return f"no payment of {record['merchant_id']}"
    return f"payment {to_text('pay', record['payment_id'])} of {record['merchant_id']}"


def _account(record: Record) -> str:
    name = _name(record["book"], record["code"], record["key"])
    return f"{name} {record['currency']}"


def _name(book: str, code: str, key: str) -> str:
    return f"{book} {code}[{key}]" if key else f"{book} {code}"


RULES: Mapping[str, tuple[str, Callable[[Record], str]]] = {
    "cached balance": (sql("audit_balances"), _balance),
    "crossing": (sql("audit_crossings"), _crossing),
    "payment": (sql("audit_payments"), _payment),
    "under way": (sql("audit_under_way"), _under_way),
    "wallet": (sql("audit_wallets"), _wallet),
    "events": (sql("audit_events"), _event),
    "keys": (sql("audit_claims"), _claim),
    "budget": (sql("audit_budgets"), _budget),
    "horizon": (sql("audit_horizon"), _horizon),
}
"""Every rule but those of the chart: the statement that finds, and how to say it."""
