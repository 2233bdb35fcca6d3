"""Requests that are right, and domain objects with every field filled, for tests to start from."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from gateway.domain.change import Event, EventType
from gateway.domain.fees import FeeSchedule, FeeTerms
from gateway.domain.ids import to_text
from gateway.domain.merchant import Merchant, OrderPolicy, PaymentLimit, RefundPolicy
from gateway.domain.money import Money
from gateway.domain.operation import Operation, OperationKind, OperationState
from gateway.domain.payment import (
    ActionKind,
    CaptureMode,
    Failure,
    FailureReason,
    NextAction,
    Payer,
    Payment,
    PaymentMethod,
    PaymentState,
    Purpose,
    Scene,
)
from gateway.domain.wallet import Wallet, owner_of
from paymentgateway.v1 import (
    merchant_pb2,
    merchant_service_pb2,
    payment_pb2,
    payment_service_pb2,
    refund_service_pb2,
    wallet_service_pb2,
)
from tests.rpc.fakes import NOW

PAYMENT_ID = UUID(int=1 << 100)
OPERATION_ID = UUID(int=1 << 99)
PAYMENT_TEXT = to_text("pay", PAYMENT_ID)
REFUND_TEXT = to_text("ref", OPERATION_ID)
TOP_UP_TEXT = to_text("top", PAYMENT_ID)
WITHDRAWAL_TEXT = to_text("wdr", PAYMENT_ID)


def moment(seconds: int) -> datetime:
    """A moment some seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


def pay_request() -> payment_service_pb2.PayRequest:
    request = payment_service_pb2.PayRequest(
        merchant_id="shop",
        idempotency_key="key-1",
        order_id="order-1",
        capture_mode=payment_pb2.CAPTURE_MODE_MANUAL,
        scene=payment_pb2.SCENE_IN_STORE,
        description="tea",
        attributes={"table": "4"},
        payer=payment_pb2.Payer(
            payer_id="payer-1", device_id="d-1", ip_address="192.0.2.7", region="CN-31"
        ),
    )
    request.amount.currency_code, request.amount.minor_units = "CNY", 1_250
    charge = request.payment_method.sandbox.charge
    charge.outcome, charge.fault_count = payment_pb2.SANDBOX_OUTCOME_DECLINE, 3
    request.expire_time.FromDatetime(moment(60))
    return request


def capture_request() -> payment_service_pb2.CaptureRequest:
    request = payment_service_pb2.CaptureRequest(
        merchant_id="shop", idempotency_key="key-2", payment_id=PAYMENT_TEXT, final=True
    )
    request.amount.currency_code, request.amount.minor_units = "CNY", 350
    return request


def cancel_request() -> payment_service_pb2.CancelRequest:
    return payment_service_pb2.CancelRequest(
        merchant_id="shop", idempotency_key="key-3", payment_id=PAYMENT_TEXT
    )


def refund_request() -> refund_service_pb2.RefundRequest:
    request = refund_service_pb2.RefundRequest(
        merchant_id="shop", idempotency_key="key-4", payment_id=PAYMENT_TEXT, description="cold"
    )
    request.amount.currency_code, request.amount.minor_units = "CNY", 50
    return request


def top_up_request() -> wallet_service_pb2.TopUpRequest:
    request = wallet_service_pb2.TopUpRequest(
        payer=pay_request().payer,
        idempotency_key="key-5",
        payment_method=pay_request().payment_method,
        scene=payment_pb2.SCENE_APP,
        description="pocket money",
    )
    request.amount.currency_code, request.amount.minor_units = "CNY", 10_000
    request.expire_time.FromDatetime(moment(60))
    return request


def withdraw_request() -> wallet_service_pb2.WithdrawRequest:
    request = wallet_service_pb2.WithdrawRequest(
        payer_id="payer-1",
        idempotency_key="key-6",
        payment_method=pay_request().payment_method,
        description="home",
    )
    request.amount.currency_code, request.amount.minor_units = "CNY", 4_000
    return request


