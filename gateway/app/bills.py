"""What `gateway bills fetch` does: fetch a channel's bill of a day, check it, and compare it."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from gateway.app.bill_compare import Comparison, Difference, Span, compare, span_of
from gateway.app.channels.opening import OpenChannel, open_channels
from gateway.app.channels.setup import FetchBill, KeysRefused
from gateway.app.errors import StartError
from gateway.app.ready import open_ready_database
from gateway.channels.alipay.limits import BILL_READY as ALIPAY_READY
from gateway.channels.bill import CHINA, Bill, BillLineKind, BillRefused, BillTotals
from gateway.channels.douyin.limits import DOUYIN_LIMITS
from gateway.channels.transport import Lost, NotSent
from gateway.channels.unionpay.limits import BILL_READY as UNIONPAY_READY
from gateway.channels.wechat.limits import WECHAT_LIMITS
from gateway.clock import Clock
from gateway.config import Settings
from gateway.domain.errors import GatewayError
from gateway.domain.money import Money

DIFFERENCES_SHOWN_MAX: Final = 1_000
"""Differences that are listed; all are counted."""

BILL_READY: Final[Mapping[str, time]] = {
    "wechat": WECHAT_LIMITS.bill_ready,
    "alipay": ALIPAY_READY,
    "douyin": DOUYIN_LIMITS.bill_ready,
    "unionpay": UNIONPAY_READY,
}
"""Time of Beijing on the next day from which a day's bill is there, where it is made overnight."""


@dataclass(frozen=True, slots=True)
class BillReport:
    """A bill as people and scripts read it; `agrees` unless a comparison found a difference."""

    agrees: bool
    lines: Sequence[str]
    fields: dict[str, Any]


async def fetch_bill(
    settings: Settings, channel: str, day: date, *, with_ledger: bool
) -> BillReport:
    """Fetch a bill, and compare it if that is wanted. Raises StartError."""
    async with open_channels(settings) as channels:
        found = channels.get(channel)
        if found is None:
            raise StartError(f"The channel {channel} is not configured here.")
        bill = await _fetch(channel, found, day)
    comparison = None
    if with_ledger:
        span = span_of(day, found.setup.day_start)
        under_charge = not found.setup.captures_numbered
        comparison = await _compared(settings, channel, bill, span, under_charge=under_charge)
    return _report(channel, day, bill, comparison)


async def _fetch(name: str, channel: OpenChannel, day: date) -> Bill:
    if channel.setup.fetch_bill is None:
        raise StartError(f"The channel {name} makes no bill.")
    try:
        bill = await _fetch_with_new_keys(channel, channel.setup.fetch_bill, day)
    except BillRefused as error:
        raise StartError(f"The bill of {name} for {day} cannot be had: {error}") from error
    except (NotSent, Lost) as error:
        raise StartError(f"The channel {name} cannot be asked for a bill: {error}") from error
    if bill is None:
        _expect_ready(name, day, Clock().now())
        return Bill((), BillTotals())
    return bill


def _expect_ready(name: str, day: date, now: datetime) -> None:
    """Take no bill for an empty one only when it could be there. Raises StartError."""
    if name not in BILL_READY:
        return
    ready_time = datetime.combine(day, BILL_READY[name], CHINA) + timedelta(days=1)
    if now < ready_time:
        words = f"it is there from {ready_time:%Y-%m-%d %H:%M} on, in Beijing"
        raise StartError(f"The bill of {name} for {day} is not ready yet: {words}.")


async def _fetch_with_new_keys(channel: OpenChannel, fetch: FetchBill, day: date) -> Bill | None:
    """Fetch a bill; where it is not believed, once more with what the channel's keys are now."""
    try:
        return await fetch(channel.port, day)
    except BillRefused:
        if channel.setup.refresh_keys is None:
            raise
        with contextlib.suppress(KeysRefused):  # what is trusted stays so, and decides below
            await channel.setup.refresh_keys(channel.port)
        return await fetch(channel.port, day)


async def _compared(
    settings: Settings, channel: str, bill: Bill, span: Span, *, under_charge: bool
) -> Comparison:
    try:
        async with open_ready_database(settings) as (database, _):
            numbers = (line.number for line in bill.lines)
            movements = database.movements
            listed = await movements.of_numbers(channel, numbers, under_charge=under_charge)
            held = await movements.of_span(channel, *span, under_charge=under_charge)
    except GatewayError as error:
        raise StartError(error.message) from error
    return compare(bill, span, (*listed, *held))


def _report(channel: str, day: date, bill: Bill, comparison: Comparison | None) -> BillReport:
    fields: dict[str, Any] = {
        "channel": channel,
        "day": day.isoformat(),
        "lines": len(bill.lines),
        "currencies": {item.currency: _sums(bill, item.currency) for item in _moneys(bill)},
    }
    lines = [f"{channel} {day}: {len(bill.lines)} lines that add up.", *_sum_lines(fields)]
    if comparison is None:
        return BillReport(agrees=True, lines=lines, fields=fields)
    fields["comparison"] = {
        "agreed": comparison.agreed,
        "unjudged": comparison.unjudged,
        "differences": [_fields(item) for item in comparison.differences],
    }
    lines += _comparison_lines(comparison)
    return BillReport(agrees=not comparison.differences, lines=lines, fields=fields)


def _moneys(bill: Bill) -> list[Money]:
    """Give one amount of each currency, in the order of the bill."""
    return list({line.money.currency: line.money for line in bill.lines}.values())


def _sums(bill: Bill, currency: str) -> dict[str, Any]:
    lines = [line for line in bill.lines if line.money.currency == currency]
    sums: dict[str, Any] = {
        name: sum(line.money.minor_units for line in lines if line.kind is kind)
        for name, kind in (("charged", BillLineKind.CHARGE), ("refunded", BillLineKind.REFUND))
    }
    fees = [line.fee for line in lines if line.fee is not None]
    return sums | {"fee": str(sum(fees, Decimal(0))) if fees else None}


def _sum_lines(fields: dict[str, Any]) -> Iterator[str]:
    for currency, sums in fields["currencies"].items():
        charged, refunded = (Money(currency, sums[name]) for name in ("charged", "refunded"))
        fee = f", fees {sums['fee']}" if sums["fee"] is not None else ""
        yield f"  {currency}: charged {charged}, refunded {refunded}{fee}."


def _comparison_lines(comparison: Comparison) -> Iterator[str]:
    for item in comparison.differences[:DIFFERENCES_SHOWN_MAX]:
        amounts = f"here {item.here or 'nothing'}, there {item.there or 'nothing'}"
        yield f"  {item.kind}: {item.movement} {item.number}: {amounts}"
    beyond = len(comparison.differences) - DIFFERENCES_SHOWN_MAX
    if beyond > 0:
        yield f"  and {beyond} more"
    near = (
        f", {comparison.unjudged} too near the day's ends to judge" if comparison.unjudged else ""
    )
    yield (
        f"Compared with our own books: {comparison.agreed} numbers agree, "
        f"{len(comparison.differences)} differ{near}."
    )


def _fields(item: Difference) -> dict[str, Any]:
    return {**asdict(item), "kind": item.kind.value}
