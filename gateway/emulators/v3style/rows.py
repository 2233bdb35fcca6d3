"""The records in the book: read, insert, replace, add up.

Records go in and out as whole frozen objects. Replacing one is conditional on the version it was
read with, so a change that was decided on old knowledge cannot be written.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TypeVar

from gateway.emulators.core.book import Row, Transaction, Value
from gateway.emulators.core.statements import load_statements, read_sql
from gateway.emulators.v3style.contracts import Contract, PreNotice
from gateway.emulators.v3style.orders import Order
from gateway.emulators.v3style.records import Kind, Record
from gateway.emulators.v3style.refunds import Refund

SQL = load_statements(__package__, "book.sql")
SCHEMA = (
    read_sql("gateway.emulators.core", "schema.sql")
    + read_sql("gateway.emulators.core", "channel_schema.sql")
    + read_sql(__package__, "schema.sql"),
)
"""The book's schema, version by version."""

EVER_MS = 2**62

R = TypeVar("R", bound=Record)

_RECORDS: Mapping[Kind, type[Record]] = {"order": Order, "refund": Refund, "contract": Contract}


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


def read_order(txn: Transaction, mchid: str, number: str) -> Order | None:
    """The order under a merchant's number."""
    return _order(txn.one(SQL["read_order"], {"mchid": mchid, "number": number}))


def read_order_by_seq(txn: Transaction, seq: int) -> Order:
    """The order of a place."""
    row = txn.one(SQL["read_order_by_seq"], {"seq": seq})
    assert row is not None
    return Order.from_row(dict(row))


def read_order_by_transaction(txn: Transaction, mchid: str, transaction_id: str) -> Order | None:
    """The order under the channel's number."""
    values: dict[str, Value] = {"mchid": mchid, "transaction_id": transaction_id}
    return _order(txn.one(SQL["read_order_by_transaction"], values))


def read_order_by_credential(txn: Transaction, credential: str) -> Order | None:
    """The order that a code or a prepay id opens."""
    return _order(txn.one(SQL["read_order_by_credential"], {"credential": credential}))


def find_order(txn: Transaction, number: str) -> Order | None:
    """The first order under a number, whosever it is."""
    return _order(txn.one(SQL["find_order"], {"number": number}))


def read_refund(txn: Transaction, mchid: str, number: str) -> Refund | None:
    """The refund under a merchant's number."""
    return _refund(txn.one(SQL["read_refund"], {"mchid": mchid, "number": number}))


def read_refund_by_seq(txn: Transaction, seq: int) -> Refund:
    """The refund of a place."""
    row = txn.one(SQL["read_refund_by_seq"], {"seq": seq})
    assert row is not None
    return Refund.from_row(dict(row))


def read_refund_by_id(txn: Transaction, mchid: str, refund_id: str) -> Refund | None:
    """The refund under the channel's number."""
    values: dict[str, Value] = {"mchid": mchid, "refund_id": refund_id}
    return _refund(txn.one(SQL["read_refund_by_id"], values))


def read_refunds(txn: Transaction, order: Order) -> list[Refund]:
    """The refunds of an order, oldest first."""
    rows = txn.all(SQL["read_refunds_of_order"], {"order_seq": order.seq})
    return [Refund.from_row(dict(row)) for row in rows]


def find_refund(txn: Transaction, number: str) -> Refund | None:
    """The first refund under a number, whosever it is."""
    return _refund(txn.one(SQL["find_refund"], {"number": number}))


def read_contract(txn: Transaction, mchid: str, plan_id: str, code: str) -> Contract | None:
    """The contract under a merchant's code."""
    values: dict[str, Value] = {"mchid": mchid, "plan_id": plan_id, "code": code}
    return _contract(txn.one(SQL["read_contract"], values))


def read_contract_by_id(txn: Transaction, mchid: str, contract_id: str) -> Contract | None:
    """The contract under the channel's number."""
    values: dict[str, Value] = {"mchid": mchid, "contract_id": contract_id}
    return _contract(txn.one(SQL["read_contract_by_id"], values))


def find_contract(txn: Transaction, name: str) -> Contract | None:
    """The contract that a number of the channel's names, before or after it was signed."""
    return _contract(txn.one(SQL["find_contract"], {"name": name}))


def insert_pre_notice(txn: Transaction, notice: PreNotice) -> None:
    """Keep an announcement."""
    txn.write(SQL["insert_pre_notice"], asdict(notice))


def read_pre_notices(txn: Transaction, contract_id: str, now: int) -> list[PreNotice]:
    """The announcements that are not over."""
    values: dict[str, Value] = {"contract_id": contract_id, "now": now}
    return [PreNotice(*row) for row in txn.all(SQL["read_pre_notices"], values)]


def insert_effect(
    txn: Transaction, kind: str, order: Order, number: str, amount: int, *, now: int
) -> None:
    """Move the buyer's money, once."""
    values: dict[str, Value] = {
        "kind": kind,
        "mchid": order.mchid,
        "number": number,
        "order_seq": order.seq,
        "amount": amount,
        "effect_time": now,
    }
    txn.write(SQL["insert_effect"], values)


def sum_effects(
    txn: Transaction, mchid: str, from_time: int = 0, to_time: int = EVER_MS
) -> dict[str, dict[str, int]]:
    """What really moved in a span of time, by kind, in fen."""
    values: dict[str, Value] = {"mchid": mchid, "from_time": from_time, "to_time": to_time}
    found = {kind: {"count": 0, "amount": 0} for kind in ("charge", "refund", "return")}
    for row in txn.all(SQL["sum_effects"], values):
        found[row["kind"]] = {"count": row["count"], "amount": row["amount"]}
    return found


def effects_of(txn: Transaction, order_seq: int) -> dict[str, int]:
    """What really moved for one order, by kind, in fen."""
    rows = txn.all(SQL["sum_effects_of_order"], {"order_seq": order_seq})
    return {"charge": 0, "refund": 0, "return": 0} | {row["kind"]: row["amount"] for row in rows}


def read_page(txn: Transaction, kind: Kind, after: int, count_max: int) -> list[Record]:
    """Some records after a place, in order of arrival."""
    rows = txn.all(SQL[f"page_of_{kind}s"], {"after": after, "count_max": count_max})
    return [_RECORDS[kind].from_row(dict(row)) for row in rows]


def count_records(txn: Transaction) -> dict[str, int]:
    """How many records of each kind there are."""
    row = txn.one(SQL["count_records"], {})
    assert row is not None
    return dict(row)


def _order(row: Row | None) -> Order | None:
    return None if row is None else Order.from_row(dict(row))


def _refund(row: Row | None) -> Refund | None:
    return None if row is None else Refund.from_row(dict(row))


def _contract(row: Row | None) -> Contract | None:
    return None if row is None else Contract.from_row(dict(row))
