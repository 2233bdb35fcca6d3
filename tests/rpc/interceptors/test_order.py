"""The order of the interceptors, and what follows from it."""

import asyncio

import grpc

from gateway.domain.errors import payment_not_found
from gateway.rpc.call import Call, Desk, Handler, Method
from gateway.rpc.interceptors import INTERCEPTORS
from gateway.rpc.interceptors.deadline import keep_deadline
from gateway.rpc.interceptors.errors import answer_errors
from gateway.rpc.interceptors.identity import identify_caller
from gateway.rpc.interceptors.logging import log_call
from gateway.rpc.interceptors.metrics import measure_call
from gateway.rpc.interceptors.shedding import shed_calls
from gateway.rpc.methods import METHODS
from gateway.rpc.pipeline import fold
from tests.rpc import samples
from tests.rpc.fakes import House, UseCases, desk, open_house


def test_the_order() -> None:
    """Errors, metrics, shedding, logging, deadline, identity: outermost first."""
    assert (
        answer_errors,
        measure_call,
        shed_calls,
        log_call,
        keep_deadline,
        identify_caller,
    ) == INTERCEPTORS


async def test_the_first_is_outermost(monkeypatch) -> None:
    """Folding keeps the order of the tuple."""
    passed = []

    def named(name: str):
        def wrap(inner: Handler, _method: Method, _desk: Desk) -> Handler:
            async def handle(call: Call) -> bytes:
                passed.append(name)
                return await inner(call)

            return handle

        return wrap

    async def serve(_call: Call) -> bytes:
        passed.append("served")
        return b"answer"

    monkeypatch.setattr("gateway.rpc.pipeline.INTERCEPTORS", (named("first"), named("second")))
    handler = fold(METHODS[0], desk(UseCases()), serve)
    assert await handler(Call(b"", None, 0.0)) == b"answer"
    assert passed == ["first", "second", "served"]


async def test_each_call_is_counted_once_and_logged_once(house: House) -> None:
    """An answer and a refusal each leave one measurement and one line, which agree."""
    await house.send("Pay", samples.pay_request())
    house.use_cases.answers["pay"] = payment_not_found()
    await house.refusal("Pay", samples.pay_request())
    name = "paymentgateway.v1.PaymentService/Pay"
    assert house.observer.begun == [name, name]
    assert house.observer.ended == [(name, "OK", ""), (name, "NOT_FOUND", "PAYMENT_NOT_FOUND")]
    lines = [
        (fields["method"], fields["code"], fields["reason"]) for _, fields in house.log.calls()
    ]
    assert lines == house.observer.ended
    assert all(0 <= seconds < 5 for seconds in house.observer.seconds)


async def test_a_call_that_is_turned_away_is_counted_but_not_logged() -> None:
    """Under overload a line per refusal would be work of its own."""
    release = asyncio.Event()

    async def pay(*_arguments: object) -> object:
        await release.wait()
        raise payment_not_found()

    async with open_house(UseCases(pay=pay), calls_max=1) as house:
        first = asyncio.create_task(house.refusal("Pay", samples.pay_request()))
        while not house.asked:
            await asyncio.sleep(0.001)
        second = await house.refusal("Pay", samples.pay_request())
        release.set()
        await first
    assert second.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert [code for _, code, _ in house.observer.ended] == ["RESOURCE_EXHAUSTED", "NOT_FOUND"]
    assert [fields["code"] for _, fields in house.log.calls()] == ["NOT_FOUND"]
