"""The servers that are measured, each a process of its own, with the CPU time they have used."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.store.embedded import EmbeddedPostgres
from tests.bench import databases, usage
from tests.bench.accounts import open_accounts
from tests.bench.usage import Cpu
from tests.e2e.channels.emulator import Emulator
from tests.processes import LOG_TAIL_LINES, ProcessFailed, Service, Stack, free_port

HOST = "127.0.0.1"
CHANNEL = "wechat"
CHOSEN = {"GATEWAY_WECHAT_STORE_ID": "S-1"}
"""What a merchant decides, and no stand-in can print."""

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 30.0
POLL_S = 0.02


@dataclass
class Server:
    """Something that answers on a port, and what is known of it.

    Attributes:
        name: as reports call it.
        port: where it listens on loopback.
        pid: its process; workers are below it.
        postgres: the Postgres that it uses; None where it uses none.
        stand_in_pid: the stand-in of the channel that it calls; None where there is none.
        dsn: its database, for whoever counts; empty where there is none.
        payments: payments that it was answered for, by all runs.
    """

    name: str
    port: int
    pid: int
    postgres: EmbeddedPostgres | None = None
    dsn: str = ""
    stand_in_pid: int | None = None
    payments: int = field(default=0, compare=False)

    def cpu(self) -> Cpu:
        """Give the CPU time that it, its Postgres and the stand-in have used so far."""
        stand_in = usage.family(self.stand_in_pid) if self.stand_in_pid else ()
        return Cpu(
            usage.cpu_s(usage.family(self.pid)),
            postgres_cpu_s(self.postgres),
            usage.cpu_s(stand_in),
        )

    def worker_bytes(self) -> int:
        """Give the memory of its largest process: a worker's."""
        return max(usage.resident_bytes(pid) for pid in usage.family(self.pid))


def postgres_cpu_s(postgres: EmbeddedPostgres | None) -> float:
    """Give the CPU time of a Postgres and all its processes, in seconds."""
    if postgres is None or postgres.pid is None:
        return 0.0
    return usage.cpu_s(usage.family(postgres.pid))


@asynccontextmanager
async def running_child(name: str, folder: Path, *arguments: str) -> AsyncIterator[Server]:
    """Run one of our own servers, `tests.bench.<name>`. Raises ProcessFailed."""
    log = folder / f"{name}.log"
    port = free_port()
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"tests.bench.{name}", str(port), *arguments),
            stdout=output,
            stderr=output,
        )
    try:
        await _wait_listening(name, process, port, log)
        yield Server(name, port, process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)


@asynccontextmanager
async def running_postgres(data_dir: Path) -> AsyncIterator[EmbeddedPostgres]:
    """Use an embedded Postgres while the block runs."""
    server = EmbeddedPostgres(data_dir)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@dataclass
class House:
    """A gateway with a Postgres and channels of its own, started as users start them."""

    name: str
    stack: Stack
    postgres: EmbeddedPostgres
    server: Server

    async def restart(self, workers: int) -> None:
        """Start the gateway anew, with so many workers."""
        await self.stack.gateways[0].stop()
        self.stack.gateways[0] = _gateway(self.stack, workers)
        await self.stack.gateways[0].start()
        self.server.pid = self.stack.gateways[0].pid

    async def problems(self) -> list[str]:
        """Add the books up, and count the payments."""
        status, output = await self.stack.command("ledger", "check")
        totals = await databases.read_totals(self.server.dsn)
        found = totals.contradictions(self.server.payments)
        return [f"{self.name}: {text}" for text in ([output.strip()] if status else []) + found]


@asynccontextmanager
async def running_house(
    name: str, folder: Path, *, with_channel: bool = False
) -> AsyncIterator[House]:
    """Run a gateway whose merchants and wallets are ready. Raises ProcessFailed, NotDurable."""
    folder.mkdir()
    folder.chmod(0o711)  # as root, Postgres runs as nobody and must reach its data below
    stand_in = Emulator(CHANNEL, folder) if with_channel else None
    async with _serving(stand_in), running_postgres(folder / "data") as postgres:
        stack = Stack(folder, settings=CHOSEN | stand_in.settings() if stand_in else {})
        stack.gateways[0] = _gateway(stack, workers=1)
        try:
            await stack.start()
            dsn = postgres.dsn(user=databases.RUNTIME)
            await databases.require_durable(dsn)
            channels = ("wallet", "sandbox", CHANNEL) if stand_in else ("wallet", "sandbox")
            await open_accounts(stack.targets[0], channels)
            port = int(stack.targets[0].rpartition(":")[2])
            pid = stand_in.service.pid if stand_in else None
            server = Server(name, port, stack.gateways[0].pid, postgres, dsn, pid)
            yield House(name, stack, postgres, server)
        finally:
            await stack.stop()


@asynccontextmanager
async def _serving(stand_in: Emulator | None) -> AsyncIterator[None]:
    if stand_in is None:
        yield
        return
    try:
        await stand_in.service.start()
        yield
    finally:
        await stand_in.service.stop()


def _gateway(stack: Stack, workers: int) -> Service:
    arguments = ["serve", f"--workers={workers}"] if workers > 1 else ["serve"]
    log = stack.folder / f"gateway-{workers}.log"
    return Service("gateway", arguments, stack.environment(), log, f"{stack.ops_urls[0]}/readyz")


async def _wait_listening(name: str, process: Process, port: int, log: Path) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while process.returncode is None and time.monotonic() < end:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(POLL_S)
        else:
            writer.close()
            await writer.wait_closed()
            return
    lines = log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
    raise ProcessFailed(f"{name} did not start:\n" + os.linesep.join(lines))
