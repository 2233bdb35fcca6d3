"""The bill of a day as text: UTF-8, amounts in yuan, every data cell behind a backtick.

Pure. The lines are what really moved, so they add up to the book, unless they are told to lie. The
cells are not quoted: a comma in a description stays a comma, and whoever reads must cope. Fees are
rounded to the fen for each line and written with five decimals; a refund gives its fee back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from gateway.emulators.core import beijing
from gateway.emulators.v3style.commands import BillVariant
from gateway.emulators.v3style.orders import BANK_TYPE, CURRENCY

FEE_RATE: Final = Decimal("0.006")
RATE_TEXT: Final = "0.60%"
STATES: Final = {"charge": "SUCCESS", "refund": "REFUND", "return": "REVOKED"}

_HEAD: Final = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额"
)
_REFUND_COLUMNS: Final = (
    "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
_COLUMNS: Final[dict[BillVariant, str]] = {
    "ALL": f"{_HEAD},{_REFUND_COLUMNS}",
    "SUCCESS": f"{_HEAD},商品名称,商户数据包,手续费,费率,订单金额,费率备注",
    "REFUND": f"{_HEAD},退款申请时间,退款成功时间,{_REFUND_COLUMNS}",
}
_TOTALS: Final = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
_KINDS: Final[dict[BillVariant, tuple[str, ...]]] = {
    "ALL": ("charge", "refund", "return"),
    "SUCCESS": ("charge",),
    "REFUND": ("refund", "return"),
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One movement of money. Amounts and fees are fen, times milliseconds since the epoch."""

    kind: str  # charge, refund or return
    mchid: str
    number: str  # of the order; of a refund its own
    order_number: str
    amount: int
    time: int
    appid: str = ""
    transaction_id: str = "0"
    openid: str = ""
    trade_type: str = ""
    refund_id: str = "0"
    apply_time: int | None = None
    description: str = ""
    attach: str = ""
    extra_fee: int = 0

    @property
    def fee(self) -> int:
        """What the channel keeps, in fen; less than nothing when it gives it back."""
        sign = 1 if self.kind == "charge" else -1
        fee = (self.amount * FEE_RATE).quantize(Decimal(1), ROUND_HALF_UP)
        return sign * int(fee) + self.extra_fee


@dataclass(frozen=True)
class BillFault:
    """How a bill shall differ from the book; `amount` is fen."""

    kind: str
    number: str
    amount: int


def spoil(lines: Sequence[Line], faults: Iterable[BillFault], mchid: str, time: int) -> list[Line]:
    """The lines as the faults want them; an extra one is a charge that nobody made."""
    found = list(lines)
    for fault in faults:
        if fault.kind == "EXTRA":
            extra = {"number": fault.number, "order_number": fault.number, "amount": fault.amount}
            found.append(Line(kind="charge", mchid=mchid, time=time, **extra))  # type: ignore[arg-type]
        elif fault.kind == "MISSING":
            found = [line for line in found if line.number != fault.number]
        else:
            found = [_change(line, fault) for line in found]
    return found


def write(lines: Sequence[Line], variant: BillVariant) -> str:
    """The bill; empty when there is nothing to tell."""
    chosen = [line for line in lines if line.kind in _KINDS[variant]]
    if not chosen:
        return ""
    columns = _COLUMNS[variant]
    rows = [_cells(line, columns.split(",")) for line in chosen]
    return "".join(f"{row}\r\n" for row in (columns, *rows, _TOTALS, _sum_up(chosen)))


def _change(line: Line, fault: BillFault) -> Line:
    if line.number != fault.number:
        return line
    if fault.kind == "AMOUNT":
        return replace(line, amount=line.amount + fault.amount)
    return replace(line, extra_fee=line.extra_fee + fault.amount)


def _cells(line: Line, columns: Sequence[str]) -> str:
    is_charge = line.kind == "charge"
    paid, given = (line.amount, 0) if is_charge else (0, line.amount)
    applied = line.apply_time if line.apply_time is not None else line.time
    values = {
        "交易时间": beijing.to_bill_text(line.time),
        "公众账号ID": line.appid,
        "商户号": line.mchid,
        "特约商户号": "0",
        "设备号": "",
        "微信订单号": line.transaction_id,
        "商户订单号": line.order_number,
        "用户标识": line.openid,
        "交易类型": line.trade_type,
        "交易状态": STATES[line.kind],
        "付款银行": BANK_TYPE,
        "货币种类": CURRENCY,
        "应结订单金额": _yuan(paid),
        "代金券金额": _yuan(0),
        "退款申请时间": beijing.to_bill_text(applied),
        "退款成功时间": beijing.to_bill_text(line.time),
        "微信退款单号": line.refund_id,
        "商户退款单号": "0" if is_charge else line.number,
        "退款金额": _yuan(given),
        "充值券退款金额": _yuan(0),
        "退款类型": "" if is_charge else "ORIGINAL",
        "退款状态": "" if is_charge else "SUCCESS",
        "商品名称": line.description,
        "商户数据包": line.attach,
        "手续费": _fee(line.fee),
        "费率": RATE_TEXT,
        "订单金额": _yuan(paid),
        "申请退款金额": _yuan(given),
        "费率备注": "",
    }
    return ",".join(f"`{values[column]}" for column in columns)


def _sum_up(lines: Sequence[Line]) -> str:
    paid = sum(line.amount for line in lines if line.kind == "charge")
    given = sum(line.amount for line in lines if line.kind != "charge")
    fees = sum(line.fee for line in lines)
    values = (
        str(len(lines)),
        _yuan(paid),
        _yuan(given),
        _yuan(0),
        _fee(fees),
        _yuan(paid),
        _yuan(given),
    )
    return ",".join(f"`{value}" for value in values)


def _yuan(fen: int) -> str:
    return f"{Decimal(fen) / 100:.2f}"


def _fee(fen: int) -> str:
    return f"{Decimal(fen) / 100:.5f}"
