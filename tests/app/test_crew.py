"""Seats and their crew, with small processes in the place of workers: who dies is replaced."""

import asyncio
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.app import leash, seat
from gateway.app.errors import StartError
from gateway.app.seat import EARLY_DEATHS_MAX, NOT_LAUNCHED, Launch
from gateway.app.supervisor import Crew

PATIENCE_S = 10.0
DRAIN_S = 5.0
WORKER = """
import json, os, signal, socket, sys
given = dict(zip(sys.argv[2::2], sys.argv[3::2]))
index, line = given["--worker"], socket.socket(fileno=int(given["--leash"]))
with open(sys.argv[1], "a") as book:
    book.write(f"{index} {os.getpid()}\\n")
WHAT_IT_DOES
for question in line.makefile():
    number, name = question.split()
    answer = {"problems": {}, "metrics": f"# TYPE served gauge\\nserved {index}7\\n"}[name]
    line.sendall(f"{number} {json.dumps(answer)}\\n".encode())
"""


@pytest.fixture(autouse=True)
def short_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds takes hundredths here."""
    monkeypatch.setattr(seat, "RESTART_PAUSE_S_MIN", 0.01)
    monkeypatch.setattr(seat, "RESTART_PAUSE_S_MAX", 0.05)
    monkeypatch.setattr(seat, "STEADY_S", 0.1)
    monkeypatch.setattr(seat, "ASK_PAUSE_S", 0.02)


class Ship:
    """A crew that runs."""

    def __init__(self, crew: Crew, book: Path) -> None:
        self.crew, self._book = crew, book
        self.stop = asyncio.Event()
        self.voyage = asyncio.create_task(crew.run(self.stop, DRAIN_S))

    def pids(self) -> dict[int, list[int]]:
        """The workers that were launched, by their index."""
        found = defaultdict[int, list[int]](list)
        for line in self._book.read_text().splitlines():
            index, pid = map(int, line.split())
            found[index].append(pid)
        return found

    async def problem(self) -> str | None:
        return await self.crew.check(self.stop)

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not await holds():
                assert not self.voyage.done(), self.voyage.result()
                await asyncio.sleep(0.01)

    async def until_all_serve(self, size: int) -> None:
        async def serve() -> bool:
            return (await self.crew.exposition()).count(b"served{") == size

        await self.until(serve)

    async def until_launched(self, index: int, count: int) -> None:
        async def launched() -> bool:
            return len(self.pids()[index]) >= count

        await self.until(launched)


@asynccontextmanager
async def sailing(book: Path, size: int = 2, what_it_does: str = "") -> AsyncIterator[Ship]:
    """Run a crew of workers that also do this, and end it."""
    book.touch()
    script = WORKER.replace("WHAT_IT_DOES", what_it_does)
    command = [sys.executable, "-I", "-S", "-c", script, str(book)]
    ship = Ship(Crew(size, Launch(command, dict(os.environ))), book)
    try:
        yield ship
    finally:
        ship.stop.set()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(ship.voyage, return_exceptions=True)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "book"


async def test_who_dies_is_replaced_and_keeps_the_index(book: Path) -> None:
    """After kill -9 of a worker another has its index, and its neighbours were not touched."""
    async with sailing(book, 3) as ship:
        await ship.until_all_serve(3)
        os.kill(ship.pids()[1][0], signal.SIGKILL)
        await ship.until_launched(1, 2)
        await ship.until_all_serve(3)
        assert {index: len(pids) for index, pids in ship.pids().items()} == {0: 1, 1: 2, 2: 1}
        text = (await ship.crew.exposition()).decode()
    assert 'gateway_worker_process_starts_total{worker="1"} 2.0' in text
    assert 'gateway_worker_process_starts_total{worker="2"} 1.0' in text
    assert 'served{worker="2"} 27.0' in text


async def test_workers_that_do_not_stay_up_end_the_whole(book: Path) -> None:
    """Where every worker dies again and again, one sentence says so, after a bounded time."""
    async with sailing(book, what_it_does="sys.exit(3)") as ship:
        with pytest.raises(StartError, match=r"No worker stays up: .* exit code 3\..*lines above"):
            await asyncio.wait_for(asyncio.shield(ship.voyage), PATIENCE_S)
        counts = [len(pids) for pids in ship.pids().values()]
    assert min(counts) >= EARLY_DEATHS_MAX
    assert max(counts) <= EARLY_DEATHS_MAX + 3


async def test_who_cannot_be_launched_ends_the_whole() -> None:
    """A command that is not there counts as a death, and is told as one."""
    crew = Crew(2, Launch(["/nowhere/gateway"], {}))
    with pytest.raises(StartError, match=f"exit code {NOT_LAUNCHED}"):
        await asyncio.wait_for(crew.run(asyncio.Event(), DRAIN_S), PATIENCE_S)


async def test_one_who_serves_is_enough(book: Path) -> None:
    """While one worker stays up, the whole serves, and the others are tried again for ever."""
    async with sailing(book, what_it_does="if index == '0': sys.exit(3)") as ship:
        await ship.until_launched(0, 3 * EARLY_DEATHS_MAX)
        assert await ship.problem() is None
        assert len(ship.pids()[1]) == 1


async def test_deaths_far_apart_are_no_reason_to_give_up(book: Path) -> None:
    """Who has served for a while and then dies is replaced however often that happens."""
    async with sailing(book, 1) as ship:
        for count in range(1, EARLY_DEATHS_MAX + 2):
            await ship.until_launched(0, count)
            await ship.until_all_serve(1)
            await asyncio.sleep(0.15)
            os.kill(ship.pids()[0][-1], signal.SIGKILL)
        await ship.until_launched(0, EARLY_DEATHS_MAX + 2)


async def test_pauses_grow_and_are_bounded(book: Path) -> None:
    """A worker that dies at once is launched less and less often, and never given up for long."""
    async with sailing(book, what_it_does="if index == '0': sys.exit(3)") as ship:
        await ship.until_launched(0, 5)
        began = time.monotonic()
        await ship.until_launched(0, 10)
        assert time.monotonic() - began >= 4 * 0.05


async def test_who_is_silent_is_killed(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that lives and does not answer is killed and replaced."""
    monkeypatch.setattr(leash, "ANSWER_TIMEOUT_S", 0.1)
    monkeypatch.setattr(seat, "SILENCES_MAX", 2)
    async with sailing(book) as ship:
        await ship.until_all_serve(2)
        os.kill(ship.pids()[0][0], signal.SIGSTOP)
        await ship.until_launched(0, 2)
        assert len(ship.pids()[1]) == 1


