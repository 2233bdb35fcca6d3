"""What there is: our rows, the channel's own book, and what callers were told."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg

PAGE = 500

REFUSED = "REFUSED"
"""Told: the key is bound to a refusal."""

NOTHING = "NOTHING"
"""Told at the only try: nothing was kept, the key is free. The caller sent it never again."""

Row = dict[str, Any]

_BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Told:
    """What a caller was told of its key: the object it made, as callers name it, and its state.

    `object_id` is empty where the answer names none. `state` is a state of the object, or REFUSED,
    or NOTHING.
    """

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
    wallets: list[Row] = field(default_factory=list)
    charges: list[Row] = field(default_factory=list)
    captures: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)
    payouts: list[Row] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    quiet: bool = True
    """Whether everything that could come to rest has come to rest."""
    has_book: bool = True
    """Whether the channel's own book was read."""


_QUERIES = {
    "payments": "select *, payer ->> 'payer_id' as payer_id from payments"
    " order by merchant_id, payment_id",
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
    "wallets": "select * from wallets",
}


async def read_world(
    dsn: str, sandbox_url: str = "", told: Iterable[Told] = (), *, quiet: bool = True
) -> World:
    """Read the channel's book, then the rows as of one moment.

    In this order, what the book shows must have its intent in the rows even while payments run.
    """
    told = list(told)
    kinds = ("charges", "captures", "refunds", "payouts") if sandbox_url else ()
    book = {kind: await read_book(sandbox_url, kind) for kind in kinds}
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            rows = {
                name: [dict(row) for row in await connection.fetch(query)]
                for name, query in _QUERIES.items()
            }
    finally:
        await connection.close()
    return World(**rows, **book, told=told, quiet=quiet, has_book=bool(sandbox_url))


async def read_book(sandbox_url: str, kind: str) -> list[Row]:
    """Read all charges, captures, refunds or payouts of the channel's own book."""
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


def object_uuid(text: str) -> UUID:
    """Read an identifier as callers see it, or as rows have it."""
    _, prefixed, digits = text.partition("_")
    if not prefixed:
        return UUID(text)
    value = 0
    for digit in digits:
        value = value * 62 + _BASE_62.index(digit)
    return UUID(int=value)
