"""The records in the book: read, insert, replace, add up.

Records go in and out as whole frozen objects. Replacing one is conditional on the version it was
read with, so a change that was decided on old knowledge cannot be written.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, TypeVar

from gateway.emulators.carrier.amounts import to_text
from gateway.emulators.carrier.commands import Listing
from gateway.emulators.carrier.payments import Payment
from gateway.emulators.carrier.records import Kind, Record
from gateway.emulators.carrier.refunds import Refund
from gateway.emulators.core.book import Row, Transaction, Value
from gateway.emulators.core.statements import load_statements, read_sql

SQL = load_statements(__package__, "book.sql")
SCHEMA = (
    read_sql("gateway.emulators.core", "schema.sql")
    + read_sql("gateway.emulators.core", "channel_schema.sql")
    + read_sql(__package__, "schema.sql"),
)
"""The book's schema, version by version."""

EVER_MS = 2**62
MOVEMENTS_MAX = 10_000

Totals = dict[str, dict[str, dict[str, object]]]
R = TypeVar("R", bound=Record)

_RECORDS: Mapping[Kind, type[Record]] = {"payment": Payment, "refund": Refund}


def insert(txn: Transaction, record: R) -> R:
    """Keep a new record; the record with its place in the order of arrival."""
    row = txn.one(SQL[f"insert_{record.kind_name}"], asdict(record))
    assert row is not None
    return replace(record, seq=row["seq"])


def update(txn: Transaction, older: Record, newer: R) -> R:
    """Replace a record by its next version."""
    values: dict[str, Value] = {**asdict(newer), "old_version": older.version}
    changed = txn.write(SQL[f"update_{newer.kind_name}"], values)
    assert changed == 1, f"{newer.kind_name} {newer.seq} was changed by somebody else"
    return newer


def read_payment(txn: Transaction, payment_id: str) -> Payment | None:
    """The payment of an id, whosever it is."""
    return _payment(txn.one(SQL["read_payment"], {"number": payment_id}))


def read_payment_by_seq(txn: Transaction, seq: int) -> Payment:
    """The payment of a place."""
    row = txn.one(SQL["read_payment_by_seq"], {"seq": seq})
    assert row is not None
    return Payment.from_row(dict(row))


def find_payment(txn: Transaction, name: str) -> Payment | None:
    """The first payment of an id or a correlator, whosever it is."""
    return _payment(txn.one(SQL["find_payment"], {"name": name}))


def read_refund(txn: Transaction, refund_id: str) -> Refund | None:
    """The refund of an id, whosever it is."""
    return _refund(txn.one(SQL["read_refund"], {"number": refund_id}))


def read_refund_by_seq(txn: Transaction, seq: int) -> Refund:
    """The refund of a place."""
    row = txn.one(SQL["read_refund_by_seq"], {"seq": seq})
    assert row is not None
    return Refund.from_row(dict(row))


def find_refund(txn: Transaction, name: str) -> Refund | None:
    """The first refund of an id or a correlator, whosever it is."""
    return _refund(txn.one(SQL["find_refund"], {"name": name}))


def read_refunds(txn: Transaction, payment: Payment) -> list[Refund]:
    """The refunds of a payment, oldest first."""
    found = txn.all(SQL["read_refunds_of_payment"], {"payment_seq": payment.seq})
    return [Refund.from_row(dict(row)) for row in found]


def find_made(
    txn: Transaction, kind: Kind, client: str, correlator: str | None, reference: str
) -> Record | None:
    """What a client made under this correlator before, or without one under this reference."""
    if correlator is None:
        values: dict[str, Value] = {"client": client, "reference": reference}
        row = txn.one(SQL[f"read_{kind}_by_reference"], values)
    else:
        values = {"client": client, "correlator": correlator}
        row = txn.one(SQL[f"read_{kind}_by_correlator"], values)
    return None if row is None else _RECORDS[kind].from_row(dict(row))


def read_list(
    txn: Transaction, kind: Kind, asked: Listing, owner: Mapping[str, Value], matching_max: int
) -> tuple[list[Record], int]:
    """The records of one page, and how many match in all; none when those are too many."""
    values: dict[str, Value] = {
        **owner,
        "from_time": asked.from_time or 0,
        "to_time": EVER_MS if asked.to_time is None else asked.to_time,
        "states": None if asked.states is None else json.dumps(asked.states),
        "merchant": asked.merchant,
    }
    counted = txn.one(SQL[f"count_listed_{kind}s"], values)
    assert counted is not None
    total = int(counted["count"])
    if total > matching_max:
        return [], total
    values |= {"count_max": asked.per_page, "skip": (asked.page - 1) * asked.per_page}
    found = txn.all(SQL[f"list_{kind}s_{asked.order}"], values)
    return [_RECORDS[kind].from_row(dict(row)) for row in found], total


def insert_effect(txn: Transaction, record: Payment | Refund, now: int) -> None:
    """Move the subscriber's money, once."""
    is_refund = isinstance(record, Refund)
    values: dict[str, Value] = {
        "kind": "refund" if is_refund else "charge",
        "number": record.number,
        "client": record.client,
        "payment_seq": record.payment_seq if isinstance(record, Refund) else record.seq,
        "correlator": record.correlator,
        "amount": record.amount,
        "currency": record.currency,
        "effect_time": now,
    }
    txn.write(SQL["insert_effect"], values)


def sum_effects(
    txn: Transaction, client: str, from_time: int = 0, to_time: int = EVER_MS
) -> Totals:
    """What really moved in a span of time, by kind and currency."""
    values: dict[str, Value] = {"client": client, "from_time": from_time, "to_time": to_time}
    found: Totals = {"charge": {}, "refund": {}}
    for row in txn.all(SQL["sum_effects"], values):
        total = {"count": row["count"], "amount": to_text(row["amount"])}
        found[row["kind"]][row["currency"]] = total
    return found


def read_movements(
    txn: Transaction, client: str, from_time: int, to_time: int
) -> list[dict[str, Any]]:
    """What really moved in a span of time, one by one, at most MOVEMENTS_MAX."""
    values: dict[str, Value] = {"client": client, "from_time": from_time, "to_time": to_time}
    found = txn.all(SQL["read_movements"], {**values, "count_max": MOVEMENTS_MAX})
    return [{**dict(row), "amount": to_text(row["amount"])} for row in found]


def effects_of(txn: Transaction, payment_seq: int) -> dict[str, str]:
    """What really moved for one payment, by kind."""
    found = txn.all(SQL["sum_effects_of_payment"], {"payment_seq": payment_seq})
    return {"charge": to_text(0), "refund": to_text(0)} | {
        row["kind"]: to_text(row["amount"]) for row in found
    }


def read_page(txn: Transaction, kind: Kind, after: int, count_max: int) -> list[Record]:
    """Some records after a place, in order of arrival."""
    found = txn.all(SQL[f"page_of_{kind}s"], {"after": after, "count_max": count_max})
    return [_RECORDS[kind].from_row(dict(row)) for row in found]


def count_records(txn: Transaction) -> dict[str, int]:
    """How many records of each kind there are."""
    row = txn.one(SQL["count_records"], {})
    assert row is not None
    return dict(row)


def _payment(row: Row | None) -> Payment | None:
    return None if row is None else Payment.from_row(dict(row))


def _refund(row: Row | None) -> Refund | None:
    return None if row is None else Refund.from_row(dict(row))
