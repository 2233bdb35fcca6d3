"""A trade bill of the v3 style: CSV without quotes, in yuan, every cell behind a backtick.

Two tables of a header and rows: one line per payment and per refund, then one of totals. Texts of
the merchant stand in the middle of a line and may hold anything, separators included, so a line is
read from both of its ends.
"""

import re
from typing import NamedTuple

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

HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
TOTALS_HEADER = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)

CELLS_BEFORE_TEXT = 20
CELLS_AFTER_TEXT = 5
CELLS_MIN = CELLS_BEFORE_TEXT + 2 + CELLS_AFTER_TEXT
CURRENCY = "CNY"
REFUND_FAILED = "FAIL"

_COUNT = re.compile(r"[0-9]{1,9}")


class Row(NamedTuple):
    """The cells of one line that we need, by their headings' meaning."""

    time: str
    transaction_id: str
    out_trade_no: str
    trade_state: str
    currency: str
    refund_id: str
    out_refund_no: str
    refund_state: str
    fee: str
    total: str
    refund: str


def parse_rows(data: bytes, *, header: str = HEADER) -> Bill:
    """Read a bill and check that it adds up.

    Raises:
        BillRefused: it is none, or does not add up.
    """
    texts = _texts(data)
    end = _totals_at(texts, header)
    rows = [_row(text) for text in texts[1:end]]
    failed = [row for row in rows if row.refund_state == REFUND_FAILED]
    lines = tuple(_line(row) for row in rows if row.refund_state != REFUND_FAILED)
    return Bill(lines, _totals(texts[end + 1], failed))


def _texts(data: bytes) -> list[str]:
    try:
        text = data.decode("utf-8-sig")
    except ValueError as error:
        raise BillRefused("A bill is not UTF-8.") from error
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def _totals_at(texts: list[str], header: str) -> int:
    """Find the heading of the totals: it and one line end the file."""
    end = len(texts) - 2
    if end < 1 or texts[0] != header or texts[end] != TOTALS_HEADER:
        raise BillRefused("A bill does not have the two headings that it must have.")
    return end


def _cells(text: str) -> list[str]:
    if not text.startswith("`"):
        raise BillRefused("A line of a bill does not begin with a backtick.")
    return text[1:].split(",`")


def _row(text: str) -> Row:
    cells = _cells(text)
    if len(cells) < CELLS_MIN:
        raise BillRefused("A line of a bill has too few cells.")
    front, back = cells[:CELLS_BEFORE_TEXT], cells[-CELLS_AFTER_TEXT:]
    return Row(
        time=front[0],
        transaction_id=front[5],
        out_trade_no=front[6],
        trade_state=front[9],
        currency=front[11],
        refund_id=front[14],
        out_refund_no=front[15],
        refund_state=front[19],
        fee=back[0],
        total=back[2],
        refund=back[3],
    )


def _line(row: Row) -> BillLine:
    match row.trade_state:
        case "SUCCESS":
            kind, number, channel_number = BillLineKind.CHARGE, row.out_trade_no, row.transaction_id
        case "REFUND":
            kind, number, channel_number = BillLineKind.REFUND, row.out_refund_no, row.refund_id
        case "REVOKED":
            kind, number, channel_number = BillLineKind.REFUND, row.out_trade_no, row.refund_id
        case _:
            raise BillRefused("A line of a bill has a state that is in no documentation.")
    return BillLine(
        kind=kind,
        number=number,
        charge_number=row.out_trade_no,
        channel_number=channel_number,
        money=_money(row.total if kind is BillLineKind.CHARGE else row.refund, row.currency),
        fee=read_decimal(row.fee),
        time=read_china_time(row.time),
    )


def _money(text: str, currency: str) -> Money:
    amount = read_minor_units(text, currency)
    if amount <= 0:
        raise BillRefused("A line of a bill moves no money.")
    return Money(currency, amount)


def _totals(text: str, failed: list[Row]) -> BillTotals:
    """Read the totals, less what was never refunded: it stands in the bill, and moved nothing."""
    cells = _cells(text)
    if len(cells) != TOTALS_HEADER.count(",") + 1 or not _COUNT.fullmatch(cells[0]):
        raise BillRefused("The totals of a bill are not what its heading says.")
    unmoved = sum(read_minor_units(row.refund, CURRENCY) for row in failed)
    return BillTotals(
        lines=int(cells[0]) - len(failed),
        charged=read_minor_units(cells[5], CURRENCY),
        refunded=read_minor_units(cells[6], CURRENCY) - unmoved,
        fee=read_decimal(cells[4]) - sum(read_decimal(row.fee) for row in failed),
    )
