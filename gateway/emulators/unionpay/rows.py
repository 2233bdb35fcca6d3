"""The orders in the book: read, insert, replace, add up.

Orders go in and out as whole frozen objects. Replacing one is conditional on the version it was
read with, so a change that was decided on old knowledge cannot be written.
"""

from dataclasses import asdict, replace

from gateway.emulators.core.book import Row, Transaction, Value
from gateway.emulators.core.statements import load_statements, read_sql
from gateway.emulators.unionpay.orders import Order

SQL = load_statements(__package__, "book.sql")
SCHEMA = (
    read_sql("gateway.emulators.core", "schema.sql")
    + read_sql("gateway.emulators.core", "channel_schema.sql")
    + read_sql(__package__, "schema.sql"),
)
"""The book's schema, version by version."""


def insert(txn: Transaction, order: Order) -> Order:
    """Keep a new order; the order with its place in the order of arrival."""
    row = txn.one(SQL["insert_order"], asdict(order))
    assert row is not None
    return replace(order, seq=row["seq"])


def update(txn: Transaction, older: Order, newer: Order) -> Order:
    """Replace an order by its next version."""
    values: dict[str, Value] = {**asdict(newer), "old_version": older.version}
    changed = txn.write(SQL["update_order"], values)
    assert changed == 1, f"order {newer.seq} was changed by somebody else"
    return newer


def read(txn: Transaction, mer_id: str, order_id: str, txn_time: str) -> Order | None:
    """The order under a merchant's number and time."""
    values: dict[str, Value] = {"mer_id": mer_id, "order_id": order_id, "txn_time": txn_time}
    return _order(txn.one(SQL["read_order"], values))


def read_by_seq(txn: Transaction, seq: int) -> Order:
    """The order of a place."""
    order = _order(txn.one(SQL["read_order_by_seq"], {"seq": seq}))
    assert order is not None
    return order


def read_by_query_id(txn: Transaction, mer_id: str, query_id: str) -> Order | None:
    """The order under UnionPay's number."""
    values: dict[str, Value] = {"mer_id": mer_id, "query_id": query_id}
    return _order(txn.one(SQL["read_order_by_query_id"], values))


def read_by_tn(txn: Transaction, tn: str) -> Order | None:
    """The order that a phone opens."""
    return _order(txn.one(SQL["read_order_by_tn"], {"tn": tn}))


def find(txn: Transaction, order_id: str) -> Order | None:
    """The newest order under a number, whosever it is."""
    return _order(txn.one(SQL["find_order"], {"order_id": order_id}))


def live_followers(txn: Transaction, seq: int) -> list[Order]:
    """What follows an order and did not fail, without completions that were taken back."""
    return [Order.from_row(dict(row)) for row in txn.all(SQL["live_followers"], {"seq": seq})]


def insert_effect(txn: Transaction, kind: str, order: Order, charge_seq: int, now: int) -> None:
    """Move the buyer's money, once."""
    values: dict[str, Value] = {
        "kind": kind,
        "seq": order.seq,
        "charge_seq": charge_seq,
        "mer_id": order.mer_id,
        "amount": order.amount,
        "settle_day": order.settle_day,
        "effect_time": now,
    }
    txn.write(SQL["insert_effect"], values)


def sum_effects(
    txn: Transaction, mer_id: str, settle_day: str | None = None
) -> dict[str, dict[str, int]]:
    """What really moved, on a clearing day or ever, by kind, in fen."""
    found = {kind: {"count": 0, "amount": 0} for kind in ("charge", "refund", "return")}
    values: dict[str, Value] = {"mer_id": mer_id, "settle_day": settle_day}
    name = "sum_effects" if settle_day is None else "sum_effects_of_day"
    for row in txn.all(SQL[name], values):
        found[row["kind"]] = {"count": row["count"], "amount": row["amount"]}
    return found


def effects_of(txn: Transaction, seq: int) -> dict[str, int]:
    """What really moved for one payment or completion, by kind, in fen."""
    rows = txn.all(SQL["sum_effects_of_charge"], {"seq": seq})
    return {"charge": 0, "refund": 0, "return": 0} | {row["kind"]: row["amount"] for row in rows}


def read_page(txn: Transaction, after: int, count_max: int) -> list[Order]:
    """Some orders after a place, in order of arrival."""
    rows = txn.all(SQL["page_of_orders"], {"after": after, "count_max": count_max})
    return [Order.from_row(dict(row)) for row in rows]


def count(txn: Transaction) -> int:
    """How many orders there are."""
    row = txn.one(SQL["count_orders"], {})
    assert row is not None
    return int(row["count"])


def _order(row: Row | None) -> Order | None:
    return None if row is None else Order.from_row(dict(row))
