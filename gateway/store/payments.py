"""PaymentStore: opening payments, changing them under their lock, and reading them.

Writes go through the group commit: all of it may be tried twice. What a key stands for tells a
second try whether the first went through: its claim names an object that only this call can have
made. A change without a key is decided anew on what is, so a conclusion that went through is simply
found to have nothing to do.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from gateway.domain.change import Aggregate
from gateway.domain.channel import Attempt
from gateway.domain.idempotency import Claim
from gateway.domain.operation import Operation
from gateway.domain.payment import Payment
from gateway.domain.ports import (
    Changed,
    Decide,
    Opened,
    Opening,
    OperationFilter,
    PaymentFilter,
)
from gateway.store import lists, rows
from gateway.store.commit.gather import GatherBounds
from gateway.store.commit.ground import find_claims, load_aggregates
from gateway.store.commit.group import GroupCommit
from gateway.store.commit.lookup import Lookups
from gateway.store.commit.wanted import Altering, Owned, Result
from gateway.store.pool import Connection, Pool, fetching
from gateway.store.queries import sql

FIND_PAYMENTS = sql("find_payments")
FIND_OPERATION = sql("find_operation")
FIND_ATTEMPT = sql("find_attempt")


class Payments:
    """Payments, their operations and attempts, and what their keys stand for."""

    def __init__(self, pool: Pool, bounds: GatherBounds) -> None:
        self._pool = pool
        self._commits = GroupCommit(pool, bounds)
        self._lookups = Lookups(pool, bounds, _find_payments)

    @property
    def waiting(self) -> int:
        """How many changes wait to be written."""
        return self._commits.waiting

    async def drain(self) -> None:
        """Wait until all that was asked for is written."""
        await self._commits.drain()

    async def open_payment(self, opening: Opening) -> Opened:
        """Commit a new payment under its key, or read what the key stands for already.

        Raises:
            Refused: ORDER_ALREADY_PAID, bound to the key.
            Overloaded: too much waits to be committed; nothing was kept.
            GatewayError: what `decide` raised, or the database could not do it.
        """
        [told] = await self._commits.submit([opening])
        if isinstance(told, BaseException):
            raise told
        return _opened(told)

    async def open_payments(self, openings: Sequence[Opening]) -> Sequence[Opened | Exception]:
        """Do the same for many, each for itself, and give what each would have given or raised.

        A caller who stops waiting stops nothing. Raises Overloaded where they do not fit what may
        wait; then nothing of any was kept.
        """
        told = await asyncio.shield(self._commits.submit(openings))
        return [one if isinstance(one, Exception) else _opened(one) for one in told]

    async def change_payment(
        self,
        merchant_id: str,
        payment_id: UUID,
        decide: Decide,
        *,
        claim: Claim | None = None,
        lock_funds: bool = False,
    ) -> Changed:
        """Lock the payment, decide, commit. A bound refusal is kept under the key.

        `decide` may be called again, after a conflict or on a changed budget.

        Raises:
            NotFound: the merchant has no such payment.
            Overloaded: too much waits to be committed; nothing was kept.
            GatewayError: what `decide` raised, or the database could not do it.
        """
        wanted = Altering((merchant_id, payment_id), decide, claim, lock_funds)
        [told] = await self._commits.submit([wanted])
        if isinstance(told, BaseException):
            raise told
        if not isinstance(told, Changed):
            raise TypeError("a change was answered as an opening")
        return told

    async def find_claim(self, owner_id: str, idempotency_key: str) -> Claim | None:
        """Read what a key stands for."""
        found = await self._pool.read(partial(find_claims, keys=[(owner_id, idempotency_key)]))
        return found.get((owner_id, idempotency_key))

    async def find_payment(self, merchant_id: str, payment_id: UUID) -> Payment | None:
        """Read a payment alone."""
        return await self._lookups.look_up((merchant_id, payment_id))

    async def load(self, merchant_id: str, payment_id: UUID) -> Aggregate | None:
        """Read a payment with its operations and attempts, as of one moment; funds are zero."""
        key = (merchant_id, payment_id)
        return (await self._pool.read(partial(load_aggregates, payments=[key]))).get(key)

    async def find_operation(self, merchant_id: str, operation_id: UUID) -> Operation | None:
        """Read one operation."""
        records = await self._pool.read(fetching(FIND_OPERATION, merchant_id, operation_id))
        return rows.operation_of(rows.load(records[0]["operation"])) if records else None

    async def find_attempt(self, merchant_id: str, attempt_id: UUID) -> Attempt | None:
        """Read one attempt."""
        records = await self._pool.read(fetching(FIND_ATTEMPT, merchant_id, attempt_id))
        return rows.attempt_of(rows.load(records[0]["attempt"])) if records else None

    async def list_payments(
        self, chosen: PaymentFilter, before: UUID | None, limit: int
    ) -> Sequence[Payment]:
        """Read payments, newest first, created before the one named."""
        find = partial(lists.payments, chosen=chosen, before=before, limit=limit)
        return await self._pool.read(find)

    async def list_operations(
        self, chosen: OperationFilter, before: UUID | None, limit: int
    ) -> Sequence[Operation]:
        """Read operations, newest first, created before the one named."""
        find = partial(lists.operations, chosen=chosen, before=before, limit=limit)
        return await self._pool.read(find)


def _opened(told: Result | BaseException) -> Opened:
    if not isinstance(told, Opened):
        raise TypeError("an opening was not answered as one")
    return told


async def _find_payments(connection: Connection, wanted: Sequence[Owned]) -> dict[Owned, Payment]:
    owners, ids = zip(*wanted, strict=True)
    payments = map(rows.payment_of, await connection.fetch(FIND_PAYMENTS, owners, ids))
    return {(payment.merchant_id, payment.payment_id): payment for payment in payments}
