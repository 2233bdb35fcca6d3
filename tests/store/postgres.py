"""A real Postgres for tests: one server per major version, and databases on it.

Migrations run once, on a template, of which a new database is a copy. Emptying one takes a tenth of
the time of making one, so tests that do nothing special to theirs share it. Plain functions, so
that other folders' fixtures can use them too.
"""

import asyncio
import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from gateway.store import migrate
from gateway.store.embedded import EmbeddedPostgres

SUPERUSER = "postgres"
OWNER = "gateway_owner"
RUNTIME = "gateway_runtime"
TEMPLATE = "gateway_template"

EMPTIED = (
    "attempts",
    "events",
    "payment_operations",
    "payments",
    "operations",
    "merchants",
    "transfers",
    "balances",
    "balance_guards",
    "own_funds",
    "review_cases",
    "quarantine",
    "wallets",
    "wallet_owners",
    "reserve_moments",
)
"""Every table that use fills, children first."""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Urls:
    """One database, as each role connects to it."""

    superuser: str
    owner: str
    runtime: str


@dataclass(frozen=True)
class Server:
    """A running server with a migrated template."""

    postgres: EmbeddedPostgres
    major: int

    def urls(self, database: str) -> Urls:
        """Name a database of this server."""
        roles = (SUPERUSER, OWNER, RUNTIME)
        return Urls(*(self.postgres.dsn(user=role, database=database) for role in roles))


@contextmanager
def running_server(major: int = 18) -> Iterator[Server]:
    """Run a server in a folder that `nobody` may enter, and remove both."""
    folder = Path(tempfile.mkdtemp(prefix="store-"))
    folder.chmod(0o711)
    server = Server(EmbeddedPostgres(folder, major=major), major)
    try:
        asyncio.run(_start(server))
        yield server
    finally:
        # At once: a checkpoint of all the databases that were made would take half a minute.
        os.kill(server.postgres.pid, signal.SIGQUIT)
        asyncio.run(server.postgres.stop())
        shutil.rmtree(folder)


async def new_database(server: Server, template: str = TEMPLATE) -> Urls:
    """Make a database that nobody has used; `template1` gives one without any schema."""
    name = f"test_{next(_numbers)}"
    await _create(server, name, template)
    return server.urls(name)


async def empty(urls: Urls) -> None:
    """Make a migrated database as if nobody had used it."""
    connection = await asyncpg.connect(urls.owner)
    try:
        await connection.execute("".join(f"delete from {table};" for table in EMPTIED))
        for table in ("merchants", "wallet_owners"):
            await connection.execute(f"alter table {table} alter column serial restart")
    finally:
        await connection.close()


async def _start(server: Server) -> None:
    await server.postgres.start()
    await _create(server, TEMPLATE, "template1")
    await migrate.apply(server.urls(TEMPLATE).owner)


async def _create(server: Server, name: str, template: str) -> None:
    connection = await asyncpg.connect(server.urls("postgres").superuser)
    try:
        await connection.execute(f"create database {name} owner {OWNER} template {template}")
    finally:
        await connection.close()
