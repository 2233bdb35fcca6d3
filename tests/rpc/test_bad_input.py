"""Input that must be refused by its bytes alone: nothing is executed, every field is named.

One row per way to be wrong. Each starts from a request that is right, so that the one thing wrong
is the one thing changed.
"""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.errors import InvalidRequest
from gateway.rpc.call import PACKAGE
from gateway.rpc.methods import METHODS
from gateway.rpc.shape import read_request
from paymentgateway.v1.ledger_service_pb2 import (
    GetTrialBalanceRequest,
    ListAccountsRequest,
    ListEntriesRequest,
)
from paymentgateway.v1.merchant_service_pb2 import GetMerchantRequest, ListMerchantsRequest
from paymentgateway.v1.payment_service_pb2 import (
    GetPaymentRequest,
    ListPaymentsRequest,
    PayRequest,
    WatchPaymentsRequest,
)
from paymentgateway.v1.refund_service_pb2 import GetRefundRequest, ListRefundsRequest
from tests.rpc import samples
from tests.rpc.fakes import House

INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
ZERO_UUID = "00000000-0000-0000-0000-000000000000"
BIDI = "gro\u202ess"
TOO_LARGE = "zzzzzzzzzzzzzzzzzzzzzz"

Change = Callable[[Any], Any]


def _put(path: str, value: Any) -> Change:
    """Make what sets the field at a path."""
    *above, last = path.split(".")

    def change(request: Any) -> None:
        for name in above:
            request = getattr(request, name)
        setattr(request, last, value)

    return change


def _drop(field: str) -> Change:
    """Make what unsets a field."""
    return lambda request: request.ClearField(field)


def _key_rows() -> list[tuple[Change, str]]:
    keys = [
        "",
        "k" * 65,
        " k",
        "k ",
        "k\tk",
        "k\nk",
        "k\x00",
        "k\x7f",
        "ключ",
        "k\u00a0",
        ZERO_UUID,
    ]
    return [(_put("idempotency_key", key), "idempotency_key") for key in keys]


def _amount_rows() -> list[tuple[Change, str]]:
    amounts = [0, -1, INT64_MIN, INT64_MAX, 10**12 + 1]
    codes = ["", "cny", " CNY", "CNY ", "CNY\x00", "СNY", "ＣＮＹ", "XXX", "CNYX"]
    return [
        *((_put("amount.minor_units", amount), "amount.minor_units") for amount in amounts),
        *((_put("amount.currency_code", code), "amount.currency_code") for code in codes),
    ]


PAY_ROWS: list[tuple[Change, str]] = [
    *_key_rows(),
    *_amount_rows(),
    *(
        (_put("merchant_id", text), "merchant_id")
        for text in ["", "Shop", "-shop", "shop ", "s" * 65, "shop\n", "s\x00", "'; drop table"]
    ),
    *((_put("order_id", text), "order_id") for text in ["", "o 1", "o" * 65, "o\x00", "ö"]),
    *(
        (_put("description", text), "description")
        for text in ["a\x00b", "a\nb", BIDI, "\ufeffa", "d" * 129, "é" * 65]
    ),
    *((_put("payer.payer_id", text), "payer.payer_id") for text in ["", "p" * 65, "a@b", "p\x00"]),
    (_put("payer.device_id", "d" * 129), "payer.device_id"),
    *((_put("payer.ip_address", text), "payer.ip_address") for text in ["1.2.3", "::g", "1.2.3.4 "]),
    *((_put("payer.region", text), "payer.region") for text in ["cn", "CHN", "CN-", "CN-1234"]),
    *((_put("capture_mode", number), "capture_mode") for number in [0, 99, -1]),
    *((_put("scene", number), "scene") for number in [0, 99, -1]),
    (_drop("amount"), "amount"),
    (_drop("payer"), "payer"),
    (_drop("payment_method"), "payment_method"),
    (lambda request: request.payment_method.ClearField("sandbox"), "payment_method.method"),
    *(
        (_put(f"payment_method.sandbox.{script}.outcome", 99), f"payment_method.sandbox.{script}.outcome")
        for script in ["charge", "capture", "refund"]
    ),
    (_put("payment_method.sandbox.charge.fault_count", -1), "payment_method.sandbox.charge.fault_count"),
    *((_put("expire_time.nanos", nanos), "expire_time") for nanos in [-1, 10**9, 2**31 - 1]),
    *((_put("expire_time.seconds", s), "expire_time") for s in [-1, 253402300800, INT64_MAX]),
    (lambda request: request.attributes.update({"b c": "x"}), 'attributes["b c"]'),
    (lambda request: request.attributes.update({"": "x"}), 'attributes[""]'),
    (lambda request: request.attributes.update({"\u202e\x00": "x"}), 'attributes["\\u202e\\u0000"]'),
    (lambda request: request.attributes.update({"k": BIDI}), 'attributes["k"]'),
    (lambda request: request.attributes.update({"k": "é" * 129}), 'attributes["k"]'),
    (lambda request: request.attributes.update({f"k{n}": "" for n in range(16)}), "attributes"),
    (lambda request: request.attributes.update({"x" * 99: ""}), f'attributes["{"x" * 64}"]'),
]  # fmt: skip


