"""Bad input beyond a field of a payment: transports, tokens, merchants, text that means something.

Refused without a trace where it is wrong, and inert where it is only odd.
"""

from typing import Any

import grpc
import pytest

from paymentgateway.v1.merchant_pb2 import Merchant
from paymentgateway.v1.merchant_service_pb2 import (
    CreateMerchantRequest,
    ListMerchantsRequest,
)
from paymentgateway.v1.payment_service_pb2 import (
    GetPaymentRequest,
    ListPaymentsRequest,
    PayResponse,
    WatchPaymentsRequest,
)
from paymentgateway.v1.refund_service_pb2 import ListRefundsRequest
from tests.e2e.counter import Counter
from tests.e2e.gateways import run
from tests.e2e.wire import UNKNOWN, refusal, send, stream_refusal

pytestmark = pytest.mark.asyncio(loop_scope="session")

LISTS = {ListPaymentsRequest: "list_payments_page", ListRefundsRequest: "list_refunds_page"}
CARD = "4111111111111111"
CARD_TEXTS = (CARD, "4111 1111 1111 1111", "4111-1111-1111-1111")


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
    response = getattr(shop.client(), LISTS[kind])
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


def merchant(**fields: Any) -> CreateMerchantRequest:
    """Make a merchant that is right but for these fields; fees and limits as plain mappings."""
    wanted: dict[str, Any] = {
        "merchant_id": "m_bad",
        "display_name": "A shop",
        "currency_codes": ["CNY"],
        "channels": ["sandbox"],
        "order_policy": 1,
        "refund_policy": 1,
    }
    return CreateMerchantRequest(merchant_id="m_bad", merchant=Merchant(**wanted | fields))


def fee(**terms: Any) -> dict[str, Any]:
    """Make one fee schedule that is right but for these terms."""
    right = {"channel": "sandbox", "currency_code": "CNY", "effective_time": {"seconds": 1}}
    return {"fee_schedules": [right | terms]}


def limit(**bounds: Any) -> dict[str, Any]:
    """Make one limit per payment."""
    return {"payment_limits": [{"currency_code": "CNY"} | bounds]}


MERCHANT_ROWS = [
    ({"merchant_id": "m_other"}, "merchant.merchant_id"),
    ({"display_name": "a\x00"}, "merchant.display_name"),
    ({"currency_codes": []}, "merchant.currency_codes"),
    ({"currency_codes": ["CNY", "cny"]}, "merchant.currency_codes[1]"),
    ({"channels": ["Sandbox"]}, "merchant.channels[0]"),
    ({"order_policy": 0}, "merchant.order_policy"),
    ({"refund_policy": 99}, "merchant.refund_policy"),
    (fee(rate_millionths=1_000_001), "merchant.fee_schedules[0].rate_millionths"),
    (fee(rate_millionths=(1 << 63) - 1), "merchant.fee_schedules[0].rate_millionths"),
    (fee(fixed_minor_units=1_000_001), "merchant.fee_schedules[0].fixed_minor_units"),
    (fee(maximum_minor_units=10**12 + 1), "merchant.fee_schedules[0].maximum_minor_units"),
    (fee(minimum_minor_units=-1), "merchant.fee_schedules[0].minimum_minor_units"),
    (fee(currency_code="JPY"), "merchant.fee_schedules[0].currency_code"),
    (limit(minimum_minor_units=2, maximum_minor_units=1), "maximum_minor_units"),
]


@pytest.mark.parametrize(("fields", "path"), MERCHANT_ROWS)
async def test_merchants_that_make_no_sense(
    counter: Counter, fields: dict[str, Any], path: str
) -> None:
    """A merchant is refused for what is wrong with it: no fee can overflow, no limit cross."""
    if path == "maximum_minor_units":
        path = f"merchant.payment_limits[0].{path}"
    data = merchant(**fields).SerializeToString()
    await counter.refused("MerchantService/CreateMerchant", data, path)


async def test_everything_wrong_is_named_at_once(counter: Counter) -> None:
    """One answer names what the protos, the rules beside them and the ban on unknowns refuse."""
    request = counter.pay()
    request.merchant_id, request.amount.minor_units, request.scene = "Shop", 0, 77
    request.expire_time.nanos = -1
    request.attributes["b c"] = "x"
    data = request.SerializeToString() + UNKNOWN
    names = ("merchant_id", "amount.minor_units", "scene", "expire_time", "127")
    await counter.refused("PaymentService/Pay", data, *names, 'attributes["b c"]')


