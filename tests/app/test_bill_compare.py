"""A bill against our rows: each kind of difference is found, and nothing else."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway.app.bill_compare import Comparison, compare, span_of
from gateway.channels.bill import Bill, BillLine, BillLineKind, BillTotals
from gateway.domain.money import Money
from gateway.store.movements import Movement

DAY = date(2026, 11, 21)
NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)
"""Noon in Beijing."""


def line(number: str, amount: int = 100, kind: str = "CHARGE", **changes: Any) -> BillLine:
    """A line of the bill."""
    values = {
        "kind": BillLineKind(kind),
        "number": number,
        "charge_number": number if kind == "CHARGE" else "c",
        "channel_number": "1",
        "money": Money("CNY", amount),
        "fee": Decimal(0),
        "time": NOON,
    }
    return BillLine(**values | changes)


def ours(number: str, amount: int = 100, kind: str = "CHARGE", time: datetime = NOON) -> Movement:
    """What our rows say."""
    return Movement(kind, number, Money("CNY", amount), time)


def compared(lines: list[BillLine], here: list[Movement]) -> Comparison:
    return compare(Bill(tuple(lines), BillTotals()), span_of(DAY), here)


def found(lines: list[BillLine], here: list[Movement]) -> list[tuple[str, str, str]]:
    """Kind, movement and number of each difference."""
    differences = compared(lines, here).differences
    return [(item.kind.value, item.movement, item.number) for item in differences]


def test_what_is_the_same_agrees() -> None:
    """Charges and refunds of the same number and amount agree, whenever we learned of them."""
    lines = [line("1"), line("2", 30, "REFUND")]
    here = [ours("2", 30, "REFUND", NOON + timedelta(days=3)), ours("1"), ours("1")]
    assert compared(lines, here) == Comparison(agreed=2, unjudged=0, differences=[])


@pytest.mark.parametrize(
    ("lines", "here", "difference"),
    [
        ([line("1")], [], ("missing here", "CHARGE", "1")),
        ([], [ours("1")], ("missing there", "CHARGE", "1")),
        ([line("1")], [ours("1", 101)], ("amounts differ", "CHARGE", "1")),
        ([line("1"), line("1")], [ours("1")], ("listed twice", "CHARGE", "1")),
        ([line("1", kind="REFUND")], [], ("missing here", "REFUND", "1")),
    ],
)
def test_each_difference_is_found(
    lines: list[BillLine], here: list[Movement], difference: tuple[str, str, str]
) -> None:
    """One line too many, too few, twice, or of another amount is told, and what agrees is not."""
    assert found([line("9"), *lines], [ours("9"), *here]) == [difference]
    assert compared([line("9"), *lines], [ours("9"), *here]).agreed == 1


def test_a_charge_is_not_a_refund() -> None:
    """The same number as another kind of movement is missing on both sides."""
    assert found([line("1")], [ours("1", kind="REFUND")]) == [
        ("missing here", "CHARGE", "1"),
        ("missing there", "REFUND", "1"),
    ]


@pytest.mark.parametrize(
    ("minutes_into_day", "judged"), [(9, False), (10, True), (1_429, True), (1_430, False)]
)
def test_near_midnight_nothing_is_missed(minutes_into_day: int, judged: bool) -> None:
    """What we learned of near midnight may stand in the bill beside: it is counted, not judged."""
    moment = span_of(DAY)[0] + timedelta(minutes=minutes_into_day)
    result = compared([], [ours("1", time=moment)])
    assert (len(result.differences), result.unjudged) == ((1, 0) if judged else (0, 1))


def test_a_reversed_payment_moved_nothing() -> None:
    """A charge and its reversal under one number are no difference where we have neither."""
    both = [line("1"), line("1", kind="REFUND", charge_number="1")]
    assert found(both, []) == []
    assert found(both, [ours("1")]) == [("missing here", "REFUND", "1")]
    less = [line("1"), line("1", 30, "REFUND", charge_number="1")]
    assert len(found(less, [])) == 2


def test_the_day_is_beijings() -> None:
    """A day lasts from 16:00 UTC of the day before for 24 hours."""
    start, end = span_of(DAY)
    assert start.astimezone(UTC) == datetime(2026, 11, 20, 16, tzinfo=UTC)
    assert end - start == timedelta(days=1)
    assert span_of(DAY, timedelta(hours=-1))[0] == start - timedelta(hours=1)
