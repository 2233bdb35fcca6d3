"""The standard health service.

All our services serve or none does: they share one database and one process. The servicer that
ships with grpcio-health-checking is not used, because once one of its watchers leaves, the others
are told nothing any more.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

import grpc
from grpc.aio import ServicerContext
from grpc_health.v1 import health_pb2, health_pb2_grpc

NAME: Final[str] = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name

_Context = ServicerContext[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]
_States = health_pb2.HealthCheckResponse


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """Tells whether the services named, and the whole ("") serve. At first they do not."""

    def __init__(self, services: Iterable[str]) -> None:
        self._services = frozenset(("", *services))
        self._serving = False
        self._open = True
        self._changed = asyncio.Event()

    def set_serving(self, *, serving: bool) -> None:
        """Change it, and tell everybody who watches."""
        self._serving = serving
        self._tell()

    def close(self) -> None:
        """Let all who watch go, so that they keep no server from stopping."""
        self._open = False
        self._tell()

    async def Check(
        self, request: health_pb2.HealthCheckRequest, context: _Context
    ) -> health_pb2.HealthCheckResponse:
        """Answer once. NOT_FOUND for a service that is not ours."""
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "There is no such service here.")
        return _States(status=self._state(request.service))

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: _Context) -> None:
        """Answer now and after every change, until the watcher leaves or the server stops."""
        last = None
        while True:
            changed, state = self._changed, self._state(request.service)
            if state != last:
                await context.write(_States(status=state))
            last = state
            if not self._open:
                return
            await changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _state(self, service: str) -> int:
        if service not in self._services:
            return int(_States.SERVICE_UNKNOWN)
        return int(_States.SERVING if self._serving else _States.NOT_SERVING)