async def test_a_refused_request_leaves_its_key_free(counter: Counter) -> None:
    """The corrected request pays under the same key."""
    request = counter.pay()
    request.amount.minor_units = 0
    await counter.refused("PaymentService/Pay", request.SerializeToString(), "amount.minor_units")
    request.amount.minor_units = 100
    data = request.SerializeToString()
    answer = await send(counter.house.channels[1], "PaymentService/Pay", data)
    assert not PayResponse.FromString(answer).replayed


@pytest.mark.parametrize(
    "key",
    [
        "'; drop table payments;--",
        '") or 1=1 --',
        "%s%n%x",
        "{0.__class__}",
        "$1 ${jndi:ldap://x}",
        "\\x00\\u0000",
        "../../etc/passwd",
        "<script>",
        "~" * 64,
    ],
)
async def test_odd_keys_are_only_keys(counter: Counter, key: str) -> None:
    """What means something in SQL, formats, shells or paths means nothing in a key."""
    request, house = counter.pay(), counter.house
    request.idempotency_key, before = key, await house.row_counts()
    data = request.SerializeToString()
    answers = [
        PayResponse.FromString(await send(channel, "PaymentService/Pay", data))
        for channel in house.channels
    ]
    assert [answer.payment.idempotency_key for answer in answers] == [key, key]
    assert [answer.replayed for answer in answers] == [False, True]
    by_key = GetPaymentRequest(merchant_id=request.merchant_id, idempotency_key=key)
    await send(house.channels[0], "PaymentService/GetPayment", by_key.SerializeToString())
    after = await house.row_counts()
    assert {name: after[name] - before[name] for name in ("payments", "operations")} == {
        "payments": 1,
        "operations": 1,
    }


@pytest.mark.parametrize(
    "request_",
    [
        WatchPaymentsRequest(merchant_id="S"),
        WatchPaymentsRequest(merchant_id="s", cursor="c" * 513),
    ],
    ids=["merchant", "cursor"],
)
async def test_watching_refuses(counter: Counter, request_: WatchPaymentsRequest) -> None:
    """A stream is checked before it begins."""
    async with counter.no_trace():
        refused = await stream_refusal(counter.house.channels[0], request_.SerializeToString())
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_what_does_not_exist_is_unimplemented(counter: Counter) -> None:
    """Methods and services that the contract does not have are refused by the transport."""
    for method in ("PaymentService/PayTwice", "Nobody/Pay"):
        async with counter.no_trace():
            refused = await refusal(counter.house.channels[0], method, b"")
        assert refused.code is grpc.StatusCode.UNIMPLEMENTED


async def test_reads_ignore_what_newer_callers_send(counter: Counter) -> None:
    """Unknown fields are let pass where no money moves."""
    data = ListMerchantsRequest(merchant_id="m_").SerializeToString() + UNKNOWN
    async with counter.no_trace():
        await send(counter.house.channels[0], "MerchantService/ListMerchants", data)


async def test_card_numbers_stay_out_of_the_logs(counter: Counter) -> None:
    """Card-like numbers in free text, ids or metadata, accepted or refused, are in no log line."""
    house, channel = counter.house, counter.house.channels[0]
    for text in CARD_TEXTS:
        request = counter.pay()
        request.description, request.attributes["note"] = text, text
        request.payer.payer_id = request.order_id = text.replace(" ", ".")
        metadata = (("x-request-id", text.replace(" ", "_")),)
        await send(channel, "PaymentService/Pay", request.SerializeToString(), metadata)
        request.attributes[text.replace(" ", "_")] = "\x00"
        request.merchant_id = CARD
        await refusal(channel, "PaymentService/Pay", request.SerializeToString(), metadata)
        unknown = GetPaymentRequest(merchant_id=CARD, idempotency_key=text)
        await refusal(channel, "PaymentService/GetPayment", unknown.SerializeToString(), metadata)
    logs = [service.log.read_text() for service in (*house.stack.gateways, house.stack.sandbox)]
    assert '"method": "paymentgateway.v1.PaymentService/Pay"' in logs[0]
    for line in "\n".join(logs).splitlines():
        digits = "".join(letter for letter in line if letter not in " -._")
        assert CARD not in digits


@pytest.mark.parametrize(
    "typed", [("12.505", "CNY"), ("12.5", "JPY"), ("0", "CNY"), ("1.00", "cny")], ids=" ".join
)
async def test_payctl_refuses_amounts_that_are_none(
    counter: Counter, typed: tuple[str, str]
) -> None:
    """A fraction the currency does not have, or no amount at all, is exit code 2, unsent."""
    async with counter.no_trace():
        status, told = await run(
            *("paymentgateway.payctl", "--target", counter.house.stack.targets[0], "pay"),
            *("--merchant", counter.shop.merchant_id, "--order", "o-1", *typed),
        )
    assert status == 2
    assert "Traceback" not in told
