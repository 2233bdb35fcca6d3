"""From our rows to what a connector needs.

Made from rows alone, so that every re-send of a number says the same.
"""

import hashlib
from operator import attrgetter

from gateway.domain.change import Aggregate
from gateway.domain.channel import (
    EPOCH,
    Attempt,
    AttemptKind,
    AttemptState,
    ChannelRequest,
)
from gateway.domain.operation import OperationKind
from gateway.domain.payment import Payment


def channel_request(aggregate: Aggregate, attempt: Attempt) -> ChannelRequest:
    """Say what a channel is asked for by an attempt."""
    payment, charge = aggregate.payment, _charge(aggregate, attempt)
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
        create_time=attempt.create_time,
        channel_number=(operation or payment).channel_number,
        charge_money=payment.amount,
        charge_create_time=charge.create_time if charge else EPOCH,
        charge_channel_number=payment.channel_number,
        capture_channel_number=_capture_channel_number(aggregate, attempt),
        client_ip=payment.payer.ip_address,
    )


def _charge(aggregate: Aggregate, attempt: Attempt) -> Attempt | None:
    """Find the attempt that charged; a payment of a wallet has none."""
    every = (attempt, *aggregate.attempts.values())
    return next((item for item in every if item.number == attempt.charge_number), None)


def _capture_channel_number(aggregate: Aggregate, attempt: Attempt) -> str:
    """Find the channel's own number of the last capture, which is what a refund takes back from.

    What the gateway returns by itself is money of a capture that succeeded after it had failed.
    """
    operation = aggregate.operations.get(attempt.operation_id) if attempt.operation_id else None
    late = operation is not None and operation.kind is OperationKind.RETURN
    captured = [
        item
        for item in aggregate.attempts.values()
        if item.kind is AttemptKind.CAPTURE and item.state is AttemptState.SUCCEEDED
    ]
    numbers = [
        aggregate.operations[item.operation_id].channel_number
        for item in sorted(captured, key=attrgetter("create_time"))
        if item.operation_id and aggregate.operations[item.operation_id].succeeded is not late
    ]
    return numbers[-1] if numbers else ""


def payer_pseudonym(payment: Payment) -> str:
    """Name the payer to one channel only: 32 hex digits that no other channel can match."""
    text = f"{payment.method.channel}\n{payment.merchant_id}\n{payment.payer.payer_id}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
