"""Two times: the virtual one that business runs on, and the wire's, which is always real.

Settlements, expiries and notification retries run on virtual time, so a test can pass an hour in an
instant by shifting it. Signatures carry real time: a shifted stand-in must still understand callers
who know nothing of the shift. Virtual time only ever moves forward by a shift, and a shift wakes
everybody who sleeps on it. A jump is over when those who follow the clock have caught up with it:
what became due has happened then, however slow the machine, and nothing of it slides into a later
day.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

SLEEP_MS_MAX = 1_000  # a jump of the machine's clock is noticed within this
ADVANCE_MS_MAX = 10 * 366 * 24 * 3_600_000  # in one step


def machine_time_ms() -> int:
    """Milliseconds since the Unix epoch, UTC, by this machine."""
    return time.time_ns() // 1_000_000


class Clock:
    """Virtual time in integer milliseconds since the Unix epoch; real until shifted."""

    def __init__(
        self, *, shift_ms: int = 0, machine_ms: Callable[[], int] = machine_time_ms
    ) -> None:
        self._shift_ms = shift_ms
        self._machine_ms = machine_ms
        self._alarms: list[Alarm] = []
        self._followers: list[Callable[[], Awaitable[None]]] = []

    def now_ms(self) -> int:
        """The virtual time."""
        return self._machine_ms() + self._shift_ms

    def wire_s(self) -> int:
        """The real time in whole seconds, for signatures."""
        return self._machine_ms() // 1000

    @property
    def shift_ms(self) -> int:
        """How far virtual time is ahead of real time."""
        return self._shift_ms

    def set_shift(self, shift_ms: int) -> None:
        """Be `shift_ms` ahead of real time and wake every sleeper."""
        self._shift_ms = shift_ms
        for alarm in self._alarms:
            alarm.ring()

    def follow(self, catch_up: Callable[[], Awaitable[None]]) -> None:
        """Let every jump wait for `catch_up`, which does what is due by then."""
        self._followers.append(catch_up)

    async def jump(self, shift_ms: int) -> None:
        """Be at least `shift_ms` ahead of real time (jumps may cross), and let all catch up."""
        self.set_shift(max(shift_ms, self._shift_ms))
        for catch_up in self._followers:
            await catch_up()

    def alarm(self) -> "Alarm":
        """A new alarm on this clock."""
        alarm = Alarm(self)
        self._alarms.append(alarm)
        return alarm


class Alarm:
    """Lets one loop sleep until a virtual time or until it is rung; a ring is never lost."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the sleeper now, or let its next sleep end at once."""
        self._rung.set()

    async def sleep_until(self, due_time: int | None) -> None:
        """Sleep until `due_time` (None: no time known), a ring, or SLEEP_MS_MAX."""
        remaining_ms = SLEEP_MS_MAX if due_time is None else due_time - self._clock.now_ms()
        if remaining_ms > 0:
            try:
                async with asyncio.timeout(min(remaining_ms, SLEEP_MS_MAX) / 1000):
                    await self._rung.wait()
            except TimeoutError:
                pass
        self._rung.clear()
