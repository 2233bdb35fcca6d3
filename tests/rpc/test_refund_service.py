"""RefundService over a real connection: what use cases are asked, and what callers get."""

import pytest
from google.protobuf.json_format import MessageToDict

from gateway.clock import Deadline
from gateway.domain.money import Money
from gateway.domain.operation import OperationKind, OperationState
from gateway.domain.ports import OperationFilter
from gateway.usecases.commands import RefundCommand
from gateway.usecases.services import Lookup
from paymentgateway.v1 import refund_pb2
from paymentgateway.v1.refund_service_pb2 import (
    GetRefundRequest,
    GetRefundResponse,
    ListRefundsRequest,
    ListRefundsResponse,
    RefundResponse,
)
from tests.rpc import samples
from tests.rpc.fakes import House

REFUND = {
    "merchant_id": "shop",
    "refund_id": samples.REFUND_TEXT,
    "idempotency_key": "key-4",
    "payment_id": samples.PAYMENT_TEXT,
    "amount": {"currency_code": "CNY", "minor_units": "50"},
    "state": "OPERATION_STATE_FAILED",
    "failure": {
        "reason": "FAILURE_REASON_INSUFFICIENT_FUNDS",
        "channel_code": "E2",
        "message": "no",
    },
    "description": "cold",
    "attempt_number": "1" * 28,
    "channel_number": "c-2",
    "under_review": True,
    "create_time": "2026-03-01T12:30:15.123456Z",
    "update_time": "2026-03-01T12:30:16.123456Z",
}


def test_the_sample_forgets_no_field() -> None:
    """What is compared below is every field that a refund has."""
    assert REFUND.keys() == set(refund_pb2.Refund.DESCRIPTOR.fields_by_name)


async def test_refund(house: House) -> None:
    """Refund hands every field over, and answers with every field of the refund."""
    answer = await house.send("Refund", samples.refund_request())
    read = MessageToDict(RefundResponse.FromString(answer), preserving_proto_field_name=True)
    assert read == {"refund": REFUND, "replayed": True}
    (name, command, deadline), *others = house.asked
    assert (name, others) == ("refund", [])
    assert isinstance(deadline, Deadline)
    assert command == RefundCommand(
        "shop", "key-4", samples.PAYMENT_ID, Money("CNY", 50), "cold", "anonymous"
    )


async def test_refund_of_all_that_remains(house: House) -> None:
    """A refund without an amount is not one of nothing."""
    request = samples.refund_request()
    request.ClearField("amount")
    await house.send("Refund", request)
    assert house.asked[0][1].amount is None


@pytest.mark.parametrize(
    ("request_", "lookup"),
    [
        (
            GetRefundRequest(merchant_id="shop", refund_id=samples.REFUND_TEXT),
            Lookup("shop", object_id=samples.OPERATION_ID),
        ),
        (
            GetRefundRequest(merchant_id="shop", idempotency_key="key-4"),
            Lookup("shop", idempotency_key="key-4"),
        ),
    ],
    ids=["by id", "by key"],
)
async def test_get_refund(house: House, request_: GetRefundRequest, lookup: Lookup) -> None:
    """A refund is found by its id or by its key."""
    answer = await house.send("GetRefund", request_)
    read = MessageToDict(GetRefundResponse.FromString(answer), preserving_proto_field_name=True)
    assert read == {"refund": REFUND}
    assert house.asked == [("get_refund", lookup)]


async def test_list_refunds(house: House) -> None:
    """Every filter reaches the use case; only refunds are asked for."""
    request = ListRefundsRequest(
        merchant_id="shop",
        payment_id=samples.PAYMENT_TEXT,
        state=refund_pb2.OPERATION_STATE_PROCESSING,
    )
    request.create_time_from.FromDatetime(samples.moment(0))
    request.create_time_to.FromDatetime(samples.moment(9))
    answer = await house.send("ListRefunds", request)
    read = MessageToDict(ListRefundsResponse.FromString(answer), preserving_proto_field_name=True)
    assert read == {"refunds": [REFUND]}
    chosen = OperationFilter(
        "shop",
        OperationKind.REFUND,
        samples.PAYMENT_ID,
        OperationState.PROCESSING,
        samples.moment(0),
        samples.moment(9),
    )
    assert house.asked == [("list_refunds", chosen, None, 51)]


async def test_list_refunds_without_filters(house: House) -> None:
    """A filter that is not set means any."""
    await house.send("ListRefunds", ListRefundsRequest(merchant_id="shop"))
    chosen = OperationFilter("shop", OperationKind.REFUND)
    assert house.asked == [("list_refunds", chosen, None, 51)]
