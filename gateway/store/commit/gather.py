"""Gathering: what many callers ask for at the same time is done together.

Nothing waits for a timer: a batch is what gathered while the batch before it was under way, and
what the loop brings in without a pause after that, so a lonely caller is served at once and a crowd
shares one trip. There is one batch at a time: two side
by side would only be smaller, and in each other's way. Callers who arrived first go first. Every
bound has a name; what is beyond the backlog is refused before anything is kept, and so is what
waited too long to be taken into a batch.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

from gateway.domain.errors import Overloaded, Reason

RETRY_AFTER_S = 0.5
"""Hint to callers who met a full backlog, in seconds."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class GatherBounds:
    """Bounds of a gatherer.

    Attributes:
        batch_max: items done together.
        backlog_max: items that may wait.
        wait_max_s: seconds that an item may wait before it is taken into a batch.
        calm_turns: turns of the event loop without an arrival after which a batch begins; 16 take
            some 100 microseconds.
    """

    batch_max: int = 256
    backlog_max: int = 20_000
    wait_max_s: float = 5.0
    calm_turns: int = 16


@dataclass(slots=True)
class Call(Generic[Result]):
    """One caller's items: what each was told, and who waits until all were told."""

    told: list[Result | BaseException | None]
    left: int
    done: asyncio.Future[Sequence[Result | BaseException]]


@dataclass(slots=True)
class Waiting(Generic[Item, Result]):
    """An item that waits since a moment on the loop's clock, and whose it is."""

    item: Item
    since: float
    call: Call[Result] = field(repr=False)
    place: int = 0

    @property
    def given_up(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.call.done.done()

    def tell(self, result: Result | BaseException) -> None:
        """Tell a result or an error; the caller hears of it when all that he asked for is told."""
        call = self.call
        call.told[self.place] = result
        call.left -= 1
        if not call.left and not call.done.done():
            call.done.set_result(cast("Sequence[Result | BaseException]", call.told))


Run = Callable[[Sequence[Waiting[Item, Result]]], Awaitable[None]]


class Gatherer(Generic[Item, Result]):
    """Lets items wait and runs them in batches. `run` tells each its result, and never raises."""

    def __init__(self, run: Run[Item, Result], bounds: GatherBounds) -> None:
        self.bounds = bounds
        self._run = run
        self._queue: deque[Waiting[Item, Result]] = deque()
        self._running: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many items wait to be taken into a batch."""
        return len(self._queue)

    def submit(self, items: Sequence[Item]) -> asyncio.Future[Sequence[Result | BaseException]]:
        """Let items wait, all of them or none, and give what will hold what each was told.

        What was begun goes on whether or not anybody waits for it. Raises Overloaded.
        """
        if len(self._queue) + len(items) > self.bounds.backlog_max:
            raise _overloaded()
        loop = asyncio.get_running_loop()
        now = loop.time()
        call: Call[Result] = Call([None] * len(items), len(items), loop.create_future())
        if not items:
            call.done.set_result([])
        self._queue.extend(Waiting(item, now, call, place) for place, item in enumerate(items))
        if self._queue and self._running is None:
            self._running = loop.create_task(self._run_all())
        return call.done

    async def drain(self) -> None:
        """Wait until nothing waits and nothing is under way."""
        while self._running is not None:
            await asyncio.wait([self._running])

    async def _run_all(self) -> None:
        """Run batches until nothing waits. It ends in the very turn in which it saw that."""
        batch: list[Waiting[Item, Result]] = []
        try:
            while self._queue:
                await self._let_arrive()
                batch = self._take()
                if batch:
                    await self._run(batch)
                batch = []  # who was not told yet is cared for aside
        finally:
            self._running = None
            # Something is left only where the loop is ending: nobody waits for ever.
            for waiting in (*batch, *self._queue):
                waiting.call.done.cancel()

    async def _let_arrive(self) -> None:
        """Let in what has reached this process already, until some turns brought nothing.

        A batch costs about as much for few as for many, so a crowd is served sooner if it is taken
        in first; whoever is alone waits for some turns of an idle loop.
        """
        seen, calm = 0, 0
        while calm < self.bounds.calm_turns and len(self._queue) < self.bounds.batch_max:
            calm = calm + 1 if len(self._queue) == seen else 0
            seen = len(self._queue)
            await asyncio.sleep(0)

    def _take(self) -> list[Waiting[Item, Result]]:
        """Take the next batch, in order of arrival."""
        batch: list[Waiting[Item, Result]] = []
        oldest = asyncio.get_running_loop().time() - self.bounds.wait_max_s
        while self._queue and len(batch) < self.bounds.batch_max:
            waiting = self._queue.popleft()
            if waiting.given_up:
                continue  # nothing of it has begun
            if waiting.since < oldest:
                waiting.tell(_overloaded())
            else:
                batch.append(waiting)
        return batch


def _overloaded() -> Overloaded:
    return Overloaded(
        Reason.OVERLOADED,
        "Too much waits to be written. Nothing was kept; send it again.",
        retry_after_s=RETRY_AFTER_S,
    )
