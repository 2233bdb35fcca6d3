"""The loops: work is followed by work, idleness and failures by pauses, and nothing ends them."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest

from gateway.workers.loop import FAILURE_PAUSE_FACTOR, Job, Workers
from tests.usecases.fakes import FixedClock
from tests.usecases.virtual_time import virtual_time

PAUSE_S = 2.0


@dataclass
class Recorder:
    """Remembers what it was told."""

    runs: list[tuple[str, int]] = field(default_factory=list)
    faults: list[tuple[str, Exception]] = field(default_factory=list)

    def ran(self, loop: str, found: int) -> None:
        self.runs.append((loop, found))

    def failed(self, loop: str, fault: Exception) -> None:
        self.faults.append((loop, fault))


class Script:
    """A use case that gives or raises what it was told to, and remembers when it ran."""

    def __init__(self, clock: FixedClock, *results: int | Exception) -> None:
        self.moments: list[float] = []
        self._clock = clock
        self._results: Iterator[int | Exception] = iter(results)

    async def __call__(self) -> int:
        self.moments.append(self._clock.monotonic())
        result = next(self._results, 0)
        if isinstance(result, Exception):
            raise result
        return result

    @property
    def pauses(self) -> list[float]:
        """Seconds between one run and the next."""
        return [after - before for before, after in itertools.pairwise(self.moments)]


@pytest.fixture
async def clock() -> AsyncIterator[FixedClock]:
    """Time that jumps."""
    made = FixedClock()
    with virtual_time(made):
        yield made


async def _run(job: Job, observer: Recorder, seconds: float) -> None:
    """Run one job for so long."""
    workers = Workers([job], observer)
    workers.start()
    await asyncio.sleep(seconds)
    await workers.stop()


async def test_a_backlog_drains_without_a_pause(clock: FixedClock) -> None:
    """A run that found work is followed by the next at once, until there is none."""
    script, recorder = Script(clock, 3, 2, 1, 0), Recorder()

    await _run(Job("recover", script, PAUSE_S), recorder, PAUSE_S / 2)

    assert script.pauses == [0.0, 0.0, 0.0]
    assert recorder.runs == [("recover", 3), ("recover", 2), ("recover", 1), ("recover", 0)]


async def test_idle_runs_pause_and_do_not_knock_in_step(clock: FixedClock) -> None:
    """Pauses vary by a quarter around their length, each one differently."""
    script = Script(clock)

    await _run(Job("recover", script, PAUSE_S), Recorder(), 50 * PAUSE_S)

    assert 40 <= len(script.pauses) <= 67
    assert all(0.75 * PAUSE_S <= pause <= 1.25 * PAUSE_S + 0.001 for pause in script.pauses)
    assert len({round(pause, 3) for pause in script.pauses}) > 10


async def test_a_failure_is_told_and_slows_the_loop_down(clock: FixedClock) -> None:
    """After a fault the pause is several times as long, and then it goes on as before."""
    fault = RuntimeError("away")
    script, recorder = Script(clock, fault, 0, 0), Recorder()

    await _run(Job("recover", script, PAUSE_S), recorder, 10 * PAUSE_S)

    longer = FAILURE_PAUSE_FACTOR * PAUSE_S
    assert recorder.faults == [("recover", fault)]
    assert 0.75 * longer <= script.pauses[0] <= 1.25 * longer + 0.001
    assert script.pauses[1] <= 1.25 * PAUSE_S + 0.001


async def test_one_job_does_not_hold_up_another(clock: FixedClock) -> None:
    """Each job has a loop of its own: one that fails or hangs stops no other."""
    stuck = asyncio.Event()

    async def hang() -> int:
        await stuck.wait()
        return 0

    script = Script(clock)
    workers = Workers(
        [
            Job("hangs", hang, PAUSE_S),
            Job("fails", Script(clock, *[RuntimeError("away")] * 99), PAUSE_S),
            Job("works", script, PAUSE_S),
        ],
        Recorder(),
    )
    workers.start()
    await asyncio.sleep(10 * PAUSE_S)
    await workers.stop()

    assert len(script.moments) >= 8


async def test_stopping_ends_every_loop(clock: FixedClock) -> None:
    """After stop nothing runs, neither what paused nor what was in the middle of a run."""
    ended: list[str] = []

    async def hang() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("middle")
        return 0

    script = Script(clock)
    before = asyncio.all_tasks()
    workers = Workers([Job("hangs", hang, PAUSE_S), Job("idle", script, PAUSE_S)], Recorder())
    workers.start()
    await asyncio.sleep(PAUSE_S / 2)

    await workers.stop()
    assert ended == ["middle"]
    assert asyncio.all_tasks() == before

    runs = len(script.moments)
    await asyncio.sleep(10 * PAUSE_S)
    assert len(script.moments) == runs


async def test_what_was_never_started_can_be_stopped(clock: FixedClock) -> None:
    """A start that failed half-way may stop everything it knows of."""
    script = Script(clock)

    await Workers([Job("idle", script, PAUSE_S)], Recorder()).stop()

    assert script.moments == []


async def test_a_failure_may_have_a_pause_of_its_own(clock: FixedClock) -> None:
    """What runs seldom is tried again soon after a failure, as it says, and then seldom again."""
    script = Script(clock, OSError(), OSError(), 0)
    day_s, minute_s = 86_400.0, 60.0
    await _run(Job("seldom", script, day_s, retry_s=minute_s), Recorder(), 2 * day_s)
    first, second, third = script.pauses[:3]
    assert 0.75 * minute_s <= first <= 1.25 * minute_s
    assert 0.75 * minute_s <= second <= 1.25 * minute_s
    assert 0.75 * day_s <= third <= 1.25 * day_s
