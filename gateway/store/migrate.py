"""Migrations: migrations/*.sql, each applied once, in order, all pending ones in one transaction.

Several replicas may start at once: a transaction-scoped advisory lock makes them take turns, and
who comes second finds nothing to do. (That lock also works through PgBouncer, where one that
belongs to a session would not.) A checksum of every applied migration is kept, so a file that was
changed after the fact is noticed, and so is a schema that a later release has made.

Statements stand here as strings because they must work before there is any schema.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import asyncpg

from gateway.store.errors import DRIVER_ERRORS, why
from gateway.store.pool import Connection

FOLDER = Path(__file__).parent / "migrations"
RUNTIME_ROLE = "gateway_runtime"
SERVER_VERSION_MIN = 160_000
LOCK_KEY = 7_305_809
"""Advisory lock: one migration at a time in one database."""

CONNECT_TIMEOUT_S = 10
"""Seconds to wait for a connection."""

LOCK_TIMEOUT_S = 120
"""Seconds that one replica waits for another one's migration."""

_FILE = re.compile(r"(\d{4})_(\w+)\.sql")
_TABLE = """
create table if not exists schema_migrations (
    version integer not null,
    name text not null,
    checksum text not null,
    apply_time timestamptz not null default now(),
    constraint schema_migrations_pkey primary key (version)
)
"""


class SchemaError(Exception):
    """The database cannot be migrated or used as it is; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of the folder."""

    version: int
    name: str
    checksum: str
    text: str


@dataclass(frozen=True, slots=True)
class Applied:
    """One migration that the database has."""

    version: int
    name: str
    checksum: str
    apply_time: datetime


def read(folder: Path) -> tuple[Migration, ...]:
    """Read the migrations of a folder, in order. Raises ValueError for a gap in their numbers."""
    found = []
    for number, path in enumerate(sorted(folder.glob("*.sql")), start=1):
        matched = _FILE.fullmatch(path.name)
        if not matched or int(matched[1]) != number:
            raise ValueError(f"{path.name} should be number {number:04d}")
        text = path.read_text("utf-8")
        checksum = hashlib.sha256(text.encode()).hexdigest()
        found.append(Migration(number, matched[2], checksum, text))
    return tuple(found)


@cache
def expected() -> tuple[Migration, ...]:
    """Give the migrations that this release works with."""
    return read(FOLDER)


async def applied(connection: Connection) -> tuple[Applied, ...]:
    """Give the migrations that the database has; none where it was never migrated."""
    if await connection.fetchval("select to_regclass('schema_migrations')") is None:
        return ()
    records = await connection.fetch(
        "select version, name, checksum, apply_time from schema_migrations order by version"
    )
    return tuple(Applied(**record) for record in records)


async def problems(
    connection: Connection, migrations: tuple[Migration, ...] | None = None
) -> list[str]:
    """Say why this release cannot work with the database's schema; nothing where it can."""
    wanted = expected() if migrations is None else migrations
    present = await applied(connection)
    found = _contradictions(present, wanted)
    if not found and len(present) < len(wanted):
        missing = ", ".join(f"{item.version:04d}_{item.name}" for item in wanted[len(present) :])
        found.append(f"The database lacks migrations ({missing}): run `gateway migrate`.")
    return found


async def apply(
    database: str | Connection, migrations: tuple[Migration, ...] | None = None
) -> tuple[Migration, ...]:
    """Bring a database, named by its URL or a connection of the owner, up to date.

    Gives the migrations that were applied now.

    Raises:
        SchemaError: the server, its roles or its schema do not allow it.
    """
    wanted = expected() if migrations is None else migrations
    if not isinstance(database, str):
        return await _apply(database, wanted)
    connection = await _connect(database)
    try:
        return await _apply(connection, wanted)
    finally:
        await connection.close()


async def _connect(url: str) -> Connection:
    try:
        return await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S, statement_cache_size=0)
    except (*DRIVER_ERRORS, ValueError) as error:
        raise SchemaError(
            f"The database cannot be used ({why(error)}): check that it runs and that "
            "GATEWAY_OWNER_DATABASE_URL names it."
        ) from error


async def _apply(connection: Connection, wanted: tuple[Migration, ...]) -> tuple[Migration, ...]:
    await _require_server(connection)
    async with connection.transaction():
        await _take_turn(connection)
        await connection.execute(_TABLE)
        await connection.execute(f"grant select on schema_migrations to {RUNTIME_ROLE}")
        present = await applied(connection)
        contradictions = _contradictions(present, wanted)
        if contradictions:
            raise SchemaError(contradictions[0])
        pending = wanted[len(present) :]
        for migration in pending:
            await connection.execute(migration.text)
            await connection.execute(
                "insert into schema_migrations (version, name, checksum) values ($1, $2, $3)",
                migration.version,
                migration.name,
                migration.checksum,
            )
    return pending


async def _take_turn(connection: Connection) -> None:
    await connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT_S}s'")
    await connection.execute("set local statement_timeout = 0")
    try:
        await connection.execute(f"select pg_advisory_xact_lock({LOCK_KEY})")
    except asyncpg.LockNotAvailableError as error:
        raise SchemaError(
            f"Another migration of this database has run for {LOCK_TIMEOUT_S} seconds: "
            "wait for it to end and start again."
        ) from error


async def _require_server(connection: Connection) -> None:
    version = int(await connection.fetchval("select current_setting('server_version_num')"))
    if version < SERVER_VERSION_MIN:
        raise SchemaError(
            f"The server runs Postgres {version // 10_000}, but {SERVER_VERSION_MIN // 10_000} or "
            "newer is needed: set GATEWAY_DATABASE_URL to another server."
        )
    if not await connection.fetchval("select 1 from pg_roles where rolname = $1", RUNTIME_ROLE):
        raise SchemaError(
            f"The server has no role {RUNTIME_ROLE}: create it with `create role {RUNTIME_ROLE} "
            "login password '...'`, have `gateway serve` connect as it, and migrate again."
        )
    if await connection.fetchval("select current_user") == RUNTIME_ROLE:
        raise SchemaError(
            f"Migrations must not run as {RUNTIME_ROLE}, which would own the tables it may not "
            "change: set GATEWAY_OWNER_DATABASE_URL to the database's owner."
        )


def _contradictions(present: tuple[Applied, ...], wanted: tuple[Migration, ...]) -> list[str]:
    found = []
    for have, want in zip(present, wanted, strict=False):
        if (have.version, have.checksum) != (want.version, want.checksum):
            found.append(
                f"Migration {want.version:04d}_{want.name} is not the one that was applied to the "
                f"database ({have.version:04d}_{have.name}): install the release that made it."
            )
    if len(present) > len(wanted):
        newest = present[-1]
        found.append(
            f"The database was migrated by a newer release (to {newest.version:04d}_{newest.name})"
            f", this one knows {len(wanted)} migrations: install that release or a newer one."
        )
    return found
