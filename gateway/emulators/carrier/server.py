"""The operator as a running service: one listener, one book, and what becomes due.

A request goes one way: body, route, command, book (token, rules, effect), events that must come
first, delay, reply. The event loop never waits for a disk; the book's writer does.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web

from gateway.emulators.carrier import deliveries, notices, play, reading, rows, settlement
from gateway.emulators.carrier.answers import Answer, failed, refused
from gateway.emulators.carrier.clientfiles import open_clients
from gateway.emulators.carrier.control import Control
from gateway.emulators.carrier.explaining import as_refusal, explain
from gateway.emulators.carrier.oauth import Client
from gateway.emulators.carrier.operations import Asked, perform
from gateway.emulators.carrier.people import People
from gateway.emulators.carrier.replies import send
from gateway.emulators.carrier.routes import OPERATIONS
from gateway.emulators.carrier.settings import describe
from gateway.emulators.core import switches
from gateway.emulators.core.book import Book, BookBusy
from gateway.emulators.core.clock import Clock
from gateway.emulators.core.control import CoreControl
from gateway.emulators.core.notifier import Notifier
from gateway.emulators.core.outbox import OutboxFull
from gateway.emulators.core.service import Gate, listen, make_runner, run_until
from gateway.emulators.core.stand_in import Ready
from gateway.emulators.core.timers import Timers
from gateway.emulators.core.wire import BodyIncomplete, BodyTooLarge, read_body

BEFORE_REPLY_TIMEOUT_S: Final = 2.0
BOOK_FILE: Final = "book.sqlite3"
CLIENTS_FOLDER: Final = "clients"
CLIENT_DEFAULT: Final = "gateway"

_log = structlog.get_logger(__name__)


async def serve_carrier(
    *,
    host: str,
    port: int,
    data_dir: Path,
    ready: Ready | None = None,
    stop: asyncio.Event,
    clients: Iterable[str] = (CLIENT_DEFAULT,),
) -> None:
    """Serve the operator until `stop` is set.

    `port` 0 takes a free one; `ready` is told the host, the real port, and what a gateway needs to
    connect, once requests are accepted. Ids and secrets for `clients` (labels; the first is the one
    that is told) are made in `data_dir` at the first start. Raises BookLocked when `data_dir` is in
    use, BookError when its book cannot be opened, OSError when the port is taken or the folder
    cannot be written.
    """
    async with AsyncExitStack() as stack:
        book = await Book.open(data_dir / BOOK_FILE, rows.SCHEMA)
        stack.push_async_callback(book.close)
        folder, labels = data_dir / CLIENTS_FOLDER, tuple(clients)
        known = await asyncio.to_thread(open_clients, folder, labels)
        clock = Clock(shift_ms=await book.run(switches.read_shift))
        notifier = Notifier(
            book,
            clock,
            compose=notices.compose,
            dress=notices.dress,
            acknowledges=deliveries.acknowledges,
            record=deliveries.record_delivery,
            ends=deliveries.ends,
            give_up=deliveries.give_up,
        )
        stack.push_async_callback(notifier.close)
        timers = Timers(book, clock, settlement.fire)
        runner = make_runner(Gate(explain), _routes(book, clock, known, notifier))
        stack.push_async_callback(runner.cleanup)
        real_port = await listen(runner, host, port)
        _log.info("channel started", channel="carrier", host=host, port=real_port)
        if ready is not None:
            client = next(client for client in known.values() if client.label == labels[0])
            ready(host, real_port, describe(folder, client, host, real_port))
        await run_until(stop, timers.run(), notifier.run())
    _log.info("channel stopped", channel="carrier")


class Desk:
    """The handler of every request that is not control."""

    def __init__(
        self, book: Book, clock: Clock, clients: Mapping[str, Client], notifier: Notifier
    ) -> None:
        self._book = book
        self._clock = clock
        self._clients = clients
        self._notifier = notifier

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """From raw bytes to the reply."""
        try:
            answer = await self._answer(reading.read(request, await read_body(request)))
        except (BookBusy, OutboxFull, BodyIncomplete, BodyTooLarge) as error:
            answer = refused(as_refusal(error))
        for notification_id in answer.notify_first:
            await self._notifier.deliver_now(notification_id, BEFORE_REPLY_TIMEOUT_S)
        if answer.fault.delay_ms:
            await asyncio.sleep(answer.fault.delay_ms / 1000)
        return await send(request, answer, reading.correlator_of(request))

    async def _answer(self, asked: Asked) -> Answer:
        now, now_s = self._clock.now_ms(), self._clock.wire_s()
        unit = partial(perform, clients=self._clients, asked=asked, now=now, now_s=now_s)
        try:
            return await self._book.run(unit)
        except (BookBusy, OutboxFull):
            raise
        except Exception:  # noqa: BLE001 a fault of our own is answered with no detail
            _log.exception("request failed")
            return failed()


def _routes(
    book: Book, clock: Clock, clients: Mapping[str, Client], notifier: Notifier
) -> list[web.RouteDef]:
    """Control first; whatever else is asked must carry a token."""
    read_rule = partial(play.read_rule, operations=OPERATIONS)
    return [
        *CoreControl(book, clock, read_rule).routes(),
        *Control(book, clock, clients).routes(),
        *People(book, clock).routes(),
        web.route("*", "/{tail:.*}", Desk(book, clock, clients, notifier).handle),
    ]
