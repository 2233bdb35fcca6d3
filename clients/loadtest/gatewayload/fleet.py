"""All generator processes, as the command sees them.

Each is a fresh Python process (gRPC does not survive a fork), with a pipe of its own. What they
say comes out as one stream. A process that ends before it should ends the run: what it has sent
cannot be proven any more.
"""

import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Final, Self

from gatewayload import worker
from gatewayload.connection import READY_S_MAX
from gatewayload.settings import Part, Settings
from gatewayload.worker import Ask, Begin, Command, Failed, Message, Ready, Stop

START_S_MAX: Final = READY_S_MAX + 30.0
"""How long a process may take to be ready, in seconds."""

SILENCE_S_MAX: Final = 0.5
"""How long `messages` waits before it lets its reader do something else, in seconds."""

JOIN_S_MAX: Final = 5.0
LEAD_S: Final = 0.3
"""How far ahead the common start lies, so that every process hears of it before, in seconds."""


class GeneratorFailed(Exception):
    """A generator process ended, or could not go on; the message says why."""


class GatewayGone(Exception):
    """A generator process cannot reach the gateway; the message says where."""


class Fleet:
    """The processes. Used as a context: at its end none of them is left."""

    def __init__(self, settings: Settings) -> None:
        """Start them."""
        spawn = multiprocessing.get_context("spawn")
        self._pipes: dict[Connection, int] = {}
        self._processes: list[SpawnProcess] = []
        for index in range(settings.processes):
            ours, theirs = spawn.Pipe()
            part = Part(index, settings.processes)
            process = spawn.Process(target=worker.main, args=(settings, part, theirs), daemon=True)
            process.start()
            theirs.close()
            self._pipes[ours] = index
            self._processes.append(process)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the pipes, which ends every worker, and wait for them."""
        for pipe in self._pipes:
            pipe.close()
        end = time.monotonic() + JOIN_S_MAX
        for process in self._processes:
            process.join(max(0.0, end - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()

    def ready(self) -> None:
        """Wait until every process can begin. Raises GatewayGone and GeneratorFailed."""
        end, waiting = time.monotonic() + START_S_MAX, set(self._pipes.values())
        for index, message in self.messages():
            if isinstance(message, Ready):
                waiting.discard(index)
            if not waiting:
                return
            if time.monotonic() > end:
                raise GeneratorFailed("a generator process did not become ready.")

    def begin(self) -> float:
        """Let all of them begin at the same moment, and give it (`time.monotonic`)."""
        moment = time.monotonic() + LEAD_S
        self._tell(Begin(moment))
        return moment

    def stop(self) -> None:
        """Let them send nothing more."""
        self._tell(Stop())

    def ask(self) -> None:
        """Let them ask for everything that they sent."""
        self._tell(Ask())

    def messages(self) -> Iterator[tuple[int, Message | None]]:
        """Give what the processes say, with the number of each; None in between, at least so often.

        Raises GatewayGone and GeneratorFailed.
        """
        while True:
            for pipe in self._waiting():
                yield self._heard(pipe)
            yield -1, None

    def _tell(self, command: Command) -> None:
        for pipe in self._pipes:
            pipe.send(command)

    def _waiting(self) -> list[Connection]:
        """The pipes on which something waits to be read, soon."""
        found = connection.wait(list(self._pipes), SILENCE_S_MAX)
        return [pipe for pipe in self._pipes if pipe in found]

    def _heard(self, pipe: Connection) -> tuple[int, Message]:
        index = self._pipes[pipe]
        try:
            message: Message = pipe.recv()
        except (EOFError, ConnectionResetError):
            raise GeneratorFailed(f"generator process {index + 1} ended by itself.") from None
        if isinstance(message, Failed):
            kind = GatewayGone if message.unreachable else GeneratorFailed
            raise kind(message.message)
        return index, message
