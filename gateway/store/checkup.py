"""A look at a database from outside the pool, for people: who asks may be told about anything.

It opens one connection of its own, so it also works where serving would be refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from gateway.store import migrate
from gateway.store.errors import why
from gateway.store.facts import SERVER_FACTS
from gateway.store.pool import Connection
from gateway.store.roles import role_problems

CONNECT_TIMEOUT_S = 5.0
"""Seconds to wait for the connection, and for each statement."""


class DatabaseUnreachable(Exception):
    """No connection could be made; the message says why, without any secret."""


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found. `migrations` are those applied and those this version knows.

    `clock_ahead_s` is how far the server's clock is ahead of ours, in seconds.
    """

    server_version: str
    connections_max: int
    connections_used: int
    role_problems: Sequence[str]
    migrations: tuple[int, int]
    clock_ahead_s: float


async def check_up(dsn: str) -> Checkup:
    """Look at the database that a URL names. Raises DatabaseUnreachable."""
    try:
        connection = await asyncpg.connect(
            dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=CONNECT_TIMEOUT_S
        )
        try:
            return await _look(connection)
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        words = f"The database cannot be used ({why(error)})."
        raise DatabaseUnreachable(words) from error


async def _look(connection: Connection) -> Checkup:
    facts = await connection.fetchrow(SERVER_FACTS)
    ahead = facts["read_time"] - datetime.now(UTC)
    return Checkup(
        server_version=facts["version"],
        connections_max=facts["connections_max"],
        connections_used=facts["connections_used"],
        role_problems=await role_problems(connection),
        migrations=(len(await migrate.applied(connection)), len(migrate.expected())),
        clock_ahead_s=ahead.total_seconds(),
    )
