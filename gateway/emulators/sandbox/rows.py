"""The sandbox's records in the book: read, insert, replace, sum.

Records go in and out as whole frozen objects. Replacing one is conditional on the version it was
read with, so a change that was decided on old knowledge cannot be written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.emulators.core.book import Transaction, Value
from gateway.emulators.core.statements import load_statements, read_sql
from gateway.emulators.sandbox.captures import Capture, CaptureSums
from gateway.emulators.sandbox.charges import Charge
from gateway.emulators.sandbox.payouts import Payout
from gateway.emulators.sandbox.records import Record
from gateway.emulators.sandbox.refunds import Refund
from gateway.emulators.sandbox.requests import Kind

SQL = load_statements(__package__, "book.sql")
SCHEMA = (
    read_sql("gateway.emulators.core", "schema.sql") + read_sql(__package__, "schema.sql"),
    read_sql(__package__, "payouts.sql"),
)
"""The book's schema, version by version."""

RECORDS: dict[Kind, type[Record]] = {
    "charge": Charge,
    "capture": Capture,
    "refund": Refund,
    "payout": Payout,
}

_EFFECT = "effect_"  # how the columns of a page that add up effects begin


@dataclass(frozen=True)
class Entry:
    """A record on a page, with what really happened under its number, in minor units."""

    seq: int
    record: Record
    posts: int
    effects: Mapping[str, int]


def read_record(txn: Transaction, kind: Kind, number: str) -> Record | None:
    """The record of a number; numbers are unique per kind."""
    row = txn.one(SQL[f"read_{kind}"], {"number": number})
    return None if row is None else RECORDS[kind].from_row(dict(row))


def read_charge(txn: Transaction, number: str) -> Charge | None:
    """The charge of a number."""
    record = read_record(txn, "charge", number)
    assert record is None or isinstance(record, Charge)
    return record


def read_open_captures(txn: Transaction, charge_number: str) -> list[Capture]:
    """The captures of a charge that are still on their way, oldest first."""
    rows = txn.all(SQL["read_open_captures"], {"charge_number": charge_number})
    return [Capture.from_row(dict(row)) for row in rows]


def sum_captures(txn: Transaction, charge_number: str) -> CaptureSums:
    """What the captures of a charge that are not declined come to."""
    row = txn.one(SQL["sum_captures"], {"charge_number": charge_number})
    assert row is not None
    return CaptureSums(row["accepted"], row["processing"], bool(row["final"]), row["count"])


def sum_refunds(txn: Transaction, charge_number: str) -> int:
    """The sum of the refunds of a charge that are not declined."""
    row = txn.one(SQL["sum_refunds"], {"charge_number": charge_number})
    return 0 if row is None else row["accepted"]


def read_page(txn: Transaction, kind: Kind, after: int, count_max: int) -> list[Entry]:
    """The records of a kind after a place in the order of arrival."""
    rows = txn.all(SQL[f"page_of_{kind}s"], {"after": after, "count_max": count_max})
    return [_entry(kind, dict(row)) for row in rows]


def count_records(txn: Transaction) -> dict[str, int]:
    """How many records of each kind there are."""
    row = txn.one(SQL["count_records"], {})
    assert row is not None
    return dict(row)


def sum_effects(txn: Transaction) -> dict[str, dict[str, int]]:
    """By currency, in minor units: taken from payers, given back to them, sent to payees."""
    totals: dict[str, dict[str, int]] = {}
    for row in txn.all(SQL["sum_effects"], {}):
        total = totals.setdefault(row["currency"], {"charged": 0, "refunded": 0, "paid_out": 0})
        total[row["moved"]] = (row["high"] << 32) + row["low"]
    return totals


def insert(txn: Transaction, record: Record) -> None:
    """Keep a new record."""
    txn.write(SQL[f"insert_{record.kind}"], vars(record))


def replace(txn: Transaction, older: Record, newer: Record) -> None:
    """Keep `newer` in the place of `older`, which must be what the book has."""
    values = {**vars(newer), "old_version": older.version}
    if newer != older and txn.write(SQL[f"update_{newer.kind}"], values) != 1:
        raise AssertionError("the record changed since it was read")


def insert_effect(
    txn: Transaction, record: Record, charge_number: str, amount: int, currency: str
) -> None:
    """The payer's money moved. The book's key refuses a second effect of one record."""
    values: dict[str, Value] = {
        "kind": record.kind,
        "number": record.number,
        "charge_number": charge_number,
        "amount": amount,
        "currency": currency,
        "effect_time": record.update_time,
    }
    txn.write(SQL["insert_effect"], values)


def insert_payout_effect(txn: Transaction, payout: Payout) -> None:
    """Money was sent to a payee. The book's key refuses a second effect of one payout."""
    values: dict[str, Value] = {
        "number": payout.number,
        "amount": payout.amount,
        "currency": payout.currency,
        "effect_time": payout.update_time,
    }
    txn.write(SQL["insert_payout_effect"], values)


def _entry(kind: Kind, row: dict[str, Any]) -> Entry:
    seq, posts = row.pop("seq"), row.pop("posts")
    columns = [name for name in row if name.startswith(_EFFECT)]
    effects = {name.removeprefix(_EFFECT): row.pop(name) for name in columns}
    return Entry(seq, RECORDS[kind].from_row(row), posts or 0, effects)
