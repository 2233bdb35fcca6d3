"""The stand-in for Alipay as a running service: one listener, one book, and what becomes due.

A request goes one way: form, signature, method, book, notifications that must come first, delay,
answer. The event loop never waits for a disk; the book's writer does.
"""

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web

from gateway.emulators.alipay import billing, notices, play, rows, settlement
from gateway.emulators.alipay.answers import Answer, failed
from gateway.emulators.alipay.authentication import authenticate
from gateway.emulators.alipay.buyers import Buyers
from gateway.emulators.alipay.channel import REFUND_WINDOW_MS, Channel
from gateway.emulators.alipay.control import Control
from gateway.emulators.alipay.downloads import Downloads
from gateway.emulators.alipay.errors import INVALID_PARAMETER, Unproven
from gateway.emulators.alipay.explaining import explain
from gateway.emulators.alipay.form import Unreadable, read_form
from gateway.emulators.alipay.keyfiles import KeyFiles
from gateway.emulators.alipay.methods import OPERATIONS
from gateway.emulators.alipay.operations import perform
from gateway.emulators.alipay.reading import Received, read
from gateway.emulators.alipay.replies import send
from gateway.emulators.alipay.settings import describe
from gateway.emulators.alipay.signers import Signers
from gateway.emulators.core import switches
from gateway.emulators.core.book import Book, BookBusy
from gateway.emulators.core.clock import Clock
from gateway.emulators.core.control import CoreControl
from gateway.emulators.core.notifier import Notifier
from gateway.emulators.core.outbox import OutboxFull
from gateway.emulators.core.service import Gate, listen, make_runner, run_until
from gateway.emulators.core.stand_in import Ready
from gateway.emulators.core.timers import Timers
from gateway.emulators.core.wire import read_body

BEFORE_REPLY_TIMEOUT_S: Final = 2.0
BOOK_FILE: Final = "book.sqlite3"
KEYS_FOLDER: Final = "keys"
APP_ID_DEFAULT: Final = "2021000000000001"
GATEWAY: Final = "/gateway.do"
ACKNOWLEDGEMENT: Final = b"success"

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
_log = structlog.get_logger(__name__)


async def serve_alipay(
    *,
    host: str,
    port: int,
    data_dir: Path,
    ready: Ready | None = None,
    stop: asyncio.Event,
    app_ids: Iterable[str] = (APP_ID_DEFAULT,),
    refund_window_ms: int = REFUND_WINDOW_MS,
) -> None:
    """Serve until `stop` is set.

    `port` 0 takes a free one; `ready` is told the host, the real port, and what a gateway needs to
    connect, once requests are accepted. Keys for `app_ids` are made in `data_dir` at the first
    start. Raises BookLocked when `data_dir` is in use, BookError when its book cannot be opened,
    OSError when the port is taken or the folder cannot be written.
    """
    async with AsyncExitStack() as stack:
        book = await Book.open(data_dir / BOOK_FILE, rows.SCHEMA)
        stack.push_async_callback(book.close)
        files = KeyFiles(data_dir / KEYS_FOLDER)
        keys = await asyncio.to_thread(files.open, tuple(app_ids))
        clock = Clock(shift_ms=await book.run(switches.read_shift))
        channel = Channel(keys, clock, refund_window_ms)
        notifier = Notifier(
            book,
            clock,
            compose=partial(notices.compose, channel),
            dress=lambda _notification, _url: _FORM,
            acknowledges=_acknowledges,
            record=notices.record_delivery,
        )
        stack.push_async_callback(notifier.close)
        timers = Timers(book, clock, partial(settlement.fire, channel=channel))
        runner = make_runner(Gate(explain), _routes(channel, book, notifier, files))
        stack.push_async_callback(runner.cleanup)
        real_port = await listen(runner, host, port)
        _log.info("channel started", channel="alipay", host=host, port=real_port)
        if ready is not None:
            ready(host, real_port, describe(files, keys, min(keys.apps)))
        await run_until(stop, timers.run(), notifier.run())
    _log.info("channel stopped", channel="alipay")


class Desk:
    """The handler of every signed request."""

    def __init__(self, channel: Channel, book: Book, notifier: Notifier) -> None:
        self._channel = channel
        self._book = book
        self._notifier = notifier

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """From raw bytes to the signed answer. What it raises is answered unsigned."""
        received = self._receive(request, await read_body(request))
        answer = await self._answer(received)
        for notification_id in answer.notify_first:
            await self._notifier.deliver_now(notification_id, BEFORE_REPLY_TIMEOUT_S)
        if answer.fault.delay_ms:
            await asyncio.sleep(answer.fault.delay_ms / 1000)
        certified = received.caller.certified
        return await send(request, self._channel, answer, received.node, certified=certified)

    def _receive(self, request: web.Request, body: bytes) -> Received:
        """What is asked, and by whom. Raises Unproven."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            form = read_form(request.raw_path, body, headers.get("content-type", ""))
        except Unreadable as error:
            raise Unproven(INVALID_PARAMETER, str(error)) from error
        caller = authenticate(self._channel.keys, form)
        return read(caller, form, headers, request.host, self._channel.clock.wire_s())

    async def _answer(self, received: Received) -> Answer:
        now = self._channel.clock.now_ms()
        unit = partial(perform, channel=self._channel, received=received, now=now)
        try:
            return await self._book.run(unit)
        except (BookBusy, OutboxFull):
            raise
        except Exception:  # noqa: BLE001 a fault of our own is answered signed, with no detail
            _log.exception("request failed")
            return failed()


def _routes(
    channel: Channel, book: Book, notifier: Notifier, files: KeyFiles
) -> list[web.RouteDef]:
    """Control first; then the one address where everything is asked, and where bills are."""
    desk = Desk(channel, book, notifier)
    read_rule = partial(play.read_rule, operations=OPERATIONS)
    return [
        *CoreControl(book, channel.clock, read_rule).routes(),
        *Control(book, channel, files).routes(),
        *Buyers(book, channel).routes(),
        *Signers(book, channel).routes(),
        web.get(GATEWAY, desk.handle, allow_head=False),
        web.post(GATEWAY, desk.handle),
        web.get(billing.DOWNLOAD_PATH, Downloads(book, channel.clock).handle, allow_head=False),
    ]


def _acknowledges(status: int, body: bytes) -> bool:
    return status == HTTPStatus.OK and body == ACKNOWLEDGEMENT