def _number(row: tuple[Change, str]) -> str:
    return row[1]


async def _assert_refused(house: House, method: str, request: Message | bytes, path: str) -> None:
    refusal = await house.refusal(method, request)
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.reason == "INVALID_REQUEST"
    assert refusal.violations.keys() == {path}
    assert refusal.retry_ms is None
    assert house.asked == []


@pytest.mark.parametrize(("change", "path"), PAY_ROWS)
async def test_pay_refuses(house: House, change: Change, path: str) -> None:
    """A payment with one thing wrong is refused for exactly that."""
    request = samples.pay_request()
    change(request)
    await _assert_refused(house, "PaymentService/Pay", request, path)


@pytest.mark.parametrize(
    "key", ["'; drop table payments;--", "%s%n", "{0}", "k k", "!", "~" * 64, "\\x00", "../.."]
)
async def test_odd_keys_are_only_keys(house: House, key: str) -> None:
    """Characters that mean something elsewhere mean nothing in a key."""
    request = samples.pay_request()
    request.idempotency_key = key
    await house.send("PaymentService/Pay", request)
    assert house.asked[0][1].idempotency_key == key


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("PaymentService/Capture", samples.capture_request),
        ("PaymentService/Cancel", samples.cancel_request),
        ("RefundService/Refund", samples.refund_request),
    ],
)
@pytest.mark.parametrize(
    ("change", "path"),
    [
        *_key_rows(),
        (_put("merchant_id", "Shop"), "merchant_id"),
        *(
            (_put("payment_id", text), "payment_id")
            for text in [
                "",
                samples.REFUND_TEXT,
                f"{samples.PAYMENT_TEXT} ",
                samples.PAYMENT_TEXT[:-1],
                f"pay_{TOO_LARGE}",
            ]
        ),
    ],
)
async def test_operations_refuse(
    house: House, method: str, request_: Callable[[], Message], change: Change, path: str
) -> None:
    """So is a capture, a cancel or a refund; the id of a refund names no payment."""
    request = request_()
    change(request)
    await _assert_refused(house, method, request, path)


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("PaymentService/Capture", samples.capture_request),
        ("RefundService/Refund", samples.refund_request),
    ],
)
@pytest.mark.parametrize(("change", "path"), _amount_rows())
async def test_amounts_that_may_be_left_out_are_checked(
    house: House, method: str, request_: Callable[[], Message], change: Change, path: str
) -> None:
    """An amount that is there must be one, also where none is needed."""
    request = request_()
    change(request)
    await _assert_refused(house, method, request, path)


def _span(request: Any) -> Any:
    request.create_time_from.seconds = 10
    request.create_time_to.FromNanoseconds(9_999_999_999)
    return request


def _nanos(request: Any) -> Any:
    request.create_time_from.nanos = -1
    return request


SHOP = {"merchant_id": "shop"}


