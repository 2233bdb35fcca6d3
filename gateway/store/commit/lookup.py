"""Reads by id, gathered like writes: what many callers look up at the same time is one question.

A read sees what was committed before it was asked for, since it never joins a question that was
asked before it came.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar

from gateway.domain.errors import GatewayError
from gateway.store.commit.gather import GatherBounds, Gatherer, Waiting
from gateway.store.pool import Connection, Pool

Id = TypeVar("Id", bound=Hashable)
Found = TypeVar("Found")

Find: TypeAlias = Callable[[Connection, Sequence[Id]], Awaitable[Mapping[Id, Found]]]
"""Asks for many at once; what is not there is left out."""


class Lookups(Generic[Id, Found]):
    """Looks things up, each by its id, with one statement for all that are wanted."""

    def __init__(self, pool: Pool, bounds: GatherBounds, find: Find[Id, Found]) -> None:
        self._pool = pool
        self._find = find
        self._gatherer: Gatherer[Id, Found | None] = Gatherer(self._run, bounds)

    async def look_up(self, wanted: Id) -> Found | None:
        """Read one. Raises GatewayError."""
        [found] = await self._gatherer.submit([wanted])
        if isinstance(found, BaseException):
            raise found
        return found

    async def _run(self, batch: Sequence[Waiting[Id, Found | None]]) -> None:
        wanted = list({waiting.item for waiting in batch})
        try:
            found = await self._pool.read(lambda connection: self._find(connection, wanted))
        except Exception as error:  # noqa: BLE001 - everybody who asked is told
            if isinstance(error, GatewayError) or len(wanted) == 1:
                for waiting in batch:
                    waiting.tell(error)
            else:
                await self._halve(batch, set(wanted[::2]))
        else:
            for waiting in batch:
                waiting.tell(found.get(waiting.item))

    async def _halve(self, batch: Sequence[Waiting[Id, Found | None]], half: set[Id]) -> None:
        """Find what cannot be read, so that only those who asked for it are told so."""
        await self._run([waiting for waiting in batch if waiting.item in half])
        await self._run([waiting for waiting in batch if waiting.item not in half])
