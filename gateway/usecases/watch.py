"""Watch: one merchant's state changes, in commit order, from any position on.

Each watcher reads its own pages from the database, so a slow one holds no memory and misses
nothing; what it costs is bounded by the number of watchers and the span between two looks.
"""

import asyncio
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.domain.errors import Overloaded, Reason
from gateway.domain.ports import EventFeed, EventStore, FeedPosition
from gateway.usecases.merchants import MerchantBook

PAGE_EVENTS_MAX = 200
"""Events read at most in one look."""


@dataclass(frozen=True, slots=True)
class WatchTerms:
    """Watchers at most in this process; seconds between two looks; seconds between heartbeats."""

    watchers_max: int
    poll_s: float
    heartbeat_s: float


class Watch:
    """The use case."""

    def __init__(
        self, events: EventStore, merchants: MerchantBook, clock: Clock, terms: WatchTerms
    ) -> None:
        self._events = events
        self._merchants = merchants
        self._clock = clock
        self._terms = terms
        self.watchers = 0

    async def __call__(self, merchant_id: str, after: FeedPosition | None) -> EventFeed:
        """Give events with the position after each; None instead of an event is a heartbeat.

        The first is a heartbeat. Never ends by itself. Raises NotFound, Overloaded.
        """
        await self._merchants.get(merchant_id)
        if self.watchers >= self._terms.watchers_max:
            words = f"This server has {self.watchers} watchers, its most."
            raise Overloaded(Reason.WATCHER_LIMIT, words, retry_after_s=self._terms.heartbeat_s)
        self.watchers += 1
        try:
            async for item in self._follow(merchant_id, after or await self._events.feed_end()):
                yield item
        finally:
            self.watchers -= 1

    async def _follow(self, merchant_id: str, position: FeedPosition) -> EventFeed:
        yield position, None
        spoken = self._clock.monotonic()
        while True:
            page, position = await self._events.read_events(merchant_id, position, PAGE_EVENTS_MAX)
            for reached, event in page:
                yield reached, event
            if page or self._clock.monotonic() - spoken >= self._terms.heartbeat_s:
                spoken = self._clock.monotonic()
                if not page:
                    yield position, None
            if len(page) < PAGE_EVENTS_MAX:
                await asyncio.sleep(self._terms.poll_s)
