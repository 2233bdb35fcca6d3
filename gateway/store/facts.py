"""What the database and its server say of themselves: which one it is, its bounds, its clock."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.store.pool import Pool, fetching
from gateway.store.queries import sql

DEPLOYMENT = sql("deployment")
SERVER_FACTS = sql("server_facts")


@dataclass(frozen=True, slots=True)
class Deployment:
    """One database: its id stands in cursors, its key (32 bytes) signs page tokens."""

    deployment_id: UUID
    token_key: bytes


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The server: its version, how many connections it takes and has, and its clock."""

    version: str
    version_number: int
    connections_max: int
    connections_used: int
    read_time: datetime


class Facts:
    """Asks, and remembers what never changes."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._deployment: Deployment | None = None

    async def deployment(self) -> Deployment:
        """Say which database this is. Raises GatewayError."""
        if self._deployment is None:
            records = await self._pool.read(fetching(DEPLOYMENT))
            self._deployment = Deployment(**records[0])
        return self._deployment

    async def server(self) -> ServerFacts:
        """Ask the server. Raises GatewayError."""
        records = await self._pool.read(fetching(SERVER_FACTS))
        return ServerFacts(**records[0])
