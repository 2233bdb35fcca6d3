"""Bad input over the wire: refused by its bytes, with every field named, and without a trace.

Each row starts from a request that is right and changes one thing. After it not one row stands
anywhere in the database that did not stand there before, and the sandbox got no request.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from paymentgateway.v1.payment_service_pb2 import CancelRequest, CaptureRequest
from paymentgateway.v1.refund_service_pb2 import RefundRequest, RefundResponse
from tests.e2e.counter import Counter
from tests.e2e.wire import UNKNOWN, field, refusal, send

pytestmark = pytest.mark.asyncio(loop_scope="session")

INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
ZERO_UUID = "00000000-0000-0000-0000-000000000000"
BIDI = "gro\u202ess"
SCRIPT = "payment_method.sandbox.charge"
INVALID = grpc.StatusCode.INVALID_ARGUMENT

Change = Callable[[Any], Any]


def put(path: str, value: Any) -> Change:
    """Make the change that puts a value at a path."""
    *above, last = path.split(".")

    def change(request: Any) -> None:
        for name in above:
            request = getattr(request, name)
        setattr(request, last, value)

    return change


def rows(path: str, *values: Any, named: str = "") -> list[Any]:
    """Make rows that put these values at a path, each named by it."""
    return [
        pytest.param(put(path, value), named or path, id=f"{path}={value!r:.40}")
        for value in values
    ]


def without(*names: str) -> list[Any]:
    """Make rows that leave these fields out."""
    return [
        pytest.param(lambda request, name=name: request.ClearField(name), name, id=f"no {name}")
        for name in names
    ]


KEY_ROWS = rows(
    "idempotency_key", "", "k" * 65, " k", "k ", "k\tk", "k\nk", "k\x00", "k\x7f", "ключ", ZERO_UUID
)  # fmt: skip
AMOUNT_ROWS = [
    *rows("amount.minor_units", 0, -1, INT64_MIN, INT64_MAX, 10**12 + 1),
    *rows("amount.currency_code", "", "cny", " CNY", "CNY ", "CNY\x00", "XXX", "СNY", "ＣＮＹ"),
]
PAY_ROWS = [
    *KEY_ROWS,
    *AMOUNT_ROWS,
    *rows("merchant_id", "", "Shop", "s" * 65, "s\x00", "'; drop table payments;--"),
    *rows("order_id", "", "o 1", "o" * 65, "o\x00", "ö"),
    *rows("description", "a\x00b", BIDI, "\ufeffa", "d" * 129, "é" * 65),
    *rows("payer.payer_id", "", "p" * 65, "a@b", "p\x00"),
    *rows("payer.ip_address", "1.2.3", "::g"),
    *rows("payer.region", "cn", "CHN"),
    *rows("capture_mode", 0, 99, -1),
    *rows("scene", 0, 99, -1),
    *rows(f"{SCRIPT}.outcome", 99),
    *rows(f"{SCRIPT}.fault_count", -1, 1_001),
    *rows("payment_method.sandbox.refund.notify", 99),
    *rows("expire_time.nanos", -1, 10**9, named="expire_time"),
    *rows("expire_time.seconds", -1, 253402300800, INT64_MAX, named="expire_time"),
    *without("amount", "payer", "payment_method"),
    pytest.param(
        lambda request: request.payment_method.ClearField("sandbox"),
        "payment_method.method",
        id="no method",
    ),
    pytest.param(
        lambda request: request.attributes.update({"k": BIDI}), 'attributes["k"]', id="label"
    ),
    pytest.param(
        lambda request: request.attributes.update({f"k{n}": "" for n in range(17)}),
        "attributes",
        id="labels",
    ),
]


@pytest.mark.parametrize(("change", "path"), PAY_ROWS)
async def test_pay_refuses(counter: Counter, change: Change, path: str) -> None:
    """A payment with one thing wrong is refused for exactly that."""
    request = counter.pay()
    change(request)
    refused = await counter.refused("PaymentService/Pay", request.SerializeToString(), path)
    assert refused.reason == "INVALID_REQUEST"


OPERATIONS = [
    ("PaymentService/Capture", CaptureRequest),
    ("PaymentService/Cancel", CancelRequest),
    ("RefundService/Refund", RefundRequest),
]


@pytest.mark.parametrize(("method", "kind"), OPERATIONS)
@pytest.mark.parametrize(
    ("change", "path"),
    [
        *KEY_ROWS,
        *rows("merchant_id", "", "Shop"),
        *rows("payment_id", "", "pay_", f"pay_{'0' * 21}", f"pay_{'0' * 23}", "pay_%s"),
    ],
)
async def test_operations_refuse(
    counter: Counter, method: str, kind: type[Any], change: Change, path: str
) -> None:
    """So is a capture, a cancel or a refund."""
    request = counter.operation(kind)
    change(request)
    await counter.refused(method, request.SerializeToString(), path)


@pytest.mark.parametrize(("method", "kind"), [OPERATIONS[0], OPERATIONS[2]])
@pytest.mark.parametrize(("change", "path"), AMOUNT_ROWS)
async def test_amounts_that_may_be_left_out_are_checked(
    counter: Counter, method: str, kind: type[Any], change: Change, path: str
) -> None:
    """An amount that is there must be one, also where none is needed."""
    request = counter.operation(kind)
    request.amount.currency_code, request.amount.minor_units = "CNY", 1
    change(request)
    await counter.refused(method, request.SerializeToString(), path)


@pytest.mark.parametrize(("method", "kind"), [OPERATIONS[0], OPERATIONS[2]])
async def test_another_currency_than_the_payment(
    counter: Counter, method: str, kind: type[Any]
) -> None:
    """A capture or refund in another currency is a wrong field, and its key stays free."""
    request = counter.operation(kind)
    request.amount.currency_code, request.amount.minor_units = "JPY", 1
    data = request.SerializeToString()
    refused = await counter.refused(method, data, "amount.currency_code")
    assert refused.reason == "CURRENCY_MISMATCH"


@pytest.mark.parametrize(("method", "kind"), OPERATIONS)
async def test_what_names_no_payment(counter: Counter, method: str, kind: type[Any]) -> None:
    """A refund's id, as it is or disguised, and ids that cannot be: NOT_FOUND, nothing is kept."""
    disguised = f"pay_{counter.refund_id.removeprefix('ref_')}"
    for text in (counter.refund_id, disguised, f"pay_{'0' * 22}", f"pay_{'z' * 22}"):
        request = counter.operation(kind, payment_id=text)
        async with counter.no_trace():
            missing = await refusal(counter.house.channels[0], method, request.SerializeToString())
        assert missing.code is grpc.StatusCode.NOT_FOUND
        assert missing.reason == "PAYMENT_NOT_FOUND"


