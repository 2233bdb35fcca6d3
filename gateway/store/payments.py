"""PaymentStore: opening payments, changing them under their lock, and reading them.

All of it may be tried twice. What a key stands for tells a second try whether the first went
through: its claim names an object that only this call can have made. A change without a key is
decided anew on what is, so a conclusion that went through is simply found to have nothing to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import asyncpg

from gateway.domain.change import Aggregate, Change
from gateway.domain.channel import Attempt
from gateway.domain.errors import GatewayError, Refused, key_mismatch, payment_not_found
from gateway.domain.idempotency import Claim
from gateway.domain.operation import Operation
from gateway.domain.payment import Payment
from gateway.domain.ports import Changed, Decide, OperationFilter, PaymentFilter
from gateway.store import changes, lists, rows
from gateway.store.errors import order_already_paid
from gateway.store.pool import Connection, Pool, Undo, fetching
from gateway.store.queries import sql

FIND_OPERATION = sql("find_operation")
FIND_ATTEMPT = sql("find_attempt")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a call of `change_payment` asks for."""

    merchant_id: str
    payment_id: UUID
    decide: Decide
    claim: Claim | None
    lock_funds: bool


class Payments:
    """Payments, their operations and attempts, and what their keys stand for."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def open_payment(self, claim: Claim, change: Change) -> Claim | None:
        """Commit a new payment under its key. None: it is made. Otherwise the older claim.

        Raises:
            Refused: ORDER_ALREADY_PAID, bound to the key.
            GatewayError: the database could not do it.
        """
        return await self._pool.write(partial(_open, claim=claim, change=change))

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
            GatewayError: what `decide` raised, or the database could not do it.
        """
        asked = _Asked(merchant_id, payment_id, decide, claim, lock_funds)
        result = await self._pool.transact(partial(_change, asked=asked))
        if isinstance(result, GatewayError):
            raise result
        return result

    async def find_claim(self, owner_id: str, idempotency_key: str) -> Claim | None:
        """Read what a key stands for."""
        find = partial(changes.find_claim, owner_id=owner_id, idempotency_key=idempotency_key)
        return await self._pool.read(find)

    async def load(self, merchant_id: str, payment_id: UUID) -> Aggregate | None:
        """Read a payment with its operations and attempts, as of one moment; funds are zero."""
        find = partial(changes.load_aggregate, merchant_id=merchant_id, payment_id=payment_id)
        return await self._pool.read(find)

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


async def _open(connection: Connection, claim: Claim, change: Change) -> Claim | None:
    """Open a payment in one statement; a second one reads the key only where it was taken."""
    try:
        if await changes.write(connection, [change], claims=[claim]):
            return None
    except asyncpg.UniqueViolationError:
        # New ids cannot be there twice, and the key is no error here: it is the order's slot.
        if not change.payment.holds_order:
            raise
        return await _refuse_order(connection, claim)
    return await _claimed_before(connection, claim)


async def _refuse_order(connection: Connection, claim: Claim) -> Claim | None:
    refusal = order_already_paid()
    refused = changes.refused(claim, refusal)
    if await changes.insert_claim(connection, refused):
        raise refusal
    return await _claimed_before(connection, claim)


async def _claimed_before(connection: Connection, claim: Claim) -> Claim | None:
    """Read who has the key: a twin, or an earlier try of this very call."""
    existing = await changes.find_claim(connection, claim.owner_id, claim.idempotency_key)
    if existing is None:
        raise AssertionError("a key that was taken stands for nothing")
    if existing.object_id != claim.object_id:
        return existing
    _raise_refusal(existing)
    return None


def _raise_refusal(claim: Claim) -> None:
    if claim.refusal:
        raise Refused(claim.refusal, claim.refusal_message, key_bound=True)


async def _change(connection: Connection, asked: _Asked) -> Changed | GatewayError:
    """Do one try of a change, in a transaction. A bound refusal is a result: it is committed."""
    if asked.claim and not await changes.insert_claim(connection, asked.claim):
        return await _changed_before(connection, asked, asked.claim)
    before = await changes.lock(connection, asked.merchant_id, asked.payment_id)
    if before is None:
        raise payment_not_found()
    if asked.lock_funds:
        before = await changes.with_funds(connection, before)
    try:
        change = await changes.decided(connection, before, asked.decide)
    except GatewayError as refusal:
        if asked.claim is None or not refusal.key_bound:
            raise
        await changes.refuse_claim(connection, asked.claim, refusal)
        return refusal
    if change is None:
        raise Undo(Changed(before, written=False))
    await _write(connection, before, change)
    return Changed(changes.after(before, change), written=True)


async def _write(connection: Connection, before: Aggregate, change: Change) -> None:
    if not await changes.write(connection, [change], known=before.attempts):
        found = (before.payment.version, change.payment.version)
        raise AssertionError(
            f"a change must go to the next version, not from {found[0]} to {found[1]}"
        )
    await changes.draw_budget(connection, change)


async def _changed_before(connection: Connection, asked: _Asked, claim: Claim) -> Changed:
    """Answer with who has the key, and with the payment as it is now."""
    existing = await _claimed_before(connection, claim)
    aggregate = await changes.load_aggregate(connection, asked.merchant_id, asked.payment_id)
    if aggregate is None:
        # No key was ever kept for a payment that is not there: it stands for something else.
        raise key_mismatch()
    return Changed(aggregate, written=existing is None, existing=existing)
