"""The operations listener: GET /metrics, /livez and /readyz, and nothing else.

    /metrics  Prometheus' text format
    /livez    200 while the event loop turns; asks nobody, so it never depends on the database
    /readyz   200 when every readiness check passes, else 503 naming what is not ready

It holds no secret and changes nothing, but belongs on a network of operators: it is not
authenticated.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from gateway import __version__
from gateway.ops.readiness import Readiness
from gateway.telemetry.metrics import EXPOSITION_TYPE

KEEPALIVE_S: Final = 30.0
HEADER_BYTES_MAX: Final = 4_096
BACKLOG_CONNECTIONS: Final = 64
STOP_TIMEOUT_S: Final = 2.0
SERVER_PRODUCT: Final = "payment-gateway"
"""Begins the `Server` header, so that a check can tell our listener from another program's."""

Exposition = Callable[[], Awaitable[bytes]]
"""Writes all metrics in Prometheus' text format, those of this process or of several."""


class OpsServer:
    """The listener of a gateway."""

    def __init__(self, exposition: Exposition, readiness: Readiness) -> None:
        """Keep what to tell; nothing listens before `start`."""
        self._exposition = exposition
        self._readiness = readiness
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and give the real port, which differs for port 0. Raises OSError."""
        application = web.Application()
        application.on_response_prepare.append(_sign)
        application.add_routes(
            [
                web.get("/metrics", self._show_metrics),
                web.get("/livez", _show_life),
                web.get("/readyz", self._show_readiness),
            ]
        )
        runner = web.AppRunner(
            application,
            access_log=None,
            keepalive_timeout=KEEPALIVE_S,
            max_line_size=HEADER_BYTES_MAX,
            max_field_size=HEADER_BYTES_MAX,
            shutdown_timeout=STOP_TIMEOUT_S,
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port, backlog=BACKLOG_CONNECTIONS)
            await site.start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        found: int = runner.addresses[0][1]
        return found

    async def stop(self) -> None:
        """Close the listener; answers under way have STOP_TIMEOUT_S to end."""
        await self._readiness.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _show_metrics(self, _request: web.Request) -> web.Response:
        headers = {"Content-Type": EXPOSITION_TYPE}
        return web.Response(body=await self._exposition(), headers=headers)

    async def _show_readiness(self, _request: web.Request) -> web.Response:
        problems = await self._readiness.problems()
        answer = {"ready": not problems, "problems": dict(problems)}
        return web.json_response(answer, status=503 if problems else 200)


async def _show_life(_request: web.Request) -> web.Response:
    return web.json_response({"alive": True})


async def _sign(_request: web.BaseRequest, response: web.StreamResponse) -> None:
    response.headers["Server"] = f"{SERVER_PRODUCT}/{__version__}"
