"""Bills: asked for, and fetched by whoever has the link, for half a minute."""

import base64
import secrets
from datetime import date, timedelta
from typing import Final

from gateway.emulators.alipay import archive, bill, rows
from gateway.emulators.alipay.answers import Answer, done
from gateway.emulators.alipay.bill import ACCOUNT_SUFFIX, BillFault, Line
from gateway.emulators.alipay.channel import Asked, Channel
from gateway.emulators.alipay.errors import Refusal
from gateway.emulators.alipay.records import logon_id
from gateway.emulators.alipay.trades import Trade
from gateway.emulators.core import beijing
from gateway.emulators.core.book import Row, Transaction, Value

READY_HOUR: Final = 9  # of the next day
URL_LIFE_MS: Final = 30_000
DOWNLOAD_PATH: Final = "/downloadBillFile.resource"
TYPE: Final = "trade"


def ask(txn: Transaction, _channel: Channel, asked: Asked, now: int) -> Answer:
    """Make the bill of a day and say where it can be fetched, soon."""
    day = date.fromisoformat(asked.biz["bill_date"])
    if asked.biz["bill_type"] != TYPE:
        raise Refusal("INVAILID_ARGUMENTS", f"Only bills of the type {TYPE} are played.")
    ready_time = beijing.midnight(day + timedelta(days=1)) + READY_HOUR * beijing.HOUR_MS
    lines = read_lines(txn, asked.app.app_id, day)
    if now < ready_time or not lines:
        raise Refusal("isp.bill_not_exist", "There is no bill of that day, or not yet.")
    file_id = secrets.token_hex(16)
    txn.write(rows.SQL["forget_bill_files"], {"now": now})
    values: dict[str, Value] = {
        "file_id": file_id,
        "expire_time": now + URL_LIFE_MS,
        "content": base64.b64encode(_pack(lines, asked.app.seller_id, day, now)).decode(),
    }
    txn.write(rows.SQL["insert_bill_file"], values)
    return done({"bill_download_url": _url(asked, day, file_id)})


def fetch(txn: Transaction, file_id: str, now: int) -> bytes | None:
    """A bill, while its link works."""
    row = txn.one(rows.SQL["bill_file"], {"file_id": file_id, "now": now})
    return None if row is None else base64.b64decode(row["content"])


def read_lines(txn: Transaction, app_id: str, day: date) -> list[Line]:
    """What moved on a day, as the bill shall tell it."""
    begin = beijing.midnight(day)
    span: dict[str, Value] = {
        "app_id": app_id,
        "from_time": begin,
        "to_time": begin + beijing.DAY_MS,
    }
    values: dict[str, Value] = {"app_id": app_id, "day": day.isoformat()}
    faults = [BillFault(*row) for row in txn.all(rows.SQL["bill_faults_of_day"], values)]
    lines = [_line(txn, row) for row in txn.all(rows.SQL["movements"], span)]
    return bill.spoil(lines, faults, begin)


def _line(txn: Transaction, row: Row) -> Line:
    trade = rows.by_seq(txn, Trade, row["owner_seq"])
    asked = trade.asked
    return Line(
        kind=row["kind"],
        number=row["number"],
        trade_number=trade.number,
        amount=row["amount"],
        time=row["effect_time"],
        create_time=trade.create_time,
        trade_no=trade.trade_no,
        account="" if trade.buyer_id is None else f"*({logon_id(trade.buyer_id)})",
        subject=asked["subject"],
        store_id=asked.get("store_id", ""),
        operator_id=asked.get("operator_id", ""),
        terminal_id=asked.get("terminal_id", ""),
        remark=asked.get("body", ""),
    )


def _pack(lines: list[Line], seller_id: str, day: date, now: int) -> bytes:
    stem = f"{seller_id}{ACCOUNT_SUFFIX}_{day:%Y%m%d}"
    texts = {
        f"{stem}_业务明细.csv": bill.write_details(lines, seller_id, day, now),
        f"{stem}_业务明细(汇总).csv": bill.write_totals(lines, seller_id, day, now),
    }
    files = {name: text.encode(archive.ENCODING, "replace") for name, text in texts.items()}
    return archive.write(files, beijing.at(now))


def _url(asked: Asked, day: date, file_id: str) -> str:
    user = f"{asked.app.seller_id}{ACCOUNT_SUFFIX}"
    parameters = {
        "bizType": TYPE,
        "userId": user,
        "fileType": "csv.zip",
        "bizDates": f"{day:%Y%m%d}",
        "downloadFileName": f"{user}_{day:%Y%m%d}.csv.zip",
        "fileId": file_id,
    }
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return f"http://{asked.host}{DOWNLOAD_PATH}?{query}"
