"""What is read out of what was measured."""

from collections import Counter

import pytest

from gatewayload.figures import Figures
from gatewayload.histogram import Histogram
from gatewayload.intervals import Interval, Tally
from gatewayload.settings import Load, Mix, Settings, Target, Thresholds
from gatewayload.thresholds import checks
from gatewayload.words import check_text, generator_text, generator_warning


def chosen(*, processes: int = 1, duration_s: float = 3.0, **mix: object) -> Settings:
    return Settings(
        run_id="r0",
        target=Target(address="x"),
        load=Load(rate=10.0, warmup_s=1.0, duration_s=duration_s),
        mix=Mix(**mix),
        processes=processes,
    )


def interval(
    second: int,
    latencies: tuple[float, ...] = (),
    outcomes: dict[str, int] | None = None,
    **more: object,
) -> Interval:
    latency = Histogram()
    for value in latencies:
        latency.record(value)
    tally = Tally(latency, Counter(outcomes or {"ok": len(latencies)}))
    return Interval(second, kinds={"pay": tally} if latencies else {}, **more)


def figures(settings: Settings, *intervals: Interval) -> Figures:
    made = Figures(settings)
    for part in intervals:
        made.add(0, part)
    made.end(settings.load.duration_s)
    return made


def test_seconds_of_all_processes_are_merged_before_they_are_read() -> None:
    """The p99 of a second is that of all its calls, not the mean of two p99s."""
    made = Figures(chosen(processes=2))
    fast, slow = (0.001,) * 99, (0.1,) * 1
    assert made.add(0, interval(0, fast)) is None
    whole = made.add(1, interval(0, slow * 2))
    assert whole is not None
    assert whole.total().latency.count == 101
    made.end(3.0)
    (second,) = made.series
    assert second.p99_s == pytest.approx(0.1, rel=0.01)
    assert second.p50_s == pytest.approx(0.001, rel=0.01)
    assert made.latency.count == 101


def test_throughput_counts_what_ended_well_in_the_measured_time() -> None:
    """Neither errors nor what ended after the measured time is throughput; both are latency."""
    made = figures(
        chosen(duration_s=2.0),
        interval(-1, warmup=50),
        interval(0, (0.01,) * 10),
        interval(1, (0.01,) * 8, {"ok": 4, "failed": 1, "UNAVAILABLE": 3}),
        interval(2, (0.5,) * 6),
    )
    assert made.throughput == pytest.approx(7.0)
    assert made.calls_per_second == pytest.approx(9.0)
    assert made.latency.count == 24
    assert made.warmup == 50
    assert [second.second for second in made.series] == [0, 1, 2]
    assert (made.series[1].errors, made.series[1].failed) == (3, 1)


def test_the_error_share_counts_all_that_did_not_work() -> None:
    """Errors, failed payments and arrivals that were not started are bad; open ones are not."""
    outcomes = {"ok": 10, "open": 2, "failed": 1, "UNAVAILABLE": 3}
    made = figures(chosen(), interval(0, (0.01,) * 16, outcomes, not_started=4))
    assert made.error_share == pytest.approx(8 / 20)


def test_a_batch_that_was_not_started_counts_with_all_its_payments() -> None:
    """An arrival that was not started is as many operations as a call has payments."""
    made = figures(chosen(batch_size=10), interval(0, (0.1,), {"ok": 10}, not_started=1))
    assert made.error_share == pytest.approx(0.5)


def test_the_generator_states_its_own_cpu_share() -> None:
    """CPU time over the measured time, of each process, the warm-up and the drain left out."""
    made = Figures(chosen(processes=2, duration_s=2.0))
    for second, busy_s in ((-1, 0.9), (0, 0.5), (1, 0.3), (2, 1.0)):
        made.add(0, interval(second, (0.01,), busy_s=busy_s))
        made.add(1, interval(second, (0.01,), busy_s=busy_s / 2))
    made.end(2.0)
    assert made.cpu_shares == pytest.approx([0.4, 0.2])
    assert "40%, 20% of a core" in generator_text(made)
    assert generator_warning(made) == ""


@pytest.mark.parametrize(("busy_s", "warned"), [(0.79, False), (0.8, False), (0.81, True)])
def test_a_busy_generator_warns(busy_s: float, warned: bool) -> None:
    """Above 80 % of a core, in any process, the reader is told that he measures the generator."""
    made = Figures(chosen(processes=2, duration_s=1.0))
    made.add(0, interval(0, (0.01,), busy_s=0.1))
    made.add(1, interval(0, (0.01,), busy_s=busy_s))
    made.end(1.0)
    warning = generator_warning(made)
    assert bool(warning) == warned
    if warned:
        assert "81%" in warning
        assert "measure the generator, not the gateway" in warning


def test_an_early_end_shortens_the_measured_time() -> None:
    """A load that was stopped is measured for as long as it ran."""
    made = Figures(chosen(duration_s=60.0))
    made.add(0, interval(0, (0.01,) * 10, busy_s=0.5))
    made.add(0, interval(1, (0.01,) * 10, busy_s=0.5))
    made.end(2.0)
    assert made.measured_s == 2.0
    assert made.throughput == pytest.approx(10.0)
    assert made.cpu_shares == pytest.approx([0.5])


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        ({"p99_ms": 101.0}, True),
        ({"p99_ms": 99.0}, False),
        ({"p50_ms": 10.5}, True),
        ({"p50_ms": 9.0}, False),
        ({"p999_ms": 99.0}, False),
        ({"error_share_max": 0.1}, True),
        ({"error_share_max": 0.0}, False),
        ({"throughput_min": 6.0}, True),
        ({"throughput_min": 6.1}, False),
    ],
)
def test_each_threshold_can_hold_and_break(limits: dict[str, float], kept: bool) -> None:
    """Every limit is held against its own figure, and its value belongs to what is allowed."""
    latencies = (0.01,) * 18 + (0.1,) * 2
    outcomes = {"ok": 18, "UNAVAILABLE": 2}
    made = figures(chosen(duration_s=3.0), interval(0, latencies, outcomes))
    (check,) = checks(Thresholds(**limits), made)
    assert check.kept == kept
    assert ("held" in check_text(check)) == kept
    assert ("BROKEN" in check_text(check)) != kept


def test_nothing_measured_keeps_no_threshold() -> None:
    """A run that measured nothing breaks every threshold, however generous."""
    made = figures(chosen())
    limits = Thresholds(p50_ms=1e6, p99_ms=1e6, error_share_max=1.0, throughput_min=1.0)
    found = list(checks(limits, made))
    assert len(found) == 4
    assert not any(check.kept for check in found)


def test_without_limits_nothing_is_checked() -> None:
    """A threshold that was not set is not held against anything."""
    assert not list(checks(Thresholds(), figures(chosen(), interval(0, (0.01,)))))
