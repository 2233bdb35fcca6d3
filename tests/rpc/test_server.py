"""The server as a whole: its transport, its bounds, and how it stops."""

import asyncio
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from gateway.rpc import server as server_module
from gateway.rpc.methods import SERVICES
from gateway.rpc.server import RpcServer
from gateway.rpc.settings import METADATA_BYTES_MAX, RECEIVE_BYTES_MAX, server_options
from gateway.usecases.commands import PaymentAnswer
from paymentgateway.v1.payment_service_pb2 import PayResponse
from tests.rpc import samples
from tests.rpc.fakes import FixedClock, House, Log, Observer, UseCases, open_house, settings

OURS = {f"paymentgateway.v1.{service}" for service in SERVICES}


def _server(**changes: Any) -> RpcServer:
    return RpcServer(
        UseCases().services(),
        settings(**changes),
        clock=FixedClock(),
        log=Log(),
        observer=Observer(),
    )


class SlowPay:
    """A payment that takes until it is released."""

    def __init__(self) -> None:
        self.begun, self.release = asyncio.Event(), asyncio.Event()

    async def __call__(self, *_arguments: object) -> PaymentAnswer:
        self.begun.set()
        await self.release.wait()
        return PaymentAnswer(samples.payment(), replayed=False)


@pytest.mark.parametrize("size", [RECEIVE_BYTES_MAX + 1, 10_000_000])
async def test_a_message_above_the_bound(house: House, size: int) -> None:
    """The transport refuses what is too large, and nobody reads it."""
    refusal = await house.refusal("Pay", b"\xff" * size)
    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refusal.retry_ms is None
    assert f"({size} vs. {RECEIVE_BYTES_MAX})" in refusal.message
    assert house.observer.begun == []


async def test_a_message_at_the_bound_is_read(house: House) -> None:
    """What is just within the bound is judged by its content."""
    refusal = await house.refusal("Pay", b"\xff" * RECEIVE_BYTES_MAX)
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_metadata_above_the_bound(house: House) -> None:
    """The transport refuses oversize metadata, and never at random."""
    for _ in range(2):
        metadata = (("x-large", "x" * METADATA_BYTES_MAX),)
        refusal = await house.refusal("Pay", samples.pay_request(), metadata=metadata)
        assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        metadata = (("x-large", "x" * (METADATA_BYTES_MAX - 2_000)),)
        await house.send("Pay", samples.pay_request(), metadata=metadata)
    assert len(house.asked) == 2


async def test_an_unknown_method(house: House) -> None:
    """What the contract does not offer is UNIMPLEMENTED."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await house.channel.unary_unary("/paymentgateway.v1.PaymentService/Steal")(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def _reflect(house: House, **question: str) -> reflection_pb2.ServerReflectionResponse:
    stub = reflection_pb2_grpc.ServerReflectionStub(house.channel)
    asked = reflection_pb2.ServerReflectionRequest(**question)
    call = stub.ServerReflectionInfo(iter([asked]))
    return await anext(aiter(call))


async def test_reflection_lists_every_service(house: House) -> None:
    """Tools find our services, health and reflection itself."""
    answer = await _reflect(house, list_services="")
    listed = {service.name for service in answer.list_services_response.service}
    assert listed == OURS | {
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


async def test_reflection_gives_what_tools_need(house: House) -> None:
    """Each service's file can be found, with every file that it needs."""
    wanted = [(await _reflect(house, file_containing_symbol=name)) for name in sorted(OURS)]
    files, seen = [answer.file_descriptor_response for answer in wanted], set()
    while files:
        for data in files.pop().file_descriptor_proto:
            file = FileDescriptorProto.FromString(data)
            for name in set(file.dependency) - seen:
                seen.add(name)
                answer = await _reflect(house, file_by_filename=name)
                assert answer.HasField("file_descriptor_response"), name
                files.append(answer.file_descriptor_response)
    assert "google/protobuf/timestamp.proto" in seen