def merchant_message() -> merchant_pb2.Merchant:
    message = merchant_pb2.Merchant(
        merchant_id="shop",
        display_name="Shop",
        disabled=True,
        currency_codes=["CNY", "JPY"],
        channels=["sandbox"],
        order_policy=merchant_pb2.ORDER_POLICY_ONE_PAYMENT,
        refund_policy=merchant_pb2.REFUND_POLICY_ADVANCE,
    )
    schedule = message.fee_schedules.add(
        channel="sandbox",
        currency_code="CNY",
        amount_from_minor_units=1,
        amount_to_minor_units=10_000,
        rate_millionths=6_000,
        fixed_minor_units=2,
        minimum_minor_units=3,
        maximum_minor_units=400,
        returned_on_refund=True,
    )
    schedule.effective_time.FromDatetime(NOW)
    message.payment_limits.add(
        currency_code="JPY", minimum_minor_units=5, maximum_minor_units=5_000
    )
    return message


def create_request() -> merchant_service_pb2.CreateMerchantRequest:
    return merchant_service_pb2.CreateMerchantRequest(
        merchant_id="shop", merchant=merchant_message()
    )


def update_request() -> merchant_service_pb2.UpdateMerchantRequest:
    request = merchant_service_pb2.UpdateMerchantRequest(
        merchant_id="shop", merchant=merchant_message()
    )
    request.merchant.version = 4
    return request


def payment(payment_id: UUID = PAYMENT_ID) -> Payment:
    """A payment with every field filled, which no real one would have at once."""
    return Payment(
        merchant_id="shop",
        payment_id=payment_id,
        idempotency_key="key-1",
        order_id="order-1",
        amount=Money("CNY", 1_250),
        method=PaymentMethod("sandbox", {"charge": {"outcome": "SANDBOX_OUTCOME_DECLINE"}}),
        capture_mode=CaptureMode.MANUAL,
        payer=Payer("payer-1", "d-1", "192.0.2.7", "CN-31"),
        scene=Scene.IN_STORE,
        description="tea",
        attributes={"table": "4"},
        state=PaymentState.AUTHORIZED,
        create_time=NOW,
        update_time=moment(1),
        expire_time=moment(2),
        one_per_order=False,
        fee_terms=None,
        attempt_number="0" * 28,
        captured=350,
        refunded=50,
        fee_millionths=7_500_000,
        fee_returned_millionths=300_000,
        next_action=NextAction(ActionKind.QR_CODE, "qr", moment(3)),
        failure=Failure(FailureReason.DECLINED, "no", "E1"),
        channel_number="c-1",
        funding_source="PCREDIT",
        authorize_time=moment(4),
        capture_time=moment(5),
        capture_before_time=moment(6),
        caller_id="anonymous",
        version=3,
    )


def transfer(purpose: Purpose) -> Payment:
    """A top-up or a withdrawal with every field filled, which belongs to the payer."""
    return replace(payment(), merchant_id=owner_of("payer-1"), purpose=purpose)


def wallet() -> Wallet:
    return Wallet("payer-1", "CNY", 6_000, 99, NOW, moment(1))


def operation(
    kind: OperationKind = OperationKind.REFUND, operation_id: UUID = OPERATION_ID
) -> Operation:
    """An operation with every field filled."""
    return Operation(
        merchant_id="shop",
        operation_id=operation_id,
        payment_id=PAYMENT_ID,
        kind=kind,
        state=OperationState.FAILED,
        amount=Money("CNY", 50),
        create_time=NOW,
        update_time=moment(1),
        idempotency_key="key-4",
        final=True,
        description="cold",
        failure=Failure(FailureReason.INSUFFICIENT_FUNDS, "no", "E2"),
        attempt_number="1" * 28,
        channel_number="c-2",
        under_review=True,
    )


def merchant(merchant_id: str = "shop") -> Merchant:
    """The merchant of `merchant_message`, as the gateway keeps it."""
    terms = FeeTerms(6_000, fixed=2, minimum=3, maximum=400, returned_on_refund=True)
    return Merchant(
        merchant_id=merchant_id,
        display_name="Shop",
        currencies=("CNY", "JPY"),
        channels=("sandbox",),
        order_policy=OrderPolicy.ONE_PAYMENT,
        refund_policy=RefundPolicy.ADVANCE,
        create_time=NOW,
        update_time=NOW,
        disabled=True,
        fee_schedules=(FeeSchedule("sandbox", "CNY", NOW, terms, 1, 10_000),),
        payment_limits=(PaymentLimit("JPY", 5, 5_000),),
    )


def event(kind: EventType = EventType.REFUND_ACCEPTED) -> Event:
    """An event about an operation."""
    return Event(UUID(int=1 << 98), kind, payment(), b"", 1, moment(7), OPERATION_ID)
