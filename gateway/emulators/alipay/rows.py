"""The records in the book: read, insert, replace, add up.

Records go in and out as whole frozen objects. Replacing one is conditional on the version it was
read with, so a change that was decided on old knowledge cannot be written.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Final, TypeVar

from gateway.emulators.alipay.agreements import Agreement
from gateway.emulators.alipay.authorizations import Authorization, Operation
from gateway.emulators.alipay.codes import Code
from gateway.emulators.alipay.records import Kind, Record
from gateway.emulators.alipay.refunds import Refund
from gateway.emulators.alipay.trades import Trade
from gateway.emulators.core.book import Transaction, Value
from gateway.emulators.core.statements import load_statements, read_sql

SQL = load_statements(__package__, "book.sql")
SCHEMA = (
    read_sql("gateway.emulators.core", "schema.sql")
    + read_sql("gateway.emulators.core", "channel_schema.sql")
    + read_sql(__package__, "schema.sql"),
)
"""The book's schema, version by version."""

EVER_MS: Final = 2**62
EFFECTS: Final = ("charge", "refund", "return", "freeze", "unfreeze")

R = TypeVar("R", bound=Record)

_RECORDS: Mapping[Kind, type[Record]] = {
    record.kind_name: record for record in (Code, Trade, Refund, Authorization, Agreement)
}


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


def by_number(txn: Transaction, kind: type[R], app_id: str, number: str) -> R | None:
    """The record under an app's own number."""
    return _one(txn, kind, f"{kind.kind_name}_by_number", {"app_id": app_id, "name": number})


def by_channel_number(txn: Transaction, kind: type[R], app_id: str, number: str) -> R | None:
    """The record of an app under the channel's number."""
    values: dict[str, Value] = {"app_id": app_id, "name": number}
    return _one(txn, kind, f"{kind.kind_name}_by_channel_number", values)


def by_seq(txn: Transaction, kind: type[R], seq: int) -> R:
    """The record of a place."""
    found = _one(txn, kind, f"{kind.kind_name}_by_seq", {"seq": seq})
    assert found is not None
    return found


def find(txn: Transaction, kind: type[R], name: str) -> R | None:
    """The first record that either number names, whosever it is."""
    return _one(txn, kind, f"find_{kind.kind_name}", {"name": name})


def code_by_qr(txn: Transaction, qr_code: str) -> Code | None:
    """The promise that a code opens."""
    return _one(txn, Code, "code_by_qr", {"name": qr_code})


def refunds_of(txn: Transaction, trade: Trade) -> list[Refund]:
    """The refunds of a trade, oldest first."""
    rows = txn.all(SQL["refunds_of_trade"], {"seq": trade.seq})
    return [Refund.from_row(dict(row)) for row in rows]


def insert_operation(txn: Transaction, operation: Operation) -> Operation:
    """Keep what was done with an authorisation."""
    txn.write(SQL["insert_operation"], asdict(operation))
    return operation


def end_freezing(txn: Transaction, auth_seq: int, status: str, now: int) -> None:
    """The buyer has decided whether his money is frozen."""
    values: dict[str, Value] = {"auth_seq": auth_seq, "status": status, "trans_time": now}
    txn.write(SQL["end_operation"], values)


def operations_of(txn: Transaction, authorization: Authorization) -> list[Operation]:
    """What was done with an authorisation, oldest first."""
    rows = txn.all(SQL["operations_of_authorization"], {"seq": authorization.seq})
    return [Operation.from_row(dict(row)) for row in rows]


def operation_by_number(txn: Transaction, app_id: str, number: str) -> Operation | None:
    """The freezing or unfreezing under an app's out_request_no."""
    row = txn.one(SQL["operation_by_number"], {"app_id": app_id, "name": number})
    return None if row is None else Operation.from_row(dict(row))


def insert_effect(
    txn: Transaction, kind: str, owner: Record, number: str, amount: int, *, now: int
) -> None:
    """Move the buyer's money, once."""
    values: dict[str, Value] = {
        "kind": kind,
        "owner_seq": owner.seq,
        "number": number,
        "app_id": owner.app_id,
        "amount": amount,
        "effect_time": now,
    }
    txn.write(SQL["insert_effect"], values)


def sum_effects(
    txn: Transaction, app_id: str, from_time: int = 0, to_time: int = EVER_MS
) -> dict[str, dict[str, int]]:
    """What really moved in a span of time, by kind, in fen."""
    values: dict[str, Value] = {"app_id": app_id, "from_time": from_time, "to_time": to_time}
    found = {kind: {"count": 0, "amount": 0} for kind in EFFECTS}
    for row in txn.all(SQL["sum_effects"], values):
        found[row["kind"]] = {"count": row["count"], "amount": row["amount"]}
    return found


def effects_of(txn: Transaction, owner: Trade | Authorization) -> dict[str, int]:
    """What really moved for one trade or authorisation, by kind, in fen."""
    rows = txn.all(SQL[f"sum_effects_of_{owner.kind_name}"], {"seq": owner.seq})
    kinds = EFFECTS[:3] if isinstance(owner, Trade) else EFFECTS[3:]
    return dict.fromkeys(kinds, 0) | {row["kind"]: row["amount"] for row in rows}


def read_page(txn: Transaction, kind: Kind, after: int, count_max: int) -> list[Record]:
    """Some records after a place, in order of arrival."""
    rows = txn.all(SQL[f"page_of_{kind}s"], {"after": after, "count_max": count_max})
    return [_RECORDS[kind].from_row(dict(row)) for row in rows]


def count_records(txn: Transaction) -> dict[str, int]:
    """How many records of each kind there are."""
    row = txn.one(SQL["count_records"], {})
    assert row is not None
    return dict(row)


def _one(txn: Transaction, kind: type[R], name: str, values: Mapping[str, Value]) -> R | None:
    row = txn.one(SQL[name], values)
    return None if row is None else kind.from_row(dict(row))
