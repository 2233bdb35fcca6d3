"""When the calls of the open loop are meant to start.

A schedule is made without looking at the gateway: arrivals come whether or not earlier calls have
been answered, as those of independent callers do. Whoever waits for an answer before the next
arrival measures only the calls that a slow gateway lets through (coordinated omission).
"""

import itertools
import random
from collections.abc import Iterator

from gatewayload.settings import Arrivals, Load, Part


def arrivals(load: Load, part: Part, seed: int) -> Iterator[float]:
    """Give the moments of one process's calls: seconds after the start, rising, up to the end.

    The processes' schedules interleave: together they have the rate and the shape that was asked
    for.
    """
    if load.rate is None:
        raise ValueError("a closed loop has no schedule.")
    rate = load.rate / part.count
    if load.arrivals is Arrivals.CONSTANT:
        moments = constant(rate, part.index / part.count)
    else:
        moments = poisson(rate, random.Random(f"arrivals {seed} {part.index}"))  # noqa: S311
    end = load.warmup_s + load.duration_s
    return itertools.takewhile(lambda moment: moment < end, moments)


def constant(rate: float, phase: float) -> Iterator[float]:
    """Evenly spaced, the first one `phase` of a gap after the start; `rate` is per second."""
    return ((number + phase) / rate for number in itertools.count())


def poisson(rate: float, draw: random.Random) -> Iterator[float]:
    """Independent of one another, on average `rate` per second."""
    return itertools.accumulate(draw.expovariate(rate) for _ in itertools.count())
