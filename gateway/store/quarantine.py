"""Quarantine: notifications that were not believed, in a ring that never grows.

They change nothing and prove nothing. They are kept so that a person can see that a channel's key
was exchanged before we knew, or that somebody forges.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.store.pool import Connection, Pool, fetching
from gateway.store.queries import sql

QUARANTINE_AGAIN = sql("quarantine_again")
QUARANTINE = sql("quarantine")
LIST_QUARANTINE = sql("list_quarantine")

REASON_LENGTH_MAX = 300
EXCERPT_LENGTH_MAX = 600


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One of them. `times` counts how often the same body came; the reason is that of the last."""

    channel: str
    reason: str
    digest: bytes
    body_bytes: int
    excerpt: str
    times: int
    first_time: datetime
    last_time: datetime


class Quarantine:
    """Keeps them, and lists them for people."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def keep(
        self, channel: str, reason: str, digest: bytes, body_bytes: int, excerpt: str
    ) -> None:
        """Keep one, or count it if its body is kept already. Raises GatewayError."""
        reason, excerpt = reason[:REASON_LENGTH_MAX], excerpt[:EXCERPT_LENGTH_MAX]

        async def work(connection: Connection) -> None:
            if not await connection.fetch(QUARANTINE_AGAIN, digest, channel, reason):
                await connection.fetch(QUARANTINE, channel, reason, digest, body_bytes, excerpt)

        await self._pool.write(work)

    async def list(self, limit: int) -> Sequence[Quarantined]:
        """Read them, newest first. Raises GatewayError."""
        records = await self._pool.read(fetching(LIST_QUARANTINE, limit))
        return [Quarantined(**record) for record in records]
