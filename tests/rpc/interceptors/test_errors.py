"""Errors become answers, faults show nothing, and whoever gave up gets none."""

import asyncio

import grpc
import pytest

from gateway.domain.errors import Overloaded, Reason
from gateway.rpc.call import Call
from gateway.rpc.interceptors.errors import answer_errors
from gateway.rpc.methods import METHODS
from tests.rpc import samples
from tests.rpc.fakes import House, UseCases, desk

SECRET = "4111111111111111 at 10.0.0.1"


async def test_a_fault_is_hidden_from_the_caller_and_shown_in_the_log(house: House) -> None:
    """The caller gets an incident to name; under it the log has the exception itself."""
    house.use_cases.answers["pay"] = RuntimeError(SECRET)
    refusal = await house.refusal("Pay", samples.pay_request())
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert SECRET not in str(refusal)
    assert "RuntimeError" not in str(refusal)
    incident = refusal.metadata["incident"]
    assert incident in refusal.message
    line, fault = house.log.lines
    assert (line[0], line[2]["incident"]) == ("error", incident)
    assert fault[:2] == ("exception", "rpc_fault")
    assert fault[2]["incident"] == incident
    assert fault[2]["request_id"] == line[2]["request_id"]


async def test_each_fault_has_an_incident_of_its_own(house: House) -> None:
    """Two faults are told apart."""
    house.use_cases.answers["pay"] = RuntimeError()
    one, other = [await house.refusal("Pay", samples.pay_request()) for _ in range(2)]
    assert one.metadata["incident"] != other.metadata["incident"]


async def test_a_hint_reaches_the_caller_and_its_library(house: House) -> None:
    """RetryInfo is for people's code, the trailer for gRPC's own retries."""
    house.use_cases.answers["pay"] = Overloaded(Reason.OVERLOADED, "No.", retry_after_s=0.25)
    refusal = await house.refusal("Pay", samples.pay_request())
    assert (refusal.retry_ms, refusal.pushback_ms) == (250, "250")


async def test_a_fault_in_what_is_answered_is_one_of_ours(house: House) -> None:
    """An answer that cannot be written is INTERNAL, not half an answer."""
    house.use_cases.answers["pay"] = None
    refusal = await house.refusal("Pay", samples.pay_request())
    assert refusal.code is grpc.StatusCode.INTERNAL


@pytest.mark.parametrize("error", [asyncio.CancelledError, KeyboardInterrupt])
async def test_what_ends_the_task_goes_through(error: type[BaseException]) -> None:
    """A cancelled call is not answered, and nothing swallows its cancellation."""

    async def inner(_call: Call) -> bytes:
        raise error

    handler = answer_errors(inner, METHODS[0], desk(UseCases()))
    with pytest.raises(error):
        await handler(Call(b"", None, 0.0))


async def test_a_cancellation_inside_is_a_fault(house: House) -> None:
    """A caller who still waits is answered, also when what its call waited for was cancelled."""

    async def pay(*_arguments: object) -> object:
        work = asyncio.create_task(asyncio.sleep(60))
        asyncio.get_running_loop().call_soon(work.cancel)
        await work

    house.use_cases.answers["pay"] = pay
    async with asyncio.timeout(5):
        refusal = await house.refusal("Pay", samples.pay_request())
    assert refusal.code is grpc.StatusCode.INTERNAL
    assert [code for _, code, _ in house.observer.ended] == ["INTERNAL"]


async def test_a_caller_that_gives_up_cancels_its_call(house: House) -> None:
    """The use case learns that nobody waits any more; the log calls it no fault."""
    ended = asyncio.Event()

    async def pay(*_arguments: object) -> object:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.set()
            raise

    house.use_cases.answers["pay"] = pay
    call = asyncio.create_task(house.send("Pay", samples.pay_request()))
    while not house.asked:
        await asyncio.sleep(0.001)
    call.cancel()
    async with asyncio.timeout(5):
        await ended.wait()
    await asyncio.sleep(0)
    assert [(level, fields["code"]) for level, fields in house.log.calls()] == [
        ("info", "CANCELLED")
    ]
    assert [code for _, code, _ in house.observer.ended] == ["CANCELLED"]
