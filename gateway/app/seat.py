"""A seat: one worker's place under the supervisor, which keeps its index whoever sits in it.

A worker is a fresh process, never a fork: gRPC does not survive one. It dies for reasons that
nobody foresaw, so another takes its place at once; if it dies again before it has served for a
while, the pauses grow. A worker that lives and no longer answers is as bad as a dead one, since the
system goes on giving it connections: it is killed.
"""

import asyncio
import contextlib
import signal
import socket
from asyncio.subprocess import DEVNULL, Process, create_subprocess_exec
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.app.errors import StartError
from gateway.app.leash import Leash
from gateway.clock import Clock
from gateway.telemetry.crew import CrewMetrics
from gateway.telemetry.logging import get_logger

RESTART_PAUSE_S_MIN: Final = 0.1
"""Pause in seconds before the seat of a worker that died is taken again; doubles each time."""

RESTART_PAUSE_S_MAX: Final = 5.0
"""Longest such pause in seconds."""

STEADY_S: Final = 5.0
"""Seconds of serving after which a death is not an early one."""

EARLY_DEATHS_MAX: Final = 3
"""Early deaths in a row, of every seat, after which there is no hope."""

ASK_PAUSE_S: Final = 0.5
"""Pause in seconds between questions whether a worker serves."""

SILENCES_MAX: Final = 10
"""Unanswered questions in a row, each ANSWER_TIMEOUT_S long, after which a worker is killed."""

STARTING: Final = "it is starting"
NOT_LAUNCHED: Final = 127
"""Exit code, as shells say it, of a worker that could not be launched at all."""

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Launch:
    """How a worker is launched: the command, to which its place is added, and its environment."""

    command: Sequence[str]
    environ: Mapping[str, str]

    async def worker(self, index: int, leash: socket.socket) -> Process:
        """Launch one. Raises OSError."""
        place = ("--worker", str(index), "--leash", str(leash.fileno()))
        return await create_subprocess_exec(
            *self.command,
            *place,
            env=self.environ,
            stdin=DEVNULL,
            pass_fds=[leash.fileno()],
            start_new_session=True,  # the terminal's Ctrl-C is the supervisor's to pass on
        )


class Seat:
    """One seat. `keep` it taken, `retire` it, and `kill` who stays too long.

    Attributes:
        index: its number, from 0.
        problem: what keeps its worker from serving, None where nothing does.
        early_deaths: how many workers in a row died before they had served for a while.
        exit_code: of the last worker; negative numbers are signals, as Python tells them.
    """

    def __init__(self, index: int, launch: Launch, metrics: CrewMetrics) -> None:
        self.index = index
        self.problem: str | None = STARTING
        self.early_deaths = 0
        self.exit_code = 0
        self._launch = launch
        self._metrics = metrics
        self._clock = Clock()
        self._retired = asyncio.Event()
        self._process: Process | None = None
        self._leash: Leash | None = None  # once its worker has answered: before, one would wait
        self._serving_moment: float | None = None
        self._pause_s = RESTART_PAUSE_S_MIN

    async def keep(self, is_hopeless: Callable[[], bool]) -> None:
        """Let one worker after the other sit here until the seat is retired.

        Raises:
            StartError: it died, and it is hopeless to try again.
        """
        while not self._retired.is_set():
            await self._occupy()
            if self._retired.is_set():
                return
            pause_s = self._judge_death()
            _log.error(
                "worker died",
                worker=self.index,
                exit_code=self.exit_code,
                pause_s=round(pause_s, 1),
            )
            if is_hopeless():
                raise StartError(
                    f"No worker stays up: each ended {EARLY_DEATHS_MAX} times in a row right after "
                    f"its start, the last with exit code {self.exit_code}. Put right what the "
                    "lines above say."
                )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._retired.wait()

    def retire(self) -> None:
        """Ask the worker to drain; nobody sits here after it."""
        self._retired.set()
        if not self._signal(signal.SIGTERM):
            self.exit_code = 0  # of one that died before, nothing is left to drain

    def kill(self) -> bool:
        """End a worker that is still there at once. Tell whether there was one."""
        return self._signal(signal.SIGKILL)

    async def metrics(self) -> str | None:
        """Give the worker's metrics in Prometheus' text format; None if it does not answer."""
        if self._leash is None:
            return None
        try:
            text: str = await self._leash.ask("metrics")
        except OSError:
            return None
        return text

    async def _occupy(self) -> None:
        """Launch a worker and wait until it has ended."""
        ours, theirs = socket.socketpair()
        leash = await Leash.hold(ours)
        try:
            with theirs:
                process = await self._launch.worker(self.index, theirs)
        except OSError as error:
            _log.error("worker cannot be launched", worker=self.index, fault=str(error))
            self.exit_code = NOT_LAUNCHED
        else:
            self.exit_code = await self._watched(process, leash)
        finally:
            self._leash = None
            await leash.let_go()

    async def _watched(self, process: Process, leash: Leash) -> int:
        self._process = process
        self._note(STARTING)
        self._metrics.started(self.index)
        _log.info("worker started", worker=self.index, pid=process.pid)
        if self._retired.is_set():  # while it was launched
            self._signal(signal.SIGTERM)
        watch = asyncio.create_task(self._watch(leash))
        try:
            return await process.wait()
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            self._process = None
            self._note("it is not running")

    async def _watch(self, leash: Leash) -> None:
        """Ask again and again whether the worker serves; kill one that is silent for too long."""
        silences = 0
        while silences < SILENCES_MAX:
            try:
                problems: Mapping[str, str] = await leash.ask("problems")
            except TimeoutError:
                silences += 1
                self._note("it does not answer")
            except OSError:
                return  # it is ending
            else:
                silences = 0
                self._leash = leash
                self._note("; ".join(problems.values()) or None)
            await asyncio.sleep(ASK_PAUSE_S)
        _log.error("worker does not answer and is killed", worker=self.index)
        self.kill()

    def _note(self, problem: str | None) -> None:
        self.problem = problem
        self._metrics.serving(self.index, serves=problem is None)
        if problem is None and self._serving_moment is None:
            self._serving_moment = self._clock.monotonic()

    def _judge_death(self) -> float:
        """Count a death, and give the pause before the next start in seconds."""
        moment, self._serving_moment = self._serving_moment, None
        is_early = moment is None or self._clock.monotonic() - moment < STEADY_S
        self.early_deaths = self.early_deaths + 1 if is_early else 0
        doubled = min(2 * self._pause_s, RESTART_PAUSE_S_MAX)
        self._pause_s = doubled if is_early else RESTART_PAUSE_S_MIN
        return self._pause_s

    def _signal(self, number: signal.Signals) -> bool:
        if self._process is None or self._process.returncode is not None:
            return False
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
        return True
