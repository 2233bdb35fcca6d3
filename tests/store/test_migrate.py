"""Migrations: applied once, by whoever comes first, and never onto what they do not know."""

import asyncio
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from gateway.store import migrate
from gateway.store.database import Database
from gateway.store.pool import PoolSettings
from tests.store.postgres import new_database
from tests.store.scenes import opened, paid_one, rows_of, value_of


@pytest.fixture
async def bare(server):
    """A database without any schema."""
    return await new_database(server, "template1")


async def test_migrations_are_applied_once(bare):
    """A second run finds nothing to do; what was applied is told with its checksum."""
    assert await migrate.apply(bare.owner) == migrate.expected()
    assert await migrate.apply(bare.owner) == ()
    connection = await asyncpg.connect(bare.runtime)
    present = await migrate.applied(connection)
    assert [(item.version, item.checksum) for item in present] == [
        (item.version, item.checksum) for item in migrate.expected()
    ]
    assert await migrate.problems(connection) == []
    await connection.close()


async def test_replicas_that_start_at_once_migrate_once(bare):
    """Of six migrations started at the same moment one does it all."""
    done = await asyncio.gather(*(migrate.apply(bare.owner) for _ in range(6)))
    assert sorted(map(len, done)) == [0, 0, 0, 0, 0, len(migrate.expected())]
    assert await value_of(bare.owner, "select count(*) from deployment") == 1


async def test_databases_have_ids_and_keys_of_their_own(bare, urls):
    """Two databases that were migrated differ in their id and their key of 32 bytes."""
    await migrate.apply(bare.owner)
    async with opened(bare) as one, opened(urls) as other:
        mine, theirs = await one.deployment(), await other.deployment()
    assert mine.deployment_id != theirs.deployment_id
    assert mine.token_key != theirs.token_key
    assert len(mine.token_key) == 32


async def test_a_changed_migration_is_refused(urls):
    """A migration that is not the one that was applied stops the next run, and serving."""
    first, *rest = migrate.expected()
    changed = (replace(first, checksum="other"), *rest)
    with pytest.raises(migrate.SchemaError, match="0001_payments is not the one"):
        await migrate.apply(urls.owner, changed)
    connection = await asyncpg.connect(urls.runtime)
    [problem] = await migrate.problems(connection, changed)
    await connection.close()
    assert "0001_payments is not the one that was applied" in problem


async def test_a_newer_schema_is_refused(urls):
    """A release that knows fewer migrations than the database has does not touch or serve it."""
    older = migrate.expected()[:-1]
    with pytest.raises(migrate.SchemaError, match="newer release"):
        await migrate.apply(urls.owner, older)
    connection = await asyncpg.connect(urls.runtime)
    [problem] = await migrate.problems(connection, older)
    await connection.close()
    assert "newer release" in problem


async def test_pending_migrations_are_named(bare):
    """A database that lacks migrations is told so, with what to run."""
    async with opened(bare) as database:
        problems = await database.problems()
    assert "0001_payments" in problems[0]
    assert "gateway migrate" in problems[0]


async def test_a_migration_that_fails_leaves_nothing(bare):
    """Pending migrations are applied all or not at all."""
    broken = (*migrate.expected(), migrate.Migration(99, "broken", "x", "select 1 / 0"))
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate.apply(bare.owner, broken)
    assert await value_of(bare.owner, "select to_regclass('payments')") is None
    assert await value_of(bare.owner, "select to_regclass('schema_migrations')") is None


async def test_the_runtime_role_does_not_migrate(bare):
    """Migrations run as the role that serves are refused in one sentence."""
    with pytest.raises(migrate.SchemaError, match="GATEWAY_OWNER_DATABASE_URL"):
        await migrate.apply(bare.runtime)


async def test_a_missing_runtime_role_is_named(bare, monkeypatch):
    """Where the runtime role does not exist the sentence says how to create it."""
    monkeypatch.setattr(migrate, "RUNTIME_ROLE", "gateway_nobody")
    with pytest.raises(migrate.SchemaError, match="create role gateway_nobody"):
        await migrate.apply(bare.owner)


async def test_an_old_server_is_refused(bare, monkeypatch):
    """A server older than supported is told by its version."""
    monkeypatch.setattr(migrate, "SERVER_VERSION_MIN", 990_000)
    with pytest.raises(migrate.SchemaError, match="runs Postgres 18, but 99"):
        await migrate.apply(bare.owner)


async def test_a_migration_that_hangs_is_not_waited_for_ever(bare, monkeypatch):
    """Who cannot get its turn in time says so."""
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_S", 0.1)
    holder = await asyncpg.connect(bare.owner)
    await holder.execute(f"begin; select pg_advisory_xact_lock({migrate.LOCK_KEY})")
    with pytest.raises(migrate.SchemaError, match="Another migration"):
        await migrate.apply(bare.owner)
    await holder.close()


async def test_a_database_that_is_away_is_told(tmp_path):
    """Without a server the sentence says what to check."""
    with pytest.raises(migrate.SchemaError, match="GATEWAY_OWNER_DATABASE_URL"):
        await migrate.apply(f"postgresql://gateway_owner@/gateway?host={tmp_path}")


async def test_an_open_connection_can_be_migrated(bare):
    """The owner's connection can be handed over instead of a URL, and stays open."""
    connection = await asyncpg.connect(bare.owner)
    assert await migrate.apply(connection) == migrate.expected()
    assert await connection.fetchval("select 1") == 1
    await connection.close()


@pytest.mark.parametrize("names", [["0002_x.sql"], ["0001_x.sql", "0003_y.sql"], ["first.sql"]])
def test_numbers_have_no_gaps(tmp_path: Path, names):
    """A folder whose numbers do not run from one is a mistake that stops the start."""
    for name in names:
        (tmp_path / name).write_text("select 1")
    with pytest.raises(ValueError, match="should be number"):
        migrate.read(tmp_path)


async def test_sessions_without_bounds_are_told(urls):
    """Behind PgBouncer no timeout can be sent: what the role lacks is named, one by one."""
    async with opened(urls, statement_cache_size=0) as database:
        problems = await database.problems()
    assert len(problems) == 3
    assert all("alter role gateway_runtime set" in problem for problem in problems)
    async with opened(urls) as database:
        assert await database.problems() == []


async def test_everything_works_without_prepared_statements(urls):
    """With no statement cache, as PgBouncer needs it, payments are made and read all the same."""
    async with opened(urls, statement_cache_size=0) as database:
        paid = await paid_one(database)
        assert (await database.payments.load("m_1", paid.payment_id)).payment == paid


async def test_facts_of_the_server_are_told(urls):
    """Version, connection limit and use, and the clock are what the server says."""
    async with opened(urls) as database:
        facts = await database.server()
    assert facts.version.startswith("18")
    assert 0 < facts.connections_used <= facts.connections_max < 100
    [row] = await rows_of(urls.owner, "select now() - $1 as age", facts.read_time)
    assert 0 <= row["age"].total_seconds() < 60


def test_settings_do_not_show_the_password():
    """A URL with a password is not part of what is printed or logged of the settings."""
    settings = PoolSettings(dsn="postgresql://user:secret@host/db")
    assert "secret" not in repr(settings)
    assert "secret" not in repr(Database(settings))
