"""The result for programs: one JSON document, with units in its names.

The histogram of all latencies is in it as every HdrHistogram library reads it (V2, base64, in
microseconds), so that results of several runs can be merged without loss.
"""

import json
from dataclasses import asdict
from typing import Any, Final

from gatewayload.figures import ANSWERED, Figures
from gatewayload.histogram import Histogram
from gatewayload.intervals import Tally
from gatewayload.run import Result
from gatewayload.settings import Settings
from gatewayload.verdict import Verdict

FORMAT: Final = 1
"""Rises when a name changes its meaning or goes away; new names may come at any time."""

PERCENTS: Final = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99)


def json_text(result: Result, status: int) -> str:
    """Write the document; `status` is the exit status."""
    return json.dumps(document(result, status), indent=2) + "\n"


def document(result: Result, status: int) -> dict[str, Any]:
    """Give the document."""
    figures = result.figures
    return {
        "format": FORMAT,
        "run_id": result.settings.run_id,
        "settings": _settings(result.settings),
        "stopped_early": result.stopped,
        "figures": _figures(figures),
        "kinds": {kind: _tally(tally) for kind, tally in sorted(figures.total.kinds.items())},
        "seconds": [asdict(second) for second in figures.series],
        "curve": [{"percent": p, "latency_ms": s * 1e3} for p, s in figures.latency.curve()],
        "histogram": figures.latency.encode().decode(),
        "generator": {"cpu_shares": figures.cpu_shares, "lag_ms": _latency(figures.total.lag)},
        "thresholds": [{**asdict(check), "kept": check.kept} for check in result.checks],
        "oracle": _verdict(result.verdict),
        "exit_status": status,
    }


def _settings(settings: Settings) -> dict[str, Any]:
    """Give what the run can be repeated by; certificates stay out."""
    return {
        "scenario": settings.scenario,
        "load": asdict(settings.load),
        "mix": asdict(settings.mix),
        "deadline_s": settings.target.deadline_s,
        "connections": settings.target.connections,
        "processes": settings.processes,
        "seed": settings.seed,
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "measured_s": figures.measured_s,
        "operations_ok_per_second": figures.throughput,
        "calls_per_second": figures.calls_per_second,
        "error_share": figures.error_share,
        "not_started": figures.total.not_started,
        "warmup_calls": figures.warmup,
        "latency_ms": _latency(figures.latency),
        "service_ms": _latency(figures.total.service),
    }


def _tally(tally: Tally) -> dict[str, Any]:
    errors = {name: count for name, count in tally.outcomes.items() if name not in ANSWERED}
    answered = {name: tally.outcomes[name] for name in sorted(ANSWERED)}
    return {
        "calls": tally.latency.count,
        "operations": answered,
        "errors": errors,
        "latency_ms": _latency(tally.latency),
    }


def _latency(histogram: Histogram) -> dict[str, float]:
    read = {f"p{percent:g}": histogram.percentile(percent) * 1e3 for percent in PERCENTS}
    return {**read, "max": histogram.highest * 1e3, "mean": histogram.mean * 1e3}


def _verdict(verdict: Verdict | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    audit = verdict.audit
    return {
        "proven": verdict.proven,
        "unasked": verdict.unasked,
        "payments_asked": audit.asked,
        "refunds_asked": audit.refunds,
        "payments_by_state": dict(audit.found),
        "faults": {str(fault): count for fault, count in audit.findings.counts.items()},
        "examples": [asdict(finding) for finding in audit.findings.examples],
        "took_s": verdict.took_s,
    }
