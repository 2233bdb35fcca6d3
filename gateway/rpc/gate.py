"""The gate: how many calls are inside, and whether new ones may come in.

Two things close it: too many calls at once, and a server that drains. Calls inside finish in their
own time; streams never end by themselves, so draining ends them. Whoever is turned away was not
asked anything yet, so nothing was kept and the same request may be sent again.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.domain.errors import Overloaded, Reason, Unavailable

OVERLOADED_RETRY_AFTER_S = 0.2
"""Hint in seconds for calls that were one too many."""

DRAINING_RETRY_AFTER_S = 0.5
"""Hint in seconds for calls to a server that drains: time to find another one."""


class Gate:
    """Counts calls and streams inside. `calls_max` bounds the calls; streams have their own."""

    def __init__(self, calls_max: int) -> None:
        self._calls_max = calls_max
        self._calls = 0
        self._streams: set[asyncio.Timeout] = set()
        self._draining = False
        self._empty = asyncio.Event()

    @property
    def calls(self) -> int:
        """Calls inside now, streams not counted."""
        return self._calls

    @property
    def draining(self) -> bool:
        """Whether nobody is let in any more."""
        return self._draining

    def enter(self) -> None:
        """Let one call in; `leave` must follow. Raises Unavailable, Overloaded."""
        self.refuse_if_draining()
        if self._calls >= self._calls_max:
            raise Overloaded(
                Reason.OVERLOADED,
                "The gateway has too many calls under way; nothing was kept.",
                retry_after_s=OVERLOADED_RETRY_AFTER_S,
            )
        self._calls += 1

    def leave(self) -> None:
        """Let one call out."""
        self._calls -= 1
        self._tell_when_empty()

    def refuse_if_draining(self) -> None:
        """Let nobody in any more once the server drains. Raises Unavailable."""
        if self._draining:
            raise _shutting_down()

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[None]:
        """Hold a stream open until it ends by itself, or the server drains. Raises Unavailable."""
        self.refuse_if_draining()
        open_until = asyncio.timeout(None)
        try:
            async with open_until:
                self._streams.add(open_until)
                try:
                    yield
                finally:
                    self._streams.discard(open_until)
        except TimeoutError:
            if open_until.expired():
                raise _shutting_down() from None
            raise
        finally:
            self._tell_when_empty()

    async def drain(self, grace_s: float) -> bool:
        """Let nobody in, end the streams, wait for the calls. Tell whether all left in time."""
        if not self._draining:
            self._draining = True
            for open_until in self._streams:
                open_until.reschedule(0)
        self._tell_when_empty()
        try:
            async with asyncio.timeout(grace_s):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    def _tell_when_empty(self) -> None:
        if self._draining and not self._calls and not self._streams:
            self._empty.set()


def _shutting_down() -> Unavailable:
    return Unavailable(
        Reason.SHUTTING_DOWN,
        "This server is shutting down; send the request again, and another one answers.",
        retry_after_s=DRAINING_RETRY_AFTER_S,
    )
