"""A loop that runs a use case again and again, in every replica, until it is stopped.

A run that found work is followed by the next at once, so a backlog drains at full speed; an idle
one by a pause that varies, so replicas do not knock in step. A failure is told and slows the loop
down; nothing a run does can end it.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

FAILURE_PAUSE_FACTOR = 4
"""A failed run is followed by a pause that many times as long as an idle one, if none is named."""

JITTER = 0.25
"""Share by which a pause may be shorter or longer than it is named."""


class LoopObserver(Protocol):
    """Told of every run."""

    def ran(self, loop: str, found: int) -> None:
        """A run found so much work."""

    def failed(self, loop: str, fault: Exception) -> None:
        """A run failed; the loop goes on."""


@dataclass(frozen=True, slots=True)
class Job:
    """A use case to run: its name, what to call (giving how much it found), the idle pause.

    `retry_s` is the pause after a run that failed, where it must not be the longer one: what is
    done twice a day is tried again within a minute.
    """

    name: str
    run: Callable[[], Awaitable[int]]
    pause_s: float
    retry_s: float | None = None

    @property
    def failure_pause_s(self) -> float:
        """Seconds after a run that failed."""
        return self.pause_s * FAILURE_PAUSE_FACTOR if self.retry_s is None else self.retry_s


class Workers:
    """Runs jobs, each in a loop of its own."""

    def __init__(self, jobs: Sequence[Job], observer: LoopObserver) -> None:
        self._jobs = jobs
        self._observer = observer
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start all loops."""
        self._tasks = [asyncio.create_task(self._loop(job), name=job.name) for job in self._jobs]

    async def stop(self) -> None:
        """End all loops. Work in the middle of a run is left to its lease."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _loop(self, job: Job) -> None:
        while True:
            pause_s = await self._run(job)
            spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load
            await asyncio.sleep(pause_s * spread)

    async def _run(self, job: Job) -> float:
        """Run once. Give the pause before the next run, in seconds."""
        try:
            found = await job.run()
        except Exception as fault:  # noqa: BLE001 - one failed run must not end the loop
            self._observer.failed(job.name, fault)
            return job.failure_pause_s
        self._observer.ran(job.name, found)
        return 0.0 if found else job.pause_s
