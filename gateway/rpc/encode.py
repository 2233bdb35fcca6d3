"""From what use cases give to answers about payments, captures and cancels."""

from collections.abc import Iterable
from typing import Final

from gateway.domain.change import Event, EventType
from gateway.domain.channel import shown_number
from gateway.domain.errors import GatewayError
from gateway.domain.ids import to_text
from gateway.domain.payment import ActionKind, Failure, NextAction, Payer, Payment
from gateway.rpc.enums import (
    CAPTURE_MODE,
    EVENT_TYPE,
    FAILURE_REASON,
    OPERATION_STATE,
    PAYMENT_STATE,
    SCENE,
)
from gateway.rpc.status import status_for
from gateway.rpc.values import put_method, put_moment, put_money
from gateway.usecases.commands import OperationAnswer, PaymentAnswer
from paymentgateway.v1 import payment_pb2
from paymentgateway.v1.payment_service_pb2 import (
    BatchPayResponse,
    CancelResponse,
    CaptureResponse,
    GetPaymentResponse,
    ListPaymentsResponse,
    PaymentEvent,
    PayResponse,
    WatchPaymentsResponse,
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
    put_payment(answer.payment, response.payment)
    return response


def batch_pay(outcomes: Iterable[PaymentAnswer | GatewayError], incident: str) -> BatchPayResponse:
    """Write a part of the answer of BatchPay; `incident` names faults of ours, as for a call."""
    response = BatchPayResponse()
    for outcome in outcomes:
        result = response.results.add()
        if isinstance(outcome, GatewayError):
            result.error.CopyFrom(status_for(outcome, incident))
        else:
            put_payment(outcome.payment, result.response.payment)
            result.response.replayed = outcome.replayed
    return response


def capture(answer: OperationAnswer) -> CaptureResponse:
    """Write the answer of Capture."""
    response, operation = CaptureResponse(replayed=answer.replayed), answer.operation
    put_payment(answer.payment, response.payment)
    target = response.capture
    target.capture_id = to_text("cap", operation.operation_id)
    target.final = operation.final
    target.state = OPERATION_STATE[operation.state]
    put_money(operation.amount.currency, operation.amount.minor_units, target.amount)
    if operation.failure is not None:
        put_failure(operation.failure, target.failure)
    put_moment(operation.create_time, target.create_time)
    put_moment(operation.update_time, target.update_time)
    return response


def cancel(answer: OperationAnswer) -> CancelResponse:
    """Write the answer of Cancel."""
    state = OPERATION_STATE[answer.operation.state]
    response = CancelResponse(state=state, replayed=answer.replayed)
    put_payment(answer.payment, response.payment)
    if answer.operation.failure is not None:
        put_failure(answer.operation.failure, response.failure)
    return response


def get_payment(found: Payment) -> GetPaymentResponse:
    """Write the answer of GetPayment."""
    response = GetPaymentResponse()
    put_payment(found, response.payment)
    return response


def list_payments(shown: Iterable[Payment], next_page_token: str) -> ListPaymentsResponse:
    """Write the answer of ListPayments."""
    response = ListPaymentsResponse(next_page_token=next_page_token)
    for item in shown:
        put_payment(item, response.payments.add())
    return response


def watch_payments(cursor: str, event: Event | None) -> WatchPaymentsResponse:
    """Write one message of WatchPayments; without an event it is a heartbeat."""
    response = WatchPaymentsResponse(cursor=cursor)
    if event is not None:
        _put_event(event, response.event)
    return response


def put_payment(source: Payment, target: payment_pb2.Payment) -> None:
    """Write a payment into its message. Every payment is answered through here: it is kept short.

    A line is spent on each field, but only fields that have something to say are touched.
    """
    target.merchant_id = source.merchant_id
    target.payment_id = to_text("pay", source.payment_id)
    target.idempotency_key = source.idempotency_key
    target.order_id = source.order_id
    _put_amounts(source, target)
    put_method(source.method, target.payment_method)
    target.capture_mode = CAPTURE_MODE[source.capture_mode]
    _put_payer(source.payer, target.payer)
    target.scene = SCENE[source.scene]
    if source.description:
        target.description = source.description
    if source.attributes:
        target.attributes.update(source.attributes)
    target.state = PAYMENT_STATE[source.state]
    if source.next_action is not None:
        put_next_action(source.next_action, target.next_action)
    if source.failure is not None:
        put_failure(source.failure, target.failure)
    target.channel = source.method.channel
    if source.attempt_number:
        target.attempt_number = source.attempt_number
    if source.channel_number:
        target.channel_number = shown_number(source.channel_number)
    if source.funding_source:
        target.funding_source = source.funding_source
    _put_times(source, target)
    target.version = source.version


def put_failure(source: Failure, target: payment_pb2.Failure) -> None:
    """Write a failure into its message."""
    target.reason = FAILURE_REASON[source.reason]
    target.channel_code = source.channel_code
    target.message = source.message


def put_next_action(source: NextAction, target: payment_pb2.NextAction) -> None:
    """Write what the payer must do into its message."""
    match source.kind:
        case ActionKind.QR_CODE:
            target.qr_code = source.content
        case ActionKind.REDIRECT:
            target.redirect_url = source.content
        case ActionKind.CHALLENGE:
            target.challenge = source.content
    if source.expire_time is not None:
        put_moment(source.expire_time, target.expire_time)


def _put_amounts(source: Payment, target: payment_pb2.Payment) -> None:
    currency = source.amount.currency
    put_money(currency, source.amount.minor_units, target.amount)
    put_money(currency, source.captured, target.captured)
    put_money(currency, source.refunded, target.refunded)
    if source.fee_millionths:
        target.fee_millionths = source.fee_millionths
    if source.fee_returned_millionths:
        target.fee_returned_millionths = source.fee_returned_millionths


def _put_payer(source: Payer, target: payment_pb2.Payer) -> None:
    target.payer_id = source.payer_id
    if source.device_id:
        target.device_id = source.device_id
    if source.ip_address:
        target.ip_address = source.ip_address
    if source.region:
        target.region = source.region


def _put_times(source: Payment, target: payment_pb2.Payment) -> None:
    put_moment(source.create_time, target.create_time)
    put_moment(source.update_time, target.update_time)
    put_moment(source.expire_time, target.expire_time)
    if source.authorize_time is not None:
        put_moment(source.authorize_time, target.authorize_time)
    if source.capture_time is not None:
        put_moment(source.capture_time, target.capture_time)
    if source.capture_before_time is not None:
        put_moment(source.capture_before_time, target.capture_before_time)


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
