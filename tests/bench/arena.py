"""Where the servers meet: each is started when a stage first asks for it, and all end together."""

import platform
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from gateway.store.embedded import EmbeddedPostgres
from tests.bench import databases, usage
from tests.bench.databases import make_database, read_totals, require_durable
from tests.bench.pgbench import MAJOR
from tests.bench.servers import House, Server, running_child, running_house, running_postgres

IN_MEMORY = {"tmpfs", "ramfs"}
PAYMENT_BYTES = 3_500
"""What a payment takes on disk, with its key, event, booking and their indexes; rounded up."""

SPARE_BYTES = 4 << 30
"""Disk that everything but the filled tables takes: logs ahead of writes, other databases."""


class Unfit(Exception):
    """The machine cannot give figures that mean anything; the message says what to do."""


def require_fit(folder: Path, rows: int) -> None:
    """Look whether figures measured in a folder would mean anything. Raises Unfit."""
    if not usage.PROC.joinpath("self", "stat").exists():
        raise Unfit("CPU time and memory are read from /proc: run the benchmark on Linux.")
    if usage.file_system(folder) in IN_MEMORY:
        raise Unfit(f"{folder} is in memory, where fsync is free: set TMPDIR to a folder on disk.")
    needed = rows * PAYMENT_BYTES + SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Unfit(
            f"{folder} has {free >> 30} GiB free, and {rows:,} payments need about "
            f"{needed >> 30}: set TMPDIR to a larger disk, or use QUICK=1."
        )


def machine(folder: Path) -> str:
    """Describe what all of it ran on."""
    model = "unknown processor"
    for line in (usage.PROC / "cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    cores = len(usage.allowed_cores())
    system = f"Linux {platform.release()}, Python {platform.python_version()}"
    system += f", Postgres and pgbench {MAJOR} as embedded"
    return f"{cores} cores of {model}, {system}, data on {usage.file_system(folder)}"


class Arena:
    """Servers by name, started once."""

    def __init__(self, folder: Path, ends: AsyncExitStack) -> None:
        self._folder = folder
        self._ends = ends
        self._houses: dict[str, House] = {}
        self._dsns: dict[str, str] = {}
        self._reference: EmbeddedPostgres | None = None
        self._echo: Server | None = None
        self.paid: dict[str, int] = {}
        """Payments that went into each database of those compared with."""

    async def house(self, name: str, *, with_channel: bool = False) -> House:
        """Give the gateway of that name, with a Postgres of its own.

        Whoever asks first says whether payments through a channel will be wanted of it.
        """
        if name not in self._houses:
            house = running_house(name, self._folder / name, with_channel=with_channel)
            self._houses[name] = await self._ends.enter_async_context(house)
        return self._houses[name]

    async def echo(self) -> Server:
        """Give the server that does nothing."""
        if self._echo is None:
            running = running_child("echo", self._folder)
            self._echo = await self._ends.enter_async_context(running)
        return self._echo

    @asynccontextmanager
    async def textbook(self, pool_size: int) -> AsyncIterator[Server]:
        """Run the textbook server with a pool of that size while the block runs."""
        dsn = await self.database("textbook")
        async with running_child("textbook", self._folder, dsn, str(pool_size)) as server:
            server.postgres = await self.reference()
            try:
                yield server
            finally:
                self.paid["textbook"] += server.payments

    async def reference(self) -> EmbeddedPostgres:
        """Give the Postgres of what the gateway is compared with."""
        if self._reference is None:
            running = running_postgres(self._folder / "reference")
            self._reference = await self._ends.enter_async_context(running)
            await require_durable(self._reference.dsn(user=databases.RUNTIME))
        return self._reference

    async def database(self, name: str) -> str:
        """Give the URL of a database with the gateway's schema and accounts."""
        if name not in self._dsns:
            self._dsns[name] = await make_database(await self.reference(), name)
            self.paid[name] = 0
        return self._dsns[name]

    async def problems(self) -> list[str]:
        """Count all payments in all databases, and add up the books of every gateway."""
        found = []
        for house in self._houses.values():
            found += await house.problems()
        for name, dsn in self._dsns.items():
            totals = await read_totals(dsn)
            found += [f"{name}: {text}" for text in totals.contradictions(self.paid[name])]
        return found
