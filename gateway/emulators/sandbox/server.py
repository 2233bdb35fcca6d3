"""The sandbox as a running service: one listener, one book, and what becomes due.

A signed request goes one way: body, signature, command, book, notifications that must come first,
delay, reply. The event loop never waits for a disk; the book's writer does.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from http import HTTPStatus
from pathlib import Path

import structlog
from aiohttp import web
from yarl import URL

from gateway.emulators.core import switches
from gateway.emulators.core.book import Book, BookBusy
from gateway.emulators.core.clock import Clock
from gateway.emulators.core.fields import InvalidField
from gateway.emulators.core.notifier import Notifier
from gateway.emulators.core.outbox import Notification, OutboxFull
from gateway.emulators.core.service import (
    Gate,
    TooManyRequests,
    listen,
    make_runner,
    run_until,
    sweep_nonces,
)
from gateway.emulators.core.timers import Timers
from gateway.emulators.core.wire import (
    BODY_BYTES_MAX,
    BodyIncomplete,
    BodyTooLarge,
    json_bytes,
    read_body,
    reply,
)
from gateway.emulators.sandbox import rows, settlement
from gateway.emulators.sandbox.control import Control
from gateway.emulators.sandbox.errors import Refusal, error_view
from gateway.emulators.sandbox.operations import Answer, NonceReplayed, perform
from gateway.emulators.sandbox.parsing import parse_command
from gateway.emulators.sandbox.replies import send
from gateway.emulators.sandbox.requests import Command
from gateway.emulators.sandbox.signing import STALE_S, Caller, Keyring, Unauthenticated

BEFORE_REPLY_TIMEOUT_S = 2.0
ACKNOWLEDGEMENT = b'{"acknowledged":true}'
BOOK_FILE = "sandbox.sqlite3"

_log = structlog.get_logger(__name__)


async def serve_sandbox(
    *,
    host: str,
    port: int,
    data_dir: Path,
    keys: Sequence[bytes],
    account: str = "gateway",
    ready: Callable[[str, int], None] | None = None,
    stop: asyncio.Event,
) -> None:
    """Serve the sandbox channel until `stop` is set.

    `port` 0 takes a free one; `ready` is told the host and the real port once requests are
    accepted. `keys` are all accepted (at least 16 bytes each), the first signs notifications.
    Raises ValueError for unusable keys or account, BookLocked when `data_dir` is in use, BookError
    when its book cannot be opened, OSError when the port is taken.
    """
    keyring = Keyring(keys, account)
    async with AsyncExitStack() as stack:
        book = await Book.open(data_dir / BOOK_FILE, rows.SCHEMA)
        stack.push_async_callback(book.close)
        clock = Clock(shift_ms=await book.run(switches.read_shift))
        notifier = Notifier(
            book, clock, dress=partial(_dress, keyring, clock), acknowledges=_acknowledges
        )
        stack.push_async_callback(notifier.close)
        timers = Timers(book, clock, settlement.fire)
        runner = _runner(Sandbox(book, clock, keyring, notifier), Control(book, clock))
        stack.push_async_callback(runner.cleanup)
        real_port = await listen(runner, host, port)
        _log.info("sandbox started", host=host, port=real_port, account=account)
        if ready is not None:
            ready(host, real_port)
        await run_until(stop, timers.run(), notifier.run(), sweep_nonces(book, clock))
    _log.info("sandbox stopped")


class Sandbox:
    """The handler of every signed request."""

    def __init__(self, book: Book, clock: Clock, keyring: Keyring, notifier: Notifier) -> None:
        self._book = book
        self._clock = clock
        self._keyring = keyring
        self._notifier = notifier

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """From raw bytes to the signed reply. What it raises is answered unsigned."""
        body = await read_body(request)
        caller = self._keyring.authenticate(
            request.method,
            request.raw_path,
            lambda name: request.headers.getall(name, []),
            body,
            now_s=self._clock.wire_s(),
        )
        answer = await self._answer(caller, _read_command(request, body))
        for notification_id in answer.notify_first:
            await self._notifier.deliver_now(notification_id, BEFORE_REPLY_TIMEOUT_S)
        if answer.delay_ms:
            await asyncio.sleep(answer.delay_ms / 1000)
        return send(request, caller, answer, now_s=self._clock.wire_s())

    async def _answer(self, caller: Caller, asked: Command | Refusal) -> Answer:
        unit = partial(perform, caller=caller, asked=asked, now=self._clock.now_ms())
        try:
            return await self._book.run(unit)
        except (NonceReplayed, BookBusy, OutboxFull):
            raise
        except Exception:  # noqa: BLE001 a fault of our own is answered signed, with no detail
            _log.exception("request failed")
            return Answer(500, error_view("INTERNAL", "Something went wrong."))


def _read_command(request: web.Request, body: bytes) -> Command | Refusal:
    content_type = request.headers.get("Content-Type")
    try:
        return parse_command(request.method, request.raw_path, content_type, body)
    except Refusal as refusal:
        return refusal


def _runner(sandbox: Sandbox, control: Control) -> web.AppRunner:
    signed = web.route("*", "/v1/{tail:.*}", sandbox.handle)
    return make_runner(Gate(_unsigned), [signed, *control.routes()])


def _unsigned(error: Exception) -> web.Response:
    """The reply to what a handler raised: there is nobody proven to sign it for."""
    refusal = _as_refusal(error)
    return reply(refusal.status, json_bytes(refusal.view()))


def _as_refusal(error: Exception) -> Refusal:
    match error:
        case Refusal():
            refusal = error
        case InvalidField():
            refusal = Refusal("INVALID_REQUEST", f"{error.field} {error.message}.", error.field)
        case BodyIncomplete():
            refusal = Refusal("INVALID_REQUEST", "The body did not arrive whole in time.", "body")
        case BodyTooLarge():
            refusal = Refusal("PAYLOAD_TOO_LARGE", f"The body exceeds {BODY_BYTES_MAX} bytes.")
        case Unauthenticated() | NonceReplayed():
            refusal = Refusal("UNAUTHENTICATED", str(error))
        case BookBusy() | OutboxFull() | TooManyRequests():
            refusal = Refusal("TOO_MANY_REQUESTS", str(error))
        case _:
            _log.error("request failed", exc_info=error)
            refusal = Refusal("INTERNAL", "Something went wrong.")
    return refusal


def _dress(
    keyring: Keyring, clock: Clock, notification: Notification, url: URL
) -> Mapping[str, str]:
    age_s = STALE_S if notification.seal == "STALE" else 0
    return keyring.sign_notification(
        url.raw_path_qs,
        notification.body.encode(),
        now_s=clock.wire_s() - age_s,
        forged=notification.seal == "FORGED",
    )


def _acknowledges(status: int, body: bytes) -> bool:
    return status == HTTPStatus.OK and body == ACKNOWLEDGEMENT
