"""What every stand-in does as a running service: listen, bound what is in flight, stop in order.

When it is told to stop it takes no new connections, finishes what runs, and leaves the rest
(timers, notifications) in the book for the next start.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial

import structlog
from aiohttp import web

from gateway.emulators.core import visits
from gateway.emulators.core.book import Book
from gateway.emulators.core.clock import Clock

REQUESTS_IN_FLIGHT_MAX = 4_096
ACCEPT_BACKLOG_CONNECTIONS = 1_024
STOP_TIMEOUT_S = 5.0  # for requests that run when the stop comes
NONCE_SWEEP_INTERVAL_S = 30.0

_log = structlog.get_logger(__name__)


class TooManyRequests(Exception):
    """REQUESTS_IN_FLIGHT_MAX requests run already; this one did nothing."""


class Gate:
    """Bounds the requests in flight, logs each, and answers what a handler raised.

    `explain` makes the reply to an exception: there is nobody proven to sign it for.
    """

    def __init__(self, explain: Callable[[Exception], web.Response]) -> None:
        self._explain = explain
        self._in_flight = 0

    @web.middleware
    async def admit(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Handle one request, if there is room."""
        if self._in_flight >= REQUESTS_IN_FLIGHT_MAX:
            return self._explain(TooManyRequests("Too many requests."))
        self._in_flight += 1
        start = time.perf_counter()
        try:
            response = await handler(request)
        except web.HTTPException:
            raise
        except Exception as error:  # noqa: BLE001 every error has an answer
            response = self._explain(error)
        finally:
            self._in_flight -= 1
        duration_ms = round((time.perf_counter() - start) * 1000, 1)
        _log.debug(
            "request",
            method=request.method,
            path=request.path,
            status=response.status,
            duration_ms=duration_ms,
        )
        return response


def make_runner(gate: Gate, routes: list[web.RouteDef]) -> web.AppRunner:
    """An HTTP server that hands over bodies as they were received."""
    app = web.Application(middlewares=[gate.admit])
    app.add_routes(routes)
    return web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,  # signatures are over the bytes as received
        shutdown_timeout=STOP_TIMEOUT_S,
    )


async def listen(runner: web.AppRunner, host: str, port: int) -> int:
    """Accept connections; the real port. Raises OSError when the port is taken."""
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=ACCEPT_BACKLOG_CONNECTIONS)
    await site.start()
    real_port: int = runner.addresses[0][1]
    return real_port


async def run_until(stop: asyncio.Event, *loops: Coroutine[None, None, None]) -> None:
    """Run the loops until `stop`; a loop that fails ends the service with its error."""
    tasks = [asyncio.create_task(loop) for loop in (stop.wait(), *loops)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def sweep_nonces(book: Book, clock: Clock) -> None:
    """Forget nonces that no request may carry any more, until cancelled."""
    while True:
        await book.run(partial(visits.forget_nonces, now_s=clock.wire_s()))
        await asyncio.sleep(NONCE_SWEEP_INTERVAL_S)
