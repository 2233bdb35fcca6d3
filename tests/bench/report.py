"""What a run says: one table for people, bench.json for pipelines, report.html with the picture."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from tests.bench.figures import BY_NAME, FIGURES, Figure, Results
from tests.bench.picture import picture
from tests.bench.series import Sample, middle

UNIT = "ratio"
DIGITS = 3
HEAD = ("figure", "value", "target", "stretch", "", "in CPU time")
SERIES_HEAD = (
    *("series", "per second", "p50 ms", "p99 ms", "CPU µs", "of it Postgres", "stand-in's CPU"),
    "generator",
)
LOOPS = {
    "without_rsa": "calls to the sandbox, which signs without RSA",
    "as_shipped": "calls to the channel, as the gateway makes them",
    "signing_on_it": "the same, if they were signed on the loop",
}
LOOP_HEAD = (
    *("an event loop with nothing but", "CPU µs a call", "a turn, p99", "longest turn"),
    "on the clock",
)

_STYLE = """body { font: 15px/1.5 sans-serif; max-width: 60em; margin: 2em auto; color: #222 }
table { border-collapse: collapse; margin: 1em 0 } td, th { padding: .2em .9em; text-align: right }
td:first-child, th:first-child { text-align: left } tr:nth-child(even) { background: #f4f4f4 }
.missed { color: #b00 } svg { width: 100%; height: auto }"""

Rows = list[tuple[str, ...]]


def as_json(results: Results, names: Iterable[str]) -> dict[str, Any]:
    """Give what stands in bench.json: the figures, and beside them what they were made of."""
    chosen = _chosen(names)
    return {
        "figures": [
            {
                "name": figure.name,
                "value": _rounded(figure.value(results)),
                "target": figure.target,
                "unit": UNIT,
            }
            for figure in chosen
        ],
        "details": {
            "stretch": {figure.name: figure.stretch for figure in chosen},
            "at_most": [figure.name for figure in chosen if figure.at_most],
            "in_cpu_time": {
                figure.name: _rounded(figure.cpu(results)) for figure in chosen if figure.cpu
            },
            "samples": {
                name: [asdict(sample) for sample in samples]
                for name, samples in results.samples.items()
            },
            "best": results.best,
            "curves": results.curves,
            "values": results.values,
            "problems": results.problems,
        },
    }


def lines(results: Results, names: Iterable[str]) -> Iterator[str]:
    """Tell the figures, what they were made of, and what was missed."""
    yield from _aligned([HEAD, *figure_rows(results, names)])
    yield ""
    yield from _aligned([SERIES_HEAD, *series_rows(results)])
    yield ""
    if "sign_s" in results.values:
        yield from _aligned([LOOP_HEAD, *loop_rows(results)])
        yield ""
        yield where_time_goes(results)
    yield at_their_best(results)
    if rows := results.values.get("rows"):
        yield f"Full tables: {rows:,.0f} payments."
    missed = list(missed_figures(results, names))
    yield f"Missed: {', '.join(missed)}." if missed else "Every target is reached."
    for problem in results.problems:
        yield f"PROBLEM  {problem}"


def figure_rows(results: Results, names: Iterable[str]) -> Rows:
    """Give the rows of the table of figures."""
    rows = []
    for figure in _chosen(names):
        value = figure.value(results)
        cpu = figure.cpu(results) if figure.cpu else None
        sign = "<=" if figure.at_most else ">="
        bounds = (figure.target, figure.stretch)
        told = (f"{sign} {bound:g}" if bound else "-" for bound in bounds)
        rows.append((figure.name, _text(value), *told, _verdict(figure, value), _text(cpu, "")))
    return rows


def series_rows(results: Results) -> Rows:
    """Give the rows of the table of series: the medians of their rounds."""
    return [(name, *_medians(samples)) for name, samples in results.samples.items() if samples]


def loop_rows(results: Results) -> Rows:
    """Give the rows of the table of event loops: what calls to a channel do to them, in µs."""
    kinds = ("cpu_s", "turn_s", "turn_max_s", "clock_max_s")
    return [
        (about, *(f"{results.values[f'loop_{name}_{kind}'] * 1e6:,.0f}" for kind in kinds))
        for name, about in LOOPS.items()
    ]


def where_time_goes(results: Results) -> str:
    """Say what signatures take of a payment through the channel."""
    sign_us, verify_us = (results.values[name] * 1e6 for name in ("sign_s", "verify_s"))
    return (
        f"Each payment through the channel is signed once, in a thread: {sign_us:,.0f} µs of CPU; "
        f"and one answer is verified, on the loop: {verify_us:,.0f} µs."
    )


def missed_figures(results: Results, names: Iterable[str]) -> Iterator[str]:
    """Name the figures that miss their target, with what is lacking."""
    for figure in _chosen(names):
        value = figure.value(results)
        if value is None:
            yield f"{figure.name} (not measured)"
        elif not figure.reached(value, figure.target):
            yield f"{figure.name} ({value:.{DIGITS}g} in place of {figure.target:g})"


def at_their_best(results: Results) -> str:
    """Say what each was measured with."""
    found = (f"{name} {choice:,}" for name, choice in results.best.items())
    return f"Each at its own best: {', '.join(found)}." if results.best else ""


def write(folder: Path, results: Results, names: Iterable[str], about: str) -> None:
    """Write bench.json and report.html."""
    names = list(names)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(as_json(results, names) | {"about": about}, indent=1)
    (folder / "bench.json").write_text(text + "\n", "utf-8")
    (folder / "report.html").write_text(_page(results, names, about), "utf-8")


def _page(results: Results, names: Sequence[str], about: str) -> str:
    problems = "".join(f"<p class=missed>{escape(text)}</p>" for text in results.problems)
    said = "".join(
        f"<dt>{figure.name}</dt><dd>{escape(figure.about)}</dd>" for figure in _chosen(names)
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Benchmark</title>"
        f"<style>{_STYLE}</style><h1>Benchmark of the payment gateway</h1><p>{escape(about)}</p>"
        f"{problems}<h2>Figures</h2>{_html_table(HEAD, figure_rows(results, names))}"
        f"<dl>{said}</dl><h2>What they were made of</h2>"
        f"<p>Medians of the rounds. {escape(at_their_best(results))}</p>"
        f"{_html_table(SERIES_HEAD, series_rows(results))}{_signing(results)}"
        f"<h2>How cost grows</h2>{picture(results.curves)}</html>\n"
    )


def _signing(results: Results) -> str:
    if "sign_s" not in results.values:
        return ""
    table = _html_table(LOOP_HEAD, loop_rows(results))
    return f"<p>{escape(where_time_goes(results))}</p>{table}"


def _chosen(names: Iterable[str]) -> list[Figure]:
    wanted = set(names)
    assert wanted <= BY_NAME.keys()
    return [figure for figure in FIGURES if figure.name in wanted]


def _verdict(figure: Figure, value: float | None) -> str:
    if value is None:
        return "not measured"
    if figure.target is None:
        return "reported"
    if not figure.reached(value, figure.target):
        return "MISSED"
    return "stretch" if figure.reached(value, figure.stretch) else "reached"


def _medians(samples: Sequence[Sample]) -> tuple[str, ...]:
    latency = [middle(samples, lambda sample: sample.latency.p50)]
    latency.append(middle(samples, lambda sample: sample.latency.p99))
    cpu = [middle(samples, lambda sample: sample.cpu.total)]
    cpu.append(middle(samples, lambda sample: sample.cpu.postgres))
    cpu.append(middle(samples, lambda sample: sample.cpu.stand_in))
    return (
        f"{middle(samples, lambda sample: sample.rate):,.0f}",
        *(f"{value * 1e3:,.1f}" if value else "-" for value in latency),
        *(f"{value * 1e6:,.0f}" for value in cpu),
        f"{middle(samples, lambda sample: sample.generator_share):.0%}",
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _text(value: float | None, missing: str = "-") -> str:
    return missing if value is None else f"{value:.{DIGITS}g}"


def _aligned(rows: Rows) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for name, *cells in rows:
        rest = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join((name.ljust(widths[0]), *rest)).rstrip()


def _html_table(head: Sequence[str], rows: Rows) -> str:
    top = "".join(f"<th>{escape(cell)}" for cell in head)
    body = (
        f"<tr{' class=missed' if 'MISSED' in row else ''}>"
        + "".join(f"<td>{escape(cell)}" for cell in row)
        for row in rows
    )
    return f"<table><tr>{top}{''.join(body)}</table>"
