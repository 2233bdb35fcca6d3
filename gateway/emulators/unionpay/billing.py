"""The settlement file, asked for. One request in a unit of the book."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from gateway.emulators.core import beijing
from gateway.emulators.core.book import Row, Transaction, Value
from gateway.emulators.unionpay import bill, clearing, rows, views
from gateway.emulators.unionpay.answers import Answer
from gateway.emulators.unionpay.bill import BillFault, Line
from gateway.emulators.unionpay.codes import SUCCESS, Refusal
from gateway.emulators.unionpay.requests import VOID, AskFile

READY_HOUR: Final = 9  # of the next day
NO_FILE: Final = "98"


def ask(txn: Transaction, asked: AskFile, now: int) -> Answer:
    """The files of a clearing day. Raises Refusal."""
    try:
        day = clearing.latest(asked.settle_date, clearing.day(now))
    except ValueError:
        raise Refusal("10", "settleDate is no day") from None
    ready_time = beijing.midnight(day + timedelta(days=1)) + READY_HOUR * beijing.HOUR_MS
    lines = read_lines(txn, asked.mer_id, day)
    if now < ready_time or not lines:
        raise Refusal(NO_FILE, "there is no file of that day, or not yet")
    fields = {
        **views.answer(asked.body, SUCCESS),
        "fileName": f"{asked.mer_id}_{day:%Y%m%d}.zip",
        "fileContent": bill.pack(lines, asked.mer_id, day),
    }
    return Answer(fields=fields)


def read_lines(txn: Transaction, mer_id: str, day: date) -> list[Line]:
    """What moved on a clearing day, as the file shall tell it."""
    faults = txn.all(rows.SQL["read_bill_faults"], {"mer_id": mer_id, "day": day.isoformat()})
    lines = read_true_lines(txn, mer_id, day)
    return bill.spoil(lines, (BillFault(*row) for row in faults), mer_id, day)


def read_true_lines(txn: Transaction, mer_id: str, day: date) -> list[Line]:
    """What moved on a clearing day."""
    values: dict[str, Value] = {"mer_id": mer_id, "settle_day": day.isoformat()}
    return [_line(txn, row) for row in txn.all(rows.SQL["read_movements"], values)]


def _line(txn: Transaction, row: Row) -> Line:
    order = rows.read_by_seq(txn, row["seq"])
    returned_late = row["kind"] == "return" and row["seq"] == row["charge_seq"]
    orig = order if returned_late else None
    if order.orig_seq is not None:
        orig = rows.read_by_seq(txn, order.orig_seq)
    line = Line(
        kind=row["kind"],
        mer_id=order.mer_id,
        order_id=order.order_id,
        txn_time=order.txn_time,
        txn_type=VOID if returned_late else order.txn_type,
        txn_sub_type=order.txn_sub_type,
        biz_type=order.asked["bizType"],
        amount=row["amount"],
        trace_no=order.trace_no,
        account=order.account,
        query_id=order.query_id or "",
    )
    if orig is None:
        return line
    return replace(
        line,
        orig_order_id=orig.order_id,
        orig_txn_time=orig.txn_time,
        orig_trace_no=orig.trace_no,
        orig_query_id=orig.query_id or "",
    )
