"""What one process measured in one second, and how such seconds add up.

A call belongs to the second in which it ended, so a second is complete once it is over. Each is
sent to the command while the run goes on; the command merges the parts of all processes. Calls
that were meant to start in the warm-up are counted apart and measured nowhere.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from gatewayload.histogram import Histogram

INTERVAL_S: Final = 1.0
"""Length of an interval, in seconds."""

OK: Final = "ok"
FAILED: Final = "failed"
"""Outcomes of an operation that was answered; all others are names of gRPC status codes."""


@dataclass(slots=True)
class Tally:
    """Calls of one kind: how long each took, and how each of its operations ended."""

    latency: Histogram = field(default_factory=Histogram)
    outcomes: Counter[str] = field(default_factory=Counter)

    def merge(self, other: "Tally") -> None:
        """Add what another one counted."""
        self.latency.merge(other.latency)
        self.outcomes.update(other.outcomes)


@dataclass(slots=True)
class Interval:
    """One second of one process, or of all; `second` counts from the end of the warm-up.

    Attributes:
        kinds: tallies by kind of call; latency counts from the intended start.
        service: latency from the moment a call was sent, all kinds together.
        lag: how late calls were sent after they were meant to be, all kinds together.
        not_started: arrivals that found too many calls in flight.
        warmup: calls of the warm-up that ended.
        in_flight: calls under way at the end.
        payments: new payments sent.
        busy_s: CPU time of the generator, in seconds.
    """

    second: int
    kinds: dict[str, Tally] = field(default_factory=dict)
    service: Histogram = field(default_factory=Histogram)
    lag: Histogram = field(default_factory=Histogram)
    not_started: int = 0
    warmup: int = 0
    in_flight: int = 0
    payments: int = 0
    busy_s: float = 0.0

    def merge(self, other: "Interval") -> None:
        """Add what another process measured in the same second."""
        for kind, tally in other.kinds.items():
            self.kinds.setdefault(kind, Tally()).merge(tally)
        self.service.merge(other.service)
        self.lag.merge(other.lag)
        self.not_started += other.not_started
        self.warmup += other.warmup
        self.in_flight += other.in_flight
        self.payments += other.payments
        self.busy_s += other.busy_s

    def total(self) -> Tally:
        """All kinds together."""
        total = Tally()
        for tally in self.kinds.values():
            total.merge(tally)
        return total
