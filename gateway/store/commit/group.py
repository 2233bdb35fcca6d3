"""Group commit: batches of what callers want written, each one transaction.

A batch reads its ground, decides every item, writes all of it in one statement and commits; only
then is anybody told. Somebody else may have been first with a key or an order, or have left too
little in a wallet, in the meantime: then nothing of the batch is kept, and it is done again on the
new ground, under locks. So is a batch in which one payment leaves too little for another, who might
be refused for want of money that is there by now. What fails for a reason of its own is found by
halving the batch, so that it fails alone; what would wait long for a lock is left to wait alone, so
that a stuck payment does not hold up the others.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final, TypeAlias

import asyncpg

from gateway.domain.errors import Contended, GatewayError, Overloaded, Unavailable
from gateway.domain.ports import Opening
from gateway.store.commit.decide import Decided, decide
from gateway.store.commit.gather import GatherBounds, Gatherer, Waiting
from gateway.store.commit.ground import Ground, glance, survey, with_budgets
from gateway.store.commit.wanted import Result, Wanted
from gateway.store.commit.write import draw_budgets, write
from gateway.store.errors import Kind, as_seen_by_callers
from gateway.store.pool import BEGIN, Connection, Pool, Undo

LANE_LOCK_TIMEOUT_MS: Final = 250
"""Longest wait for one lock while others wait behind, in ms; aside, the pool's bound holds."""

RACES_MAX: Final = 3
"""Times that a batch is done again because others were first, before it is halved."""

WARY_BATCHES: Final = 100
"""Batches that are locked first after a race was lost: who met a rival will meet him again."""

STRAGGLERS_MAX: Final = 4
"""Items that may wait for locks alone, side by side with the batches."""

Waiter: TypeAlias = Waiting[Wanted, Result]
Batch: TypeAlias = Sequence[Waiter]


class GroupCommit:
    """Writes what is submitted, many callers' changes in one commit."""

    def __init__(self, pool: Pool, bounds: GatherBounds) -> None:
        self._pool = pool
        self._gatherer: Gatherer[Wanted, Result] = Gatherer(self._run, bounds)
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

    async def _run(self, batch: Batch, *, patient: bool = False) -> None:
        """Commit a batch and tell everybody. Never raises.

        Only who is patient waits for a lock as long as the pool allows, and he does it aside.
        """
        try:
            results = await self._commit([waiting.item for waiting in batch], patient=patient)
        except Contended as error:
            self._wary = WARY_BATCHES
            if len(batch) > 1:
                await self._halve(batch)
            elif patient or not self._aside(batch):
                _fail(batch, error)
        except GatewayError as error:
            _fail(batch, error)
        except Exception as error:  # noqa: BLE001 - whoever caused it is told
            if len(batch) > 1:
                await self._halve(batch)
            else:
                _fail(batch, error)
        else:
            for waiting, result in zip(batch, results, strict=True):
                waiting.tell(result)

    async def _halve(self, batch: Batch) -> None:
        """Find who made a batch fail."""
        middle = len(batch) // 2
        await self._run(batch[:middle])
        await self._run(batch[middle:])

    def _aside(self, batch: Batch) -> bool:
        """Let one wait for its lock beside the batches. False where enough do already."""
        if len(self._stragglers) >= STRAGGLERS_MAX:
            return False
        task = asyncio.create_task(self._run(batch, patient=True))
        self._stragglers.add(task)
        task.add_done_callback(self._stragglers.discard)
        return True

    async def _commit(
        self, batch: Sequence[Wanted], *, patient: bool
    ) -> Sequence[Result | BaseException]:
        """Commit a batch; where others were first with something, do it again on what is now."""
        raced: Exception | None = None
        openings = [item for item in batch if isinstance(item, Opening)]
        for _ in range(RACES_MAX):
            hopeful = not patient and not self._wary and len(openings) == len(batch)
            self._wary = max(0, self._wary - 1)
            try:
                if hopeful:
                    decided = await self._hopefully(openings)
                    if not decided.doubtful:
                        return decided.results
                return (await self._under_locks(batch, patient=patient)).results
            except asyncpg.DivisionByZeroError as error:
                self._wary, raced = WARY_BATCHES, error
            except asyncpg.UniqueViolationError as error:
                raced = error
            except (Unavailable, Overloaded) as error:
                # What was written before may be what the race was lost against: nobody knows.
                raise _unknown() if raced else error from error
        if isinstance(raced, asyncpg.UniqueViolationError):
            raise raced
        raise as_seen_by_callers(Kind.CONFLICT, may_have_committed=False) from raced

    async def _hopefully(self, openings: Sequence[Opening]) -> Decided:
        """Commit openings in two trips, as long as nobody else is after the same.

        What is doubtful is not written.
        """

        async def look(connection: Connection) -> tuple[Ground, Decided]:
            ground = await glance(connection, openings)
            return ground, decide(openings, ground)

        async def write_them(connection: Connection, made: tuple[Ground, Decided]) -> Decided:
            ground, decided = made
            if not decided.empty and not decided.doubtful:
                await write(connection, ground, decided, LANE_LOCK_TIMEOUT_MS)
            return decided

        return await self._pool.write_after(look, write_them)

    async def _under_locks(self, batch: Sequence[Wanted], *, patient: bool) -> Decided:
        pool_ms = round(self._pool.settings.lock_timeout_s * 1_000)
        timeout_ms = pool_ms if patient else min(pool_ms, LANE_LOCK_TIMEOUT_MS)
        begin = f"{BEGIN}; set local lock_timeout = {timeout_ms}"
        work = partial(_locked, batch=batch, lock_timeout_ms=timeout_ms)
        return await self._pool.transact(work, begin)


async def _locked(connection: Connection, batch: Sequence[Wanted], lock_timeout_ms: int) -> Decided:
    """Do one try of a batch, within its transaction."""
    ground = await survey(connection, batch)
    decided = decide(batch, ground)
    if any(decided.advanced.values()):
        currencies = [currency for currency, amount in decided.advanced.items() if amount]
        ground = await with_budgets(connection, ground, currencies)
        decided = decide(batch, ground)
    if decided.empty:
        raise Undo(decided)
    await write(connection, ground, decided, lock_timeout_ms)
    await draw_budgets(connection, decided)
    return decided


def _unknown() -> GatewayError:
    return as_seen_by_callers(Kind.LOST, may_have_committed=True)


def _fail(batch: Batch, error: BaseException) -> None:
    for waiting in batch:
        waiting.tell(error)