async def test_a_port_that_is_taken(house: House) -> None:
    """A server that cannot listen says why, and does not share the port unasked."""
    with pytest.raises(OSError, match=r"^it is taken, or no address of this machine$"):
        await _server(listen=f"127.0.0.1:{house.port}").start()


async def test_a_stop_lets_calls_finish() -> None:
    """Who is inside is answered; who comes now is sent elsewhere, and told when to come."""
    pay = SlowPay()
    async with open_house(UseCases(pay=pay)) as house:
        inside = asyncio.create_task(house.send("Pay", samples.pay_request()))
        await pay.begun.wait()
        stopping = asyncio.create_task(house.server.stop(5))
        await asyncio.sleep(0)
        refusal = await house.refusal("Pay", samples.pay_request())
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
        assert refusal.retry_ms == int(refusal.pushback_ms or 0) > 0
        assert len(house.asked) == 1
        assert not stopping.done()
        pay.release.set()
        assert PayResponse.FromString(await inside).payment.payment_id == samples.PAYMENT_TEXT
        assert await stopping
        assert (await house.refusal("Pay", b"")).code is grpc.StatusCode.UNAVAILABLE


async def test_a_stop_is_bounded() -> None:
    """A call that does not end is cut off after the grace, and that is told."""
    async with open_house(UseCases(pay=SlowPay())) as house:
        inside = asyncio.create_task(house.refusal("Pay", samples.pay_request()))
        await house.use_cases.answers["pay"].begun.wait()
        async with asyncio.timeout(2):
            assert not await house.server.stop(0.05)
        assert (await inside).code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
        # Whether it was executed is not known, so nothing says that it was not.
        assert (await inside).reason == ""


async def test_a_stop_of_an_idle_server_takes_no_time(house: House) -> None:
    """Nothing is waited for that is not there."""
    async with asyncio.timeout(1):
        assert await house.server.stop(60)


async def test_a_server_that_never_started_can_be_stopped() -> None:
    """A start that failed half-way can be undone."""
    assert await _server().stop(1)


async def test_connections_end_by_age(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is old enough is closed without harm to its calls."""
    short = [("grpc.max_connection_age_ms", 100), ("grpc.max_connection_age_grace_ms", 5_000)]
    monkeypatch.setattr(
        server_module, "server_options", lambda chosen: [*server_options(chosen), *short]
    )
    pay = SlowPay()
    async with open_house(UseCases(pay=pay)) as house:
        inside = asyncio.create_task(house.send("Pay", samples.pay_request()))
        await asyncio.sleep(0.4)
        pay.release.set()
        assert await inside
        assert await house.send("Pay", samples.pay_request())


def test_options_follow_the_settings() -> None:
    """A port is shared, and a connection ends by age, only where it is asked for."""
    plain = dict(server_options(settings()))
    assert plain["grpc.so_reuseport"] == 0
    assert "grpc.max_connection_age_ms" not in plain
    chosen = dict(server_options(settings(reuse_port=True, connection_age_max_s=60)))
    assert chosen["grpc.so_reuseport"] == 1
    assert chosen["grpc.max_connection_age_ms"] == 60_000
    assert chosen["grpc.max_connection_age_grace_ms"] == 10_000


@pytest.mark.parametrize(
    "changes",
    [
        {"token_key": b"short"},
        {"calls_max": 0},
        {"connection_age_max_s": -1},
        {"answer_margin_ms": -1},
        {"deadline_default_ms": 0},
        {"deadline_default_ms": 20_000},
    ],
)
def test_settings_that_make_no_sense(changes: dict[str, Any]) -> None:
    """A server is not made of them."""
    with pytest.raises(ValueError, match=r"must"):
        settings(**changes)


def test_the_key_of_tokens_is_not_shown() -> None:
    """Settings can be printed without giving a secret away."""
    shown = repr(settings(token_key=b"very-secret-key-very-secret-key"))
    assert "secret-key" not in shown
    assert str(UUID(int=7)) in shown
