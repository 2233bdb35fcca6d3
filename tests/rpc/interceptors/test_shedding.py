"""Calls that are one too many are turned away before anything was asked."""

import asyncio
from contextlib import suppress

import grpc
import pytest

from gateway.domain.errors import Overloaded, Reason, Unavailable
from gateway.rpc.gate import Gate
from gateway.usecases.commands import PaymentAnswer
from tests.rpc import samples
from tests.rpc.fakes import House, UseCases, open_house


async def _until(house: House, asked: int) -> None:
    async with asyncio.timeout(5):
        while len(house.asked) < asked:
            await asyncio.sleep(0.001)


async def test_calls_above_the_bound_are_turned_away() -> None:
    """The bound is exact, the refusal has a hint, and a place that was left is free again."""
    release = asyncio.Event()

    async def pay(*_arguments: object) -> PaymentAnswer:
        await release.wait()
        return PaymentAnswer(samples.payment(), replayed=False)

    async with open_house(UseCases(pay=pay), calls_max=3) as house:
        inside = [asyncio.create_task(house.send("Pay", samples.pay_request())) for _ in range(3)]
        await _until(house, 3)
        refusal = await house.refusal("Pay", samples.pay_request())
        assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert refusal.reason == "OVERLOADED"
        assert refusal.retry_ms == int(refusal.pushback_ms or 0) > 0
        assert len(house.asked) == 3
        release.set()
        await asyncio.gather(*inside)
        await house.send("Pay", samples.pay_request())


async def test_a_call_that_was_given_up_leaves_its_place() -> None:
    """Neither a cancellation nor a refusal nor bad input keeps a place for ever."""

    async def pay(*_arguments: object) -> PaymentAnswer:
        await asyncio.sleep(60)
        raise AssertionError

    async with open_house(UseCases(pay=pay), calls_max=1) as house:
        call = asyncio.create_task(house.send("Pay", samples.pay_request()))
        await _until(house, 1)
        call.cancel()
        gate = house.server._desk.gate
        async with asyncio.timeout(5):
            while gate.calls:
                await asyncio.sleep(0.001)
        house.use_cases.answers["pay"] = RuntimeError()
        await house.refusal("Pay", samples.pay_request())
        await house.refusal("Pay", b"\xff")
        assert gate.calls == 0


def test_a_gate_counts() -> None:
    """As many may be inside as the bound says, and not one more."""
    gate = Gate(2)
    gate.enter()
    gate.enter()
    with pytest.raises(Overloaded) as caught:
        gate.enter()
    assert caught.value.reason is Reason.OVERLOADED
    gate.leave()
    gate.enter()
    assert gate.calls == 2


async def test_a_closed_gate_lets_nobody_in() -> None:
    """Calls and streams alike are sent elsewhere once the server drains."""
    gate = Gate(2)
    assert await gate.drain(0)
    assert gate.draining
    with pytest.raises(Unavailable):
        gate.enter()
    with pytest.raises(Unavailable):
        async with gate.stream():
            pass


async def test_draining_waits_for_calls_but_not_longer_than_its_grace() -> None:
    """A call inside is waited for, within the bound."""
    gate = Gate(2)
    gate.enter()
    assert not await gate.drain(0.01)
    waiting = asyncio.create_task(gate.drain(5))
    await asyncio.sleep(0)
    gate.leave()
    assert await waiting


async def test_draining_ends_streams() -> None:
    """A stream never ends by itself, so it is ended, once, as UNAVAILABLE."""
    gate, reasons = Gate(1), []

    async def watch() -> None:
        try:
            async with gate.stream():
                await asyncio.sleep(60)
        except Unavailable as error:
            reasons.append(error.reason)

    watchers = [asyncio.create_task(watch()) for _ in range(3)]
    await asyncio.sleep(0)
    assert await gate.drain(1)
    await asyncio.gather(*watchers)
    assert reasons == [Reason.SHUTTING_DOWN] * 3


async def test_a_stream_keeps_other_errors_apart() -> None:
    """A stream's own timeouts and cancellations are not taken for draining."""
    gate = Gate(1)
    with pytest.raises(TimeoutError):
        async with gate.stream():
            raise TimeoutError
    task = asyncio.create_task(_hold(gate))
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert await gate.drain(0)


async def _hold(gate: Gate) -> None:
    async with gate.stream():
        await asyncio.sleep(60)
