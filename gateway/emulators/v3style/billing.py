"""Bills: asked for, fetched once. Each function is one request in a unit of the book."""

import gzip
import hashlib
from datetime import date, timedelta
from typing import Final

from gateway.emulators.core import beijing
from gateway.emulators.core.book import Row, Transaction, Value
from gateway.emulators.v3style import bill, rows
from gateway.emulators.v3style.answers import Answer, File
from gateway.emulators.v3style.bill import BillFault, Line
from gateway.emulators.v3style.commands import AskBill, FetchBill
from gateway.emulators.v3style.errors import Refusal
from gateway.emulators.v3style.names import Channel
from gateway.emulators.v3style.sealing import new_token

READY_HOUR: Final = 10  # of the next day
KEPT_DAYS: Final = 92
TOKEN_LENGTH: Final = 64
HASH_TYPE: Final = "SHA1"


def ask(txn: Transaction, channel: Channel, asked: AskBill, now: int) -> Answer:
    """Make the bill of a day and say where it can be fetched, once and soon."""
    _require_ready(asked.day, now)
    content = bill.write(read_lines(txn, asked.mchid, asked.day), asked.variant)
    if not content:
        raise Refusal("NO_STATEMENT_EXIST", "Nothing moved on that day.")
    token = new_token(TOKEN_LENGTH)
    txn.write(rows.SQL["forget_bill_files"], {"now": now})
    txn.write(
        rows.SQL["insert_bill_file"],
        {
            "token": token,
            "mchid": asked.mchid,
            "expire_time": now + channel.names.bill_url_life_ms,
            "gzip": int(asked.gzip),
            "content": content,
        },
    )
    url = f"http://{asked.host}{channel.names.download_path}?token={token}"
    view: dict[str, object] = {
        "hash_type": HASH_TYPE,
        "hash_value": hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest(),
        "download_url": f"{url}&tartype=gzip" if asked.gzip else url,
    }
    return Answer(view=view)


def fetch(txn: Transaction, asked: FetchBill, now: int) -> Answer:
    """Hand a bill over; it cannot be fetched again. The file itself is not signed."""
    values: dict[str, Value] = {"token": asked.token, "mchid": asked.mchid, "now": now}
    row = txn.one(rows.SQL["take_bill_file"], values)
    if row is None:
        raise Refusal("RESOURCE_NOT_EXISTS", "The download is over: ask for the bill again.")
    content = row["content"].encode()
    if row["gzip"]:
        file = File(gzip.compress(content, mtime=0), "application/gzip")
    else:
        file = File(content, "text/plain")
    return Answer(file=file, signed=False)


def read_lines(txn: Transaction, mchid: str, day: date) -> list[Line]:
    """What moved on a day, as the bill shall tell it."""
    begin = beijing.midnight(day)
    span: dict[str, Value] = {
        "mchid": mchid,
        "from_time": begin,
        "to_time": begin + beijing.DAY_MS,
    }
    movements = txn.all(rows.SQL["read_movements"], span)
    faults = txn.all(rows.SQL["read_bill_faults"], {"mchid": mchid, "day": day.isoformat()})
    lines = [_line(txn, row) for row in movements]
    return bill.spoil(lines, (BillFault(*row) for row in faults), mchid, begin)


def _line(txn: Transaction, row: Row) -> Line:
    order = rows.read_order_by_seq(txn, row["order_seq"])
    refund = None if row["refund_seq"] is None else rows.read_refund_by_seq(txn, row["refund_seq"])
    return Line(
        kind=row["kind"],
        mchid=order.mchid,
        number=row["number"],
        order_number=order.number,
        amount=row["amount"],
        time=row["effect_time"],
        appid=order.appid,
        transaction_id=order.transaction_id or "0",
        openid=order.openid or "",
        trade_type=order.trade_type,
        refund_id="0" if refund is None else refund.refund_id,
        apply_time=None if refund is None else refund.create_time,
        description=order.asked.get("description", ""),
        attach=order.asked.get("attach", ""),
    )


def _require_ready(day: date, now: int) -> None:
    today = beijing.at(now).date()
    if day >= today:
        raise Refusal("INVALID_REQUEST", "The day is not over.", field="bill_date")
    if day < today - timedelta(days=KEPT_DAYS):
        raise Refusal("INVALID_REQUEST", "The day is more than three months ago.")
    ready_time = beijing.midnight(day + timedelta(days=1)) + READY_HOUR * beijing.HOUR_MS
    if now < ready_time:
        raise Refusal("STATEMENT_CREATING", "The bill is ready at 10:00 of the next day.")
