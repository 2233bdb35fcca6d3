"""A database that is fit to serve: reachable, with the schema and the rights this version needs.

A configured database is never migrated by serving it, and one with another schema is refused: two
versions that write different things must not meet unnoticed. Our own is migrated at once, since
nobody else could, and brought back when it dies.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.app.errors import StartError
from gateway.app.wiring import Connections, commit_bounds, open_connections, pool_settings
from gateway.config import Settings
from gateway.domain.errors import GatewayError
from gateway.store import migrate
from gateway.store.checkup import DatabaseUnreachable, check_up
from gateway.store.database import Database

PING_TIMEOUT_S = 1.0
"""Longest wait of a readiness check for the database, in seconds."""


@asynccontextmanager
async def open_ready_database(settings: Settings) -> AsyncIterator[tuple[Database, Connections]]:
    """Open the database for serving, and close it. Raises StartError."""
    async with (
        _open_current(settings) as connections,
        _open_fit(settings, connections) as database,
    ):
        yield database, connections


@asynccontextmanager
async def open_fit_connections(settings: Settings) -> AsyncIterator[Connections]:
    """Say where the database is that others will serve from, once it is fit. Raises StartError."""
    async with _open_current(settings) as connections:
        async with _open_fit(settings, connections):
            pass
        yield connections


@asynccontextmanager
async def _open_current(settings: Settings) -> AsyncIterator[Connections]:
    async with open_connections(settings) as connections:
        if connections.embedded:
            await migrate_now(connections)
        yield connections


@asynccontextmanager
async def _open_fit(settings: Settings, connections: Connections) -> AsyncIterator[Database]:
    pool = pool_settings(settings, connections.runtime)
    database = Database(pool, bounds=commit_bounds(settings))
    await database.open()
    try:
        await _require_fit(settings, database)
        yield database
    finally:
        await database.close()


async def migrate_now(connections: Connections) -> list[str]:
    """Apply what is pending; name it. Raises StartError."""
    if connections.owner is None:
        words = "Migrating needs the owner: set GATEWAY_OWNER_DATABASE_URL."
        raise StartError(words)
    try:
        await check_up(connections.owner)
        done = await migrate.apply(connections.owner)
    except (DatabaseUnreachable, migrate.SchemaError) as error:
        raise StartError(str(error)) from error
    return [f"{item.version:04d}_{item.name}" for item in done]


async def check_database(database: Database) -> str | None:
    """Say why the database cannot be worked with now; None where it can."""
    try:
        await database.ping(PING_TIMEOUT_S)
    except GatewayError as error:
        return error.message
    return None


async def _require_fit(settings: Settings, database: Database) -> None:
    problems = await database.problems()
    if problems:
        raise StartError("\n".join(problems))
    server = await database.server()
    wanted = settings.connections_max
    if wanted > server.connections_max:
        raise StartError(
            f"GATEWAY_REPLICAS times GATEWAY_WORKERS times GATEWAY_POOL_SIZE are {wanted} "
            f"connections, but the database takes {server.connections_max}: lower one of them, or "
            "raise max_connections."
        )
