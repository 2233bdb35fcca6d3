"""The generator, as seen from the process that measures."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.bench import generator
from tests.bench.plan import Outcome, Plan

STOP_TIMEOUT_S = 5.0


class LoadFailed(Exception):
    """The generator could not make the calls; the message says why."""


class Load:
    """A running generator."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def run(self, plan: Plan, before: Callable[[], object] = lambda: None) -> Outcome:
        """Run a plan; `before` is called when everything is ready. Raises LoadFailed."""
        await self._write(plan)
        await self._read()
        before()
        await self._write("go")
        outcome = await self._read()
        if not isinstance(outcome, Outcome):
            raise LoadFailed("the generator said nothing")
        return outcome

    async def _write(self, value: object) -> None:
        assert self._process.stdin
        self._process.stdin.write(generator.written(value))
        await self._process.stdin.drain()

    async def _read(self) -> object:
        assert self._process.stdout
        try:
            length = await self._process.stdout.readexactly(generator.LENGTH_BYTES)
            body = await self._process.stdout.readexactly(int.from_bytes(length))
        except asyncio.IncompleteReadError as end:
            raise LoadFailed("the generator ended; what it said stands above") from end
        value = generator.value_of(body)
        if isinstance(value, str):
            raise LoadFailed(value)
        return value


@asynccontextmanager
async def running_load() -> AsyncIterator[Load]:
    """Run a generator while the block runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.generator", stdin=PIPE, stdout=PIPE
    )
    try:
        yield Load(process)
    finally:
        if process.stdin:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
