"""The supervisor: one process that keeps several workers running, and does no payment itself.

It does once what needs doing once: it takes the ports, starts and revives our own Postgres,
migrates it, and answers for all on the operations port. Each worker then is a whole gateway process
with an event loop and a pool of its own, told by its environment where the database and the ports
are. The gateway is ready while at least one worker serves, since the system gives connections only
to those who listen.

At SIGTERM or SIGINT all workers drain at the same time, and what exceeds the drain is killed. If
the supervisor itself is killed, the workers notice by their leash, and drain.
"""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Final

from gateway.app.embedded import reviving
from gateway.app.listeners import open_operations
from gateway.app.ports import shared_ports
from gateway.app.ready import open_fit_connections
from gateway.app.seat import EARLY_DEATHS_MAX, Launch, Seat
from gateway.app.wiring import Connections
from gateway.clock import Clock
from gateway.config import Address, Settings, variable
from gateway.ops import Readiness
from gateway.telemetry.crew import CrewMetrics
from gateway.telemetry.logging import get_logger

STOP_MARGIN_S: Final = 5.0
"""Seconds beyond the drain that a worker has to close what it holds, before it is killed."""

DRAINED: Final = (0, -signal.SIGTERM)
"""Exit codes of workers that left nothing: those that drained, or had not begun to serve."""

_log = get_logger(__name__)


async def supervise(settings: Settings, launch: Launch) -> bool:
    """Run workers until SIGTERM or SIGINT. Tell whether all drained in time. Raises StartError."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        addresses = stack.enter_context(shared_ports(settings))
        connections = await stack.enter_async_context(open_fit_connections(settings))
        if connections.embedded:
            await stack.enter_async_context(reviving(connections.embedded))
        environ = {**launch.environ, **_told(addresses, connections)}
        crew = Crew(settings.workers, replace(launch, environ=environ))
        readiness = Readiness({"workers": partial(crew.check, stop)}, Clock())
        operations = open_operations(settings.ops_listen, crew.exposition, readiness)
        port = await stack.enter_async_context(operations)
        ports = {name: address.port for name, address in addresses.items()}
        _log.info("supervising", workers=settings.workers, ops_port=port, **ports)
        is_clean = await crew.run(stop, settings.drain_timeout_s + STOP_MARGIN_S)
    _log.info("stopped")
    return is_clean


def _told(addresses: Mapping[str, Address], connections: Connections) -> dict[str, str]:
    """Give the variables by which workers know what was prepared for them."""
    told = {variable(name): str(address) for name, address in addresses.items()}
    told[variable("reuse_port")] = "true"
    if connections.embedded:
        told[variable("database_url")] = connections.runtime
    return told


class Crew:
    """All seats of a gateway."""

    def __init__(self, size: int, launch: Launch) -> None:
        """Make the seats, all empty."""
        self._metrics = CrewMetrics()
        self._seats = [Seat(index, launch, self._metrics) for index in range(size)]

    async def run(self, stop: asyncio.Event, drain_s: float) -> bool:
        """Keep all seats taken until `stop`, then drain. Tell whether all did in time.

        Raises:
            StartError: no worker stays up.
        """
        keepers = [asyncio.create_task(seat.keep(self._is_hopeless)) for seat in self._seats]
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([stopping, *keepers], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        is_clean = await self._drain(keepers, drain_s)
        await asyncio.gather(*keepers)  # raises what ended one of them
        return is_clean

    async def check(self, stop: asyncio.Event) -> str | None:
        """Say what keeps the whole from serving; one worker is enough."""
        if stop.is_set():
            return "This gateway is shutting down."
        problems = {seat.index: seat.problem for seat in self._seats}
        if None in problems.values():
            return None
        return "; ".join(f"worker {index}: {problem}" for index, problem in problems.items())

    async def exposition(self) -> bytes:
        """Write the metrics of all; those of a worker that does not answer are missing."""
        texts = await asyncio.gather(*(seat.metrics() for seat in self._seats))
        answered = {seat.index: text for seat, text in zip(self._seats, texts, strict=True) if text}
        return self._metrics.exposition(answered)

    def _is_hopeless(self) -> bool:
        return all(seat.early_deaths >= EARLY_DEATHS_MAX for seat in self._seats)

    async def _drain(self, keepers: list[asyncio.Task[None]], drain_s: float) -> bool:
        _log.info("stopping")
        for seat in self._seats:
            seat.retire()
        await asyncio.wait(keepers, timeout=drain_s)
        for seat in self._seats:
            if seat.kill():
                _log.error("worker did not drain in time and is killed", worker=seat.index)
        await asyncio.wait(keepers)
        return all(seat.exit_code in DRAINED for seat in self._seats)
