"""From what use cases give to answers about payments, captures, cancels and refunds."""

from collections.abc import Iterable
from typing import Final

from gateway.domain.change import Event, EventType
from gateway.domain.ids import to_text
from gateway.domain.operation import Operation
from gateway.domain.payment import ActionKind, Failure, NextAction, Payment
from gateway.rpc.enums import (
    CAPTURE_MODE,
    EVENT_TYPE,
    FAILURE_REASON,
    OPERATION_STATE,
    PAYMENT_STATE,
    SCENE,
)
from gateway.rpc.values import put_method, put_moment, put_money
from gateway.usecases.commands import OperationAnswer, PaymentAnswer
from paymentgateway.v1 import payment_pb2, refund_pb2
from paymentgateway.v1.payment_service_pb2 import (
    CancelResponse,
    CaptureResponse,
    GetPaymentResponse,
    ListPaymentsResponse,
    PaymentEvent,
    PayResponse,
    WatchPaymentsResponse,
)
from paymentgateway.v1.refund_service_pb2 import (
    GetRefundResponse,
    ListRefundsResponse,
    RefundResponse,
)

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
    response = PayResponse(replayed=answer.replayed)
    _put_payment(answer.payment, response.payment)
    return response


def capture(answer: OperationAnswer) -> CaptureResponse:
    """Write the answer of Capture."""
    response, operation = CaptureResponse(replayed=answer.replayed), answer.operation
    _put_payment(answer.payment, response.payment)
    target = response.capture
    target.capture_id = to_text("cap", operation.operation_id)
    target.final = operation.final
    target.state = OPERATION_STATE[operation.state]
    put_money(operation.amount.currency, operation.amount.minor_units, target.amount)
    _put_failure(operation.failure, target.failure)
    put_moment(operation.create_time, target.create_time)
    put_moment(operation.update_time, target.update_time)
    return response


def cancel(answer: OperationAnswer) -> CancelResponse:
    """Write the answer of Cancel."""
    state = OPERATION_STATE[answer.operation.state]
    response = CancelResponse(state=state, replayed=answer.replayed)
    _put_payment(answer.payment, response.payment)
    _put_failure(answer.operation.failure, response.failure)
    return response


def get_payment(found: Payment) -> GetPaymentResponse:
    """Write the answer of GetPayment."""
    response = GetPaymentResponse()
    _put_payment(found, response.payment)
    return response


def list_payments(shown: Iterable[Payment], next_page_token: str) -> ListPaymentsResponse:
    """Write the answer of ListPayments."""
    response = ListPaymentsResponse(next_page_token=next_page_token)
    for item in shown:
        _put_payment(item, response.payments.add())
    return response


def watch_payments(cursor: str, event: Event | None) -> WatchPaymentsResponse:
    """Write one message of WatchPayments; without an event it is a heartbeat."""
    response = WatchPaymentsResponse(cursor=cursor)
    if event is not None:
        _put_event(event, response.event)
    return response


def refund(answer: OperationAnswer) -> RefundResponse:
    """Write the answer of Refund."""
    response = RefundResponse(replayed=answer.replayed)
    _put_refund(answer.operation, response.refund)
    return response


def get_refund(found: Operation) -> GetRefundResponse:
    """Write the answer of GetRefund."""
    response = GetRefundResponse()
    _put_refund(found, response.refund)
    return response


def list_refunds(shown: Iterable[Operation], next_page_token: str) -> ListRefundsResponse:
    """Write the answer of ListRefunds."""
    response = ListRefundsResponse(next_page_token=next_page_token)
    for item in shown:
        _put_refund(item, response.refunds.add())
    return response


def _put_payment(source: Payment, target: payment_pb2.Payment) -> None:
    currency = source.currency
    target.merchant_id = source.merchant_id
    target.payment_id = to_text("pay", source.payment_id)
    target.idempotency_key = source.idempotency_key
    target.order_id = source.order_id
    put_money(currency, source.amount.minor_units, target.amount)
    put_money(currency, source.captured, target.captured)
    put_money(currency, source.refunded, target.refunded)
    target.fee_millionths = source.fee_millionths
    target.fee_returned_millionths = source.fee_returned_millionths
    put_method(source.method, target.payment_method)
    target.capture_mode = CAPTURE_MODE[source.capture_mode]
    target.payer.payer_id = source.payer.payer_id
    target.payer.device_id = source.payer.device_id
    target.payer.ip_address = source.payer.ip_address
    target.payer.region = source.payer.region
    target.scene = SCENE[source.scene]
    target.description = source.description
    target.attributes.update(source.attributes)
    target.state = PAYMENT_STATE[source.state]
    _put_next_action(source.next_action, target.next_action)
    _put_failure(source.failure, target.failure)
    target.channel = source.method.channel
    target.attempt_number = source.attempt_number
    target.channel_number = source.channel_number
    put_moment(source.create_time, target.create_time)
    put_moment(source.update_time, target.update_time)
    put_moment(source.expire_time, target.expire_time)
    put_moment(source.authorize_time, target.authorize_time)
    put_moment(source.capture_time, target.capture_time)
    put_moment(source.capture_before_time, target.capture_before_time)
    target.version = source.version


def _put_refund(source: Operation, target: refund_pb2.Refund) -> None:
    target.merchant_id = source.merchant_id
    target.refund_id = to_text("ref", source.operation_id)
    target.idempotency_key = source.idempotency_key
    target.payment_id = to_text("pay", source.payment_id)
    put_money(source.amount.currency, source.amount.minor_units, target.amount)
    target.state = OPERATION_STATE[source.state]
    _put_failure(source.failure, target.failure)
    target.description = source.description
    target.attempt_number = source.attempt_number
    target.channel_number = source.channel_number
    target.under_review = source.under_review
    put_moment(source.create_time, target.create_time)
    put_moment(source.update_time, target.update_time)


def _put_event(source: Event, target: PaymentEvent) -> None:
    changed = source.payment
    target.event_id = to_text("evt", source.event_id)
    target.type = EVENT_TYPE[source.type]
    target.payment_id = to_text("pay", changed.payment_id)
    target.order_id = changed.order_id
    target.state = PAYMENT_STATE[changed.state]
    put_money(changed.currency, changed.amount.minor_units, target.amount)
    put_money(changed.currency, changed.captured, target.captured)
    put_money(changed.currency, changed.refunded, target.refunded)
    prefix = OPERATION_PREFIX.get(source.type)
    if prefix and source.operation_id:
        target.operation_id = to_text(prefix, source.operation_id)
    target.version = changed.version
    put_moment(source.create_time, target.create_time)


def _put_failure(source: Failure | None, target: payment_pb2.Failure) -> None:
    if source is not None:
        target.reason = FAILURE_REASON[source.reason]
        target.channel_code = source.channel_code
        target.message = source.message


def _put_next_action(source: NextAction | None, target: payment_pb2.NextAction) -> None:
    if source is None:
        return
    match source.kind:
        case ActionKind.QR_CODE:
            target.qr_code = source.content
        case ActionKind.REDIRECT:
            target.redirect_url = source.content
        case ActionKind.CHALLENGE:
            target.challenge = source.content
    put_moment(source.expire_time, target.expire_time)
