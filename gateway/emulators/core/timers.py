"""Durable timers: what shall happen to an object at a time, kept across kill -9.

Each timer fires in a unit of its own, and the unit takes the timer away in the same commit that
does the work. So it happens once, whatever crashes, and one that cannot be done now delays no
other.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from gateway.emulators.core.book import Book, BookError, Transaction
from gateway.emulators.core.clock import Clock
from gateway.emulators.core.statements import load_statements

DUE_TIMERS_MAX = 100  # taken in one round
POSTPONE_MS = 1_000  # for a timer that cannot fire now

_SQL = load_statements(__package__, "core.sql")
_TOPIC = "timers"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Timer:
    """An appointment: `purpose` is for the one who set it to understand."""

    kind: str
    number: str
    purpose: str


def set_timer(txn: Transaction, timer: Timer, due_time: int) -> None:
    """Let `timer` fire at `due_time`; an earlier appointment for the same purpose is moved."""
    txn.write(_SQL["set_timer"], {**vars(timer), "due_time": due_time})
    txn.touch(_TOPIC)


def clear_timers(txn: Transaction, kind: str, number: str) -> None:
    """Cancel whatever an object still waits for."""
    txn.write(_SQL["clear_timers"], {"kind": kind, "number": number})


class Timers:
    """The loop that fires what is due. `fire(transaction, timer, now)` does the work."""

    def __init__(
        self, book: Book, clock: Clock, fire: Callable[[Transaction, Timer, int], None]
    ) -> None:
        self._book = book
        self._clock = clock
        self._fire = fire
        self._alarm = clock.alarm()
        book.listen(_TOPIC, self._alarm.ring)
        clock.follow(self.catch_up)

    async def run(self) -> None:
        """Fire timers until cancelled."""
        while True:
            due, next_time = await self._fire_due(self._clock.now_ms())
            if due < DUE_TIMERS_MAX:
                await self._alarm.sleep_until(next_time)

    async def catch_up(self) -> None:
        """Return when everything that is due now has fired, or was postponed."""
        now = self._clock.now_ms()
        while (await self._fire_due(now))[0]:
            pass

    async def _fire_due(self, now: int) -> tuple[int, int | None]:
        due, next_time = await self._book.run(partial(_due, now=now))
        await asyncio.gather(*(self._fire_one(timer) for timer in due))
        return len(due), next_time

    async def _fire_one(self, timer: Timer) -> None:
        now = self._clock.now_ms()
        try:
            await self._book.run(partial(self._take_and_fire, timer=timer, now=now))
        except BookError:
            raise
        except Exception as error:  # noqa: BLE001 one that cannot fire must not stop the others
            _log.warning(
                "timer postponed", timer=timer.purpose, kind=timer.kind, reason=repr(error)
            )
            await self._book.run(partial(_postpone, timer=timer, due_time=now + POSTPONE_MS))

    def _take_and_fire(self, txn: Transaction, timer: Timer, now: int) -> None:
        if txn.write(_SQL["take_timer"], {**vars(timer), "now": now}):
            self._fire(txn, timer, now)


def _due(txn: Transaction, now: int) -> tuple[list[Timer], int | None]:
    rows = txn.all(_SQL["due_timers"], {"now": now, "count_max": DUE_TIMERS_MAX})
    first = txn.one(_SQL["next_timer"], {})
    return [Timer(*row) for row in rows], None if first is None else first["due_time"]


def _postpone(txn: Transaction, timer: Timer, due_time: int) -> None:
    txn.write(_SQL["postpone_timer"], {**vars(timer), "due_time": due_time})
