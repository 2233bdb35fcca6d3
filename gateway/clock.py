"""Time and fresh identifiers, so that everything above can be told what time it is.

Two clocks, never mixed: the wall clock (UTC) for what is stored and shown, which may jump, and the
monotonic one for deadlines, which may not.
"""

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

_VERSION_7 = 0x7 << 76
_VARIANT = 0x2 << 62


class Clock:
    """The real clocks."""

    _last_id = 0

    def now(self) -> datetime:
        """Wall-clock time in UTC, in whole microseconds."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back, for measuring spans."""
        return time.monotonic()

    def new_id(self) -> UUID:
        """Make a UUIDv7 (RFC 9562) that is above every one made here before.

        It has the wall clock's millisecond and 74 random bits; in the same millisecond, or where
        the clock went back, it follows the last one: what one process makes sorts as it was made.
        """
        high = (time.time_ns() // 1_000_000) << 80
        if high > self._last_id:
            entropy = secrets.randbits(74)
            high |= _VERSION_7 | (entropy >> 62) << 64
            self._last_id = high | _VARIANT | entropy & (1 << 62) - 1
        else:
            self._last_id += 1
        return UUID(int=self._last_id)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock by which an answer must be on its way."""

    moment: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Make the deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.moment - time.monotonic())

    def earlier(self, seconds: float) -> "Deadline":
        """The same deadline, that many seconds sooner."""
        return Deadline(self.moment - seconds)
