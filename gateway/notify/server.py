"""The listener that channels notify: POST /notify/<channel>, with the bytes as they came.

A notification is acknowledged only after what it says was committed, because after that the channel
never says it again. So every doubt is answered with a refusal, which makes the channel repeat it: a
database that is away, too much at once, too little time. What is not verified reaches nobody: it
is laid aside.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from aiohttp import web

from gateway.domain.channel import Acknowledgement, Notice, NotificationRefused
from gateway.domain.ports import Channel
from gateway.notify.quarantine import Quarantine
from gateway.telemetry.logging import get_logger

_log = get_logger(__name__)

Notified = Callable[[str, Notice], Awaitable[bool]]
"""Commit what a channel's verified notice says. True: it is kept, and need not be repeated."""


class Verdict(StrEnum):
    """What became of a notification."""

    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    REFUSED = "refused"
    FAILED = "failed"
    SHED = "shed"


class NotificationObserver(Protocol):
    """Is told of every notification, for metrics."""

    def notified(self, channel: str, result: str) -> None:
        """One notification of a known channel was answered; `result` is a Verdict."""


@dataclass(frozen=True, slots=True)
class NotifyBounds:
    """Bounds of the listener.

    Attributes:
        body_bytes_max: a longer notification is answered 413, unread.
        handlers_max: notifications handled at once; more are answered 503.
        handling_timeout_s: time to read, verify and commit one, in seconds; below the 5 s for which
            channels wait.
        keepalive_s: how long an idle connection is kept, in seconds.
        drain_timeout_s: time that those in flight have at the stop, in seconds.
    """

    body_bytes_max: int = 64 * 1024
    handlers_max: int = 64
    handling_timeout_s: float = 4.0
    keepalive_s: float = 30.0
    drain_timeout_s: float = 10.0


class NotifyServer:
    """Hands verified notifications of the named channels to `notified`."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        notified: Notified,
        observer: NotificationObserver,
        quarantine: Quarantine,
        *,
        bounds: NotifyBounds,
    ) -> None:
        self._channels = channels
        self._notified = notified
        self._observer = observer
        self._quarantine = quarantine
        self._bounds = bounds
        self._handling = 0
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int, *, reuse_port: bool = False) -> tuple[str, int]:
        """Listen; give the host and port in use, which matters for port 0.

        Several processes may share the port if all of them say `reuse_port`.

        Raises:
            OSError: the address cannot be listened on.
        """
        app = web.Application(client_max_size=self._bounds.body_bytes_max)
        app.router.add_post("/notify/{channel}", self._handle)
        runner = web.AppRunner(
            app,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=self._bounds.keepalive_s,
            shutdown_timeout=self._bounds.drain_timeout_s,
        )
        await runner.setup()
        self._runner = runner
        await web.TCPSite(runner, host, port, reuse_port=reuse_port).start()
        address = runner.addresses[0]
        return address[0], address[1]

    async def stop(self) -> None:
        """Stop listening, let those in flight finish within the drain time, then cut them."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        name = request.match_info["channel"]
        channel = self._channels.get(name)
        if channel is None:
            return web.Response(status=404)
        if self._handling >= self._bounds.handlers_max:
            return self._retry_later(name, Verdict.SHED, "too many at once")
        self._handling += 1
        try:
            async with asyncio.timeout(self._bounds.handling_timeout_s):
                return await self._judge(name, channel, request)
        except TimeoutError:
            return self._retry_later(name, Verdict.FAILED, "no time left")
        finally:
            self._handling -= 1

    async def _judge(self, name: str, channel: Channel, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            notice = channel.read_notification(request.raw_path, _headers(request), body)
        except NotificationRefused as error:
            await self._quarantine.keep(name, str(error), body)
            return self._answer(name, Verdict.REFUSED, channel.acknowledge(accepted=False))
        try:
            accepted = await self._notified(name, notice)
        except Exception as error:  # noqa: BLE001 - whatever failed, the channel must say it again
            return self._retry_later(name, Verdict.FAILED, type(error).__name__)
        verdict = Verdict.ACCEPTED if accepted else Verdict.NOT_ACCEPTED
        return self._answer(name, verdict, channel.acknowledge(accepted=accepted))

    def _answer(self, name: str, verdict: Verdict, answer: Acknowledgement) -> web.Response:
        self._observer.notified(name, verdict)
        return web.Response(
            status=answer.status, body=answer.body, content_type=answer.content_type
        )

    def _retry_later(self, name: str, verdict: Verdict, reason: str) -> web.Response:
        _log.warning("notification not kept", channel=name, reason=reason)
        self._observer.notified(name, verdict)
        return web.Response(status=503)


def _headers(request: web.Request) -> Mapping[str, str]:
    """Give the headers in lower case; one that came twice is joined, so no copy is preferred."""
    headers = request.headers
    return {name.lower(): ", ".join(headers.getall(name)) for name in headers}
