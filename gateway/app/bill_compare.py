"""A channel's bill held against our own rows, number by number. Pure.

What the bill lists is looked up by its number, whenever we learned of it. What we have and the bill
does not list is missed only if we learned of it well within the day: near its ends the channel may
have booked it on the day beside. A payment that the channel reversed stands in a bill as a charge
and a refund under one number; together they moved nothing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from gateway.channels.bill import CHINA, Bill, BillLine, BillLineKind
from gateway.domain.money import Money
from gateway.store.movements import Movement

EDGE: Final = timedelta(minutes=10)
"""How near the end of a day a movement may belong to the day beside."""

Key = tuple[str, str]
Span = tuple[datetime, datetime]


class DifferenceKind(StrEnum):
    """How a bill and our rows differ about a number."""

    MISSING_HERE = "missing here"
    MISSING_THERE = "missing there"
    AMOUNTS_DIFFER = "amounts differ"
    LISTED_TWICE = "listed twice"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference; `here` is our amount, `there` the bill's, None where there is none."""

    kind: DifferenceKind
    movement: str
    number: str
    here: Money | None = None
    there: Money | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found. `agreed` numbers are the same; `unjudged` stand too near the day's ends."""

    agreed: int
    unjudged: int
    differences: Sequence[Difference]


def span_of(day: date, day_start: timedelta = timedelta(0)) -> Span:
    """Give the beginning and the end of a channel's day, by when it starts in Beijing."""
    start = datetime.combine(day, time(), CHINA) + day_start
    return start, start + timedelta(days=1)


def compare(bill: Bill, span: Span, here: Iterable[Movement]) -> Comparison:
    """Compare a day's bill with what we have under its numbers, and in its span."""
    ours: Mapping[Key, Movement] = {(move.kind, move.number): move for move in here}
    theirs = list(_moved(bill.lines, ours))
    keys = Counter(_key(line) for line in theirs)
    differences = [*_of_lines(theirs, ours, keys)]
    agreed = len(keys) - len({(item.movement, item.number) for item in differences})
    start, end = span
    unlisted = [move for key, move in ours.items() if key not in keys]
    judged = [move for move in unlisted if start + EDGE <= move.move_time < end - EDGE]
    differences += [
        Difference(DifferenceKind.MISSING_THERE, move.kind, move.number, here=move.money)
        for move in judged
    ]
    return Comparison(agreed, len(unlisted) - len(judged), differences)


def _of_lines(
    lines: Iterable[BillLine], ours: Mapping[Key, Movement], keys: Counter[Key]
) -> Iterator[Difference]:
    for line in {_key(line): line for line in lines}.values():
        here = ours.get(_key(line))
        told = (line.kind.value, line.number, here.money if here else None, line.money)
        if here is None:
            yield Difference(DifferenceKind.MISSING_HERE, *told)
        elif keys[_key(line)] > 1:
            yield Difference(DifferenceKind.LISTED_TWICE, *told)
        elif here.money != line.money:
            yield Difference(DifferenceKind.AMOUNTS_DIFFER, *told)


def _moved(lines: Sequence[BillLine], ours: Mapping[Key, Movement]) -> Iterator[BillLine]:
    """Leave out what the channel itself undid, where we have it as never done."""
    own = [line for line in lines if line.number == line.charge_number]
    taken, undone = (
        {(line.number, line.money) for line in own if line.kind is kind} for kind in BillLineKind
    )
    nothing = {key for key in taken & undone if (BillLineKind.CHARGE.value, key[0]) not in ours}
    for line in lines:
        if line.number != line.charge_number or (line.number, line.money) not in nothing:
            yield line


def _key(line: BillLine) -> Key:
    return line.kind.value, line.number
