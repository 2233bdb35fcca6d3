"""Many small tasks at once, but never more than so many: the bound of everything that is asked."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

ItemT = TypeVar("ItemT")


async def each(
    items: Iterable[ItemT], work: Callable[[ItemT], Awaitable[None]], in_flight_max: int
) -> None:
    """Do the work for each item. The first error ends all of it, and is raised."""
    waiting = iter(items)

    async def keep_on() -> None:
        for item in waiting:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight_max):
                group.create_task(keep_on())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
