"""The probe: asks a gateway by gRPC's own health protocol whether it serves."""

from typing import Any, Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_PROBLEMS: Final[dict[grpc.StatusCode, str]] = {
    grpc.StatusCode.DEADLINE_EXCEEDED: "does not answer in time",
    grpc.StatusCode.NOT_FOUND: "has no such service",
    grpc.StatusCode.UNAVAILABLE: "cannot be reached",
}


async def probe(target: str, timeout_s: float, service: str = "") -> str:
    """Ask a server for the health of a service of its, or of the whole.

    Gives nothing ("") if it serves, else what is wrong, to be read after the server's name. Waits
    at most `timeout_s` seconds.
    """
    request = health_pb2.HealthCheckRequest(service=service)
    async with grpc.aio.insecure_channel(target) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)  # its types know only blocking calls
        try:
            answer = await stub.Check(request, timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            return _PROBLEMS.get(error.code(), f"answers {error.code().name}")
    serves = answer.status == health_pb2.HealthCheckResponse.SERVING
    return "" if serves else "does not serve"
