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


_ENTROPY_BYTES = 10
_ENTROPY_READ = 4_000
"""Bytes read from the system's random source at once: asking it for each identifier is dear."""


class Clock:
    """The real clocks."""

    _entropy = b""
    _used = 0

    def now(self) -> datetime:
        """Wall-clock time in UTC, in whole microseconds."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back, for measuring spans."""
        return time.monotonic()

    def new_id(self) -> UUID:
        """Make a UUIDv7 (RFC 9562) from the wall clock and 74 random bits."""
        milliseconds = time.time_ns() // 1_000_000
        entropy = int.from_bytes(self._fresh_bytes()) >> 6
        high = milliseconds << 80 | _VERSION_7 | (entropy >> 62) << 64
        return UUID(int=high | _VARIANT | entropy & (1 << 62) - 1)

    def _fresh_bytes(self) -> bytes:
        begin, self._used = self._used, self._used + _ENTROPY_BYTES
        if self._used > len(self._entropy):
            self._entropy = os.urandom(_ENTROPY_READ)
            begin, self._used = 0, _ENTROPY_BYTES
        return self._entropy[begin : self._used]


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
