"""Query: read payments, refunds, top-ups and withdrawals.

Reads our own rows only, and never asks a channel.
"""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from gateway.domain.errors import (
    NotFound,
    payment_not_found,
    refund_not_found,
    top_up_not_found,
    withdrawal_not_found,
)
from gateway.domain.idempotency import ClaimKind
from gateway.domain.ledger import AccountSum, Entry
from gateway.domain.operation import Operation, OperationKind
from gateway.domain.payment import Payment, Purpose
from gateway.domain.ports import LedgerStore, PaymentStore
from gateway.usecases.services import Lookup

_TRANSFERS: Mapping[Purpose, tuple[ClaimKind, Callable[[], NotFound]]] = {
    Purpose.TOP_UP: (ClaimKind.TOP_UP, top_up_not_found),
    Purpose.WITHDRAWAL: (ClaimKind.WITHDRAW, withdrawal_not_found),
}
"""What a key must stand for to name a transfer, and what is said where there is none."""


class Query:
    """The use cases that look up one object."""

    def __init__(self, payments: PaymentStore, ledger: LedgerStore) -> None:
        self._payments = payments
        self._ledger = ledger

    async def payment(self, lookup: Lookup) -> Payment:
        """Read a payment by its id or its key. Raises NotFound; by key that means "not yet"."""
        found = await self._payment(lookup, ClaimKind.PAY)
        if found is None:
            raise payment_not_found()
        return found

    async def transfer(self, lookup: Lookup, purpose: Purpose) -> Payment:
        """Read a top-up or a withdrawal by its id or its key. Raises NotFound."""
        kind, not_found = _TRANSFERS[purpose]
        found = await self._payment(lookup, kind)
        if found is None or found.purpose is not purpose:
            raise not_found()
        return found

    async def refund(self, lookup: Lookup) -> Operation:
        """Read a refund by its id or its key. Raises NotFound; by key that means "not yet"."""
        refund_id = lookup.object_id or await self._claimed(lookup, ClaimKind.REFUND)
        found = refund_id and await self._payments.find_operation(lookup.merchant_id, refund_id)
        if not found or found.kind is not OperationKind.REFUND:
            raise refund_not_found()
        return found

    async def entries(self, merchant_id: str, payment_id: UUID) -> Sequence[Entry]:
        """Read a payment's entries. Raises NotFound."""
        await self.payment(Lookup(merchant_id, payment_id))
        return await self._ledger.payment_entries(merchant_id, payment_id)

    async def accounts(self, merchant_id: str) -> Sequence[AccountSum]:
        """Read the accounts that are the merchant's own."""
        return await self._ledger.merchant_accounts(merchant_id)

    async def _payment(self, lookup: Lookup, kind: ClaimKind) -> Payment | None:
        payment_id = lookup.object_id or await self._claimed(lookup, kind)
        if payment_id is None:
            return None
        return await self._payments.find_payment(lookup.merchant_id, payment_id)

    async def _claimed(self, lookup: Lookup, kind: ClaimKind) -> UUID | None:
        claim = await self._payments.find_claim(lookup.merchant_id, lookup.idempotency_key)
        return claim.object_id if claim and claim.kind is kind and not claim.refusal else None
