"""From our rows to what a connector needs.

Made from rows alone, so that every re-send of a number says the same.
"""

import hashlib

from gateway.domain.change import Aggregate
from gateway.domain.channel import Attempt, ChannelRequest
from gateway.domain.payment import Payment


def channel_request(aggregate: Aggregate, attempt: Attempt) -> ChannelRequest:
    """Say what a channel is asked for by an attempt."""
    payment = aggregate.payment
    operation = aggregate.operations.get(attempt.operation_id) if attempt.operation_id else None
    return ChannelRequest(
        kind=attempt.kind,
        number=attempt.number,
        charge_number=attempt.charge_number,
        money=attempt.money,
        capture_mode=payment.capture_mode,
        scene=payment.scene,
        payer_pseudonym=payer_pseudonym(payment),
        description=operation.description if operation else payment.description,
        expire_time=payment.expire_time,
        final=operation.final if operation else False,
        details=payment.method.details,
    )


def payer_pseudonym(payment: Payment) -> str:
    """Name the payer to one channel only: 32 hex digits that no other channel can match."""
    text = f"{payment.method.channel}\n{payment.merchant_id}\n{payment.payer.payer_id}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
