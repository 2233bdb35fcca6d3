"""Latencies, kept and merged."""

import pickle
import random

import pytest

from gatewayload.histogram import LATENCY_S_MAX, Histogram


def filled(*latencies: float) -> Histogram:
    made = Histogram()
    for latency in latencies:
        made.record(latency)
    return made


def test_percentiles_are_exact_to_three_digits() -> None:
    """Percentiles are those of the sorted latencies, within a thousandth."""
    draw = random.Random(3)
    latencies = sorted(draw.expovariate(200.0) for _ in range(10_000))
    made = filled(*latencies)
    for percent in (50.0, 90.0, 99.0, 99.9):
        exact = latencies[round(percent / 100 * len(latencies)) - 1]
        assert made.percentile(percent) == pytest.approx(exact, rel=2e-3)
    assert made.highest == pytest.approx(latencies[-1], rel=1e-3)
    assert made.mean == pytest.approx(sum(latencies) / len(latencies), rel=2e-3)


def test_merging_loses_nothing() -> None:
    """Histograms of parts, merged, say the same as the histogram of the whole."""
    draw = random.Random(4)
    latencies = [draw.expovariate(50.0) for _ in range(5_000)]
    merged = Histogram()
    for part in range(5):
        merged.merge(filled(*latencies[part::5]))
    assert merged.encode() == filled(*latencies).encode()


def test_merging_with_nothing_changes_nothing() -> None:
    """An empty part neither adds a value nor moves the lowest or highest one."""
    made = filled(0.2, 0.3)
    before = made.encode()
    made.merge(Histogram())
    empty = Histogram()
    empty.merge(made)
    assert made.encode() == empty.encode() == before


def test_a_histogram_travels_between_processes() -> None:
    """What one process has measured arrives in another as it was, and can be added to."""
    made = filled(0.001, 0.5, 3.0)
    copy = pickle.loads(pickle.dumps(made))
    copy.record(0.002)
    assert (made.count, copy.count) == (3, 4)
    assert copy.highest == made.highest


@pytest.mark.parametrize("latency", [0.0, -1.0, 1e9])
def test_extremes_are_counted(latency: float) -> None:
    """No latency is dropped, however impossible: it counts as the nearest one that is kept."""
    made = filled(latency)
    assert made.count == 1
    assert 0.0 <= made.highest <= LATENCY_S_MAX * 1.001


def test_an_empty_histogram_says_zero() -> None:
    """Nothing measured is zero everywhere, and a curve without points."""
    empty = Histogram()
    assert (empty.count, empty.percentile(99), empty.highest, empty.mean) == (0, 0, 0, 0)
    assert list(empty.curve()) == []


def test_the_curve_rises_to_the_highest() -> None:
    """The percentile curve never falls, and ends at 100 % with the highest latency."""
    points = list(filled(*(number / 1_000 for number in range(1, 1_001))).curve())
    assert points == sorted(points)
    assert points[-1][0] == 100.0
    assert points[-1][1] == pytest.approx(1.0, rel=1e-3)