@pytest.mark.parametrize(
    ("method", "request_", "path"),
    [
        ("PaymentService/GetPayment", GetPaymentRequest(**SHOP), "by"),
        ("PaymentService/GetPayment", GetPaymentRequest(payment_id=samples.PAYMENT_TEXT), "merchant_id"),
        ("PaymentService/GetPayment", GetPaymentRequest(**SHOP, payment_id=f"pay_{TOO_LARGE}"), "payment_id"),
        ("PaymentService/GetPayment", GetPaymentRequest(**SHOP, idempotency_key=" k"), "idempotency_key"),
        ("PaymentService/ListPayments", ListPaymentsRequest(**SHOP, page_size=-1), "page_size"),
        ("PaymentService/ListPayments", ListPaymentsRequest(**SHOP, state=99), "state"),
        ("PaymentService/ListPayments", ListPaymentsRequest(**SHOP, order_id="o 1"), "order_id"),
        ("PaymentService/ListPayments", ListPaymentsRequest(**SHOP, channel="X"), "channel"),
        ("PaymentService/ListPayments", ListPaymentsRequest(**SHOP, page_token="t" * 513), "page_token"),
        ("PaymentService/ListPayments", _span(ListPaymentsRequest(**SHOP)), "create_time_to"),
        ("PaymentService/ListPayments", _nanos(ListPaymentsRequest(**SHOP)), "create_time_from"),
        ("RefundService/GetRefund", GetRefundRequest(**SHOP), "by"),
        ("RefundService/GetRefund", GetRefundRequest(**SHOP, refund_id=samples.PAYMENT_TEXT), "refund_id"),
        ("RefundService/GetRefund", GetRefundRequest(**SHOP, refund_id=f"ref_{TOO_LARGE}"), "refund_id"),
        ("RefundService/ListRefunds", ListRefundsRequest(**SHOP, payment_id="x"), "payment_id"),
        ("RefundService/ListRefunds", ListRefundsRequest(**SHOP, payment_id=f"pay_{TOO_LARGE}"), "payment_id"),
        ("RefundService/ListRefunds", ListRefundsRequest(**SHOP, state=99), "state"),
        ("RefundService/ListRefunds", _span(ListRefundsRequest(**SHOP)), "create_time_to"),
        ("MerchantService/GetMerchant", GetMerchantRequest(), "merchant_id"),
        ("MerchantService/ListMerchants", ListMerchantsRequest(merchant_id="S"), "merchant_id"),
        ("MerchantService/ListMerchants", ListMerchantsRequest(page_size=-1), "page_size"),
        ("LedgerService/ListAccounts", ListAccountsRequest(), "merchant_id"),
        ("LedgerService/ListEntries", ListEntriesRequest(**SHOP), "payment_id"),
        ("LedgerService/ListEntries", ListEntriesRequest(**SHOP, payment_id=f"pay_{TOO_LARGE}"), "payment_id"),
        ("LedgerService/GetTrialBalance", GetTrialBalanceRequest(merchant_id="S"), "merchant_id"),
    ],
)  # fmt: skip
async def test_reads_refuse(house: House, method: str, request_: Message, path: str) -> None:
    """Reads are checked like any other call."""
    await _assert_refused(house, method, request_, path)


async def test_everything_wrong_is_named_at_once(house: House) -> None:
    """One answer names what the protos, the rules beside them and the ban on unknowns refuse."""
    request = samples.pay_request()
    request.merchant_id, request.amount.minor_units, request.scene = "Shop", 0, 77
    request.expire_time.nanos = -1
    request.payer.payer_id = ""
    request.attributes["b c"] = "\x00"
    refusal = await house.refusal(
        "PaymentService/Pay", request.SerializeToString() + b"\xf8\x07\x01"
    )
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


UNKNOWN = b"\xf8\x07\x01"  # field 127, the number 1


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
    await _assert_refused(house, "PaymentService/Pay", data, path)


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("PaymentService/Capture", samples.capture_request),
        ("PaymentService/Cancel", samples.cancel_request),
        ("RefundService/Refund", samples.refund_request),
    ],
)
async def test_unknown_fields_are_refused_on_operations(
    house: House, method: str, request_: Callable[[], Message]
) -> None:
    """The same holds for captures, cancels and refunds."""
    await _assert_refused(house, method, request_().SerializeToString() + UNKNOWN, "127")


async def test_unknown_fields_are_let_pass_where_no_money_moves(house: House) -> None:
    """Newer callers may read."""
    data = ListPaymentsRequest(merchant_id="shop").SerializeToString() + UNKNOWN
    await house.send("PaymentService/ListPayments", data)
    assert [name for name, *_ in house.asked] == ["list_payments"]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@pytest.mark.parametrize(
    "data",
    [b"\xff", b"\x0a\x05ab", b"\x0a\x01\xff", b"\x0a\x03\xed\xa0\x80", b"\x0b", b"\x00\x00"],
    ids=["tag", "truncated", "not UTF-8", "surrogate", "open group", "field 0"],
)
async def test_bytes_that_are_no_message(house: House, method: Any, data: bytes) -> None:
    """Every method, the stream too, answers bytes that are no message as bad input."""
    path = f"/{PACKAGE}.{method.service}/{method.name}"
    if method.stream:
        stream = house.channel.unary_stream(path)(data)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream.read()
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert house.asked == []
    else:
        name = method.request.DESCRIPTOR.name
        await _assert_refused(house, f"{method.service}/{method.name}", data, name)


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


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 200), st.integers(0, 200))
def test_no_bytes_are_a_fault(noise: bytes, cut: int, skip: int) -> None:
    """Whatever the bytes are, they are a request or bad input, never a fault of ours."""
    sample = samples.pay_request().SerializeToString()
    for data in (noise, sample[:cut] + noise + sample[skip:]):
        try:
            read = read_request(METHODS[0], data)
        except InvalidRequest as error:
            assert error.violations
        else:
            assert isinstance(read, PayRequest)
