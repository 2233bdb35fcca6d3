"""Input that must be refused by its bytes alone: nothing is executed, every field is named.

One row per way to be wrong. Each starts from a request that is right, so that the one thing wrong
is the one thing changed.
"""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.rpc.call import PACKAGE
from gateway.rpc.methods import METHODS
from paymentgateway.v1.ledger_service_pb2 import (
    GetTrialBalanceRequest,
    ListAccountsRequest,
    ListEntriesRequest,
)
from paymentgateway.v1.merchant_service_pb2 import GetMerchantRequest, ListMerchantsRequest
from paymentgateway.v1.payment_service_pb2 import (
    GetPaymentRequest,
    ListPaymentsRequest,
    WatchPaymentsRequest,
)
from paymentgateway.v1.refund_service_pb2 import GetRefundRequest, ListRefundsRequest
from tests.rpc import samples
from tests.rpc.fakes import House
from tests.rpc.wrong_input import (
    AMOUNT_ROWS,
    KEY_ROWS,
    PAY_ROWS,
    TOO_LARGE,
    UNKNOWN,
    Change,
    assert_refused,
    wrong,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def house(shared_house: House) -> House:
    """One server for all rows, because none of them may leave a trace."""
    shared_house.asked.clear()
    return shared_house


@pytest.mark.parametrize(("change", "path"), PAY_ROWS)
async def test_pay_refuses(house: House, change: Change, path: str) -> None:
    """A payment with one thing wrong is refused for exactly that."""
    request = samples.pay_request()
    change(request)
    await assert_refused(house, "Pay", request, path)


@pytest.mark.parametrize(
    "key", ["'; drop table payments;--", "%s%n", "{0}", "k k", "!", "~" * 64, "\\x00", "../.."]
)
async def test_odd_keys_are_only_keys(house: House, key: str) -> None:
    """Characters that mean something elsewhere mean nothing in a key."""
    request = samples.pay_request()
    request.idempotency_key = key
    await house.send("Pay", request)
    assert house.asked[0][1].idempotency_key == key


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("Capture", samples.capture_request),
        ("Cancel", samples.cancel_request),
        ("Refund", samples.refund_request),
    ],
)
@pytest.mark.parametrize(
    ("change", "path"),
    [
        *KEY_ROWS,
        *wrong("merchant_id", "Shop"),
        *wrong("payment_id", "", f"{samples.PAYMENT_TEXT} ", samples.PAYMENT_TEXT[:-1]),
    ],
)
async def test_operations_refuse(
    house: House, method: str, request_: Callable[[], Message], change: Change, path: str
) -> None:
    """So is a capture, a cancel or a refund."""
    request = request_()
    change(request)
    await assert_refused(house, method, request, path)


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("Capture", samples.capture_request),
        ("Cancel", samples.cancel_request),
        ("Refund", samples.refund_request),
    ],
)
@pytest.mark.parametrize("payment_id", [samples.REFUND_TEXT, f"pay_{TOO_LARGE}"])
async def test_what_names_no_payment_is_not_found(
    house: House, method: str, request_: Callable[[], Message], payment_id: str
) -> None:
    """A refund of a refund is NOT_FOUND, like any id that can name no payment."""
    request: Any = request_()
    request.payment_id = payment_id
    refusal = await house.refusal(method, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "PAYMENT_NOT_FOUND")
    assert house.asked == []


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("Capture", samples.capture_request),
        ("Refund", samples.refund_request),
    ],
)
@pytest.mark.parametrize(("change", "path"), AMOUNT_ROWS)
async def test_amounts_that_may_be_left_out_are_checked(
    house: House, method: str, request_: Callable[[], Message], change: Change, path: str
) -> None:
    """An amount that is there must be one, also where none is needed."""
    request = request_()
    change(request)
    await assert_refused(house, method, request, path)


def _span() -> dict[str, Timestamp]:
    later, earlier = Timestamp(seconds=10), Timestamp(seconds=9, nanos=999_999_999)
    return {"create_time_from": later, "create_time_to": earlier}


READ_ROWS = [
    (GetPaymentRequest, {}, "by"),
    (GetPaymentRequest, {"merchant_id": "S", "idempotency_key": "k"}, "merchant_id"),
    (GetPaymentRequest, {"idempotency_key": " k"}, "idempotency_key"),
    (ListPaymentsRequest, {"page_size": -1}, "page_size"),
    (ListPaymentsRequest, {"page_token": "t" * 513}, "page_token"),
    (ListPaymentsRequest, {"state": 99}, "state"),
    (ListPaymentsRequest, {"order_id": "o 1"}, "order_id"),
    (ListPaymentsRequest, {"channel": "X"}, "channel"),
    (ListPaymentsRequest, {"create_time_from": Timestamp(nanos=-1)}, "create_time_from"),
    (ListPaymentsRequest, _span(), "create_time_to"),
    (GetRefundRequest, {}, "by"),
    (ListRefundsRequest, {"payment_id": "x"}, "payment_id"),
    (ListRefundsRequest, {"state": 99}, "state"),
    (ListRefundsRequest, _span(), "create_time_to"),
    (GetMerchantRequest, {"merchant_id": ""}, "merchant_id"),
    (ListMerchantsRequest, {"merchant_id": "S"}, "merchant_id"),
    (ListMerchantsRequest, {"page_size": -1}, "page_size"),
    (ListAccountsRequest, {"merchant_id": ""}, "merchant_id"),
    (ListEntriesRequest, {}, "payment_id"),
    (GetTrialBalanceRequest, {"merchant_id": "S"}, "merchant_id"),
]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (GetPaymentRequest, {"payment_id": samples.REFUND_TEXT}),
        (GetPaymentRequest, {"payment_id": f"pay_{TOO_LARGE}"}),
        (GetRefundRequest, {"refund_id": samples.PAYMENT_TEXT}),
        (ListRefundsRequest, {"payment_id": samples.REFUND_TEXT}),
        (ListEntriesRequest, {"payment_id": f"pay_{TOO_LARGE}"}),
    ],
)
async def test_reads_of_what_names_nothing_are_not_found(
    house: House, kind: type[Message], fields: dict[str, Any]
) -> None:
    """An id of another kind, or one that is too large, names nothing."""
    method = kind.DESCRIPTOR.name.removesuffix("Request")
    refusal = await house.refusal(method, kind(**{"merchant_id": "shop"} | fields))
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    assert house.asked == []


