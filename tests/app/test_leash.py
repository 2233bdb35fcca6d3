"""The leash: questions are answered in turn, and each end feels when the other is gone."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gateway.app import leash as module
from gateway.app.leash import Leash, answering


@dataclass
class Ends:
    """Both ends, and what the worker's end does."""

    leash: Leash
    gone: asyncio.Event
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0

    async def slow(self) -> dict[str, int]:
        self.asked += 1
        mine = self.asked
        await self.may_answer.wait()
        return {"asked": mine}


@asynccontextmanager
async def tied() -> AsyncIterator[Ends]:
    ours, theirs = socket.socketpair()
    ends = Ends(await Leash.hold(ours), asyncio.Event())

    async def long() -> str:
        return "x" * 1_000_000 + "\n"

    async with answering(theirs, {"slow": ends.slow, "long": long}, ends.gone):
        yield ends
    await ends.leash.let_go()


async def test_answers_come_whole() -> None:
    """An answer may be long and have lines."""
    async with tied() as ends:
        assert await ends.leash.ask("long") == "x" * 1_000_000 + "\n"


async def test_askers_at_once_get_their_own_answers() -> None:
    """Questions asked at the same time are answered one after the other."""
    async with tied() as ends:
        ends.may_answer.set()
        answers = await asyncio.gather(*(ends.leash.ask("slow") for _ in range(20)))
    assert [answer["asked"] for answer in answers] == list(range(1, 21))


async def test_a_late_answer_is_not_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that came too late is not taken for that of the next question."""
    async with tied() as ends:
        monkeypatch.setattr(module, "ANSWER_TIMEOUT_S", 0.05)
        with pytest.raises(TimeoutError):
            await ends.leash.ask("slow")
        monkeypatch.undo()
        ends.may_answer.set()
        assert await ends.leash.ask("slow") == {"asked": 2}


async def test_a_supervisor_that_is_gone_is_felt() -> None:
    """The end of the supervisor's process ends the leash, and the worker is told."""
    async with tied() as ends:
        assert not ends.gone.is_set()
        await ends.leash.let_go()
        async with asyncio.timeout(1):
            await ends.gone.wait()


async def test_a_supervisor_that_is_gone_while_answered_is_felt() -> None:
    """The same where an answer was on its way."""
    async with tied() as ends:
        asking = asyncio.create_task(ends.leash.ask("slow"))
        while not ends.asked:
            await asyncio.sleep(0.001)
        await ends.leash.let_go()
        ends.may_answer.set()
        async with asyncio.timeout(1):
            await ends.gone.wait()
        with pytest.raises(OSError, match="closed its end"):
            await asking


async def test_a_worker_that_is_gone_is_an_error() -> None:
    """Who asks a worker that has ended is told so at once."""
    async with tied() as ends:
        pass
    with pytest.raises(OSError, match="closed its end"):
        await ends.leash.ask("slow")
