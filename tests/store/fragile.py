"""Connections that are lost, or whose caller goes away, at a statement that a test chooses.

The loss is real: the server's process for the connection is ended by the superuser. What a test
chooses is when: before a statement is sent, or after it was done and before anybody heard of it.
"""

import asyncio
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import Any

import asyncpg
import pytest

from tests.store.postgres import Urls


class When(Enum):
    """Where the fault hits."""

    BEFORE = auto()  # the statement never arrives
    AFTER = auto()  # it is done, but its answer never arrives
    CANCELED = auto()  # the caller is cancelled while it waits for the answer


@dataclass
class Plan:
    """Hits once, at the given statement; counts and remembers all statements meanwhile."""

    urls: Urls
    at: int = 0
    when: When = When.BEFORE
    then_away: bool = False
    statements: list[str] = field(default_factory=list)
    hits: int = 0
    caller: asyncio.Task[object] | None = None

    async def run(self, connection: Any, statement: str, send: Any) -> Any:
        """Send a statement, or let the fault hit it."""
        self.statements.append(statement)
        if len(self.statements) != self.at:
            return await send()
        self.hits += 1
        if self.when is When.CANCELED:
            asyncio.get_running_loop().call_soon(self.caller.cancel)
            return await send()
        if self.when is When.AFTER:
            await send()
        await self._lose(connection)
        if self.when is When.BEFORE:
            return await send()
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle")

    async def _lose(self, connection: Any) -> None:
        superuser = await asyncpg.connect(self.urls.superuser)
        try:
            if self.then_away:
                name = await superuser.fetchval("select current_database()")
                await superuser.execute(f"alter database {name} connection limit 0")
            pid = connection.get_server_pid()
            await superuser.execute(f"select pg_terminate_backend({pid}, 5000)")
        finally:
            await superuser.close()


class FragileConnection(asyncpg.Connection):
    """A connection that follows the plan of its test."""

    plan: Plan | None = None

    async def execute(self, query, *args, **options):
        return await self._planned(query, partial(super().execute, query, *args, **options))

    async def fetch(self, query, *args, **options):
        return await self._planned(query, partial(super().fetch, query, *args, **options))

    async def fetchrow(self, query, *args, **options):
        return await self._planned(query, partial(super().fetchrow, query, *args, **options))

    async def fetchval(self, query, *args, **options):
        return await self._planned(query, partial(super().fetchval, query, *args, **options))

    async def _planned(self, query, send):
        plan = FragileConnection.plan
        return await (plan.run(self, query, send) if plan else send())


def make_fragile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pools that are opened from now on have connections that follow plans."""
    create = partial(asyncpg.create_pool, connection_class=FragileConnection)
    monkeypatch.setattr(asyncpg, "create_pool", create)
    monkeypatch.setattr(FragileConnection, "plan", None)
