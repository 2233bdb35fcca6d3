"""batch_pay: one outcome per item, errors as values, and the whole call sent again as any other."""

from typing import Any

import grpc
import pytest
from google.rpc import status_pb2

from paymentgateway import errors
from paymentgateway.client import GatewayClient
from paymentgateway.errors import SameKey
from paymentgateway.transport import RECEIVE_BYTES_MAX
from paymentgateway.v1 import payment_pb2
from paymentgateway.v1.payment_service_pb2 import (
    BatchPayRequest,
    BatchPayResponse,
    BatchPayResult,
    PayRequest,
    PayResponse,
)
from tests.clients.scripted_gateway import Refusal, ScriptedGateway

ITEMS = [PayRequest(idempotency_key=f"k-{number}") for number in range(3)]
PAID = PayResponse(payment=payment_pb2.Payment(payment_id="pay_1"), replayed=True)


def failed(code: grpc.StatusCode, **details: Any) -> BatchPayResult:
    """An item that failed as a call with these details would have."""
    status = status_pb2.Status.FromString(Refusal(code, **details).details())
    return BatchPayResult(error=status)


async def test_each_item_has_its_outcome(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """Answers and errors come back in the order of the items, each of its own type."""
    mismatch = failed(
        grpc.StatusCode.FAILED_PRECONDITION,
        reason="IDEMPOTENCY_KEY_MISMATCH",
        metadata={"key": "bound"},
    )
    wrong = failed(
        grpc.StatusCode.INVALID_ARGUMENT, reason="INVALID_REQUEST", violations=[("scene", "no")]
    )
    results = [mismatch, BatchPayResult(response=PAID), wrong]
    gateway.script("BatchPay", BatchPayResponse(results=results))
    first, second, third = await client.batch_pay(ITEMS)
    assert isinstance(first, errors.KeyMismatch)
    assert first.same_key is SameKey.SAME_ANSWER
    assert second == PAID
    assert isinstance(third, errors.InvalidRequest)
    assert third.violations == {"scene": "no"}
    assert gateway.requests("BatchPay") == [BatchPayRequest(payments=ITEMS)]


@pytest.mark.parametrize(
    ("code", "details", "kind", "same_key"),
    [
        (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            {"reason": "OVERLOADED", "retry_after_s": 0.25},
            errors.Overloaded,
            SameKey.SAFE,
        ),
        (
            grpc.StatusCode.UNAVAILABLE,
            {"reason": "COMMIT_UNKNOWN", "retry_after_s": 0.25},
            errors.Unavailable,
            SameKey.SAFE,
        ),
        (grpc.StatusCode.INTERNAL, {"reason": "INTERNAL"}, errors.OutcomeUnknown, SameKey.SAFE),
        (
            grpc.StatusCode.FAILED_PRECONDITION,
            {"reason": "MERCHANT_DISABLED", "metadata": {"key": "free"}},
            errors.NotYet,
            SameKey.SAFE,
        ),
    ],
)
def test_an_error_of_an_item_is_that_of_a_call(
    code: grpc.StatusCode, details: dict[str, Any], kind: type, same_key: SameKey
) -> None:
    """Type, reason, hint and what may be done with the key are read from the same details."""
    error = errors.from_status(failed(code, **details).error)
    assert type(error) is kind
    assert (error.code, error.reason, error.same_key) == (code, details["reason"], same_key)
    assert error.retry_after_s == details.get("retry_after_s")
    assert error.message == "refused by the script"


@pytest.mark.parametrize("number", [0, 99])
def test_a_status_that_says_nothing_is_an_unknown_outcome(number: int) -> None:
    """Whatever a later gateway may send, the same key stays safe."""
    error = errors.from_status(status_pb2.Status(code=number))
    assert type(error) is errors.OutcomeUnknown
    assert error.same_key is SameKey.SAFE


async def test_items_are_not_sent_again(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """An item with a hint is the caller's to send again; the call itself was answered."""
    busy = failed(grpc.StatusCode.RESOURCE_EXHAUSTED, reason="OVERLOADED", retry_after_s=0.01)
    gateway.script("BatchPay", BatchPayResponse(results=[busy]))
    (outcome,) = await client.batch_pay(ITEMS[:1])
    assert isinstance(outcome, errors.Overloaded)
    assert len(gateway.received) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(grpc.StatusCode.UNAVAILABLE, reason="SHUTTING_DOWN", pushback_ms=10),
        Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, reason="OVERLOADED", retry_after_s=0.01),
    ],
    ids=["by gRPC", "by the client"],
)
async def test_a_batch_that_was_not_kept_is_sent_again(
    gateway: ScriptedGateway, client: GatewayClient, refusal: Refusal
) -> None:
    """A batch that was turned away as a whole goes out again with the same keys."""
    gateway.script("BatchPay", refusal, BatchPayResponse(results=[BatchPayResult(response=PAID)]))
    assert await client.batch_pay(ITEMS[:1]) == [PAID]
    assert gateway.requests("BatchPay") == [BatchPayRequest(payments=ITEMS[:1])] * 2


async def test_a_large_batch_is_sent_again_too(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """Even a batch as large as the gateway takes is repeated by gRPC, not just a small one."""
    item = PayRequest(attributes={str(number): "x" * 60 for number in range(15)})
    items = [item] * (4_000_000 // item.ByteSize())
    refusal = Refusal(grpc.StatusCode.UNAVAILABLE, reason="SHUTTING_DOWN", pushback_ms=10)
    gateway.script("BatchPay", refusal, BatchPayResponse(results=[BatchPayResult(response=PAID)]))
    assert await client.batch_pay(items) == [PAID]
    assert [call.resent for call in gateway.received] == [0, 1]


async def test_a_batch_without_answer_raises(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """An error about the call is raised, not given per item."""
    gateway.script("BatchPay", Refusal(grpc.StatusCode.INTERNAL, reason="INTERNAL"))
    with pytest.raises(errors.OutcomeUnknown):
        await client.batch_pay(ITEMS)


async def test_a_large_answer_is_taken(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """An answer above gRPC's usual bound arrives; the contract says that it may be so large."""
    large = PayResponse(payment=payment_pb2.Payment(description="x" * 2_000))
    results = [BatchPayResult(response=large)] * 4_000
    gateway.script("BatchPay", BatchPayResponse(results=results))
    outcomes = await client.batch_pay(ITEMS)
    assert len(outcomes) == 4_000
    assert RECEIVE_BYTES_MAX >= 32 * 1024 * 1024
