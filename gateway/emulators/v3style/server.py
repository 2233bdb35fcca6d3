"""A channel of the family as a running service: one listener, one book, and what becomes due.

A request goes one way: body, signature, route, command, book, notifications that must come first,
delay, reply. The event loop never waits for a disk; the book's writer does.
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

from gateway.emulators.core import switches
from gateway.emulators.core.book import Book, BookBusy
from gateway.emulators.core.clock import Clock
from gateway.emulators.core.control import CoreControl
from gateway.emulators.core.notifier import Notifier
from gateway.emulators.core.outbox import OutboxFull
from gateway.emulators.core.service import Gate, listen, make_runner, run_until, sweep_nonces
from gateway.emulators.core.stand_in import Ready
from gateway.emulators.core.timers import Timers
from gateway.emulators.core.wire import read_body
from gateway.emulators.v3style import notices, play, reading, rows, settlement
from gateway.emulators.v3style.answers import Answer, failed
from gateway.emulators.v3style.authorization import authenticate
from gateway.emulators.v3style.buyers import Buyers
from gateway.emulators.v3style.control import KEY_MODE, Control
from gateway.emulators.v3style.deliveries import record_delivery
from gateway.emulators.v3style.errors import Unauthenticated
from gateway.emulators.v3style.explaining import explain
from gateway.emulators.v3style.keyfiles import KeyFiles
from gateway.emulators.v3style.keys import KEY_MODES, KeyMode
from gateway.emulators.v3style.names import Channel, Names
from gateway.emulators.v3style.operations import Asked, perform
from gateway.emulators.v3style.replies import send
from gateway.emulators.v3style.settings import describe

BEFORE_REPLY_TIMEOUT_S: Final = 2.0
BOOK_FILE: Final = "book.sqlite3"
KEYS_FOLDER: Final = "keys"
MCHID_DEFAULT: Final = "1900000109"

_log = structlog.get_logger(__name__)


async def serve_channel(
    names: Names,
    *,
    host: str,
    port: int,
    data_dir: Path,
    ready: Ready | None = None,
    stop: asyncio.Event,
    mchids: Iterable[str] = (MCHID_DEFAULT,),
) -> None:
    """Serve a channel until `stop` is set.

    `port` 0 takes a free one; `ready` is told the host, the real port, and what a gateway needs to
    connect, once requests are accepted. Keys for `mchids` are made in `data_dir` at the first
    start. Raises BookLocked when `data_dir` is in use, BookError when its book cannot be opened,
    OSError when the port is taken or the folder cannot be written.
    """
    async with AsyncExitStack() as stack:
        book = await Book.open(data_dir / BOOK_FILE, rows.SCHEMA)
        stack.push_async_callback(book.close)
        files = KeyFiles(data_dir / KEYS_FOLDER, names.title, names.appid_prefix)
        keys = await asyncio.to_thread(files.open, tuple(mchids))
        keys.mode = _key_mode(names, await book.run(partial(switches.read, name=KEY_MODE)))
        clock = Clock(shift_ms=await book.run(switches.read_shift))
        channel = Channel(names, keys, clock)
        notifier = Notifier(
            book,
            clock,
            dress=partial(notices.dress, channel),
            acknowledges=_acknowledges,
            record=record_delivery,
        )
        stack.push_async_callback(notifier.close)
        timers = Timers(book, clock, partial(settlement.fire, channel=channel))
        runner = make_runner(Gate(explain), _routes(channel, book, notifier, files))
        stack.push_async_callback(runner.cleanup)
        real_port = await listen(runner, host, port)
        _log.info("channel started", channel=names.channel, host=host, port=real_port)
        if ready is not None:
            ready(host, real_port, describe(names, files, keys, min(keys.merchants)))
        await run_until(stop, timers.run(), notifier.run(), sweep_nonces(book, clock))
    _log.info("channel stopped", channel=names.channel)


class Desk:
    """The handler of every signed request."""

    def __init__(self, channel: Channel, book: Book, notifier: Notifier) -> None:
        self._channel = channel
        self._book = book
        self._notifier = notifier

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """From raw bytes to the signed reply. What it raises is answered unsigned."""
        body = await read_body(request)
        caller = authenticate(
            self._channel.keys,
            self._channel.names.scheme,
            method=request.method,
            target=request.raw_path,
            headers=lambda name: request.headers.getall(name, []),
            body=body,
            now_s=self._channel.clock.wire_s(),
        )
        asked = reading.read(self._channel, request, caller, body)
        answer = await self._answer(asked)
        for notification_id in answer.notify_first:
            await self._notifier.deliver_now(notification_id, BEFORE_REPLY_TIMEOUT_S)
        if answer.fault.delay_ms:
            await asyncio.sleep(answer.fault.delay_ms / 1000)
        return await send(request, self._channel, answer, asked.wanted)

    async def _answer(self, asked: Asked) -> Answer:
        now = self._channel.clock.now_ms()
        unit = partial(perform, channel=self._channel, asked=asked, now=now)
        try:
            return await self._book.run(unit)
        except (Unauthenticated, BookBusy, OutboxFull):
            raise
        except Exception:  # noqa: BLE001 a fault of our own is answered signed, with no detail
            _log.exception("request failed")
            return failed()


def _routes(
    channel: Channel, book: Book, notifier: Notifier, files: KeyFiles
) -> list[web.RouteDef]:
    """Control first; whatever else is asked must be signed."""
    names = channel.names
    read_rule = partial(
        play.read_rule, operations=names.operations, has_probe=names.probe is not None
    )
    return [
        *CoreControl(book, channel.clock, read_rule).routes(),
        *Control(book, channel, files).routes(),
        *Buyers(book, channel).routes(),
        web.route("*", "/{tail:.*}", Desk(channel, book, notifier).handle),
    ]


def _key_mode(names: Names, switched: str | None) -> KeyMode:
    for mode in KEY_MODES:
        if mode == switched:
            return mode
    return "PUBLIC_KEY" if names.has_public_key_mode else "CERTIFICATE"


def _acknowledges(status: int, _body: bytes) -> bool:
    return status in (HTTPStatus.OK, HTTPStatus.NO_CONTENT)
