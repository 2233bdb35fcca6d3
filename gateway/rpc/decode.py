"""From checked requests to what use cases take. Nothing can be wrong with a request any more."""

from datetime import datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from gateway.domain.errors import payment_not_found, refund_not_found
from gateway.domain.fees import FeeSchedule, FeeTerms
from gateway.domain.ids import from_text
from gateway.domain.merchant import Merchant, PaymentLimit
from gateway.domain.money import Money
from gateway.domain.operation import OperationKind
from gateway.domain.payment import Payer
from gateway.domain.ports import OperationFilter, PaymentFilter
from gateway.rpc.call import Caller
from gateway.rpc.enums import (
    CAPTURE_MODE_NAME,
    OPERATION_STATE_NAME,
    ORDER_POLICY_NAME,
    PAYMENT_STATE_NAME,
    REFUND_POLICY_NAME,
    SCENE_NAME,
)
from gateway.rpc.values import to_method, to_moment, to_money
from gateway.usecases.commands import CancelCommand, CaptureCommand, PayCommand, RefundCommand
from gateway.usecases.services import Lookup
from paymentgateway.v1 import merchant_pb2, money_pb2, payment_pb2
from paymentgateway.v1.payment_service_pb2 import (
    CancelRequest,
    CaptureRequest,
    GetPaymentRequest,
    ListPaymentsRequest,
    PayRequest,
)
from paymentgateway.v1.refund_service_pb2 import GetRefundRequest, ListRefundsRequest, RefundRequest


def pay(request: PayRequest, caller: Caller) -> PayCommand:
    """Read Pay."""
    attributes = request.attributes
    return PayCommand(
        merchant_id=request.merchant_id,
        idempotency_key=request.idempotency_key,
        order_id=request.order_id,
        amount=to_money(request.amount),
        method=to_method(request.payment_method),
        capture_mode=CAPTURE_MODE_NAME[request.capture_mode],
        payer=payer(request.payer),
        scene=SCENE_NAME[request.scene],
        description=request.description,
        attributes=dict(attributes) if attributes else {},
        expire_time=to_moment(request.expire_time) if request.HasField("expire_time") else None,
        caller_id=caller.caller_id,
    )


def capture(request: CaptureRequest, caller: Caller) -> CaptureCommand:
    """Read Capture."""
    return CaptureCommand(
        merchant_id=request.merchant_id,
        idempotency_key=request.idempotency_key,
        payment_id=payment_id(request.payment_id),
        amount=_amount(request.amount, is_set=request.HasField("amount")),
        final=request.final,
        caller_id=caller.caller_id,
    )


def cancel(request: CancelRequest, caller: Caller) -> CancelCommand:
    """Read Cancel."""
    return CancelCommand(
        merchant_id=request.merchant_id,
        idempotency_key=request.idempotency_key,
        payment_id=payment_id(request.payment_id),
        caller_id=caller.caller_id,
    )


def refund(request: RefundRequest, caller: Caller) -> RefundCommand:
    """Read Refund."""
    return RefundCommand(
        merchant_id=request.merchant_id,
        idempotency_key=request.idempotency_key,
        payment_id=payment_id(request.payment_id),
        amount=_amount(request.amount, is_set=request.HasField("amount")),
        description=request.description,
        caller_id=caller.caller_id,
    )


def payment_lookup(request: GetPaymentRequest) -> Lookup:
    """Read what a payment is looked up by."""
    if request.WhichOneof("by") == "payment_id":
        return Lookup(request.merchant_id, object_id=payment_id(request.payment_id))
    return Lookup(request.merchant_id, idempotency_key=request.idempotency_key)


def refund_lookup(request: GetRefundRequest) -> Lookup:
    """Read what a refund is looked up by."""
    if request.WhichOneof("by") == "refund_id":
        return Lookup(request.merchant_id, object_id=_refund_id(request.refund_id))
    return Lookup(request.merchant_id, idempotency_key=request.idempotency_key)


def payment_filter(request: ListPaymentsRequest) -> PaymentFilter:
    """Read which payments to list."""
    begin, end = request.HasField("create_time_from"), request.HasField("create_time_to")
    return PaymentFilter(
        merchant_id=request.merchant_id,
        order_id=request.order_id,
        state=PAYMENT_STATE_NAME.get(request.state),
        channel=request.channel,
        create_time_from=_moment(request.create_time_from, is_set=begin),
        create_time_to=_moment(request.create_time_to, is_set=end),
    )


def refund_filter(request: ListRefundsRequest) -> OperationFilter:
    """Read which refunds to list."""
    begin, end = request.HasField("create_time_from"), request.HasField("create_time_to")
    return OperationFilter(
        merchant_id=request.merchant_id,
        kind=OperationKind.REFUND,
        payment_id=payment_id(request.payment_id) if request.payment_id else None,
        state=OPERATION_STATE_NAME.get(request.state),
        create_time_from=_moment(request.create_time_from, is_set=begin),
        create_time_to=_moment(request.create_time_to, is_set=end),
    )


def merchant(message: merchant_pb2.Merchant, now: datetime) -> Merchant:
    """Read a merchant. `now` stands in for its times, which only the gateway gives."""
    return Merchant(
        merchant_id=message.merchant_id,
        display_name=message.display_name,
        currencies=tuple(message.currency_codes),
        channels=tuple(message.channels),
        order_policy=ORDER_POLICY_NAME[message.order_policy],
        refund_policy=REFUND_POLICY_NAME[message.refund_policy],
        create_time=now,
        update_time=now,
        disabled=message.disabled,
        fee_schedules=tuple(map(_fee_schedule, message.fee_schedules)),
        payment_limits=tuple(map(_payment_limit, message.payment_limits)),
        version=message.version or 1,
    )


def payer(message: payment_pb2.Payer) -> Payer:
    """Read who pays."""
    return Payer(message.payer_id, message.device_id, message.ip_address, message.region)


def payment_id(text: str) -> UUID:
    """Read the id of a payment. Raises NotFound for one that can name none."""
    found = from_text("pay", text)
    if found is None:
        raise payment_not_found()
    return found


def _refund_id(text: str) -> UUID:
    found = from_text("ref", text)
    if found is None:
        raise refund_not_found()
    return found


def _fee_schedule(message: merchant_pb2.FeeSchedule) -> FeeSchedule:
    return FeeSchedule(
        channel=message.channel,
        currency=message.currency_code,
        effective_time=to_moment(message.effective_time),
        terms=FeeTerms(
            rate_millionths=message.rate_millionths,
            fixed=message.fixed_minor_units,
            minimum=message.minimum_minor_units,
            maximum=message.maximum_minor_units,
            returned_on_refund=message.returned_on_refund,
        ),
        amount_from=message.amount_from_minor_units,
        amount_to=message.amount_to_minor_units,
    )


def _payment_limit(message: merchant_pb2.PaymentLimit) -> PaymentLimit:
    return PaymentLimit(
        currency=message.currency_code,
        minimum=message.minimum_minor_units,
        maximum=message.maximum_minor_units,
    )


def _amount(message: money_pb2.Money, *, is_set: bool) -> Money | None:
    return to_money(message) if is_set else None


def _moment(message: Timestamp, *, is_set: bool) -> datetime | None:
    return to_moment(message) if is_set else None
