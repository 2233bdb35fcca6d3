"""UnionPay's stand-in as a running service: one listener, one book, and what becomes due.

A request goes one way: body, form, signature, route, command, book, notifications that must come
first, delay, answer. The event loop never waits for a disk; the book's writer does.
"""

import asyncio
import re
from collections.abc import Iterable
from contextlib import AsyncExitStack
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web

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
from gateway.emulators.unionpay import notices, play, requests, rows, settlement
from gateway.emulators.unionpay.answers import Answer
from gateway.emulators.unionpay.authentication import authenticate
from gateway.emulators.unionpay.buyers import Buyers
from gateway.emulators.unionpay.channel import Channel
from gateway.emulators.unionpay.codes import Refusal, Unauthenticated
from gateway.emulators.unionpay.control import Control
from gateway.emulators.unionpay.explaining import NotServed, explain
from gateway.emulators.unionpay.form import Fields, FormError, read_form
from gateway.emulators.unionpay.keyfiles import KeyFiles
from gateway.emulators.unionpay.operations import UNSERVED, Asked, perform
from gateway.emulators.unionpay.replies import send
from gateway.emulators.unionpay.settings import describe

BEFORE_REPLY_TIMEOUT_S: Final = 2.0
BOOK_FILE: Final = "book.sqlite3"
KEYS_FOLDER: Final = "keys"
MER_ID_DEFAULT: Final = "700000000000001"

_FORM: Final = re.compile(
    r'application/x-www-form-urlencoded(; ?charset="?utf-8"?)?', re.IGNORECASE
)
_log = structlog.get_logger(__name__)


async def serve_unionpay(
    *,
    host: str,
    port: int,
    data_dir: Path,
    ready: Ready | None = None,
    stop: asyncio.Event,
    mer_ids: Iterable[str] = (MER_ID_DEFAULT,),
) -> None:
    """Serve until `stop` is set.

    `port` 0 takes a free one; `ready` is told the host, the real port, and what a gateway needs to
    connect, once requests are accepted. Keys for `mer_ids` (15 characters each) are made in
    `data_dir` at the first start. Raises BookLocked when `data_dir` is in use, BookError when its
    book cannot be opened, OSError when the port is taken or the folder cannot be written.
    """
    async with AsyncExitStack() as stack:
        book = await Book.open(data_dir / BOOK_FILE, rows.SCHEMA)
        stack.push_async_callback(book.close)
        files = KeyFiles(data_dir / KEYS_FOLDER)
        keys = await asyncio.to_thread(files.open, tuple(mer_ids))
        clock = Clock(shift_ms=await book.run(switches.read_shift))
        channel = Channel(keys, clock)
        notifier = Notifier(
            book,
            clock,
            dress=notices.dress,
            compose=partial(notices.compose, channel),
            acknowledges=_acknowledges,
            record=notices.record_delivery,
        )
        stack.push_async_callback(notifier.close)
        timers = Timers(book, clock, settlement.fire)
        runner = make_runner(Gate(explain), _routes(channel, book, notifier, files))
        stack.push_async_callback(runner.cleanup)
        real_port = await listen(runner, host, port)
        _log.info("channel started", channel="unionpay", host=host, port=real_port)
        if ready is not None:
            file_url = {"file_url": f"http://{host}:{real_port}{requests.FILE}"}
            ready(host, real_port, {**file_url, **describe(files, min(keys.merchants))})
        await run_until(stop, timers.run(), notifier.run())
    _log.info("channel stopped", channel="unionpay")


class Desk:
    """The handler of every signed request."""

    def __init__(self, channel: Channel, book: Book, notifier: Notifier) -> None:
        self._channel = channel
        self._book = book
        self._notifier = notifier

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """From raw bytes to the signed answer. What it raises is answered unsigned."""
        if request.raw_path not in requests.PATHS or request.method != "POST":
            raise NotServed
        fields = _read_form(request, await read_body(request))
        authenticate(self._channel.keys, fields)
        answer = await self._answer(_read(request, fields))
        for notification_id in answer.notify_first:
            await self._notifier.deliver_now(notification_id, BEFORE_REPLY_TIMEOUT_S)
        if answer.fault.delay_ms:
            await asyncio.sleep(answer.fault.delay_ms / 1000)
        return await send(request, self._channel, answer)

    async def _answer(self, asked: Asked) -> Answer:
        now = self._channel.clock.now_ms()
        unit = partial(perform, channel=self._channel, asked=asked, now=now)
        try:
            return await self._book.run(unit)
        except (BookBusy, OutboxFull):
            raise
        except Exception:  # noqa: BLE001 a fault of our own is answered with no detail
            _log.exception("request failed")
            return Answer(fields=None)


def _read_form(request: web.Request, body: bytes) -> Fields:
    if not _FORM.fullmatch(request.headers.get("Content-Type", "")):
        raise Unauthenticated("10", "Content-Type must be application/x-www-form-urlencoded")
    try:
        return read_form(body)
    except FormError as error:
        raise Unauthenticated("10", str(error)) from error


def _read(request: web.Request, fields: Fields) -> Asked:
    """What is asked; what cannot be read is a refusal that is answered signed."""
    headers = frozenset(name.lower() for name in request.headers)
    try:
        route = requests.find_route(request.raw_path, fields)
    except Refusal as refusal:
        return Asked(UNSERVED, refusal, fields, headers)
    command: requests.Command | Refusal
    try:
        command = route.read(fields)
    except Refusal as refusal:
        command = refusal
    return Asked(route.operation, command, fields, headers)


def _routes(
    channel: Channel, book: Book, notifier: Notifier, files: KeyFiles
) -> list[web.RouteDef]:
    """Control first; whatever else is asked must be signed."""
    read_rule = partial(play.read_rule, operations=requests.OPERATIONS)
    return [
        *CoreControl(book, channel.clock, read_rule).routes(),
        *Control(book, channel, files).routes(),
        *Buyers(book, channel).routes(),
        web.route("*", "/{tail:.*}", Desk(channel, book, notifier).handle),
    ]


def _acknowledges(status: int, _body: bytes) -> bool:
    return status == HTTPStatus.OK
