"""Bad input over the wire: refused by its bytes, with every field named, and without a trace.

Each row starts from a request that is right and changes one thing. After it not one row stands
anywhere in the database that did not stand there before, and the sandbox got no request.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
import pytest_asyncio

from paymentgateway.client import new_idempotency_key
from paymentgateway.errors import GatewayError
from paymentgateway.v1.merchant_pb2 import FeeSchedule
from paymentgateway.v1.merchant_service_pb2 import CreateMerchantRequest
from paymentgateway.v1.payment_pb2 import (
    CAPTURE_MODE_AUTOMATIC,
    SCENE_WEB,
    Payer,
    Payment,
    SandboxScript,
)
from paymentgateway.v1.payment_service_pb2 import (
    CancelRequest,
    CaptureRequest,
    ListPaymentsRequest,
    PayRequest,
    PayResponse,
    WatchPaymentsRequest,
)
from paymentgateway.v1.refund_service_pb2 import (
    ListRefundsRequest,
    RefundRequest,
    RefundResponse,
)
from tests.e2e.house import House
from tests.e2e.shop import Shop
from tests.e2e.wire import UNKNOWN, field, refusal, send, stream_refusal

pytestmark = pytest.mark.asyncio(loop_scope="session")

INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
ZERO_UUID = "00000000-0000-0000-0000-000000000000"
BIDI = "gro\u202ess"
SCRIPT = "payment_method.sandbox.charge"
INVALID = grpc.StatusCode.INVALID_ARGUMENT

Change = Callable[[Any], Any]


class Counter:
    """A shop with one payment, one authorisation and one refund, all at rest."""

    def __init__(self, shop: Shop, paid: Payment, held: Payment, refund_id: str) -> None:
        self.shop, self.house = shop, shop.house
        self.paid, self.held, self.refund_id = paid, held, refund_id

    def pay(self) -> PayRequest:
        """Make a request that is right."""
        request = PayRequest(
            merchant_id=self.shop.merchant_id,
            idempotency_key=new_idempotency_key(),
            order_id="o-1",
            capture_mode=CAPTURE_MODE_AUTOMATIC,
            payer=Payer(payer_id="payer-1"),
            scene=SCENE_WEB,
        )
        request.amount.currency_code, request.amount.minor_units = "CNY", 100
        request.payment_method.sandbox.SetInParent()
        return request

    def operation(self, kind: type[Any], **fields: Any) -> Any:
        """Make a capture, cancel or refund that is right."""
        payment = self.paid if kind is RefundRequest else self.held
        wanted = {
            "merchant_id": self.shop.merchant_id,
            "idempotency_key": new_idempotency_key(),
            "payment_id": payment.payment_id,
        }
        return kind(**wanted | fields)

    async def refused(self, method: str, data: bytes, *violations: str) -> GatewayError:
        """Send bytes; they are INVALID_ARGUMENT for exactly these fields, and leave no trace."""
        async with self.no_trace():
            refused = await refusal(self.house.channels[0], method, data)
        assert refused.code is INVALID
        assert refused.violations.keys() == set(violations)
        assert refused.retry_after_s is None
        return refused

    @asynccontextmanager
    async def no_trace(self) -> AsyncIterator[None]:
        """Hold that nothing is kept anywhere and the channel hears nothing."""
        before = await self.house.row_counts(), await self.house.posts()
        yield
        assert (await self.house.row_counts(), await self.house.posts()) == before


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counter(house: House) -> AsyncIterator[Counter]:
    """One shop for all rows, because none of them may leave a trace."""
    shop = await house.shop()
    paid = (await shop.pay("5.00")).payment
    refund = (await shop.refund(paid, "1.00")).refund
    held = (await shop.pay("5.00", manual=True)).payment
    await house.rest()
    yield Counter(shop, paid, held, refund.refund_id)
    await shop.cancel(held)


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
        *rows("payment_id", "", "pay_", f"pay_{'z' * 22}", f"ref_{'0' * 22}", "pay_%s"),
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


async def test_a_refund_of_a_refund(counter: Counter) -> None:
    """A refund's id is no payment: NOT_FOUND, with the key free, and nothing is kept."""
    disguised = f"pay_{counter.refund_id.removeprefix('ref_')}"
    request = counter.operation(RefundRequest, payment_id=disguised)
    channel = counter.house.channels[0]
    async with counter.no_trace():
        missing = await refusal(channel, "RefundService/Refund", request.SerializeToString())
    assert missing.code is grpc.StatusCode.NOT_FOUND
    assert missing.reason == "PAYMENT_NOT_FOUND"
    request.payment_id = counter.paid.payment_id
    request.amount.currency_code, request.amount.minor_units = "CNY", 1
    answer = RefundResponse.FromString(
        await send(channel, "RefundService/Refund", request.SerializeToString())
    )
    assert not answer.replayed


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


@pytest.mark.parametrize("what", ["message", "metadata"])
async def test_what_is_too_large_for_the_transport(counter: Counter, what: str) -> None:
    """10 MB, or too much metadata, is RESOURCE_EXHAUSTED by the transport; the next call works."""
    request, channel = counter.pay(), counter.house.channels[0]
    metadata = (("x-note", "n" * 40_000),) if what == "metadata" else ()
    if what == "message":
        request.description = "d" * 10_000_000
    async with counter.no_trace():
        refused = await refusal(
            channel, "PaymentService/Pay", request.SerializeToString(), metadata
        )
    assert refused.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refused.reason == ""
    request.description = ""
    answer = await send(channel, "PaymentService/Pay", request.SerializeToString())
    assert not PayResponse.FromString(answer).replayed


@pytest.mark.parametrize("kind", [ListPaymentsRequest, ListRefundsRequest])
async def test_page_tokens_are_good_for_their_list_only(counter: Counter, kind: type[Any]) -> None:
    """A token that is forged, altered, of other filters or of another merchant is refused."""
    shop = counter.shop
    other = await counter.house.shop()
    for _ in range(2):
        await shop.refund((await shop.pay("1.00")).payment, "0.10")
    service = "PaymentService" if kind is ListPaymentsRequest else "RefundService"
    method = f"{service}/{kind.DESCRIPTOR.name.removesuffix('Request')}"
    response = getattr(shop.client(), _LISTS[kind])
    token = (await response(merchant_id=shop.merchant_id, page_size=1)).next_page_token
    flipped = ("A" if token[0] != "A" else "B") + token[1:]
    right = {"merchant_id": shop.merchant_id, "page_size": 1, "page_token": token}
    wrong = (
        {"page_token": flipped},
        {"page_token": token[:-4]},
        {"page_token": "'; drop table payments;--"},
        {"page_token": "ÿ"},
        {"state": 1},
        {"merchant_id": other.merchant_id},
    )
    for change in wrong:
        data = kind(**right | change).SerializeToString()
        refused = await counter.refused(method, data, "page_token")
        assert refused.reason == "INVALID_PAGE_TOKEN"
    await send(counter.house.channels[1], method, kind(**right).SerializeToString())


_LISTS = {ListPaymentsRequest: "list_payments_page", ListRefundsRequest: "list_refunds_page"}
