"""EventStore: the feed of state changes, in commit order, without gaps.

A position is a transaction id and an event id. Everything below the oldest transaction that still
runs is either visible or never will be, so a reader who stops there and goes on from there sees
every event exactly once. A transaction that runs for long holds the feed back; it loses nothing.
"""

from collections.abc import Sequence
from uuid import UUID

from gateway.domain.change import Event
from gateway.domain.errors import InvalidRequest, Reason
from gateway.domain.ports import FeedPosition
from gateway.store.facts import Facts
from gateway.store.journal_rows import event_of
from gateway.store.pool import Pool, fetching
from gateway.store.queries import sql

FEED_END = sql("feed_end")
READ_EVENTS = sql("read_events")

BEFORE_ALL = UUID(int=0)


class Events:
    """The feed of state changes."""

    def __init__(self, pool: Pool, facts: Facts) -> None:
        self._pool = pool
        self._facts = facts

    async def feed_end(self) -> FeedPosition:
        """Give the position before which nothing more can be committed."""
        deployment = await self._facts.deployment()
        records = await self._pool.read(fetching(FEED_END))
        return FeedPosition(deployment.deployment_id, records[0]["horizon"], BEFORE_ALL)

    async def read_events(
        self, merchant_id: str, after: FeedPosition, limit: int
    ) -> tuple[Sequence[tuple[FeedPosition, Event]], FeedPosition]:
        """Read one merchant's events after a position, in commit order, and the position reached.

        Raises:
            InvalidRequest: INVALID_CURSOR, the position is of another database.
        """
        deployment_id = (await self._facts.deployment()).deployment_id
        if after.deployment_id != deployment_id:
            words = "This cursor is of another database. Watch again without one."
            raise InvalidRequest(Reason.INVALID_CURSOR, words, violations={"cursor": words})
        reading = fetching(READ_EVENTS, merchant_id, after.transaction_id, after.event_id, limit)
        records = await self._pool.read(reading)
        page = [
            (FeedPosition(deployment_id, record["xid"], record["event_id"]), event_of(record))
            for record in records
            if record["event_id"] is not None
        ]
        if len(page) == limit:
            return page, page[-1][0]
        end = FeedPosition(deployment_id, records[0]["horizon"], BEFORE_ALL)
        # The clock of transactions never goes back, but a position may be ahead of a page's end.
        return page, max(after, end, key=lambda at: (at.transaction_id, at.event_id))
