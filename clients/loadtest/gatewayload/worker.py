"""One generator process: sends its part of the load, and asks afterwards for what it sent.

The command and its workers talk over a pipe. A worker says `Ready` once its connections are open,
then one interval for every second of the run, then `Ran`; and, told to ask, how many payments it
has asked for, and at last its audit. It ignores Ctrl-C, which a terminal sends to every process:
the command decides when to stop. A worker ends when its pipe is closed, so also when the command
has died.
"""

import asyncio
import contextlib
import importlib
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from multiprocessing.connection import Connection
from typing import Final, TypeAlias, TypeVar

from gatewayload.audit import Audit, Auditor
from gatewayload.connection import LoadChannels, Questions, Unreachable, gone
from gatewayload.deck import Deck
from gatewayload.drive import Drive
from gatewayload.intervals import Interval
from gatewayload.journal import Journal
from gatewayload.mixer import Mixer
from gatewayload.recorder import Recorder
from gatewayload.schedule import arrivals
from gatewayload.settings import Part, Settings
from gatewayload.settle import Settlement
from paymentgateway.errors import GatewayError

REPORT_S: Final = 1.0
"""Pause between two reports of the audit, in seconds."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Command: send the load from this moment of `time.monotonic` on, one clock for all."""

    moment: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Command: send nothing more."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Command: settle what is unknown, and ask for everything."""


@dataclass(frozen=True, slots=True)
class Ready:
    """All connections are open."""


@dataclass(frozen=True, slots=True)
class Ran:
    """All calls have ended; so many payments have no result so far."""

    unsettled: int


@dataclass(frozen=True, slots=True)
class Asked:
    """So many payments were asked for until now."""

    count: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The gateway could not be asked; `unreachable` says that it was not there."""

    message: str
    unreachable: bool


CommandT = TypeVar("CommandT", Begin, Ask)
Command: TypeAlias = Begin | Stop | Ask
Message: TypeAlias = Ready | Interval | Ran | Asked | Audit | Failed


def main(settings: Settings, part: Part, pipe: Connection) -> None:
    """Run one worker; what `multiprocessing` calls."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    runner = asyncio.Runner(loop_factory=fastest_loop)
    with runner, contextlib.suppress(asyncio.CancelledError):
        runner.run(Worker(settings, part, pipe).run())


def fastest_loop() -> asyncio.AbstractEventLoop:
    """Make an event loop: uvloop's where it is installed."""
    module = importlib.import_module("uvloop" if find_spec("uvloop") else "asyncio")
    loop: asyncio.AbstractEventLoop = module.new_event_loop()
    return loop


class Worker:
    """The stages of one process."""

    def __init__(self, settings: Settings, part: Part, pipe: Connection) -> None:
        self._settings, self._part, self._pipe = settings, part, pipe
        self._journal, self._deck = Journal(), Deck(settings, part)
        self._since = datetime.now(UTC)
        self._commands: asyncio.Queue[Command] = asyncio.Queue()
        self._on_stop: Callable[[], None] = lambda: None

    async def run(self) -> None:
        """Go through all stages. Is cancelled if the command has died."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        loop.add_reader(self._pipe.fileno(), self._read, task)
        channels = LoadChannels(self._settings.target)
        try:
            await self._stages(channels)
        except Unreachable as error:
            self._say(Failed(str(error), unreachable=True))
        except GatewayError as error:
            self._say(Failed(error.summary, unreachable=gone(error)))
        finally:
            loop.remove_reader(self._pipe.fileno())
            await channels.close()

    async def _stages(self, channels: LoadChannels) -> None:
        await channels.ready()
        self._say(Ready())
        begin = await self._told(Begin)
        await self._load(channels, begin.moment)
        self._say(Ran(len(self._journal.unsettled())))
        await self._told(Ask)
        await Settlement(self._settings, self._journal, self._deck, channels).run()
        await self._audit()
        await asyncio.get_running_loop().create_future()  # the command closes the pipe

    async def _load(self, channels: LoadChannels, begin: float) -> None:
        load = self._settings.load
        recorder = Recorder(begin + load.warmup_s)
        mixer = Mixer(self._settings, self._part, self._journal, self._deck)
        drive = Drive(mixer, channels, recorder)
        self._on_stop = drive.stop
        async with _repeating(recorder.until_roll, lambda: self._say(recorder.roll())):
            if load.rate is None:
                end = begin + load.warmup_s + load.duration_s
                await drive.closed_loop(self._part.of(load.callers), begin, end)
            else:
                offsets = arrivals(load, self._part, self._settings.seed)
                moments = (begin + offset for offset in offsets)
                await drive.open_loop(moments, self._part.of(load.in_flight_max))
        self._say(recorder.roll())

    async def _audit(self) -> None:
        async with Questions(self._settings.target, self._settings.oracle.settle_s) as questions:
            auditor = Auditor(self._settings, self._journal, self._deck, questions, self._since)
            async with _repeating(lambda: REPORT_S, lambda: self._say(Asked(auditor.asked))):
                audit = await auditor.run()
            self._say(audit)

    def _say(self, message: Message) -> None:
        with contextlib.suppress(BrokenPipeError):  # a dead command is noticed by the reader
            self._pipe.send(message)

    async def _told(self, kind: type[CommandT]) -> CommandT:
        command = await self._commands.get()
        if not isinstance(command, kind):
            raise TypeError(f"{command} came before {kind.__name__}.")
        return command

    def _read(self, task: "asyncio.Task[None] | None") -> None:
        try:
            command: Command = self._pipe.recv()
        except (EOFError, ConnectionResetError):
            asyncio.get_running_loop().remove_reader(self._pipe.fileno())
            if task is not None:
                task.cancel()
        else:
            self._obey(command)

    def _obey(self, command: Command) -> None:
        if isinstance(command, Stop):
            self._on_stop()
        else:
            self._commands.put_nowait(command)


@asynccontextmanager
async def _repeating(
    pause_s: Callable[[], float], action: Callable[[], None]
) -> AsyncIterator[None]:
    """Do something again and again while the block runs."""

    async def repeat() -> None:
        while True:
            await asyncio.sleep(pause_s())
            action()

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()  # raises what went wrong
