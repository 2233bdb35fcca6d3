"""PaymentService over a real connection: what use cases are asked, and what callers get."""

from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict

from gateway.clock import Deadline
from gateway.domain.errors import payment_not_found
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, Payer, PaymentMethod, PaymentState, Scene
from gateway.domain.ports import PaymentFilter
from gateway.usecases.commands import CancelCommand, CaptureCommand, PayCommand
from gateway.usecases.services import Lookup
from paymentgateway.v1 import payment_pb2
from paymentgateway.v1.payment_service_pb2 import (
    CancelResponse,
    CaptureResponse,
    GetPaymentRequest,
    GetPaymentResponse,
    ListPaymentsRequest,
    ListPaymentsResponse,
    PayResponse,
)
from tests.rpc import samples
from tests.rpc.fakes import House

PAYMENT = {
    "merchant_id": "shop",
    "payment_id": samples.PAYMENT_TEXT,
    "idempotency_key": "key-1",
    "order_id": "order-1",
    "amount": {"currency_code": "CNY", "minor_units": "1250"},
    "captured": {"currency_code": "CNY", "minor_units": "350"},
    "refunded": {"currency_code": "CNY", "minor_units": "50"},
    "fee_millionths": "7500000",
    "fee_returned_millionths": "300000",
    "payment_method": {"sandbox": {"charge": {"outcome": "SANDBOX_OUTCOME_DECLINE"}}},
    "capture_mode": "CAPTURE_MODE_MANUAL",
    "payer": {
        "payer_id": "payer-1",
        "device_id": "d-1",
        "ip_address": "192.0.2.7",
        "region": "CN-31",
    },
    "scene": "SCENE_IN_STORE",
    "description": "tea",
    "attributes": {"table": "4"},
    "state": "PAYMENT_STATE_AUTHORIZED",
    "next_action": {"qr_code": "qr", "expire_time": "2026-03-01T12:30:18.123456Z"},
    "failure": {
        "reason": "FAILURE_REASON_DECLINED",
        "channel_code": "E1",
        "message": "no",
    },
    "channel": "sandbox",
    "attempt_number": "0" * 28,
    "channel_number": "c-1",
    "create_time": "2026-03-01T12:30:15.123456Z",
    "update_time": "2026-03-01T12:30:16.123456Z",
    "expire_time": "2026-03-01T12:30:17.123456Z",
    "authorize_time": "2026-03-01T12:30:19.123456Z",
    "capture_time": "2026-03-01T12:30:20.123456Z",
    "capture_before_time": "2026-03-01T12:30:21.123456Z",
    "version": "3",
    "funding_source": "PCREDIT",
}
FAILURE = {"reason": "FAILURE_REASON_INSUFFICIENT_FUNDS", "channel_code": "E2", "message": "no"}


def read(message: Any, data: bytes) -> dict[str, Any]:
    """Read an answer as people would write it down."""
    return MessageToDict(message.FromString(data), preserving_proto_field_name=True)


def test_the_sample_forgets_no_field() -> None:
    """What is compared below is every field that a payment has."""
    assert PAYMENT.keys() == set(payment_pb2.Payment.DESCRIPTOR.fields_by_name)


async def test_pay(house: House) -> None:
    """Pay hands every field of the request to the use case, and every field of its answer back."""
    answer = await house.send("Pay", samples.pay_request())
    assert read(PayResponse, answer) == {"payment": PAYMENT, "replayed": True}
    (name, command, deadline), *others = house.asked
    assert (name, others) == ("pay", [])
    assert isinstance(deadline, Deadline)
    assert command == PayCommand(
        merchant_id="shop",
        idempotency_key="key-1",
        order_id="order-1",
        amount=Money("CNY", 1_250),
        method=PaymentMethod(
            "sandbox", {"charge": {"outcome": "SANDBOX_OUTCOME_DECLINE", "fault_count": 3}}
        ),
        capture_mode=CaptureMode.MANUAL,
        payer=Payer("payer-1", "d-1", "192.0.2.7", "CN-31"),
        scene=Scene.IN_STORE,
        description="tea",
        attributes={"table": "4"},
        expire_time=samples.moment(60),
        caller_id="anonymous",
    )


async def test_pay_leaves_the_default_expiry_to_the_use_case(house: House) -> None:
    """A payment without a time to end has none, rather than the beginning of time."""
    request = samples.pay_request()
    request.ClearField("expire_time")
    await house.send("Pay", request)
    assert house.asked[0][1].expire_time is None


