"""A channel of the family as a running service: one listener, one book, and what becomes due.

A request goes one way: body, signature, route, command, book, notifications that must come first,
delay, reply. The event loop never waits for a disk; the book's writer does.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web

from gateway.emulators.core import seen, switches
from gateway.emulators.core.book import Book, BookBusy, Transaction
from gateway.emulators.core.clock import Clock
from gateway.emulators.core.control import CoreControl
from gateway.emulators.core.fields import InvalidField, UnknownField
from gateway.emulators.core.notifier import Notifier
from gateway.emulators.core.outbox import OutboxFull
from gateway.emulators.core.service import Gate, listen, make_runner, run_until, sweep_nonces
from gateway.emulators.core.timers import Timer, Timers
from gateway.emulators.core.wire import read_body
from gateway.emulators.v3style import notices, play, rows, settlement
from gateway.emulators.v3style.answers import Answer, failed
from gateway.emulators.v3style.authorization import Caller, authenticate
from gateway.emulators.v3style.control import KEY_MODE, Control
from gateway.emulators.v3style.deliveries import record_delivery
from gateway.emulators.v3style.errors import UNKNOWN_FIELD_NUMBER, Refusal, Unauthenticated
from gateway.emulators.v3style.explaining import explain
from gateway.emulators.v3style.incoming import Incoming, find_route
from gateway.emulators.v3style.keyfiles import KeyFiles
from gateway.emulators.v3style.keys import KEY_MODES, KeyMode, UnknownSerial
from gateway.emulators.v3style.names import Channel, Names
from gateway.emulators.v3style.operations import UNSERVED, Asked, perform
from gateway.emulators.v3style.replies import send
from gateway.emulators.v3style.settings import describe

BEFORE_REPLY_TIMEOUT_S: Final = 2.0
BOOK_FILE: Final = "book.sqlite3"
KEYS_FOLDER: Final = "keys"
MCHID_DEFAULT: Final = "1900000109"

Ready = Callable[[str, int, Mapping[str, str]], None]

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
        timers = Timers(book, clock, partial(_fire, channel))
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
        asked, wanted = self._read(request, caller, body)
        answer = await self._answer(asked)
        for notification_id in answer.notify_first:
            await self._notifier.deliver_now(notification_id, BEFORE_REPLY_TIMEOUT_S)
        if answer.fault.delay_ms:
            await asyncio.sleep(answer.fault.delay_ms / 1000)
        return await send(request, self._channel, answer, wanted)

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

    def _read(
        self, request: web.Request, caller: Caller, body: bytes
    ) -> tuple[Asked, str | None]:
        """What is asked, and with whose key the answer is wanted."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        mchid = caller.merchant.mchid
        incoming = Incoming(mchid, request.method, request.raw_path, headers, body)
        names = _names_of(incoming)
        try:
            route, values = find_route(
                self._channel.names.routes, request.method, request.raw_path
            )
        except Refusal as refusal:
            return Asked(caller, UNSERVED, refusal, names=names), None
        incoming = Incoming(mchid, request.method, request.raw_path, headers, body, values)
        flat = incoming.flat()
        try:
            wanted = self._wanted_serial(headers)
            _check_headers(headers)
            command = route.read(incoming)
        except InvalidField as error:
            refusal = _as_refusal(error)
            return Asked(caller, route.operation, refusal, flat, names), None
        except Refusal as refusal:
            return Asked(caller, route.operation, refusal, flat, names), None
        return Asked(caller, route.operation, command, flat, names), wanted

    def _wanted_serial(self, headers: Mapping[str, str]) -> str | None:
        wanted = headers.get(f"{self._channel.names.header}-Serial".lower())
        try:
            self._channel.keys.signer(wanted)
        except UnknownSerial:
            raise Refusal("PARAM_ERROR", "No key of the platform has this serial.") from None
        return wanted


def _routes(
    channel: Channel, book: Book, notifier: Notifier, files: KeyFiles
) -> list[web.RouteDef]:
    """Control first; whatever else is asked must be signed."""
    names = channel.names
    read_rule = partial(
        play.read_rule, operations=names.operations, has_probe=names.probe is not None
    )
    core = CoreControl(book, channel.clock, read_rule)
    control = Control(book, channel, files)
    desk = Desk(channel, book, notifier)
    return [*core.routes(), *control.routes(), web.route("*", "/{tail:.*}", desk.handle)]


def _names_of(incoming: Incoming) -> dict[seen.Place, frozenset[str]]:
    """Every name that the request carries, as far as it can be read."""
    found: dict[seen.Place, frozenset[str]] = {"header": frozenset(incoming.headers)}
    try:
        found["query"] = frozenset(name for name, _ in incoming.query)
        if incoming.raw:
            found["body"] = frozenset(path for path, _ in seen.flatten(incoming.json))
    except InvalidField:
        pass
    return found


def _check_headers(headers: Mapping[str, str]) -> None:
    accepted = headers.get("accept", "")
    if not headers.get("user-agent") or not accepted:
        raise Refusal("PARAM_ERROR", "The headers Accept and User-Agent must be there.")
    if "application/json" not in accepted and "*/*" not in accepted:
        raise Refusal("PARAM_ERROR", "Accept must be application/json.")


def _as_refusal(error: InvalidField) -> Refusal:
    number = UNKNOWN_FIELD_NUMBER if isinstance(error, UnknownField) else None
    message = f"{error.field} {error.message}."
    return Refusal("PARAM_ERROR", message, number=number, field=error.field)


def _fire(channel: Channel, txn: Transaction, timer: Timer, now: int) -> None:
    settlement.fire(txn, timer, now, channel)


def _key_mode(names: Names, switched: str | None) -> KeyMode:
    for mode in KEY_MODES:
        if mode == switched:
            return mode
    return "PUBLIC_KEY" if names.has_public_key_mode else "CERTIFICATE"


def _acknowledges(status: int, _body: bytes) -> bool:
    return status in (HTTPStatus.OK, HTTPStatus.NO_CONTENT)
