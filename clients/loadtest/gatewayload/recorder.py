"""The clock and the scales of one process: turns ended calls into intervals."""

import time
from collections.abc import Sequence

from gatewayload.intervals import INTERVAL_S, Interval, Tally


class Recorder:
    """Measures the calls of one process. Moments are of `time.monotonic`, in seconds."""

    def __init__(self, measure_time: float) -> None:
        """Measure calls that are meant to start at `measure_time`, the end of the warm-up, on."""
        self._measure_time = measure_time
        self._busy_s = time.process_time()
        self._interval = Interval(self._second(time.monotonic()))
        self.in_flight = 0

    def started(self, payments: int) -> None:
        """Count a call that is sent now, and its new payments."""
        self.in_flight += 1
        self._interval.payments += payments

    def ended(
        self, kind: str, moments: tuple[float, float, float], outcomes: Sequence[str]
    ) -> None:
        """Measure a call: how each operation ended; when it was meant to start, sent, and over."""
        intended, sent, ended = moments
        self.in_flight -= 1
        if intended < self._measure_time:
            self._interval.warmup += 1
            return
        tally = self._interval.kinds.get(kind)
        if tally is None:  # rarely: making one costs as much as a call
            tally = self._interval.kinds[kind] = Tally()
        tally.latency.record(ended - intended)
        tally.outcomes.update(outcomes)
        self._interval.service.record(ended - sent)
        self._interval.lag.record(sent - intended)

    def not_started(self, intended: float) -> None:
        """Count an arrival that found too many calls in flight."""
        if intended >= self._measure_time:
            self._interval.not_started += 1

    def roll(self) -> Interval:
        """End the interval, begin the next one, and give what was measured."""
        done, busy_s = self._interval, time.process_time()
        done.in_flight = self.in_flight
        done.busy_s, self._busy_s = busy_s - self._busy_s, busy_s
        self._interval = Interval(done.second + 1)
        return done

    def until_roll(self) -> float:
        """Give the seconds until the interval is over."""
        end = self._measure_time + (self._interval.second + 1) * INTERVAL_S
        return max(0.0, end - time.monotonic())

    def _second(self, moment: float) -> int:
        return int((moment - self._measure_time) // INTERVAL_S)