async def test_all_drain_at_a_stop(book: Path) -> None:
    """All workers are asked to end at once, and who does so leaves the whole clean."""
    leaves = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))"
    async with sailing(book, what_it_does=leaves) as ship:
        await ship.until_all_serve(2)
        ship.stop.set()
        assert await asyncio.wait_for(asyncio.shield(ship.voyage), PATIENCE_S) is True
        assert {len(pids) for pids in ship.pids().values()} == {1}


async def test_who_does_not_drain_is_killed(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who exceeds the drain is killed, and the whole says that it was not clean."""
    monkeypatch.setattr(sys.modules[__name__], "DRAIN_S", 0.2)
    async with sailing(book, what_it_does="signal.signal(signal.SIGTERM, signal.SIG_IGN)") as ship:
        await ship.until_all_serve(2)
        ship.stop.set()
        assert await asyncio.wait_for(asyncio.shield(ship.voyage), PATIENCE_S) is False
        pids = [pids[0] for pids in ship.pids().values()]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_stop_does_not_wait_for_a_pause(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop between a death and the next launch ends the seat at once."""
    monkeypatch.setattr(seat, "RESTART_PAUSE_S_MIN", 60.0)
    async with sailing(book, 1, what_it_does="sys.exit(3)") as ship:
        await ship.until_launched(0, 1)
        await asyncio.sleep(0.1)
        ship.stop.set()
        async with asyncio.timeout(1):
            await asyncio.shield(ship.voyage)


async def test_what_is_not_ready_is_told(book: Path) -> None:
    """Until a worker serves, and again when the stop begins, the reason is told."""
    async with sailing(book) as ship:
        assert await ship.problem() == "worker 0: it is starting; worker 1: it is starting"
        await ship.until_all_serve(2)
        assert await ship.problem() is None
        ship.stop.set()
        assert "shutting down" in str(await ship.problem())


async def test_the_page_of_all_does_without_the_silent(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Metrics of a worker that does not answer are missing; those of the others are told."""
    async with sailing(book) as ship:
        await ship.until_all_serve(2)
        os.kill(ship.pids()[0][0], signal.SIGSTOP)
        monkeypatch.setattr(leash, "ANSWER_TIMEOUT_S", 0.1)
        text = (await ship.crew.exposition()).decode()
        os.kill(ship.pids()[0][0], signal.SIGCONT)
    assert 'served{worker="0"}' not in text
    assert 'served{worker="1"} 17.0' in text
    assert 'process_cpu_seconds_total{worker="supervisor"}' in text


async def test_the_page_of_all_does_not_wait_for_a_start(book: Path) -> None:
    """A worker that is still starting keeps nobody waiting for the metrics of the others."""
    sleeps = "import time\nif index == '0': time.sleep(60)"
    async with sailing(book, what_it_does=sleeps) as ship:
        await ship.until_all_serve(1)
        began = time.monotonic()
        assert b'served{worker="1"} 17.0' in await ship.crew.exposition()
        assert time.monotonic() - began < leash.ANSWER_TIMEOUT_S / 2
