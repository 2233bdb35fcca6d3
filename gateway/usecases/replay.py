"""Answering a key that was used before, and executing nothing.

The answer is the object as it is now, the same refusal, or a mismatch.
"""

from uuid import UUID

from gateway.domain.change import Aggregate
from gateway.domain.errors import Refused, key_mismatch, payment_not_found
from gateway.domain.idempotency import Claim
from gateway.domain.ports import PaymentStore
from gateway.usecases.execution import Begun


def check_same(claim: Claim, existing: Claim) -> None:
    """Raise Refused unless the older claim stands for this very request and was not refused."""
    if not existing.same_request(claim):
        raise key_mismatch()
    if existing.refusal:
        raise Refused(existing.refusal, existing.refusal_message, key_bound=True)


async def replay(payments: PaymentStore, claim: Claim, existing: Claim, payment_id: UUID) -> Begun:
    """Answer with what the key made, as it is now."""
    check_same(claim, existing)
    aggregate = await payments.load(claim.owner_id, payment_id)
    if aggregate is None:
        raise payment_not_found()
    return replayed(aggregate, existing)


def replayed(aggregate: Aggregate, existing: Claim) -> Begun:
    """Make the answer of a replay."""
    return Begun(aggregate, None, existing.object_id, replayed=True)
