"""Group commit: batches of what callers want written, each one transaction.

A batch reads its ground, decides every item, writes all of it in one statement and commits; only
then is anybody told. Somebody else may have been first with a key, an order or a wallet in the
meantime: then nothing of the batch is kept, and it is done again on the new ground, under locks.
What fails for a reason of its own is found by halving the batch, so that it fails alone; what would
wait long for a lock is left to wait alone, so that a stuck payment does not hold up the others.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final, TypeAlias

import asyncpg

from gateway.domain.errors import Contended, GatewayError
from gateway.domain.ports import Opening
from gateway.store.commit.decide import Decided, decide
from gateway.store.commit.gather import GatherBounds, Gatherer, Waiting
from gateway.store.commit.ground import Ground, glance, survey, with_budgets
from gateway.store.commit.wanted import Result, Wanted, touches
from gateway.store.commit.write import write
from gateway.store.errors import Kind, as_seen_by_callers
from gateway.store.pool import BEGIN, Connection, Pool, Undo

BATCH_LOCK_TIMEOUT_MS: Final = 250
"""Longest wait for one lock while neighbours wait too, in ms; alone, the pool's bound holds."""

RACES_MAX: Final = 3
"""Times that a batch is done again because others were first, before it is halved."""

WARY_BATCHES: Final = 100
"""Batches that are locked first after a race was lost: who met a rival will meet him again."""

STRAGGLERS_MAX: Final = 4
"""Items that may wait for locks alone, side by side with the batches."""

BEGIN_BATCH: Final = f"{BEGIN}; set local lock_timeout = {BATCH_LOCK_TIMEOUT_MS}"

Waiter: TypeAlias = Waiting[Wanted, Result]
Batch: TypeAlias = Sequence[Waiter]


class GroupCommit:
    """Writes what is submitted, many callers' changes in one commit."""

    def __init__(self, pool: Pool, bounds: GatherBounds) -> None:
        self._pool = pool
        self._gatherer: Gatherer[Wanted, Result] = Gatherer(self._run, bounds, touches)
        self._stragglers: set[asyncio.Task[None]] = set()
        self._wary = 0

    @property
    def waiting(self) -> int:
        """How many items wait to be taken into a batch."""
        return self._gatherer.waiting

    def submit(self, wanted: Sequence[Wanted]) -> asyncio.Future[Sequence[Result | BaseException]]:
        """Let changes be written; the future gives each one's result or error.

        Raises Overloaded where they do not fit the backlog; then none of them is written.
        """
        return self._gatherer.submit(wanted)

    async def drain(self) -> None:
        """Wait until nothing waits and nothing is under way."""
        await self._gatherer.drain()
        while self._stragglers:
            await asyncio.wait(set(self._stragglers))

    async def _run(self, batch: Batch) -> None:
        """Commit a batch and tell everybody. Never raises."""
        try:
            results = await self._commit([waiting.item for waiting in batch])
        except Contended as error:
            await self._halve(batch, error)
        except GatewayError as error:
            _fail(batch, error)
        except Exception as error:  # noqa: BLE001 - whoever caused it is told
            await self._halve(batch, error)
        else:
            for waiting, result in zip(batch, results, strict=True):
                waiting.tell(result)

    async def _halve(self, batch: Batch, error: Exception) -> None:
        """Find who caused an error; one that only has to wait longer for a lock does it aside."""
        if len(batch) == 1:
            _fail(batch, error)
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            if len(half) == 1 and isinstance(error, Contended):
                await self._aside(half)
            else:
                await self._run(half)

    async def _aside(self, batch: Batch) -> None:
        while len(self._stragglers) >= STRAGGLERS_MAX:
            await asyncio.wait(set(self._stragglers), return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(self._run(batch))
        self._stragglers.add(task)
        task.add_done_callback(self._stragglers.discard)

    async def _commit(self, batch: Sequence[Wanted]) -> Sequence[Result | BaseException]:
        """Commit a batch; where others were first with something, do it again on what is now."""
        raced: Exception = as_seen_by_callers(Kind.CONFLICT, may_have_committed=False)
        openings = [item for item in batch if isinstance(item, Opening)]
        for _ in range(RACES_MAX):
            hopeful = not self._wary and len(openings) == len(batch)
            self._wary = max(0, self._wary - 1)
            try:
                if hopeful:
                    return (await self._hopefully(openings)).results
                return (await self._under_locks(batch)).results
            except asyncpg.DivisionByZeroError:
                self._wary = WARY_BATCHES
            except asyncpg.UniqueViolationError as error:
                raced = error
        raise raced

    async def _hopefully(self, openings: Sequence[Opening]) -> Decided:
        """Commit openings in two trips, as long as nobody else is after the same."""

        async def look(connection: Connection) -> tuple[Ground, Decided]:
            ground = await glance(connection, openings)
            return ground, decide(openings, ground)

        return await self._pool.write_after(look, _write)

    async def _under_locks(self, batch: Sequence[Wanted]) -> Decided:
        begin = BEGIN if len(batch) == 1 else BEGIN_BATCH
        return await self._pool.transact(partial(_locked, batch=batch), begin)


async def _locked(connection: Connection, batch: Sequence[Wanted]) -> Decided:
    """Do one try of a batch, within its transaction."""
    ground = await survey(connection, batch)
    decided = decide(batch, ground)
    if any(decided.advanced.values()):
        currencies = [currency for currency, amount in decided.advanced.items() if amount]
        ground = await with_budgets(connection, ground, currencies)
        decided = decide(batch, ground)
    if decided.empty:
        raise Undo(decided)
    return await _write(connection, (ground, decided))


async def _write(connection: Connection, made: tuple[Ground, Decided]) -> Decided:
    ground, decided = made
    if not decided.empty:
        await write(connection, ground, decided)
    return decided


def _fail(batch: Batch, error: BaseException) -> None:
    for waiting in batch:
        waiting.tell(error)
