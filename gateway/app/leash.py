"""The leash: one socket between the supervisor and a worker, which both feel when the other ends.

The supervisor asks, the worker answers, a line each:

    3 problems          ->   3 {"database": "..."}       what keeps it from serving; {} serves
    4 metrics           ->   4 "# HELP ..."              Prometheus' text format

Answers bear the number of their question, so one that came too late is not taken for the next. The
socket has no name: nobody else can reach it, and nothing is left behind by whoever is killed. The
kernel closes it with the process, however that ends, so a worker whose supervisor was killed reads
the end of the stream and drains.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from gateway.telemetry.logging import get_logger

ANSWER_TIMEOUT_S: Final = 3.0
"""Longest wait for one answer in seconds; above that of a readiness check."""

ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
"""Longest answer in bytes; all metrics of a worker are some hundred thousand at most."""

_log = get_logger(__name__)

Answers = Mapping[str, Callable[[], Awaitable[object]]]
"""What a worker can be asked, and what answers it with something that JSON can carry."""


@dataclass(frozen=True, slots=True)
class Place:
    """A worker's place under its supervisor: its index from 0, and its end of the leash."""

    index: int
    leash: socket.socket


@asynccontextmanager
async def answering(
    leash: socket.socket, answers: Answers, gone: asyncio.Event
) -> AsyncIterator[None]:
    """Answer the supervisor while the block runs; set `gone` when there is none any more."""
    reader, writer = await asyncio.open_unix_connection(sock=leash)
    task = asyncio.create_task(_answer(reader, writer, answers, gone), name="leash")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await _close(writer)


async def _answer(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    answers: Answers,
    gone: asyncio.Event,
) -> None:
    try:
        while line := await reader.readline():
            number, question = line.decode().split()
            answer = json.dumps(await answers[question]())
            writer.write(f"{number} {answer}\n".encode())
            await writer.drain()
    except OSError as error:
        _log.debug("leash broken", fault=repr(error))
    finally:
        gone.set()


class Leash:
    """The supervisor's end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()
        self._asked = 0

    @classmethod
    async def hold(cls, end: socket.socket) -> "Leash":
        """Take an end of a pair of sockets."""
        return cls(*await asyncio.open_unix_connection(sock=end, limit=ANSWER_BYTES_MAX))

    async def ask(self, question: str) -> Any:
        """Ask and give the answer.

        Raises:
            OSError: there is no worker any more; TimeoutError, which is one, if it does not answer
                in time.
        """
        async with asyncio.timeout(ANSWER_TIMEOUT_S), self._turn:
            self._asked += 1
            self._writer.write(f"{self._asked} {question}\n".encode())
            while True:
                number, _, answer = (await self._reader.readline()).partition(b" ")
                if not answer:
                    raise ConnectionResetError("the worker has closed its end")
                if int(number) == self._asked:
                    return json.loads(answer)

    async def let_go(self) -> None:
        """Close this end, which the worker feels."""
        await _close(self._writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):  # the other end was quicker
        await writer.wait_closed()