@pytest.mark.parametrize(("kind", "fields", "path"), READ_ROWS)
async def test_reads_refuse(
    house: House, kind: type[Message], fields: dict[str, Any], path: str
) -> None:
    """Reads are checked like any other call."""
    method = kind.DESCRIPTOR.name.removesuffix("Request")
    request = kind(**{"merchant_id": "shop"} | fields)
    await assert_refused(house, method, request, path)


async def test_everything_wrong_is_named_at_once(house: House) -> None:
    """One answer names what the protos, the rules beside them and the ban on unknowns refuse."""
    request = samples.pay_request()
    request.merchant_id, request.amount.minor_units, request.scene = "Shop", 0, 77
    request.expire_time.nanos = -1
    request.payer.payer_id = ""
    request.attributes["b c"] = "\x00"
    refusal = await house.refusal("Pay", request.SerializeToString() + b"\xf8\x07\x01")
    assert refusal.violations.keys() == {
        "merchant_id",
        "amount.minor_units",
        "scene",
        "expire_time",
        "payer.payer_id",
        'attributes["b c"]',
        "127",
    }
    assert "key" in refusal.violations['attributes["b c"]']
    assert house.asked == []


def _bytes(number: int, content: bytes) -> bytes:
    """Write a field of bytes as it stands on the wire."""
    assert number < 16
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


@pytest.mark.parametrize(
    ("extra", "path"),
    [
        (UNKNOWN, "127"),
        (_bytes(7, UNKNOWN), "payer.127"),
        (_bytes(4, UNKNOWN), "amount.127"),
        (_bytes(5, _bytes(1, _bytes(1, UNKNOWN))), "payment_method.sandbox.charge.127"),
        (_bytes(10, _bytes(1, b"k") + UNKNOWN), "10"),
    ],
    ids=["top", "payer", "amount", "script", "map"],
)
async def test_unknown_fields_are_refused_where_money_moves(
    house: House, extra: bytes, path: str
) -> None:
    """What a newer caller means by an unknown field must not be left out of a payment."""
    data = samples.pay_request().SerializeToString() + extra
    await assert_refused(house, "Pay", data, path)


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("Capture", samples.capture_request),
        ("Cancel", samples.cancel_request),
        ("Refund", samples.refund_request),
        ("TopUp", samples.top_up_request),
        ("Withdraw", samples.withdraw_request),
    ],
)
async def test_unknown_fields_are_refused_on_operations(
    house: House, method: str, request_: Callable[[], Message]
) -> None:
    """The same holds for captures, cancels and refunds, and for wallets."""
    await assert_refused(house, method, request_().SerializeToString() + UNKNOWN, "127")


async def test_unknown_fields_are_let_pass_where_no_money_moves(house: House) -> None:
    """Newer callers may read."""
    data = ListPaymentsRequest(merchant_id="shop").SerializeToString() + UNKNOWN
    await house.send("ListPayments", data)
    assert [name for name, *_ in house.asked] == ["list_payments"]


TORN = {"tag": b"\xff", "truncated": b"\x0a\x05ab", "open group": b"\x0b", "field 0": b"\x00\x00"}
BAD_TEXT = {"not UTF-8": b"\x0a\x01\xff", "surrogate": b"\x0a\x03\xed\xa0\x80"}
NO_MESSAGES = [
    pytest.param(method, data, id=f"{method.name}, {name}")
    for method in METHODS
    for name, data in (TORN | BAD_TEXT).items()
    if method.name != "BatchPay" or name in TORN  # the text is that of an item, which fails alone
]


@pytest.mark.parametrize(("method", "data"), NO_MESSAGES)
async def test_bytes_that_are_no_message(house: House, method: Any, data: bytes) -> None:
    """Every method, the stream too, answers bytes that are no message as bad input."""
    if method.stream:
        stream = house.channel.unary_stream(f"/{method.full_name}")(data)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream.read()
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert house.asked == []
    else:
        name = method.request.DESCRIPTOR.name
        await assert_refused(house, method.name, data, name)


@pytest.mark.parametrize(
    "request_",
    [
        WatchPaymentsRequest(merchant_id="S"),
        WatchPaymentsRequest(merchant_id="s", cursor="c" * 513),
    ],
)
async def test_watching_refuses(house: House, request_: WatchPaymentsRequest) -> None:
    """A stream is checked before it begins."""
    stream = house.channel.unary_stream(f"/{PACKAGE}.PaymentService/WatchPayments")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream(request_.SerializeToString()).read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert house.asked == []
