"""What several tests of the store do first: open databases, payments that were paid, raw looks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from gateway.domain.change import Change
from gateway.domain.idempotency import Claim
from gateway.domain.payment import Payment
from gateway.domain.ports import Opening
from gateway.store.database import Database
from gateway.store.pool import PoolSettings
from tests.store import builders
from tests.store.postgres import Urls

PATIENT = {"acquire_timeout_s": 20.0, "lock_timeout_s": 15.0, "statement_timeout_s": 20.0}
"""Bounds that no test meets on a busy machine, unless it sets its own."""


@asynccontextmanager
async def opened(urls: Urls, **settings: Any) -> AsyncIterator[Database]:
    """A Database as the runtime role; with settings of the pool."""
    found = Database(PoolSettings(dsn=urls.runtime, **{**PATIENT, **settings}))
    await found.open()
    try:
        yield found
    finally:
        await found.close()


async def open_under(database: Database, claim: Claim, change: Change) -> Claim | None:
    """Open a payment that was decided before. Give the older claim on its key, if there is one."""
    payment = change.payment
    order = payment.order_id if payment.holds_order else ""
    opening = Opening(claim, lambda _available: change, exclusive_order=order)
    return (await database.payments.open_payment(opening)).existing


async def open_one(database: Database, **fields: Any) -> Payment:
    """A merchant, if there is none yet, and a payment of it that is PROCESSING."""
    made = builders.payment(**fields)
    await database.merchants.create_merchant(builders.merchant(made.merchant_id))
    change = builders.opening(made)
    assert await open_under(database, builders.claim(made), change) is None
    return change.payment


async def paid_one(database: Database, **fields: Any) -> Payment:
    """A payment that has SUCCEEDED."""
    made = await open_one(database, **fields)
    changed = await database.payments.change_payment(
        made.merchant_id, made.payment_id, builders.succeed
    )
    return changed.aggregate.payment


async def rows_of(url: str, statement: str, *arguments: Any) -> list[asyncpg.Record]:
    """Look into the database beside the stores."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(statement, *arguments)
    finally:
        await connection.close()


async def value_of(url: str, statement: str, *arguments: Any) -> Any:
    """One value, beside the stores."""
    return (await rows_of(url, statement, *arguments))[0][0]
