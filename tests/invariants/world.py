"""What there is: our rows, the channel's own book, and what callers were told."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import asyncpg

PAGE = 500

Row = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """A terminal answer that a caller got: for its key, this object ended so."""

    merchant_id: str
    idempotency_key: str
    object_id: str
    state: str


@dataclass
class World:
    """Everything the rules look at, as plain records."""

    payments: list[Row]
    operations: list[Row]
    attempts: list[Row]
    claims: list[Row]
    transfers: list[Row]
    events: list[Row]
    sums: list[Row]
    reviews: list[Row]
    charges: list[Row] = field(default_factory=list)
    captures: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    quiet: bool = True
    """Whether everything that could come to rest has come to rest."""


_QUERIES = {
    "payments": "select * from payments order by merchant_id, payment_id",
    "operations": "select * from payment_operations order by create_time",
    "attempts": "select * from attempts order by create_time",
    "claims": "select * from operations",
    "transfers": "select *, xid::text::numeric % 4294967296 as wrote, xmin::text::numeric as row_of"
    " from transfers",
    "events": "select *, xid::text::numeric % 4294967296 as wrote, xmin::text::numeric as row_of"
    " from events order by merchant_id, payment_id, version",
    "sums": "select book, code, key, currency, sum(debits)::bigint as debits,"
    " sum(credits)::bigint as credits from sums group by 1, 2, 3, 4",
    "reviews": "select * from review_cases",
}


async def read_world(
    dsn: str, sandbox_url: str = "", told: Iterable[Told] = (), *, quiet: bool = True
) -> World:
    """Read the world as of one moment of the database, then the channel's book."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            rows = {
                name: [dict(row) for row in await connection.fetch(query)]
                for name, query in _QUERIES.items()
            }
    finally:
        await connection.close()
    kinds = ("charges", "captures", "refunds") if sandbox_url else ()
    book = {kind: await read_book(sandbox_url, kind) for kind in kinds}
    return World(**rows, **book, told=list(told), quiet=quiet)


async def read_book(sandbox_url: str, kind: str) -> list[Row]:
    """Read all charges, captures or refunds of the channel's own book."""
    rows: list[Row] = []
    parameters = {"limit": str(PAGE)}
    async with aiohttp.ClientSession(trust_env=False) as session:
        while True:
            url = f"{sandbox_url}/control/{kind}"
            async with session.get(url, params=parameters) as reply:
                reply.raise_for_status()
                page = await reply.json()
            rows += page[kind]
            if not page["next"]:
                return rows
            parameters["after"] = page["next"]
