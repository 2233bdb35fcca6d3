"""Delivers the outbox over HTTP: bounded in flight, bounded in time, retried on a bounded schedule.

The channel's own part (what a notification is as bytes, which headers sign it, what counts as an
acknowledgement, when to try again) comes in as functions, so every stand-in shares the delivery and
none a dialect.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

import aiohttp
from yarl import URL

from gateway.emulators.core import outbox
from gateway.emulators.core.book import Book, BookError, Transaction
from gateway.emulators.core.clock import Clock
from gateway.emulators.core.outbox import Notification

ATTEMPT_TIMEOUT_S = 5.0
IN_FLIGHT_MAX = 64
ACKNOWLEDGEMENT_BYTES_MAX = 1_024

Compose = Callable[[Notification], bytes]
Dress = Callable[[Notification, URL], Mapping[str, str]]
Acknowledges = Callable[[int, bytes], bool]
Ends = Callable[[int], bool]


class Record(Protocol):
    """Writes down one attempt and when the next is due, as `outbox.record_attempt` does."""

    def __call__(
        self, txn: Transaction, notification: Notification, *, acknowledged: bool, now: int
    ) -> None:
        """Inside one unit of the book."""


class GiveUp(Protocol):
    """Writes down that a receiver wants no more, as `outbox.give_up` does."""

    def __call__(self, txn: Transaction, notification: Notification, *, now: int) -> None:
        """Inside one unit of the book."""


def never(_status: int) -> bool:
    """No answer ends the attempts: most channels try again whatever they are told."""
    return False


def as_kept(notification: Notification) -> bytes:
    """The body as the outbox has it, at each attempt the same."""
    return notification.body.encode()


class Notifier:
    """The delivery loop: `run` until cancelled, then `close`."""

    def __init__(
        self,
        book: Book,
        clock: Clock,
        *,
        compose: Compose = as_kept,
        dress: Dress,
        acknowledges: Acknowledges,
        record: Record = outbox.record_attempt,
        ends: Ends = never,
        give_up: GiveUp = outbox.give_up,
        attempt_timeout_s: float = ATTEMPT_TIMEOUT_S,
    ) -> None:
        self._book = book
        self._clock = clock
        self._compose = compose
        self._dress = dress
        self._acknowledges = acknowledges
        self._record = record
        self._ends = ends
        self._give_up = give_up
        self._attempt_timeout_s = attempt_timeout_s
        self._alarm = clock.alarm()
        self._deliveries: dict[int, asyncio.Task[None]] = {}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=2 * IN_FLIGHT_MAX),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        book.listen(outbox.TOPIC, self._alarm.ring)

    async def run(self) -> None:
        """Deliver what is due until cancelled."""
        while True:
            now = self._clock.now_ms()
            # Those in flight are still due in the book, so ask for enough to see past them.
            found, next_time = await self._book.run(
                partial(outbox.due, now=now, count_max=2 * IN_FLIGHT_MAX)
            )
            for notification in found:
                if notification.id not in self._deliveries and self._has_room():
                    self._begin(notification, self._attempt_timeout_s)
            await self._alarm.sleep_until(next_time)

    async def deliver_now(self, notification_id: int, timeout_s: float) -> None:
        """Attempt one notification at once, out of turn; returns when that attempt is over."""
        notification = await self._book.run(partial(outbox.read, notification_id=notification_id))
        if notification is None or notification_id in self._deliveries:
            return
        await asyncio.wait({self._begin(notification, timeout_s)})

    async def close(self) -> None:
        """Break off what is in flight (the outbox still has it) and release the connections."""
        deliveries = list(self._deliveries.values())
        for delivery in deliveries:
            delivery.cancel()
        await asyncio.gather(*deliveries, return_exceptions=True)
        await self._session.close()

    def _has_room(self) -> bool:
        return len(self._deliveries) < IN_FLIGHT_MAX

    def _begin(self, notification: Notification, timeout_s: float) -> asyncio.Task[None]:
        delivery = asyncio.create_task(self._deliver(notification, timeout_s))
        self._deliveries[notification.id] = delivery
        return delivery

    async def _deliver(self, notification: Notification, timeout_s: float) -> None:
        try:
            reply = await self._attempt(notification, timeout_s)
            now = self._clock.now_ms()
            unit = partial(self._write_down, notification=notification, reply=reply, now=now)
            await self._book.run(unit)
        except BookError:
            pass  # the outbox still has it and will offer it again
        finally:
            del self._deliveries[notification.id]
            self._alarm.ring()

    def _write_down(
        self,
        txn: Transaction,
        notification: Notification,
        reply: tuple[int, bytes] | None,
        now: int,
    ) -> None:
        if reply is not None and self._ends(reply[0]):
            self._give_up(txn, notification, now=now)
            return
        acknowledged = reply is not None and self._acknowledges(*reply)
        self._record(txn, notification, acknowledged=acknowledged, now=now)

    async def _attempt(
        self, notification: Notification, timeout_s: float
    ) -> tuple[int, bytes] | None:
        """The status and how the body begins; None when there was no reply."""
        url = URL(notification.url, encoded=True)  # sent as it was given: it is signed
        headers = {"Content-Type": "application/json", **self._dress(notification, url)}
        body = self._compose(notification)
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._session.post(url, data=body, headers=headers, allow_redirects=False) as reply,
            ):
                return reply.status, await _read_start(reply.content)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None


async def _read_start(content: aiohttp.StreamReader) -> bytes:
    """The body, or one byte more than may be acknowledged when it is longer."""
    body = bytearray()
    while len(body) <= ACKNOWLEDGEMENT_BYTES_MAX and (chunk := await content.readany()):
        body += chunk
    return bytes(body[: ACKNOWLEDGEMENT_BYTES_MAX + 1])
