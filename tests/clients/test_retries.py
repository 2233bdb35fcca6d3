"""The callers' retry rule, shown on the wire: what is sent again, what is not, and within what."""

import asyncio
import socket
from typing import Any

import grpc
import pytest

from paymentgateway import errors
from paymentgateway.client import GatewayClient, Retry, money
from paymentgateway.errors import SameKey
from paymentgateway.v1 import payment_pb2
from paymentgateway.v1.merchant_pb2 import Merchant
from paymentgateway.v1.merchant_service_pb2 import UpdateMerchantResponse
from paymentgateway.v1.payment_service_pb2 import GetPaymentResponse, PayResponse
from tests.clients.scripted_gateway import QUICK, Refusal, ScriptedGateway, Silence

Code = grpc.StatusCode
PAID = PayResponse(payment=payment_pb2.Payment(payment_id="pay_1"))


async def pay(client: GatewayClient, **changes: Any) -> PayResponse:
    """Pay with some arguments; `changes` replaces or adds to them."""
    arguments: dict[str, Any] = {
        "merchant_id": "m_demo",
        "idempotency_key": "key-1",
        "order_id": "o-1",
        "amount": money("12.50", "CNY"),
        "payment_method": payment_pb2.PaymentMethod(sandbox=payment_pb2.SandboxMethod()),
        "payer": "payer-1",
        "scene": payment_pb2.SCENE_WEB,
    }
    return await client.pay(**arguments | changes)


@pytest.mark.parametrize("code", [Code.UNAVAILABLE, Code.ABORTED])
async def test_the_same_request_is_sent_again(
    gateway: ScriptedGateway, client: GatewayClient, code: Code
) -> None:
    """UNAVAILABLE and ABORTED are repeated by gRPC itself, with the same key and the same bytes."""
    gateway.script("Pay", Refusal(code), Refusal(code), PAID)
    assert await pay(client) == PAID
    first, second, third = gateway.received
    assert first.request == second.request == third.request
    assert [call.resent for call in gateway.received] == [0, 1, 2]


