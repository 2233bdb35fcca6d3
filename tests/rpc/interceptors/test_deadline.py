"""Deadlines: the caller's, a default, a maximum, and a margin for the answer."""

import asyncio
from typing import Any

import grpc
import pytest

from gateway.clock import Deadline
from gateway.domain.errors import DeadlinePassed
from gateway.rpc.call import Call
from gateway.rpc.interceptors.deadline import keep_deadline
from gateway.rpc.methods import METHODS
from gateway.usecases.commands import PaymentAnswer
from paymentgateway.v1.payment_service_pb2 import GetPaymentRequest, PayResponse
from tests.rpc import samples
from tests.rpc.fakes import PATHS, House, UseCases, desk, open_house

PAY, READ = METHODS[0], METHODS[3]
GET = GetPaymentRequest(merchant_id="shop", payment_id=samples.PAYMENT_TEXT)


class Context:
    """A transport that says how many seconds the caller's deadline leaves."""

    def __init__(self, left_s: float | None) -> None:
        self.left_s = left_s

    def time_remaining(self) -> float | None:
        return self.left_s


async def _seen(left_s: float | None, method: Any = PAY, **settings: Any) -> Call:
    """Give a call as the handler inside sees it."""
    calls = []

    async def inner(call: Call) -> bytes:
        calls.append(call)
        return b""

    handler = keep_deadline(inner, method, desk(UseCases(), **settings))
    await handler(Call(b"", Context(left_s), 0.0))
    return calls[0]


async def _answer_as_late_as_allowed(_command: object, deadline: Deadline) -> PaymentAnswer:
    await asyncio.sleep(deadline.remaining())
    return PaymentAnswer(samples.payment(), replayed=False)


@pytest.mark.parametrize(
    ("named_s", "given_s", "deadline_ms"),
    [
        (None, 4.950, 5_000),
        (3.0, 2.950, 3_000),
        (60.0, 9.950, 10_000),
        (0.101, 0.051, 101),
        (0.1, 0.05, 100),
        (0.06, 0.03, 60),
        (0.001, 0.0005, 1),
    ],
)
async def test_the_time_that_a_payment_gets(
    named_s: float | None, given_s: float, deadline_ms: int
) -> None:
    """The caller's time or the default, at most the maximum, less the margin or half of it."""
    call = await _seen(named_s)
    assert given_s - 0.1 < call.deadline.remaining() <= given_s
    assert call.deadline_ms == deadline_ms


@pytest.mark.parametrize("method", [PAY, READ], ids=["payment", "read"])
@pytest.mark.parametrize("left_s", [0.0, -1.0])
async def test_no_time_left(method: Any, left_s: float) -> None:
    """A call that comes too late is refused before anybody begins."""
    with pytest.raises(DeadlinePassed):
        await _seen(left_s, method)


async def test_a_read_is_cut_off() -> None:
    """A read that has no deadline of its own ends at the default."""

    async def get_payment(_lookup: object) -> object:
        await asyncio.sleep(60)

    use_cases = UseCases(get_payment=get_payment)
    async with open_house(use_cases, deadline_default_ms=60, answer_margin_ms=10) as house:
        refusal = await house.refusal("GetPayment", GET)
    assert refusal.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert refusal.reason == "DEADLINE_EXCEEDED"
    assert [level for level, _ in house.log.calls()] == ["warning"]


async def test_a_timeout_inside_a_read_is_a_fault(house: House) -> None:
    """Only the deadline itself is reported as the deadline."""
    house.use_cases.answers["get_payment"] = TimeoutError()
    assert (await house.refusal("GetPayment", GET)).code is grpc.StatusCode.INTERNAL


async def test_a_payment_is_never_cut_off() -> None:
    """Work that has begun is not abandoned at a deadline: the use case answers by itself."""

    async def pay(_command: object, deadline: Deadline) -> PaymentAnswer:
        await asyncio.sleep(deadline.remaining() + 0.05)
        return PaymentAnswer(samples.payment(), replayed=False)

    async with open_house(UseCases(pay=pay), deadline_default_ms=60) as house:
        answer = await house.send("Pay", samples.pay_request())
    assert PayResponse.FromString(answer).payment.payment_id == samples.PAYMENT_TEXT


async def test_an_answer_at_the_deadline_is_in_time() -> None:
    """A use case that answers as late as it may still reaches a caller with that deadline."""
    use_cases = UseCases(pay=_answer_as_late_as_allowed)
    async with open_house(use_cases, answer_margin_ms=200) as house:
        assert await house.send("Pay", samples.pay_request(), timeout=0.4)


@pytest.mark.parametrize("timeout_ms", [1, 2, 5, 20])
async def test_tiny_deadlines_are_no_fault(house: House, timeout_ms: int) -> None:
    """However little time there is, a call is answered or out of time, and nothing breaks."""
    house.use_cases.answers["pay"] = _answer_as_late_as_allowed
    for _ in range(5):
        call = house.channel.unary_unary(PATHS["Pay"])(
            samples.pay_request().SerializeToString(), timeout=timeout_ms / 1_000
        )
        assert await call.code() in (grpc.StatusCode.OK, grpc.StatusCode.DEADLINE_EXCEEDED)
    await asyncio.sleep(0.05)
    assert {code for _, code, _ in house.observer.ended} <= {
        "OK",
        "CANCELLED",
        "DEADLINE_EXCEEDED",
    }
    assert all(event == "rpc" for _, event, _ in house.log.lines)
