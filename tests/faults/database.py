"""The database as its operator sees and touches it: locks, waits, settings, ended connections.

What backends wait for is read from the server itself, which is the proof that a fault hit: a test
goes on only once `pg_stat_activity` shows the gateway's backends where the fault wants them.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from gateway.store.embedded import EmbeddedPostgres

OWNER = "gateway_owner"
SUPERUSER = "postgres"
GATEWAYS = "application_name = 'payment-gateway'"
SEEN_WITHIN_S = 15.0
POLL_S = 0.02


BE_HELD = """
create or replace function be_held() returns trigger language plpgsql as
$$ begin
    while not pg_try_advisory_xact_lock(1) loop perform pg_sleep(0.01); end loop;
    return new;
end $$
"""


class WindowMissed(AssertionError):
    """A fault did not hit: what it waits for was not seen in time."""


async def seen(
    what: str, look: Callable[[], Awaitable[Any]], within_s: float = SEEN_WITHIN_S
) -> Any:
    """Look until there is something to see, and give it. Raises WindowMissed."""
    end = time.monotonic() + within_s
    while True:
        found = await look()
        if found:
            return found
        if time.monotonic() > end:
            raise WindowMissed(f"not seen within {within_s:.0f} s: {what}")
        await asyncio.sleep(POLL_S)


class Database:
    """The Postgres of a stack, used beside its gateways."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server

    async def rows(self, query: str, *arguments: object, user: str = OWNER) -> list[asyncpg.Record]:
        """Run one statement on a connection of its own."""
        async with self.connection(user) as connection:
            records: list[asyncpg.Record] = await connection.fetch(query, *arguments)
            return records

    @asynccontextmanager
    async def connection(self, user: str = OWNER) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection of the owner's, or the superuser's."""
        connection = await asyncpg.connect(self.server.dsn(user=user))
        try:
            yield connection
        finally:
            connection.terminate()

    @asynccontextmanager
    async def holding(self, *statements: tuple[Any, ...]) -> AsyncIterator[int]:
        """Hold the locks that statements take, until the block ends; give who holds them."""
        async with self.connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            for query, *arguments in statements:
                await connection.fetch(query, *arguments)
            yield connection.get_server_pid()
            await transaction.rollback()

    async def blocked_by(self, pid: int, count: int) -> list[int]:
        """Wait until so many of the gateways' backends wait for a lock that another holds."""
        query = (
            f"select pid from pg_stat_activity where {GATEWAYS} and wait_event_type = 'Lock'"
            " and $1 = any(pg_blocking_pids(pid))"
        )
        return await self._backends(f"{count} backends that wait for a lock", count, query, pid)

    @asynccontextmanager
    async def holding_up(self, table: str, condition: str) -> AsyncIterator[None]:
        """Keep every write of such rows to a table in its midst, until the block ends.

        A trigger waits, and takes no part in any lock: nobody gives up because he waited too long.
        """
        async with self.connection() as connection:
            await connection.execute(BE_HELD)
            await connection.fetch("select pg_advisory_lock(1)")
            await connection.execute(
                f"create trigger held before insert or update on {table} for each row"
                f" when ({condition}) execute function be_held()"
            )
            try:
                yield
            finally:
                await connection.fetch("select pg_advisory_unlock(1)")
                await connection.execute(f"drop trigger held on {table}")

    async def held_up(self, count: int) -> list[int]:
        """Wait until so many of the gateways' backends are held in the midst of a write."""
        query = f"select pid from pg_stat_activity where {GATEWAYS} and wait_event = 'PgSleep'"
        return await self._backends(f"{count} backends in the midst of a write", count, query)

    @asynccontextmanager
    async def unanswered_commits(self) -> AsyncIterator[None]:
        """Let commits become durable and their answers wait, as behind a standby that is away."""
        await self._configure("alter system set synchronous_standby_names = 'nobody'")
        await seen("the setting in force", self._waits_for_standby)
        try:
            yield
        finally:
            await self._configure("alter system reset synchronous_standby_names")

    async def committed_unanswered(self, count: int) -> list[int]:
        """Wait until so many backends have committed a payment and may not answer."""
        query = (
            f"select a.pid from pg_stat_activity a where {GATEWAYS} and wait_event = 'SyncRep'"
            " and exists (select from pg_locks l where l.pid = a.pid and l.mode ="
            " 'RowExclusiveLock' and l.relation = 'payments'::regclass)"
        )
        return await self._backends(f"{count} commits without an answer", count, query)

    async def end_backends(self, pids: Sequence[int]) -> int:
        """End connections of the gateways, as an operator or a failover does."""
        query = "select pg_terminate_backend(pid) as ended from unnest($1::int[]) as t (pid)"
        records = await self.rows(query, list(pids), user=SUPERUSER)
        return sum(record["ended"] for record in records)

    async def backends(self) -> list[int]:
        """Name all of the gateways' backends."""
        found = await self.rows(
            f"select pid from pg_stat_activity where {GATEWAYS}", user=SUPERUSER
        )
        return [record["pid"] for record in found]

    async def _backends(self, what: str, count: int, query: str, *arguments: object) -> list[int]:
        async def look() -> list[int]:
            found = await self.rows(query, *arguments, user=SUPERUSER)
            return [record["pid"] for record in found] if len(found) >= count else []

        pids: list[int] = await seen(what, look)
        return pids

    async def _configure(self, statement: str) -> None:
        await self.rows(statement, user=SUPERUSER)
        await self.rows("select pg_reload_conf()", user=SUPERUSER)

    async def _waits_for_standby(self) -> bool:
        names = await self.rows("show synchronous_standby_names", user=SUPERUSER)
        return bool(names[0][0])


def family(pid: int) -> list[int]:
    """Give a process and its children: a postmaster with all its backends."""
    children = ""
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [pid, *(int(child) for child in children.split())]
