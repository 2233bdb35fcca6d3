"""A day's bill: an archive of two files in GBK, of which the one with the details is read.

Comments begin with `#`: four before the heading, and after the lines the totals. Cells are padded
with tabs and not quoted, and some hold what others wrote, commas included; so a line is read around
its times and amounts. A line that fits in two ways is refused: somebody wrote cells into a text,
and nothing tells which are Alipay's. The files are told apart by their first line, because their
names come in another encoding than archives have.

What Alipay calls the fee has its own sign there; here a fee is what it keeps of a charge, and gives
back with a refund.
"""

import io
import re
import zipfile
import zlib
from decimal import Decimal

from gateway.channels.alipay.texts import CURRENCY
from gateway.channels.bill import (
    Bill,
    BillLine,
    BillLineKind,
    BillRefused,
    BillTotals,
    read_china_time,
    read_decimal,
    read_minor_units,
)
from gateway.domain.money import Money

FILES_MAX = 8
FILE_BYTES_MAX = 512 * 1_024 * 1_024
"""Bytes of one unpacked file; more is refused before it is unpacked."""

TITLE = "#支付宝业务明细查询"
HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
    "订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,"  # noqa: RUF001
    "券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"  # noqa: RUF001
)
PREFACE_LINES = 4

KINDS = {"交易": BillLineKind.CHARGE, "退款": BillLineKind.REFUND}

_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"
_YUAN = r"-?[0-9]{1,9}\.[0-9]{1,5}"


def _fits(parties: str, coupon: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Make patterns that find the first and the last way in which a line can be read.

    They try the lengths of the cells that they leave open in opposite orders, so where both find
    the same, there is no other.
    """
    line = (
        r"(?P<trade_no>[0-9]+),(?P<out_trade_no>[^,]*),(?P<kind>交易|退款),.*?,"
        rf"{_TIME},(?P<time>{_TIME}),{parties},"
        rf"(?P<total>{_YUAN}),(?P<receipt>{_YUAN}),(?:{_YUAN},){{5}}{coupon},{_YUAN},{_YUAN},"
        rf"(?P<request_no>[^,]*),(?P<fee>{_YUAN}),{_YUAN},.*"
    )
    return re.compile(line), re.compile(line.replace(".*?", ".*"))


_FITS = (_fits("[^,]*(?:,[^,]*){4}", "[^,]*"), _fits(".*?", ".*?"))
"""Commas in the goods and the remark only, as nearly always; else in any text."""

_TOTAL = re.compile(rf"#(?P<kind>交易|退款)合计\W(?P<count>[0-9]{{1,9}})笔\D*?(?P<sum>{_YUAN})元.*")


def parse_bill(data: bytes) -> Bill:
    """Read the archive of a bill and check that it adds up.

    Raises:
        BillRefused: it is none, or does not add up.
    """
    texts = _details(data)
    if len(texts) <= PREFACE_LINES or texts[PREFACE_LINES] != HEADER:
        raise BillRefused("A bill does not have the heading that it must have.")
    rows = texts[PREFACE_LINES + 1 :]
    end = next((place for place, text in enumerate(rows) if text.startswith("#")), len(rows))
    found = [_found(text) for text in rows[:end]]
    lines = sum(_checked(kind, found, rows[end:]) for kind in KINDS)
    return Bill(tuple(map(_line, found)), BillTotals(lines=lines))


def _details(data: bytes) -> list[str]:
    """Find the file with the details, and give its lines without the tabs."""
    files = [text for text in _files(data) if text.startswith(TITLE)]
    if len(files) != 1:
        raise BillRefused("A bill does not have one file with the details.")
    return files[0].replace("\t", "").replace("\r\n", "\n").rstrip("\n").split("\n")


def _files(data: bytes) -> list[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > FILES_MAX or any(e.file_size > FILE_BYTES_MAX for e in entries):
                raise BillRefused("The archive of a bill is too large.")
            return [archive.read(entry).decode("gb18030") for entry in entries]
    except UnicodeDecodeError as error:
        raise BillRefused("A file of a bill is not in GBK.") from error
    except (zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, OSError, EOFError) as error:
        raise BillRefused("The archive of a bill is none, or cut short.") from error


def _found(text: str) -> dict[str, str]:
    for first, last in _FITS:
        match, other = first.fullmatch(text), last.fullmatch(text)
        if match and other:
            if match.regs != other.regs:
                raise BillRefused("A line of a bill can be read in two ways.")
            return {name: value.strip() for name, value in match.groupdict().items()}
    raise BillRefused("A line of a bill does not have the cells that it must have.")


def _checked(kind: str, rows: list[dict[str, str]], trailer: list[str]) -> int:
    """Hold the lines of a kind against the total that the bill names; give their number."""
    totals = [match for text in trailer if (match := _TOTAL.match(text)) and match["kind"] == kind]
    if len(totals) != 1:
        raise BillRefused("A bill does not end with its totals.")
    receipts = [read_decimal(row["receipt"]) for row in rows if row["kind"] == kind]
    told = int(totals[0]["count"]), abs(read_decimal(totals[0]["sum"]))
    if told != (len(receipts), abs(sum(receipts, Decimal(0)))):
        raise BillRefused("The lines of a bill do not come to its totals.")
    return len(receipts)


def _line(row: dict[str, str]) -> BillLine:
    kind = KINDS[row["kind"]]
    charged = kind is BillLineKind.CHARGE
    fee = abs(read_decimal(row["fee"]))
    return BillLine(
        kind=kind,
        number=row["out_trade_no"] if charged else row["request_no"] or row["out_trade_no"],
        charge_number=row["out_trade_no"],
        channel_number=row["trade_no"],
        money=_money(row["total"], 1 if charged else -1),
        fee=fee if charged else -fee,
        time=read_china_time(row["time"]),
    )


def _money(text: str, sign: int) -> Money:
    amount = read_minor_units(text, CURRENCY) * sign
    if amount <= 0:
        raise BillRefused("A line of a bill moves no money, or in the wrong direction.")
    return Money(CURRENCY, amount)
