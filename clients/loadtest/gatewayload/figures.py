"""All that was measured, of all processes: totals by kind, and one line for each second.

A second is complete once every process has sent its part of it; the parts are merged as histograms
and only then read as percentiles. Throughput counts what ended well within the measured time, in
whole seconds; what ended later, while the last calls were waited for, counts for latency only.
"""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Final

from gatewayload.histogram import Histogram
from gatewayload.intervals import FAILED, INTERVAL_S, OK, Interval, Tally
from gatewayload.operations import OPEN
from gatewayload.settings import Settings

CPU_SHARE_MAX: Final = 0.8
"""Share of one core above which a generator process measures itself rather than the gateway."""

ANSWERED: Final = frozenset({OK, FAILED, OPEN})
"""Outcomes of operations that were answered; every other one is an error."""


@dataclass(frozen=True, slots=True)
class Second:
    """One second of the run: counts of operations, and latencies of calls."""

    second: int
    calls: int
    ok: int
    failed: int
    errors: int
    not_started: int
    in_flight: int
    p50_s: float
    p99_s: float
    highest_s: float


class Figures:
    """Takes the intervals of all processes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._parts: dict[int, list[Interval]] = {}
        self._busy_s = [0.0] * settings.processes
        self._busy_seconds = [0] * settings.processes
        self._measured_s = settings.load.duration_s
        self.total = Interval(0)
        self.series: list[Second] = []
        self.warmup = 0
        self.payments = 0

    def add(self, process: int, interval: Interval) -> Interval | None:
        """Take one interval of one process; give the whole second once it is complete."""
        if 0 <= interval.second < self._measured_s:
            self._busy_s[process] += interval.busy_s
            self._busy_seconds[process] += 1
        parts = self._parts.setdefault(interval.second, [])
        parts.append(interval)
        if len(parts) < self._settings.processes:
            return None
        return self._complete(interval.second)

    def end(self, measured_s: float) -> None:
        """Complete what is left; the load ended after so many seconds of measuring."""
        self._measured_s = max(0.0, min(measured_s, self._measured_s))
        for second in sorted(self._parts):
            self._complete(second)

    @property
    def latency(self) -> Histogram:
        """Latency of all calls, from their intended start."""
        return self.total.total().latency

    @property
    def outcomes(self) -> Counter[str]:
        """How all operations ended."""
        return self.total.total().outcomes

    @property
    def measured_s(self) -> float:
        """For how long the load was measured, in seconds."""
        return self._measured_s

    @property
    def throughput(self) -> float:
        """Operations that ended well, per second of the measured time."""
        return self._per_second(sum(second.ok for second in self._counted()), self.outcomes[OK])

    @property
    def calls_per_second(self) -> float:
        """Calls that ended, per second of the measured time."""
        return self._per_second(sum(second.calls for second in self._counted()), self.latency.count)

    @property
    def error_share(self) -> float:
        """Share of operations that ended in an error or failed, or were not started; 0 to 1."""
        outcomes = self.outcomes
        missed = self.total.not_started * self._settings.mix.batch_size
        bad = missed + sum(outcomes.values()) - outcomes[OK] - outcomes[OPEN]
        return bad / (missed + sum(outcomes.values())) if bad else 0.0

    @property
    def cpu_shares(self) -> list[float]:
        """CPU time of each generator process over the time that was measured; 1 is one core."""
        spans = [min(seconds * INTERVAL_S, self._measured_s) for seconds in self._busy_seconds]
        return [
            busy / span if span else 0.0 for busy, span in zip(self._busy_s, spans, strict=True)
        ]

    def _complete(self, number: int) -> Interval:
        whole, *others = self._parts.pop(number)
        for part in others:
            whole.merge(part)
        self.warmup += whole.warmup
        self.payments += whole.payments
        if number >= 0:
            self.total.merge(whole)
            self.series.append(second_of(whole))
        return whole

    def _counted(self) -> list[Second]:
        return [second for second in self.series if second.second < self._whole_seconds]

    @property
    def _whole_seconds(self) -> int:
        return math.floor(self._measured_s / INTERVAL_S)

    def _per_second(self, counted: int, total: int) -> float:
        if self._whole_seconds:
            return counted / (self._whole_seconds * INTERVAL_S)
        return total / self._measured_s if self._measured_s else 0.0


def second_of(interval: Interval) -> Second:
    """Read what one whole second has measured."""
    tally = interval.total()
    return Second(
        second=interval.second,
        calls=tally.latency.count,
        ok=tally.outcomes[OK],
        failed=tally.outcomes[FAILED],
        errors=errors_of(tally),
        not_started=interval.not_started,
        in_flight=interval.in_flight,
        p50_s=tally.latency.percentile(50),
        p99_s=tally.latency.percentile(99),
        highest_s=tally.latency.highest,
    )


def errors_of(tally: Tally) -> int:
    """How many operations had no answer."""
    return sum(count for outcome, count in tally.outcomes.items() if outcome not in ANSWERED)
