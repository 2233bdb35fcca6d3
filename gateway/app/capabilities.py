"""What channels can do, as a table for people: a row for each capability, a column per channel."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from gateway.app.channels.registry import CHANNELS
from gateway.config import Settings
from gateway.domain.channel import Capabilities

SHOWN_ONE_BY_ONE_MAX: Final = 6
"""Values of one cell that are named; of more only their number is told."""

TITLES: Final[Mapping[str, str]] = {
    "methods": "ways of paying",
    "currencies": "currencies",
    "amount_min": "least amount, minor units",
    "amount_max": "greatest amount, minor units",
    "expiry_max": "longest time to pay",
    "manual_capture": "capture later",
    "manual_methods": "ways that only capture later",
    "authorization_lifetime": "time to capture",
    "captures_max": "captures of one payment",
    "partial_capture": "capture a part",
    "refund_window": "refunds for",
    "partial_refunds_max": "refunds of one payment",
    "partial_refund_spacing": "between two of them",
    "fenceable": "numbers that can be closed",
    "expiry_margin": "dead so long after expiry",
    "payouts": "payouts",
    "send_timeout": "longest wait for an answer",
}
"""Capabilities by the names of their fields; `channel` heads the column, `notes` stand below."""

WITHOUT: Final[Mapping[str, str]] = {
    "manual_methods": "-",
    "expiry_max": "no bound",
    "captures_max": "no bound",
    "refund_window": "ever",
    "partial_refunds_max": "no bound",
    "expiry_margin": "never",
}
"""What it means that a capability is None."""


@dataclass(frozen=True, slots=True)
class Described:
    """One channel: whether it is configured, and what it can do."""

    configured: bool
    can: Capabilities


def describe(settings: Settings, *, all_known: bool) -> Sequence[Described]:
    """Describe the configured channels, or all that there are. Raises StartError."""
    found = (
        Described(entry.set_up(settings) is not None, entry.describe(settings))
        for entry in CHANNELS
    )
    return [item for item in found if item.configured or all_known]


def table(channels: Sequence[Described]) -> str:
    """Write a Markdown table that is read as it stands, too, and the notes below it."""
    rows = [["", *(item.can.channel for item in channels)]]
    rows += [
        [title, *(_written(name, getattr(item.can, name)) for item in channels)]
        for name, title in TITLES.items()
    ]
    rows.append(["configured", *(_plain(item.configured) for item in channels)])
    return "\n".join([*_aligned(rows), *_notes(channels)])


def fields(channels: Sequence[Described]) -> list[dict[str, object]]:
    """Give the same for scripts; spans in seconds."""
    return [
        {
            "channel": item.can.channel,
            "configured": item.configured,
            **{name: _value(getattr(item.can, name)) for name in (*TITLES, "notes")},
        }
        for item in channels
    ]


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    head, *rest = rows
    for row in (head, ["-" * width for width in widths], *rest):
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield f"| {' | '.join(cells)} |"


def _notes(channels: Sequence[Described]) -> Iterator[str]:
    for item in channels:
        for note in item.can.notes:
            yield f"\n{item.can.channel}: {note}"


def _written(name: str, value: object) -> str:
    if isinstance(value, frozenset | tuple):
        texts = sorted(map(str, value)) if isinstance(value, frozenset) else list(map(str, value))
        if len(texts) > SHOWN_ONE_BY_ONE_MAX:
            return f"{len(texts)} {name}"
        return ", ".join(texts) or "-"
    return WITHOUT[name] if value is None else _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return _span(value)
    return str(value)


def _span(span: timedelta) -> str:
    """Write a span in its largest whole unit."""
    if not span:
        return "-"
    for unit, seconds in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if span.total_seconds() % seconds == 0:
            return f"{int(span.total_seconds() // seconds)} {unit}"
    return f"{span.total_seconds():g} s"


def _value(value: object) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    return list(value) if isinstance(value, tuple) else value
