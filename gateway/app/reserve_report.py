"""The reserve proof as people and scripts read it: a table, and the same as fields."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.domain.money import Money
from gateway.domain.reserve import OWED, Receivable, Reserve, ReserveProof

INDENT = "  "
Line = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class ReserveReport:
    """Whether the proof holds, the lines that show it, and the same for scripts."""

    holds: bool
    lines: Sequence[str]
    fields: dict[str, Any]


def reserve_report(proof: ReserveProof, overdue_after: timedelta) -> ReserveReport:
    """Write a proof; amounts with their decimals in the lines, in minor units in the fields."""
    as_of = proof.as_of.isoformat()
    fields = {
        "as_of": as_of,
        "overdue_after_days": overdue_after.days,
        "holds": proof.holds,
        "currencies": [_fields(reserve) for reserve in proof.reserves],
    }
    head = f"Reserve as of {as_of}; what channels owe is overdue after {overdue_after.days} days."
    lines = [head, *(line for reserve in proof.reserves for line in _block(reserve))]
    if not proof.reserves:
        lines.append("Nothing is booked.")
    return ReserveReport(proof.holds, lines, fields)


def _block(reserve: Reserve) -> Iterator[str]:
    table = list(_table(reserve))
    amounts = ["" if amount is None else _amount(reserve, amount) for _, amount in table]
    width = max(len(label) for label, _ in table)
    digits = max(map(len, amounts))
    yield ""
    yield reserve.currency
    for (label, _), amount in zip(table, amounts, strict=True):
        yield f"  {label:<{width}}  {amount:>{digits}}".rstrip()
    yield from (f"  It does not hold: {problem}." for problem in reserve.problems)
    if not reserve.problems:
        yield "  It holds."


def _table(reserve: Reserve) -> Iterator[Line]:
    yield "owed to customers", reserve.owed_in_all
    for whose, codes in OWED.items():
        to = f"{whose}: " if len(codes) > 1 else ""
        yield from ((f"{INDENT}{to}{code}", reserve.owed[code]) for code in codes)
    yield "covered by", reserve.covered
    yield f"{INDENT}reserve_bank", reserve.bank
    for item in reserve.receivables:
        yield from _receivable(item)
    yield "beyond what is owed", reserve.surplus
    yield "our own part: due_to_own", reserve.due_to_own
    yield f"{INDENT}in our own book: due_from_reserve", reserve.due_from_reserve
    if reserve.overdrawn:
        yield "customers' accounts below zero, which cover nothing", reserve.overdrawn


def _receivable(item: Receivable) -> Iterator[Line]:
    yield f"{INDENT}channel_receivable {item.channel}", item.outstanding
    if item.overdue:
        yield f"{INDENT}{INDENT}overdue, which does not count", -item.overdue


def _amount(reserve: Reserve, minor_units: int) -> str:
    return str(Money(reserve.currency, minor_units)).removesuffix(f" {reserve.currency}")


def _fields(reserve: Reserve) -> dict[str, Any]:
    return {
        "currency": reserve.currency,
        "holds": not reserve.problems,
        "problems": list(reserve.problems),
        "owed": dict(reserve.owed),
        "owed_in_all": reserve.owed_in_all,
        "covered": reserve.covered,
        "reserve_bank": reserve.bank,
        "channel_receivable": [
            {"channel": item.channel, "outstanding": item.outstanding, "overdue": item.overdue}
            for item in reserve.receivables
        ],
        "surplus": reserve.surplus,
        "due_to_own": reserve.due_to_own,
        "due_from_reserve": reserve.due_from_reserve,
        "overdrawn": reserve.overdrawn,
        "imbalance": reserve.imbalance,
    }
