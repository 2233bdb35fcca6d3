"""The two roles and the database that the gateway expects, made by the superuser at every start.

The owner migrates, the runtime serves; what the runtime may do to tables is for the migrations to
say. These few statements are written here because roles and databases exist before any migration.
"""

from typing import Final
from urllib.parse import quote

import asyncpg

from gateway.store.embedded import socket_folder
from gateway.store.embedded.home import Home
from gateway.store.embedded.launcher import SUPERUSER
from gateway.store.embedded.postmaster import Postmaster

DATABASE: Final = "gateway"
OWNER: Final = "gateway_owner"
RUNTIME: Final = "gateway_runtime"
TURN_LOCK: Final = 7_305_808  # advisory: processes that start at the same moment take turns
NOT_YET: Final = (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError)


def dsn(home: Home, user: str, database: str) -> str:
    """Returns the connection string over the socket, as libpq and asyncpg understand it."""
    folder = socket_folder.find(home.run, home.account)
    where = f"host={quote(str(folder))}&port={socket_folder.PORT}"
    return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?{where}"


async def provision(home: Home) -> bool:
    """Makes roles and database if missing; False if the server does not accept connections yet."""
    if not _is_ready(home):
        return False
    try:
        connection = await asyncpg.connect(dsn(home, SUPERUSER, SUPERUSER))
    except NOT_YET:
        return False
    try:
        await _make_missing(connection)
    finally:
        await connection.close()
    return True


def _is_ready(home: Home) -> bool:
    # Read first: an attempt to connect to a server that is not ready would be logged as an error.
    postmaster = Postmaster.of(home.pgdata)
    return postmaster is not None and postmaster.is_ready and home.has_server()


async def _make_missing(connection: asyncpg.Connection) -> None:
    await connection.execute(f"select pg_advisory_lock({TURN_LOCK})")  # the session's end frees it
    for role in (OWNER, RUNTIME):
        if not await connection.fetchval("select 1 from pg_roles where rolname = $1", role):
            await connection.execute(
                f"create role {role} login nosuperuser nocreatedb nocreaterole noreplication"
            )
    if not await connection.fetchval("select 1 from pg_database where datname = $1", DATABASE):
        await connection.execute(f"create database {DATABASE} owner {OWNER}")
