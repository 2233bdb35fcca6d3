"""Answering a key that was used before, and executing nothing.

The answer is the object as it is now, the same refusal, or a mismatch.
"""

from gateway.domain.change import Aggregate
from gateway.domain.errors import GatewayError, Refused, key_mismatch, payment_not_found
from gateway.domain.idempotency import Claim
from gateway.domain.ports import Opened, PaymentStore
from gateway.usecases.commands import PaymentAnswer
from gateway.usecases.execution import Begun


def check_same(claim: Claim, existing: Claim) -> None:
    """Raise Refused unless the older claim stands for this very request and was not refused."""
    if not existing.same_request(claim):
        raise key_mismatch()
    if existing.refusal:
        raise Refused(existing.refusal, existing.refusal_message, key_bound=True)


async def replay_or_raise(
    payments: PaymentStore, claim: Claim, refusal: GatewayError
) -> PaymentAnswer:
    """Answer with the payment that the key made before; raise the refusal where it is unused."""
    existing = await payments.find_claim(claim.owner_id, claim.idempotency_key)
    if existing is None:
        raise refusal
    check_same(claim, existing)
    payment = await payments.find_payment(claim.owner_id, existing.object_id)
    if payment is None:
        raise payment_not_found()
    return PaymentAnswer(payment, replayed=True)


def opened_under(claim: Claim, opened: Opened) -> Aggregate:
    """Give the payment that the key stands for after an opening, whoever made it.

    Raises Refused where it stands for another request, or for a refusal.
    """
    if opened.existing:
        check_same(claim, opened.existing)
    if opened.aggregate is None:
        raise payment_not_found()
    return opened.aggregate


def replayed(aggregate: Aggregate, existing: Claim) -> Begun:
    """Make the answer of a replay."""
    return Begun(aggregate, None, existing.object_id, replayed=True)
