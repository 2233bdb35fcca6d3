"""Health: what balancers and the probe are told."""

import asyncio
import socket
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.rpc import server as server_module
from gateway.rpc.methods import SERVICES
from gateway.rpc.probe import probe
from tests.rpc.fakes import House

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
ALL = ["", *(f"paymentgateway.v1.{service}" for service in SERVICES)]


async def _state(house: House, service: str = "") -> int:
    stub: Any = health_pb2_grpc.HealthStub(house.channel)
    return (await stub.Check(health_pb2.HealthCheckRequest(service=service))).status


def _watch(house: House, service: str = "") -> Any:
    stub: Any = health_pb2_grpc.HealthStub(house.channel)
    return stub.Watch(health_pb2.HealthCheckRequest(service=service))


async def _next(stream: Any) -> int:
    async with asyncio.timeout(5):
        return (await stream.read()).status


@pytest.mark.parametrize("service", ALL)
async def test_every_service_follows_the_whole(house: House, service: str) -> None:
    """The whole and each service say the same, as often as it changes."""
    for serving, state in ((True, SERVING), (False, NOT_SERVING), (True, SERVING)):
        house.server.set_serving(serving=serving)
        assert await _state(house, service) == state


async def test_a_service_that_is_not_ours(house: House) -> None:
    """Nobody is told that a service serves that does not exist."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _state(house, "other")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert await _next(_watch(house, "other")) == UNKNOWN


async def test_a_watcher_is_told_every_change(house: House) -> None:
    """A balancer that watches learns at once that calls are not wanted."""
    stream = _watch(house)
    assert await _next(stream) == SERVING
    house.server.set_serving(serving=False)
    assert await _next(stream) == NOT_SERVING


async def test_a_watcher_that_leaves_takes_nobody_along(house: House) -> None:
    """The others are still told."""
    one, other = _watch(house), _watch(house)
    assert [await _next(one), await _next(other)] == [SERVING, SERVING]
    one.cancel()
    await asyncio.sleep(0.02)
    house.server.set_serving(serving=False)
    assert await _next(other) == NOT_SERVING


async def test_a_server_that_stops_does_not_serve_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Health changes first and stays so; those who watch are let go and delay nothing."""
    monkeypatch.setattr(server_module, "REPLY_S_MAX", 60.0)
    stream = _watch(house)
    await _next(stream)
    stopping = asyncio.create_task(house.server.stop(5))
    assert await _next(stream) == NOT_SERVING
    house.server.set_serving(serving=True)
    assert house.server._health._serving is False
    async with asyncio.timeout(5):
        assert await stream.read() is grpc.aio.EOF
        assert await stopping


async def test_the_probe(house: House) -> None:
    """The probe says nothing where all is well, and else what is wrong."""
    target = f"127.0.0.1:{house.port}"
    assert await probe(target, 5.0) == ""
    assert await probe(target, 5.0, ALL[1]) == ""
    assert await probe(target, 5.0, "other") == "has no such service"
    house.server.set_serving(serving=False)
    assert await probe(target, 5.0) == "does not serve"
    await house.server.stop(0)
    assert await probe(target, 5.0) == "cannot be reached"


async def test_the_probe_waits_only_so_long() -> None:
    """A server that takes connections and says nothing is not waited for."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert await probe(f"127.0.0.1:{port}", 0.2) == "does not answer in time"
