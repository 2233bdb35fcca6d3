"""What the figures are held against, for pipelines: each limit that was set, and whether it held.

A run that measured nothing keeps no threshold, whatever was asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gatewayload.figures import Figures
from gatewayload.settings import Thresholds


@dataclass(frozen=True, slots=True)
class Check:
    """One limit. `lower` says that the value must not be below it, rather than above."""

    name: str
    value: float
    limit: float
    unit: str
    lower: bool = False
    measured: bool = True

    @property
    def kept(self) -> bool:
        """Whether the limit held."""
        within = self.value >= self.limit if self.lower else self.value <= self.limit
        return self.measured and within


def checks(thresholds: Thresholds, figures: Figures) -> Iterator[Check]:
    """Hold the figures against every limit that was set."""
    latency = figures.latency
    measured = latency.count > 0
    for name, percent, limit in (
        ("p50", 50.0, thresholds.p50_ms),
        ("p99", 99.0, thresholds.p99_ms),
        ("p99.9", 99.9, thresholds.p999_ms),
    ):
        if limit is not None:
            value = latency.percentile(percent) * 1_000
            yield Check(name, value, limit, "ms", measured=measured)
    if thresholds.error_share_max is not None:
        share = figures.error_share
        yield Check("error share", share, thresholds.error_share_max, "", measured=measured)
    if thresholds.throughput_min is not None:
        yield Check("throughput", figures.throughput, thresholds.throughput_min, "/s", lower=True)
