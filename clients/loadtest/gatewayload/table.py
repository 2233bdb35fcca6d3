"""The result as text: a table of the kinds of calls, and what stands beside it."""

from collections.abc import Iterator, Sequence
from typing import Final

from gatewayload.figures import Figures, errors_of
from gatewayload.intervals import FAILED, OK, Tally
from gatewayload.operations import OPEN
from gatewayload.run import Result
from gatewayload.words import (
    check_text,
    generator_text,
    load_text,
    milliseconds,
    mix_text,
    notes,
    verdict_text,
)

PERCENTS: Final = (50.0, 90.0, 99.0, 99.9)
HEADER: Final = (
    "calls of kind",
    "calls",
    "ok",
    "open",
    "failed",
    "errors",
    "p50 ms",
    "p90 ms",
    "p99 ms",
    "p99.9 ms",
    "max ms",
)
_GAP: Final = "  "


def table_text(result: Result) -> str:
    """Write the whole result for a terminal."""
    return "\n".join(_lines(result)) + "\n"


def rows(figures: Figures) -> list[Sequence[str]]:
    """Write a row for each kind of calls, under HEADER, and one for all of them."""
    kinds = sorted(figures.total.kinds.items())
    if len(kinds) != 1:
        kinds.append(("all", figures.total.total()))
    return [_row(kind, tally) for kind, tally in kinds]


def _row(kind: str, tally: Tally) -> Sequence[str]:
    latency = tally.latency
    counts = (latency.count, tally.outcomes[OK], tally.outcomes[OPEN], tally.outcomes[FAILED])
    return (
        kind,
        *(f"{count:,}" for count in (*counts, errors_of(tally))),
        *(milliseconds(latency.percentile(percent)) for percent in PERCENTS),
        milliseconds(latency.highest),
    )


def facts(result: Result) -> list[tuple[str, str]]:
    """Name and value of everything that stands beside the table."""
    figures = result.figures
    rates = f"{figures.throughput:,.0f} operations/s ended well, {figures.calls_per_second:,.0f}"
    service = figures.total.service
    return [
        ("throughput", f"{rates} calls/s in {figures.measured_s:.1f} s"),
        ("not started in time", f"{figures.total.not_started:,} arrivals"),
        ("errors", _errors(figures)),
        ("latency once sent", " / ".join(milliseconds(service.percentile(p)) for p in PERCENTS)),
        ("generator", generator_text(figures)),
        *([("oracle", verdict_text(result.verdict))] if result.verdict else []),
        *(("threshold", check_text(check)) for check in result.checks),
        *(("warning", note) for note in notes(result)),
    ]


def _errors(figures: Figures) -> str:
    outcomes = figures.outcomes
    found = [
        f"{name} {count:,}"
        for name, count in sorted(outcomes.items())
        if name not in (OK, OPEN, FAILED)
    ]
    return ", ".join(found) or "none"


def _lines(result: Result) -> Iterator[str]:
    yield f"run {result.settings.run_id}: {load_text(result.settings)}"
    yield mix_text(result.settings)
    yield ""
    yield from _aligned([HEADER, *rows(result.figures)])
    yield ""
    listed = facts(result)
    width = max(len(name) for name, _ in listed)
    for name, value in listed:
        yield f"{name.ljust(width)}{_GAP}{value}"
    if result.verdict is not None:
        for finding in result.verdict.audit.findings.examples:
            yield f"{_GAP}{finding.fault}: {finding.about}: {finding.detail}"


def _aligned(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for name, *cells in lines:
        padded = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        yield _GAP.join((name.ljust(widths[0]), *padded))