async def test_the_key_of_a_refund_of_nothing_is_free(counter: Counter) -> None:
    """After NOT_FOUND the same key refunds what is there."""
    request, channel = counter.operation(RefundRequest), counter.house.channels[0]
    request.payment_id, right = counter.refund_id, request.payment_id
    await refusal(channel, "RefundService/Refund", request.SerializeToString())
    request.payment_id = right
    request.amount.currency_code, request.amount.minor_units = "CNY", 1
    data = await send(channel, "RefundService/Refund", request.SerializeToString())
    assert not RefundResponse.FromString(data).replayed


@pytest.mark.parametrize(
    ("extra", "path"),
    [
        (UNKNOWN, "127"),
        (field(7, UNKNOWN), "payer.127"),
        (field(4, UNKNOWN), "amount.127"),
        (field(5, field(1, field(1, UNKNOWN))), f"{SCRIPT}.127"),
        (field(10, field(1, b"k") + UNKNOWN), "10"),
    ],
    ids=["top", "payer", "amount", "script", "map"],
)
async def test_unknown_fields_are_refused_where_money_moves(
    counter: Counter, extra: bytes, path: str
) -> None:
    """What a newer caller means by an unknown field must not be left out of a payment."""
    data = counter.pay().SerializeToString() + extra
    await counter.refused("PaymentService/Pay", data, path)


@pytest.mark.parametrize(("method", "kind"), OPERATIONS)
async def test_unknown_fields_are_refused_on_operations(
    counter: Counter, method: str, kind: type[Any]
) -> None:
    """The same holds for captures, cancels and refunds."""
    data = counter.operation(kind).SerializeToString() + UNKNOWN
    await counter.refused(method, data, "127")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\xff", "tag"),
        (b"\x0a\x05ab", "truncated"),
        (b"\x0a\x01\xff", "not UTF-8"),
        (b"\x0a\x03\xed\xa0\x80", "surrogate"),
        (b"\x0b", "open group"),
    ],
)
@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("PaymentService/Pay", "PayRequest"),
        ("RefundService/Refund", "RefundRequest"),
        ("PaymentService/ListPayments", "ListPaymentsRequest"),
        ("MerchantService/CreateMerchant", "CreateMerchantRequest"),
        ("LedgerService/GetTrialBalance", "GetTrialBalanceRequest"),
    ],
)
async def test_bytes_that_are_no_message(
    counter: Counter, method: str, message: str, data: bytes, name: str
) -> None:
    """Truncated messages and invalid UTF-8 are bad input, not an exception's text."""
    refused = await counter.refused(method, data, message)
    assert "Traceback" not in refused.message


async def test_a_request_cut_anywhere_is_refused(counter: Counter) -> None:
    """Every prefix of a request is refused: none of them moves money."""
    data = counter.pay().SerializeToString()
    channel = counter.house.channels[0]
    async with counter.no_trace():
        found = await asyncio.gather(
            *(refusal(channel, "PaymentService/Pay", data[:end]) for end in range(len(data)))
        )
    assert {refused.code for refused in found} == {INVALID}