async def test_repetition_is_bounded(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """A gateway that stays away is asked five times, and then the caller is told."""
    gateway.script("Pay", *[Refusal(Code.UNAVAILABLE, "DATABASE_UNAVAILABLE")] * 9)
    with pytest.raises(errors.Unavailable) as raised:
        await pay(client)
    assert raised.value.reason == "DATABASE_UNAVAILABLE"
    assert raised.value.same_key is SameKey.SAFE
    assert len(gateway.received) == 5


async def test_retries_can_be_turned_off(gateway: ScriptedGateway) -> None:
    """With one attempt nothing is repeated."""
    refusals = (Refusal(Code.UNAVAILABLE), Refusal(Code.RESOURCE_EXHAUSTED, retry_after_s=0.0))
    gateway.script("Pay", *refusals)
    async with GatewayClient(gateway.target, retry=Retry(attempts_max=1)) as client:
        for kind in (errors.Unavailable, errors.Overloaded):
            with pytest.raises(kind):
                await pay(client)
    assert len(gateway.received) == 2


async def test_the_server_says_when(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """The pause that the pushback trailer names counts, not the client's own backoff."""
    gateway.script("Pay", Refusal(Code.UNAVAILABLE, pushback_ms=150), PAID)
    await pay(client)
    first, second = gateway.received
    assert 0.14 <= second.time_s - first.time_s < 2.0


async def test_the_server_says_never(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """A negative pushback ends the repetition."""
    gateway.script("Pay", Refusal(Code.UNAVAILABLE, pushback_ms=-1), PAID)
    with pytest.raises(errors.Unavailable):
        await pay(client)
    assert len(gateway.received) == 1


async def test_an_overload_with_a_hint_is_repeated(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """RESOURCE_EXHAUSTED with RetryInfo is sent again after the hint, unchanged."""
    shed = Refusal(Code.RESOURCE_EXHAUSTED, "OVERLOADED", retry_after_s=0.05)
    gateway.script("Pay", shed, shed, PAID)
    assert await pay(client) == PAID
    first, second, third = gateway.received
    assert first.request == second.request == third.request
    assert second.time_s - first.time_s >= 0.05
    assert third.time_s - second.time_s >= 0.05


async def test_repetition_after_overloads_is_bounded(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """A gateway that sheds every call is asked five times."""
    gateway.script("Pay", *[Refusal(Code.RESOURCE_EXHAUSTED, "OVERLOADED", retry_after_s=0.01)] * 9)
    with pytest.raises(errors.Overloaded) as raised:
        await pay(client)
    assert raised.value.same_key is SameKey.SAFE
    assert len(gateway.received) == 5


async def test_a_hint_beyond_the_deadline_is_not_waited_for(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """Where the hint leaves no time, the caller learns it at once, with the hint."""
    gateway.script("Pay", Refusal(Code.RESOURCE_EXHAUSTED, "OVERLOADED", retry_after_s=60.0))
    async with asyncio.timeout(1.0):
        with pytest.raises(errors.Overloaded) as raised:
            await pay(client, deadline_s=3.0)
    assert raised.value.retry_after_s == 60.0


async def test_an_overload_without_a_hint_is_not_repeated(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """RESOURCE_EXHAUSTED without RetryInfo goes to the caller after one send."""
    gateway.script("Pay", Refusal(Code.RESOURCE_EXHAUSTED), PAID)
    with pytest.raises(errors.Overloaded) as raised:
        await pay(client)
    assert raised.value.same_key is SameKey.FIX_FIRST
    assert len(gateway.received) == 1


async def test_a_message_that_is_too_large(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """What the transport refuses for its size is not sent again, and the key is free."""
    with pytest.raises(errors.Overloaded) as raised:
        await pay(client, description="x" * 5_000_000)
    assert raised.value.same_key is SameKey.FIX_FIRST
    assert not gateway.received


async def test_what_may_come_true_is_not_waited_for(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """FAILED_PRECONDITION with RetryInfo is the caller's to repeat: the error says when."""
    busy = {"key": "free"}
    refusal = Refusal(Code.FAILED_PRECONDITION, "OPERATION_IN_PROGRESS", busy, retry_after_s=0.05)
    gateway.script("Cancel", refusal)
    with pytest.raises(errors.NotYet) as raised:
        await client.cancel(merchant_id="m_demo", idempotency_key="k", payment_id="pay_1")
    assert (raised.value.same_key, raised.value.retry_after_s) == (SameKey.SAFE, 0.05)
    assert len(gateway.received) == 1


@pytest.mark.parametrize("code", [Code.UNKNOWN, Code.INTERNAL, Code.CANCELLED])
async def test_faults_leave_the_outcome_open(
    gateway: ScriptedGateway, client: GatewayClient, code: Code
) -> None:
    """After CANCELLED, UNKNOWN or INTERNAL nothing is repeated and the same key is asked for."""
    gateway.script("Pay", Refusal(code, "INTERNAL", {"incident": "i-1"}))
    with pytest.raises(errors.OutcomeUnknown, match="with the same key again") as raised:
        await pay(client)
    assert raised.value.same_key is SameKey.SAFE
    assert raised.value.metadata == {"incident": "i-1"}
    assert len(gateway.received) == 1


async def test_silence_leaves_the_outcome_open(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """A call ends at its deadline, and says that its outcome is not known."""
    gateway.script("Pay", Silence())
    with pytest.raises(errors.OutcomeUnknown, match="outcome is not known") as raised:
        await pay(client, deadline_s=0.2)
    assert raised.value.code is Code.DEADLINE_EXCEEDED


async def test_every_call_has_a_deadline(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """A call that names no deadline has the client's, and one that names its own has that."""
    gateway.script("GetPayment", GetPaymentResponse(), GetPaymentResponse())
    await client.get_payment(merchant_id="m_demo", payment_id="pay_1")
    await client.get_payment(merchant_id="m_demo", payment_id="pay_1", deadline_s=2.0)
    remaining = [call.remaining_s or 0.0 for call in gateway.received]
    assert 4.0 < remaining[0] < 5.1
    assert 1.0 < remaining[1] < 2.1


async def test_all_sends_share_one_deadline(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """What is sent again has the time that is left, not the whole time anew."""
    shed = Refusal(Code.RESOURCE_EXHAUSTED, "OVERLOADED", retry_after_s=0.1)
    away = Refusal(Code.UNAVAILABLE, pushback_ms=100)
    gateway.script("Pay", shed, away, PAID)
    await pay(client, deadline_s=2.0)
    left = [call.remaining_s or 0.0 for call in gateway.received]
    assert left[1] <= left[0] - 0.09
    assert left[2] <= left[1] - 0.09


async def test_a_gateway_that_comes_back_in_time() -> None:
    """A call that meets a closed port is repeated until the gateway is there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    retry = Retry(backoff_s_initial=0.2, backoff_s_max=0.5)
    async with GatewayClient(f"127.0.0.1:{port}", retry=retry) as client:
        waiting = asyncio.create_task(pay(client))
        await asyncio.sleep(0.1)
        gateway = ScriptedGateway(address=f"127.0.0.1:{port}")
        gateway.script("Pay", PAID)
        assert await waiting == PAID
    gateway.stop()


async def test_a_lost_version_is_not_sent_again(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """A merchant that somebody else changed must be read again, so the update is sent once."""
    gateway.script("UpdateMerchant", Refusal(Code.ABORTED, "VERSION_CONFLICT"))
    with pytest.raises(errors.Conflict) as raised:
        await client.update_merchant(Merchant(merchant_id="m_demo", version=3))
    assert raised.value.same_key is SameKey.FIX_FIRST
    assert len(gateway.received) == 1


async def test_an_update_is_repeated_when_the_gateway_was_away(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """An update that met no gateway is repeated like every other call."""
    gateway.script("UpdateMerchant", Refusal(Code.UNAVAILABLE), UpdateMerchantResponse())
    await client.update_merchant(Merchant(merchant_id="m_demo", version=3))
    assert [call.resent for call in gateway.received] == [0, 1]


async def test_a_cancelled_task_ends_its_call(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """A task that is cancelled stays cancelled, and its call is ended at the server."""
    gateway.script("Pay", Silence())
    waiting = asyncio.create_task(pay(client))
    while not gateway.received:
        await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await asyncio.to_thread(gateway.received[0].ended.wait, 5.0)


@pytest.mark.parametrize("deadline_s", [0.0, -1.0, float("nan"), float("inf")])
async def test_a_deadline_is_a_time(gateway: ScriptedGateway, deadline_s: float) -> None:
    """A deadline that is none is refused when the client is made, and for each call."""
    with pytest.raises(ValueError, match="deadline_s"):
        GatewayClient(gateway.target, deadline_s=deadline_s)
    async with GatewayClient(gateway.target, retry=QUICK) as client:
        with pytest.raises(ValueError, match="deadline_s"):
            await pay(client, deadline_s=deadline_s)
    assert not gateway.received


@pytest.mark.parametrize(
    "bounds",
    [
        {"attempts_max": 0},
        {"attempts_max": 6},
        {"backoff_s_initial": 0.001},
        {"backoff_s_initial": 3.0},
        {"backoff_s_max": 61.0},
    ],
)
def test_bounds_that_grpc_would_not_keep(bounds: dict[str, Any]) -> None:
    """Bounds of retries that gRPC would refuse, or silently change, are refused."""
    with pytest.raises(ValueError, match="must"):
        Retry(**bounds)
