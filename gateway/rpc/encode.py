"""From what use cases give to answers about payments, captures, cancels and refunds."""

from typing import Final

from gateway.domain.change import Event, EventType
from gateway.domain.ids import to_text
from gateway.domain.money import Money
from gateway.domain.operation import Operation
from gateway.domain.payment import ActionKind, Failure, NextAction, Payer, Payment
from gateway.rpc.enums import (
    CAPTURE_MODE,
    EVENT_TYPE,
    FAILURE_REASON,
    OPERATION_STATE,
    PAYMENT_STATE,
    SCENE,
)
from gateway.rpc.values import from_method, from_money, to_timestamp
from gateway.usecases.commands import OperationAnswer, PaymentAnswer
from paymentgateway.v1 import payment_pb2, refund_pb2
from paymentgateway.v1.payment_service_pb2 import (
    CancelResponse,
    Capture,
    CaptureResponse,
    PaymentEvent,
    PayResponse,
)
from paymentgateway.v1.refund_service_pb2 import RefundResponse

OPERATION_PREFIX: Final = {
    EventType.CAPTURE_ACCEPTED: "cap",
    EventType.CAPTURE_ENDED: "cap",
    EventType.CANCEL_ACCEPTED: "can",
    EventType.CANCEL_ENDED: "can",
    EventType.REFUND_ACCEPTED: "ref",
    EventType.REFUND_ENDED: "ref",
    EventType.LATE_SUCCESS: "ref",
}
"""What an event's operation is called; events that are missing here are about none."""


def pay(answer: PaymentAnswer) -> PayResponse:
    """Write the answer of Pay."""
    return PayResponse(payment=payment(answer.payment), replayed=answer.replayed)


def capture(answer: OperationAnswer) -> CaptureResponse:
    """Write the answer of Capture."""
    operation = answer.operation
    return CaptureResponse(
        payment=payment(answer.payment),
        capture=Capture(
            capture_id=to_text("cap", operation.operation_id),
            amount=from_money(operation.amount),
            final=operation.final,
            state=OPERATION_STATE[operation.state],
            failure=_failure(operation.failure),
            create_time=to_timestamp(operation.create_time),
            update_time=to_timestamp(operation.update_time),
        ),
        replayed=answer.replayed,
    )


def cancel(answer: OperationAnswer) -> CancelResponse:
    """Write the answer of Cancel."""
    return CancelResponse(
        payment=payment(answer.payment),
        state=OPERATION_STATE[answer.operation.state],
        failure=_failure(answer.operation.failure),
        replayed=answer.replayed,
    )


def refund_answer(answer: OperationAnswer) -> RefundResponse:
    """Write the answer of Refund."""
    return RefundResponse(refund=refund(answer.operation), replayed=answer.replayed)


def payment(source: Payment) -> payment_pb2.Payment:
    """Write a payment."""
    currency = source.currency
    return payment_pb2.Payment(
        merchant_id=source.merchant_id,
        payment_id=to_text("pay", source.payment_id),
        idempotency_key=source.idempotency_key,
        order_id=source.order_id,
        amount=from_money(source.amount),
        captured=from_money(Money(currency, source.captured)),
        refunded=from_money(Money(currency, source.refunded)),
        fee_millionths=source.fee_millionths,
        fee_returned_millionths=source.fee_returned_millionths,
        payment_method=from_method(source.method),
        capture_mode=CAPTURE_MODE[source.capture_mode],
        payer=_payer(source.payer),
        scene=SCENE[source.scene],
        description=source.description,
        attributes=source.attributes,
        state=PAYMENT_STATE[source.state],
        next_action=_next_action(source.next_action),
        failure=_failure(source.failure),
        channel=source.method.channel,
        attempt_number=source.attempt_number,
        channel_number=source.channel_number,
        create_time=to_timestamp(source.create_time),
        update_time=to_timestamp(source.update_time),
        expire_time=to_timestamp(source.expire_time),
        authorize_time=to_timestamp(source.authorize_time),
        capture_time=to_timestamp(source.capture_time),
        capture_before_time=to_timestamp(source.capture_before_time),
        version=source.version,
    )


def refund(source: Operation) -> refund_pb2.Refund:
    """Write a refund."""
    return refund_pb2.Refund(
        merchant_id=source.merchant_id,
        refund_id=to_text("ref", source.operation_id),
        idempotency_key=source.idempotency_key,
        payment_id=to_text("pay", source.payment_id),
        amount=from_money(source.amount),
        state=OPERATION_STATE[source.state],
        failure=_failure(source.failure),
        description=source.description,
        attempt_number=source.attempt_number,
        channel_number=source.channel_number,
        under_review=source.under_review,
        create_time=to_timestamp(source.create_time),
        update_time=to_timestamp(source.update_time),
    )


def event(source: Event | None) -> PaymentEvent | None:
    """Write a change of a payment; None, a heartbeat, stays unset."""
    if source is None:
        return None
    changed = source.payment
    return PaymentEvent(
        event_id=to_text("evt", source.event_id),
        type=EVENT_TYPE[source.type],
        payment_id=to_text("pay", changed.payment_id),
        order_id=changed.order_id,
        state=PAYMENT_STATE[changed.state],
        amount=from_money(changed.amount),
        captured=from_money(Money(changed.currency, changed.captured)),
        refunded=from_money(Money(changed.currency, changed.refunded)),
        operation_id=_operation_id(source),
        version=changed.version,
        create_time=to_timestamp(source.create_time),
    )


def _operation_id(source: Event) -> str:
    prefix = OPERATION_PREFIX.get(source.type)
    return to_text(prefix, source.operation_id) if prefix and source.operation_id else ""


def _payer(source: Payer) -> payment_pb2.Payer:
    return payment_pb2.Payer(
        payer_id=source.payer_id,
        device_id=source.device_id,
        ip_address=source.ip_address,
        region=source.region,
    )


def _failure(source: Failure | None) -> payment_pb2.Failure | None:
    if source is None:
        return None
    return payment_pb2.Failure(
        reason=FAILURE_REASON[source.reason],
        channel_code=source.channel_code,
        message=source.message,
    )


def _next_action(source: NextAction | None) -> payment_pb2.NextAction | None:
    if source is None:
        return None
    action = payment_pb2.NextAction(expire_time=to_timestamp(source.expire_time))
    match source.kind:
        case ActionKind.QR_CODE:
            action.qr_code = source.content
        case ActionKind.REDIRECT:
            action.redirect_url = source.content
        case ActionKind.CHALLENGE:
            action.challenge = source.content
    return action