async def test_times_are_cut_to_microseconds(house: House) -> None:
    """What a caller says below a microsecond is cut off, not rounded."""
    request = samples.pay_request()
    request.expire_time.nanos = 123_456_999
    await house.send("Pay", request)
    assert house.asked[0][1].expire_time == samples.moment(60)


async def test_capture(house: House) -> None:
    """Capture hands over what is captured, and answers with the payment and the capture."""
    answer = await house.send("Capture", samples.capture_request())
    assert house.asked[0][1] == CaptureCommand(
        "shop", "key-2", samples.PAYMENT_ID, Money("CNY", 350), final=True, caller_id="anonymous"
    )
    capture = {
        "capture_id": samples.REFUND_TEXT.replace("ref_", "cap_"),
        "amount": {"currency_code": "CNY", "minor_units": "50"},
        "final": True,
        "state": "OPERATION_STATE_FAILED",
        "failure": FAILURE,
        "create_time": "2026-03-01T12:30:15.123456Z",
        "update_time": "2026-03-01T12:30:16.123456Z",
    }
    wanted = {"payment": PAYMENT, "capture": capture, "replayed": True}
    assert read(CaptureResponse, answer) == wanted


async def test_capture_of_all_that_remains(house: House) -> None:
    """A capture without an amount is not one of nothing."""
    request = samples.capture_request()
    request.ClearField("amount")
    await house.send("Capture", request)
    assert house.asked[0][1].amount is None


async def test_cancel(house: House) -> None:
    """Cancel answers with the payment, and how the cancel went."""
    answer = await house.send("Cancel", samples.cancel_request())
    assert house.asked[0][1] == CancelCommand("shop", "key-3", samples.PAYMENT_ID, "anonymous")
    assert read(CancelResponse, answer) == {
        "payment": PAYMENT,
        "state": "OPERATION_STATE_FAILED",
        "failure": FAILURE,
        "replayed": True,
    }


@pytest.mark.parametrize(
    ("request_", "lookup"),
    [
        (
            GetPaymentRequest(merchant_id="shop", payment_id=samples.PAYMENT_TEXT),
            Lookup("shop", object_id=samples.PAYMENT_ID),
        ),
        (
            GetPaymentRequest(merchant_id="shop", idempotency_key="key-1"),
            Lookup("shop", idempotency_key="key-1"),
        ),
    ],
    ids=["by id", "by key"],
)
async def test_get_payment(house: House, request_: GetPaymentRequest, lookup: Lookup) -> None:
    """A payment is found by its id or by its key."""
    answer = await house.send("GetPayment", request_)
    assert read(GetPaymentResponse, answer) == {"payment": PAYMENT}
    assert house.asked == [("get_payment", lookup)]


async def test_a_payment_that_does_not_exist(house: House) -> None:
    """What the use case does not find is NOT_FOUND."""
    house.use_cases.answers["get_payment"] = payment_not_found()
    request = GetPaymentRequest(merchant_id="shop", payment_id=samples.PAYMENT_TEXT)
    refusal = await house.refusal("GetPayment", request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "PAYMENT_NOT_FOUND")


async def test_list_payments(house: House) -> None:
    """Every filter reaches the use case, which is asked for one more than fits on the page."""
    request = ListPaymentsRequest(
        merchant_id="shop",
        order_id="order-1",
        state=payment_pb2.PAYMENT_STATE_SUCCEEDED,
        channel="sandbox",
        page_size=20,
    )
    request.create_time_from.FromDatetime(samples.moment(0))
    request.create_time_to.FromDatetime(samples.moment(9))
    answer = await house.send("ListPayments", request)
    assert read(ListPaymentsResponse, answer) == {"payments": [PAYMENT]}
    chosen = PaymentFilter(
        "shop",
        "order-1",
        PaymentState.SUCCEEDED,
        "sandbox",
        samples.moment(0),
        samples.moment(9),
    )
    assert house.asked == [("list_payments", chosen, None, 21)]


@pytest.mark.parametrize(("page_size", "limit"), [(0, 51), (1, 2), (500, 501), (501, 501)])
async def test_page_sizes(house: House, page_size: int, limit: int) -> None:
    """None is 50, and above 500 is 500; any filter that is not set means any."""
    request = ListPaymentsRequest(merchant_id="shop", page_size=page_size)
    await house.send("ListPayments", request)
    assert house.asked == [("list_payments", PaymentFilter("shop"), None, limit)]
