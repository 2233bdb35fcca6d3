"""The result as a page: one HTML file that needs nothing else, with pictures.

Latency over time shows when it was slow, the percentile curve how often, and throughput with what
was lost shows what the gateway did with the load. Times are on logarithmic scales, because the
slowest calls are what is looked for and the usual ones must still be seen beside them.
"""

from collections.abc import Callable, Sequence
from importlib import resources
from typing import Final
from xml.etree.ElementTree import Element

from gatewayload.chart import Axis, Line, line_chart
from gatewayload.figures import Figures, Second
from gatewayload.histogram import Histogram
from gatewayload.markup import html_text, tag
from gatewayload.run import Result
from gatewayload.scale import Tick
from gatewayload.table import HEADER, facts, rows
from gatewayload.words import load_text, mix_text

NINES_MAX: Final = 6
"""Last tick of the percentile curve: 99.9999 %."""

_TIME: Final = Axis("seconds after the warm-up")
_LATENCY: Final = Axis("milliseconds", logarithmic=True)


def page_text(result: Result) -> str:
    """Write the page."""
    style = resources.files("gatewayload").joinpath("page.css").read_text("utf-8")
    title = f"Load test {result.settings.run_id}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", style),
    )
    return html_text(tag("html", head, tag("body", *_body(title, result)), lang="en"))


def _body(title: str, result: Result) -> list[Element]:
    verdict = ("good", "All of it held.") if result.good else ("bad", "Not all of it held.")
    return [
        tag("h1", title),
        tag("p", load_text(result.settings), class_="faint"),
        tag("p", mix_text(result.settings), class_="faint"),
        tag("p", verdict[1], class_=verdict[0]),
        _table([HEADER, *rows(result.figures)]),
        tag("table", *(_fact(name, value) for name, value in facts(result)), class_="facts"),
        *_findings(result),
        *charts(result.figures),
    ]


def charts(figures: Figures) -> list[Element]:
    """Draw the pictures; none where nothing was measured."""
    series = figures.series
    if not series or not figures.latency.count:
        return []
    called = [second for second in series if second.calls]
    slow = [
        _line("p50", called, lambda second: second.p50_s * 1e3),
        _line("p99", called, lambda second: second.p99_s * 1e3),
        _line("max", called, lambda second: second.highest_s * 1e3),
    ]
    done = [_line("ended well", series, lambda second: second.ok)]
    lost = [
        _line("errors", series, lambda second: second.errors),
        _line("failed", series, lambda second: second.failed),
        _line("not started", series, lambda second: second.not_started),
    ]
    any_lost = any(count for line in lost for _, count in line.points)
    curves = [
        Line("from intended start", _curve(figures.latency)),
        Line("once sent", _curve(figures.total.service)),
    ]
    return [
        line_chart("Latency over time", slow, _TIME, _LATENCY),
        line_chart("Latency by percentile", curves, _percentiles(), _LATENCY),
        line_chart("Throughput over time", done, _TIME, Axis("operations per second")),
        *([line_chart("Errors over time", lost, _TIME, Axis("per second"))] if any_lost else []),
    ]


def _line(name: str, series: Sequence[Second], read: Callable[[Second], float]) -> Line:
    return Line(name, [(float(second.second), float(read(second))) for second in series])


def _curve(histogram: Histogram) -> Sequence[tuple[float, float]]:
    """Spread the percentiles so that every further nine is as wide as the one before."""
    return [(100 / (100 - p), s * 1e3) for p, s in histogram.curve() if p < 100]  # noqa: PLR2004


def _percentiles() -> Axis:
    ticks = [Tick(10.0**nines, f"{100 - 100 / 10**nines:.10g} %") for nines in range(NINES_MAX + 1)]
    return Axis("share of calls that were as fast", logarithmic=True, ticks=ticks)


def _table(lines: Sequence[Sequence[str]]) -> Element:
    header, *cells = lines
    heading = tag("tr", *(tag("th", text) for text in header))
    return tag("table", heading, *(tag("tr", *(tag("td", cell) for cell in row)) for row in cells))


def _fact(name: str, value: str) -> Element:
    broken = name == "warning" or "BROKEN" in value or "NOT PROVEN" in value
    return tag("tr", tag("td", name), tag("td", value, class_="bad" if broken else ""))


def _findings(result: Result) -> list[Element]:
    if result.verdict is None or not result.verdict.audit.findings.examples:
        return []
    found = result.verdict.audit.findings.examples
    cells = [(finding.fault, finding.about, finding.detail) for finding in found]
    return [_table([("fault", "about", "detail"), *cells])]
