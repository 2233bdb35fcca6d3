"""Time and fresh identifiers, so that everything above can be told what time it is.

Two clocks, never mixed: the wall clock (UTC) for what is stored and shown, which may jump, and the
monotonic one for deadlines, which may not.
"""

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

_VERSION_7 = 0x7 << 76
_VARIANT = 0x2 << 62


class Clock:
    """The real clocks."""

    def now(self) -> datetime:
        """Wall-clock time in UTC, in whole microseconds."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back, for measuring spans."""
        return time.monotonic()

    def new_id(self) -> UUID:
        """Make a UUIDv7 (RFC 9562) from the wall clock and 74 random bits."""
        milliseconds = time.time_ns() // 1_000_000
        entropy = int.from_bytes(os.urandom(10)) >> 6
        high = milliseconds << 80 | _VERSION_7 | (entropy >> 62) << 64
        return UUID(int=high | _VARIANT | entropy & (1 << 62) - 1)


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
