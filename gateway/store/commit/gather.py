"""Gathering: what many callers ask for at the same time is done together.

Nothing waits for a timer: a batch is what gathered while the batches before it were under way, so a
lonely caller is served at once and a crowd shares one trip. Callers who arrived first go first, but
two that touch the same thing (`touches`) never share a batch: the later one finds in the next batch
what the earlier one left. Every bound has a name; what is beyond the backlog is refused before
anything is kept, and so is what waited too long to be taken into a batch.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from gateway.domain.errors import Overloaded, Reason

RETRY_AFTER_S = 0.5
"""Hint to callers who met a full backlog, in seconds."""

SCAN_MAX = 4
"""Batch sizes that are looked through for a batch: a queue of what must wait is not read whole."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class GatherBounds:
    """Bounds of a gatherer.

    Attributes:
        batch_max: items done together.
        backlog_max: items that may wait.
        lanes: batches under way side by side.
        lane_items: items that must wait before another lane is opened beside one: many small
            batches cost more than few large ones.
        wait_max_s: seconds that an item may wait before it is taken into a batch.
    """

    batch_max: int = 256
    backlog_max: int = 20_000
    lanes: int = 2
    lane_items: int = 64
    wait_max_s: float = 5.0


@dataclass(slots=True)
class Waiting(Generic[Item, Result]):
    """An item, and who waits for its result since when (on the loop's clock)."""

    item: Item
    since: float
    done: asyncio.Future[Result] = field(repr=False)

    def give(self, result: Result) -> None:
        """Tell the result, if anybody still waits for it."""
        if not self.done.done():
            self.done.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Tell an error, if anybody still waits."""
        if not self.done.done():
            self.done.set_exception(error)


Run = Callable[[Sequence[Waiting[Item, Result]]], Awaitable[None]]
Touches = Callable[[Item], Iterable[Hashable]]


class Gatherer(Generic[Item, Result]):
    """Lets items wait and runs them in batches. `run` gives each its result, and never raises."""

    def __init__(
        self, run: Run[Item, Result], bounds: GatherBounds, touches: Touches[Item] | None = None
    ) -> None:
        self.bounds = bounds
        self._run = run
        self._touches = touches
        self._queue: deque[Waiting[Item, Result]] = deque()
        self._lanes_open = 0
        self._lanes: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many items wait to be taken into a batch."""
        return len(self._queue)

    def submit(self, items: Sequence[Item]) -> list[asyncio.Future[Result]]:
        """Let items wait, all of them or none. Raises Overloaded.

        What is asked for goes on whether or not anybody waits for the futures.
        """
        if len(self._queue) + len(items) > self.bounds.backlog_max:
            raise _overloaded()
        loop = asyncio.get_running_loop()
        now = loop.time()
        added = [Waiting[Item, Result](item, now, loop.create_future()) for item in items]
        self._queue.extend(added)
        if self._another_lane():
            self._lanes_open += 1
            lane = loop.create_task(self._lane())
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)
        return [waiting.done for waiting in added]

    async def drain(self) -> None:
        """Wait until nothing waits and nothing is under way."""
        while self._lanes:
            await asyncio.wait(set(self._lanes))

    def _another_lane(self) -> bool:
        many = len(self._queue) >= self.bounds.lane_items
        return not self._lanes_open or (many and self._lanes_open < self.bounds.lanes)

    async def _lane(self) -> None:
        """Run batches until nothing waits. It is closed in the very turn in which it saw that."""
        batch: list[Waiting[Item, Result]] = []
        try:
            while batch := self._take():
                await self._run(batch)
        finally:
            self._lanes_open -= 1
            for waiting in batch:  # left over only where the loop is ending: nobody waits for ever
                waiting.done.cancel()

    def _take(self) -> list[Waiting[Item, Result]]:
        """Take the next batch, in order of arrival; what touches the same thing stays behind."""
        batch: list[Waiting[Item, Result]] = []
        behind: list[Waiting[Item, Result]] = []
        touched: set[Hashable] = set()
        oldest = asyncio.get_running_loop().time() - self.bounds.wait_max_s
        queue, batch_max = self._queue, self.bounds.batch_max
        while queue and len(batch) < batch_max and len(behind) < SCAN_MAX * batch_max:
            waiting = queue.popleft()
            if waiting.done.done():
                continue  # nobody waits for it, and nothing of it has begun
            if waiting.since < oldest:
                waiting.fail(_overloaded())
            elif self._meets(waiting.item, touched):
                behind.append(waiting)
            else:
                batch.append(waiting)
        queue.extendleft(reversed(behind))
        return batch

    def _meets(self, item: Item, touched: set[Hashable]) -> bool:
        """Tell whether an item touches what is touched; what it touches is, from now on."""
        if self._touches is None:
            return False
        met = False
        for thing in self._touches(item):
            met = met or thing in touched
            touched.add(thing)
        return met


def _overloaded() -> Overloaded:
    return Overloaded(
        Reason.OVERLOADED,
        "Too much waits to be written. Nothing was kept; send it again.",
        retry_after_s=RETRY_AFTER_S,
    )
