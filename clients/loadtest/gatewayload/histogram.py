"""Latencies, kept as an HdrHistogram: constant memory, three digits of precision, no averages.

Histograms of the same shape add up without loss, which no percentile does: what several processes
measured in one second is merged first and read afterwards. Pickled they travel in their own
compressed form, about a kilobyte each.
"""

from collections.abc import Callable, Iterator
from typing import Final

from hdrh.histogram import HdrHistogram

UNIT_S: Final = 1e-6
"""Smallest time that is told apart, in seconds."""

LATENCY_S_MAX: Final = 3_600.0
"""Longest latency that is kept, in seconds; what takes longer counts as this."""

DIGITS: Final = 3
"""Significant decimal digits of every value that is kept."""

_UNITS_MAX: Final = round(LATENCY_S_MAX / UNIT_S)
_CURVE_STEPS: Final = 10
"""Points of the percentile curve for each halving of the distance to 100 %."""


class Histogram:
    """Counts of latencies. All values that go in and come out are in seconds."""

    def __init__(self, encoded: bytes | None = None) -> None:
        """Make an empty one, or the one that `encode` wrote."""
        self._counts = HdrHistogram(1, _UNITS_MAX, DIGITS)
        if encoded is not None:
            self._counts.decode_and_add(encoded)

    def __reduce__(self) -> tuple[Callable[[bytes], "Histogram"], tuple[bytes]]:
        """Travel between processes as `encode` writes it."""
        return Histogram, (self.encode(),)

    @property
    def count(self) -> int:
        """How many values were recorded."""
        return int(self._counts.get_total_count())

    @property
    def highest(self) -> float:
        """Largest value, in seconds; 0 where there is none."""
        return float(self._counts.get_max_value()) * UNIT_S if self.count else 0.0

    @property
    def mean(self) -> float:
        """Mean, in seconds; 0 where there is none."""
        return float(self._counts.get_mean_value()) * UNIT_S

    def record(self, seconds: float) -> None:
        """Count one latency; a negative one, which clocks do not give, counts as nothing at all."""
        self._counts.record_value(min(max(0, round(seconds / UNIT_S)), _UNITS_MAX))

    def merge(self, other: "Histogram") -> None:
        """Add all that another one counted."""
        if other.count:
            self._counts.add(other._counts)  # noqa: SLF001 - of the same class

    def percentile(self, percent: float) -> float:
        """Latency within which so many percent of the calls were done, in seconds.

        `percent` is 0 to 100. 0 where nothing was recorded.
        """
        return float(self._counts.get_value_at_percentile(percent)) * UNIT_S if self.count else 0.0

    def curve(self) -> Iterator[tuple[float, float]]:
        """Walk from 0 to 100 percent in ever smaller steps: (percent, latency in seconds)."""
        if not self.count:
            return
        for step in self._counts.get_percentile_iterator(_CURVE_STEPS):
            yield float(step.percentile_level_iterated_to), float(step.value_iterated_to) * UNIT_S

    def encode(self) -> bytes:
        """Write it as every HdrHistogram library reads it: V2, compressed, base64, microseconds."""
        return bytes(self._counts.encode())
