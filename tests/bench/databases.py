"""Databases for what the gateway is compared with: its schema, on a Postgres set up like its own.

The same launcher starts both servers, so they differ in nothing. The planner of these databases is
told to prefer indexes, as the gateway's sessions tell it, because a plan that was made while the
tables were empty would be slow for minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from gateway.store import migrate
from gateway.store.embedded import EmbeddedPostgres
from gateway.store.queries import load
from tests.bench.accounts import BALANCE_MINOR_UNITS, HOT_MERCHANT, MERCHANTS, PAYERS
from tests.bench.plan import AMOUNT_MINOR_UNITS, CURRENCY

SUPERUSER, OWNER, RUNTIME = "postgres", "gateway_owner", "gateway_runtime"
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
STATEMENTS: Mapping[str, str] = load(Path(__file__).parent)


class NotDurable(Exception):
    """A server may lose what it acknowledged, so that its figures would mean nothing."""


@dataclass(frozen=True)
class Totals:
    """What a database says was paid, in payments and minor units, and is left in all wallets."""

    payments: int
    paid: int
    paid_from_wallets: int
    left_over: int

    def contradictions(self, payments: int) -> list[str]:
        """Compare them with the payments that were answered."""
        found = []
        if self.payments != payments:
            found.append(f"{payments} payments were answered, {self.payments} are there")
        if self.paid != self.payments * AMOUNT_MINOR_UNITS:
            found.append(f"{self.payments} payments took {self.paid} minor units")
        if self.left_over + self.paid_from_wallets != len(PAYERS) * BALANCE_MINOR_UNITS:
            found.append(
                f"wallets hold {self.left_over} after {self.paid_from_wallets} were paid from them"
            )
        return found


async def make_database(server: EmbeddedPostgres, name: str) -> str:
    """Make a database with the gateway's schema and accounts; give the URL for the runtime."""
    connection = await asyncpg.connect(server.dsn(user=SUPERUSER, database=SUPERUSER))
    try:
        await connection.execute(f"create database {name} owner {OWNER}")
        await connection.execute(f"alter database {name} set enable_seqscan = off")
    finally:
        await connection.close()
    owner = server.dsn(user=OWNER, database=name)
    await migrate.apply(owner)
    connection = await asyncpg.connect(owner)
    try:
        await _fill(connection)
    finally:
        await connection.close()
    return server.dsn(user=RUNTIME, database=name)


async def require_durable(dsn: str) -> None:
    """Ask the server whether it keeps what it acknowledges. Raises NotDurable."""
    connection = await asyncpg.connect(dsn)
    try:
        for name in DURABLE:
            value = await connection.fetchval(f"show {name}")
            if value != "on":
                raise NotDurable(f"{name} is {value}: no figure of this server would be honest")
    finally:
        await connection.close()


async def read_totals(dsn: str) -> Totals:
    """Read what was paid."""
    connection = await asyncpg.connect(dsn)
    try:
        return Totals(**await connection.fetchrow(STATEMENTS["totals"]))
    finally:
        await connection.close()


async def _fill(connection: asyncpg.Connection) -> None:
    merchants, payers = [*MERCHANTS, HOT_MERCHANT], list(PAYERS)
    await connection.execute(STATEMENTS["seed_merchants"], merchants)
    await connection.execute(STATEMENTS["seed_owners"], payers)
    await connection.execute(STATEMENTS["seed_wallets"], payers, CURRENCY, BALANCE_MINOR_UNITS)
    await connection.execute("analyze")
