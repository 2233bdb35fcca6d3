"""What a run of the benchmark says: the figures that were asked for, and what they are made of."""

import json
import re
from dataclasses import replace
from pathlib import Path

from tests.bench import report
from tests.bench.figures import BY_NAME, Results, wanted_series
from tests.bench.plan import Latency
from tests.bench.series import Sample
from tests.bench.signing import Held, Signing
from tests.bench.stages import STAGES
from tests.bench.usage import Cpu

TARGETS = {
    "unary_vs_echo": (0.4, 0.6, False),
    "unary_vs_textbook": (3, 5, False),
    "batch_vs_pgbench": (4, 8, False),
    "hot_vs_uniform": (0.8, 0.95, False),
    "p99_vs_echo": (4, 2, True),
    "full_vs_empty": (0.85, 0.95, False),
    "replays_vs_none": (1.0, 1.2, False),
    "memory_growth": (1.1, 1.02, True),
    "read_vs_pay": (1.0, 1.3, False),
    "channel_vs_wallet": (None, None, False),
}


def measured() -> Results:
    """Make up results of a whole run: everything at 100, payments at 50."""
    names = wanted_series(frozenset(BY_NAME)) - {"memory"}
    cpu, latency = Cpu(0.001, 0.001), Latency(0.01, 0.02, 0.03, 0.04, 0.05)
    results = Results(values={"memory_early": 100.0, "memory_late": 115.0})
    for name in names:
        rates = (40.0, 50.0, 70.0) if name == "pay" else (100.0, 100.0, 100.0)
        results.samples[name] = [Sample(rate, cpu, latency) for rate in rates]
    for curve in ("concurrency", "batch size", "workers"):
        results.draw(curve, "gateway", 1, 50)
        results.draw(curve, "gateway", 2, 80)
    return results


def test_the_figures_are_those_that_were_asked_for() -> None:
    """Names, targets and stretches are those agreed on, and the stages measure them all."""
    found = {name: (item.target, item.stretch, item.at_most) for name, item in BY_NAME.items()}
    stages = frozenset().union(*(series for series, _ in STAGES))

    assert found == TARGETS
    assert wanted_series(frozenset(BY_NAME)) <= stages


def test_bench_json_has_its_shape(tmp_path: Path) -> None:
    """bench.json holds every figure by name, with value, target and unit; the report a picture."""
    report.write(tmp_path, measured(), BY_NAME, "a machine")

    figures = json.loads((tmp_path / "bench.json").read_text())["figures"]
    assert [figure["name"] for figure in figures] == list(TARGETS)
    assert all(figure.keys() == {"name", "value", "target", "unit"} for figure in figures)
    values = {figure["name"]: figure["value"] for figure in figures}
    assert values["unary_vs_echo"] == 0.5
    assert values["memory_growth"] == 1.15
    assert values["read_vs_pay"] == 2.0
    page = (tmp_path / "report.html").read_text()
    assert page.count("<polyline") == 3
    assert all(name in page for name in TARGETS)


def test_what_is_missed_is_said() -> None:
    """The table says of each figure whether it is reached, and by how much it is not."""
    said = list(report.lines(measured(), BY_NAME))

    missed = next(line for line in said if line.startswith("Missed"))
    assert "unary_vs_textbook (0.5 in place of 3)" in missed
    assert "memory_growth (1.15 in place of 1.1)" in missed
    assert "unary_vs_echo" not in missed
    assert "channel_vs_wallet" not in missed


def test_where_a_channel_payment_goes_is_said(tmp_path: Path) -> None:
    """What RSA takes, and what it does to an event loop, stands in the table and in the page."""
    results, held = measured(), Held(0.0012, 0.0003, 0.0045, 0.0056)
    without = replace(held, cpu_s=0.0009)
    ways = {"without_rsa": without, "as_shipped": held, "signing_on_it": held}
    results.values |= Signing(0.00085, 0.00004, ways).values()

    report.write(tmp_path, results, BY_NAME, "a machine")
    said, page = "\n".join(report.lines(results, BY_NAME)), (tmp_path / "report.html").read_text()

    assert re.search(r"as the gateway makes them +1,200 +300 +4,500 +5,600", said)
    assert re.search(r"without RSA +900 ", said)
    for text in ("850 µs of CPU", "on the loop: 40 µs"):
        assert text in said
        assert text in page
