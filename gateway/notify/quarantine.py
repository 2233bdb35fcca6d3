"""What is not believed is laid aside for people, bounded in every direction.

Anybody can send a notification. So few are kept and logged (a burst, then one every so often per
channel and process), each only by what it is about; the same body counts once, and a line of the
log says for how many it stands. None is ever read by anything but a person. That one could not be
kept changes no answer.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.errors import GatewayError
from gateway.notify.excerpt import excerpt
from gateway.telemetry.logging import get_logger

_log = get_logger(__name__)


class Shelf(Protocol):
    """Where they are kept."""

    async def keep(
        self, channel: str, reason: str, digest: bytes, body_bytes: int, excerpt: str
    ) -> None:
        """Keep one, or count it if its body is kept already. Raises GatewayError."""


@dataclass(frozen=True, slots=True)
class QuarantineBounds:
    """Bounds of what is kept.

    Attributes:
        burst_max: notifications of one channel kept and logged at once.
        pause_s: seconds after which one more may be.
        excerpt_length_max: characters of what is kept of a body.
        keeping_timeout_s: time to keep one, in seconds.
    """

    burst_max: int = 20
    pause_s: float = 10.0
    excerpt_length_max: int = 500
    keeping_timeout_s: float = 1.0


class Quarantine:
    """Lays aside what was not believed. `monotonic` gives seconds that never go back."""

    def __init__(
        self, shelf: Shelf, monotonic: Callable[[], float], bounds: QuarantineBounds | None = None
    ) -> None:
        self._shelf = shelf
        self._monotonic = monotonic
        self._bounds = bounds or QuarantineBounds()
        self._spent: dict[str, float] = {}
        """By channel, the moment at which a whole burst is allowed again."""
        self._unlogged: Counter[str] = Counter()
        """By channel, those without a line of the log since its last."""

    async def keep(self, channel: str, reason: str, body: bytes) -> None:
        """Keep one and log it, if there is room for it; else count it."""
        self._unlogged[channel] += 1
        if not self._has_room(channel):
            return
        count = self._unlogged.pop(channel)
        _log.warning("notification refused", channel=channel, reason=reason, count=count)
        digest = hashlib.sha256(body).digest()
        told = excerpt(body, self._bounds.excerpt_length_max)
        try:
            async with asyncio.timeout(self._bounds.keeping_timeout_s):
                await self._shelf.keep(channel, reason, digest, len(body), told)
        except (GatewayError, TimeoutError) as error:
            _log.warning("quarantine not kept", channel=channel, fault=type(error).__name__)

    def _has_room(self, channel: str) -> bool:
        """Take a place, as long as those taken would be free again within a whole burst."""
        now, bounds = self._monotonic(), self._bounds
        free_time = max(now, self._spent.get(channel, now)) + bounds.pause_s
        if free_time - now > bounds.burst_max * bounds.pause_s:
            return False
        self._spent[channel] = free_time
        return True
