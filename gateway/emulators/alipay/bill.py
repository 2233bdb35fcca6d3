"""The bill of a day as text: one file of what happened, one that adds it up.

Pure. The lines are what really moved, so they add up to the book, unless they are told to lie. Four
lines of preface that begin with #, a header, rows whose cells mostly end in a tab, a trailer that
begins with #. Refunds are rows of their own with less than nothing in them, and carry the trade's
numbers. The fee is what the seller loses: below zero for a trade, above it when a refund returns
it; it is rounded to the fen for each row.
"""
# ruff: noqa: RUF001 the columns and sums are the channel's own words

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from gateway.emulators.alipay.money import to_yuan
from gateway.emulators.core import beijing

FEE_RATE: Final = Decimal("0.006")
ACCOUNT_SUFFIX: Final = "0156"

HEADER: Final = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,"
    "对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,"
    "商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"
    "退款批次号/请求号,服务费（元）,分润（元）,备注"
)
SUM_HEADER: Final = (
    "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,"
    "商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）"
)
STRANGE: Final = "9" * 20  # how the number of a trade ends that nobody made
_RULE, _ZERO = "-" * 40, "0.00"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One movement of money. Amounts and fees are fen, times milliseconds since the epoch."""

    kind: str  # charge, refund or return
    number: str  # of the trade; of a refund its own
    trade_number: str
    amount: int
    time: int
    create_time: int
    trade_no: str
    account: str = ""
    subject: str = ""
    store_id: str = ""
    operator_id: str = ""
    terminal_id: str = ""
    remark: str = ""
    extra_fee: int = 0

    @property
    def is_charge(self) -> bool:
        """Whether the money came, or went back."""
        return self.kind == "charge"

    @property
    def net(self) -> int:
        """What the seller has more, or less, before fees."""
        return self.amount if self.is_charge else -self.amount

    @property
    def fee(self) -> int:
        """What the fee does to the seller: less for a trade, more for a refund."""
        fee = int((self.amount * FEE_RATE).quantize(Decimal(1), ROUND_HALF_UP))
        return (-fee if self.is_charge else fee) - self.extra_fee


@dataclass(frozen=True)
class BillFault:
    """How a bill shall differ from the book; `amount` is fen."""

    kind: str
    number: str
    amount: int


def spoil(lines: Sequence[Line], faults: Iterable[BillFault], time: int) -> list[Line]:
    """The lines as the faults want them; an extra one is a trade that nobody made."""
    found = list(lines)
    for fault in faults:
        if fault.kind == "EXTRA":
            found.append(
                Line(
                    kind="charge",
                    number=fault.number,
                    trade_number=fault.number,
                    amount=fault.amount,
                    time=time,
                    create_time=time,
                    trade_no=f"{beijing.at(time):%Y%m%d}{STRANGE}",
                )
            )
        elif fault.kind == "MISSING":
            found = [line for line in found if line.number != fault.number]
        else:
            found = [_change(line, fault) for line in found]
    return found


def write_details(lines: Sequence[Line], seller_id: str, day: date, now: int) -> str:
    """The file of what happened."""
    paid = [line for line in lines if line.is_charge]
    given = [line for line in lines if not line.is_charge]
    return _frame(
        ("#支付宝业务明细查询", f"#{_RULE}-业务明细列表{_RULE}"),
        (HEADER, *(_cells(line) for line in lines)),
        (
            f"#{_RULE}-业务明细列表结束{'-' * 36}",
            f"#交易合计：{len(paid)}笔，商家实收共{_sum(paid)}元，商家优惠共0.00元",
            f"#退款合计：{len(given)}笔，商家实收退款共{_sum(given)}元，商家优惠退款共0.00元",
        ),
        seller_id=seller_id,
        day=day,
        now=now,
    )


def write_totals(lines: Sequence[Line], seller_id: str, day: date, now: int) -> str:
    """The file that adds it up, by store and in all."""
    stores = sorted({line.store_id for line in lines if line.store_id})
    groups = [(store, [line for line in lines if line.store_id == store]) for store in stores]
    return _frame(
        ("#支付宝业务汇总查询", f"#{_RULE}-业务汇总列表{_RULE}"),
        (SUM_HEADER, *(_sums(store, group) for store, group in groups), _sums("合计", lines)),
        (f"#{_RULE}业务汇总列表结束{'-' * 37}",),
        seller_id=seller_id,
        day=day,
        now=now,
    )


def _frame(
    preface: tuple[str, str],
    body: Sequence[str],
    trailer: Sequence[str],
    *,
    seller_id: str,
    day: date,
    now: int,
) -> str:
    title, rule = preface
    end = day + timedelta(days=1)
    lines = (
        title,
        f"#账号：[{seller_id}{ACCOUNT_SUFFIX}]",
        f"#起始日期：[{day:%Y年%m月%d日} 00:00:00]   终止日期：[{end:%Y年%m月%d日} 00:00:00]",
        rule,
        *body,
        *trailer,
        f"#导出时间：[{beijing.at(now):%Y年%m月%d日 %H:%M:%S}]",
    )
    return "".join(f"{line}\r\n" for line in lines)


def _change(line: Line, fault: BillFault) -> Line:
    if line.number != fault.number:
        return line
    if fault.kind == "AMOUNT":
        return replace(line, amount=line.amount + fault.amount)
    return replace(line, extra_fee=line.extra_fee + fault.amount)


def _cells(line: Line) -> str:
    """One row; which cells end in a tab is as the channel does it."""
    return ",".join(
        (
            f"{line.trade_no}\t",
            f"{line.trade_number}\t",
            "交易\t" if line.is_charge else "退款\t",
            line.subject.replace(",", " "),
            beijing.to_bill_text(line.create_time),
            beijing.to_bill_text(line.time),
            f"{line.store_id}\t",
            f"{line.store_id}\t",
            f"{line.operator_id}\t",
            f"{line.terminal_id}\t",
            f"{line.account}\t",
            to_yuan(line.net),
            to_yuan(line.net),
            *([_ZERO] * 5),
            "",
            f"{_ZERO}\t",
            _ZERO,
            "\t" if line.is_charge else f"{line.number}\t",
            to_yuan(line.fee),
            _ZERO,
            line.remark.replace(",", " "),
        )
    )


def _sum(lines: Sequence[Line]) -> str:
    return to_yuan(sum(line.net for line in lines))


def _sums(name: str, lines: Sequence[Line]) -> str:
    paid = sum(line.is_charge for line in lines)
    net, fees = sum(line.net for line in lines), sum(line.fee for line in lines)
    cells = (
        *(name, "", str(paid), str(len(lines) - paid), to_yuan(net), to_yuan(net)),
        *(_ZERO, _ZERO, _ZERO, to_yuan(fees), _ZERO, to_yuan(net + fees)),
    )
    return ",".join(f"{cell}\t" for cell in cells)
