"""When calls are meant to start."""

import itertools
import random
import statistics

import pytest

from gatewayload.schedule import arrivals, constant, poisson
from gatewayload.settings import Arrivals, Load, Part


def schedule(load: Load, count: int = 1, seed: int = 1) -> list[list[float]]:
    return [list(arrivals(load, Part(index, count), seed)) for index in range(count)]


def test_constant_arrivals_are_evenly_spaced() -> None:
    """A constant rate leaves the same gap between all calls, whatever came before."""
    moments = list(itertools.islice(constant(200.0, 0.0), 1_000))
    assert moments[0] == 0.0
    assert moments[999] == pytest.approx(999 / 200)
    gaps = {round(late - early, 9) for early, late in itertools.pairwise(moments)}
    assert gaps == {0.005}


def test_poisson_arrivals_have_the_rate_and_the_spread() -> None:
    """Poisson gaps have the mean of the rate and a deviation as large, so calls come in bursts."""
    moments = list(itertools.islice(poisson(100.0, random.Random(7)), 20_000))
    gaps = [late - early for early, late in itertools.pairwise(moments)]
    assert statistics.mean(gaps) == pytest.approx(0.01, rel=0.03)
    assert statistics.stdev(gaps) == pytest.approx(0.01, rel=0.05)


def test_the_schedule_ends_with_the_measured_time() -> None:
    """No call is meant to start after warm-up and duration are over."""
    load = Load(rate=100.0, arrivals=Arrivals.CONSTANT, warmup_s=1.0, duration_s=2.0)
    (moments,) = schedule(load)
    assert len(moments) == 300
    assert moments[-1] < 3.0


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_processes_share_a_constant_rate_evenly(count: int) -> None:
    """The calls of all processes together are those of one process, gaps included."""
    load = Load(rate=70.0, arrivals=Arrivals.CONSTANT, warmup_s=0.0, duration_s=1.0)
    merged = sorted(itertools.chain.from_iterable(schedule(load, count)))
    assert len(merged) == 70
    gaps = [late - early for early, late in itertools.pairwise(merged)]
    assert gaps == pytest.approx([1 / 70] * 69)


def test_a_seed_gives_the_same_schedule_again() -> None:
    """One seed gives one schedule; another seed, and another process, give another."""
    load = Load(rate=50.0, warmup_s=0.0, duration_s=1.0)
    first, second = schedule(load, 2)
    assert schedule(load, 2) == [first, second]
    assert first != second
    assert schedule(load, 2, seed=2) != [first, second]


def test_a_closed_loop_has_no_schedule() -> None:
    """To ask a closed loop for its schedule is a fault of ours."""
    with pytest.raises(ValueError, match="no schedule"):
        arrivals(Load(callers=3), Part(), 1)


@pytest.mark.parametrize(("total", "count"), [(10, 3), (3, 3), (1_000, 7), (2, 4)])
def test_parts_add_up(total: int, count: int) -> None:
    """What is shared among processes is shared without rest."""
    parts = [Part(index, count).of(total) for index in range(count)]
    assert sum(parts) == total
    assert max(parts) - min(parts) <= 1
