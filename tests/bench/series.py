"""One thing measured, once per round, and the rounds.

Rounds take the series in turn, each round beginning with another one, so that what drifts meets
all alike; what is compared was measured seconds apart.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.bench.plan import Latency
from tests.bench.usage import Cpu


@dataclass(frozen=True)
class Sample:
    """One measurement of a series.

    Attributes:
        rate: payments (or reads, or echoes) per second.
        cpu: CPU time per payment, in seconds.
        latency: of the calls.
        generator_share: of a core, that the generator took.
    """

    rate: float
    cpu: Cpu = field(default_factory=Cpu)
    latency: Latency = field(default_factory=Latency)
    generator_share: float = 0.0


Measure = Callable[[int], Awaitable[Sample]]
"""Measures once, for the round of that number."""

Samples = Mapping[str, Sequence[Sample]]
Say = Callable[[str], None]


async def rounds(series: Mapping[str, Measure], count: int, say: Say) -> dict[str, list[Sample]]:
    """Measure every series once per round."""
    found: dict[str, list[Sample]] = {name: [] for name in series}
    names = list(series)
    for number in range(count):
        first = number % max(len(names), 1)
        for name in (*names[first:], *names[:first]):
            sample = await series[name](number)
            found[name].append(sample)
            say(f"round {number + 1} of {count}  {described(name, sample)}")
    return found


def described(name: str, sample: Sample) -> str:
    """Tell a sample on one line."""
    return (
        f"{name:<12} {sample.rate:>9,.0f} /s   p99 {sample.latency.p99 * 1e3:>7.1f} ms   "
        f"CPU {sample.cpu.total * 1e6:>5.0f} µs each   generator {sample.generator_share:>4.0%}"
    )


def ratio(
    samples: Samples, above: str, below: str, value: Callable[[Sample], float]
) -> float | None:
    """Give the median of the rounds' ratios; None where there are none."""
    pairs = zip(samples.get(above, ()), samples.get(below, ()), strict=False)
    found = [value(one) / value(other) for one, other in pairs if value(other)]
    return median(found) if found else None


def middle(samples: Sequence[Sample], value: Callable[[Sample], float]) -> float:
    """Give the median of a series."""
    return median(value(sample) for sample in samples)
