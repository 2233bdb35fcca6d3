"""kill -9 at any moment: what was answered is there, what was done was done once, the rest goes on.

The sandbox runs in a process of its own here, since only a process can be killed.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.emulators.core import book
from gateway.emulators.core.book import BookLocked
from tests.emulators.bench import (
    KEY,
    Caller,
    Receiver,
    calling,
    charge_body,
    payout_body,
    serving,
    until,
)

PROGRAM = """
import asyncio, logging, signal, sys
from pathlib import Path
import structlog
from gateway.emulators.sandbox import serve_sandbox

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await serve_sandbox(
        host="127.0.0.1", port=0, data_dir=Path(sys.argv[1]), keys=[bytes.fromhex(sys.argv[2])],
        ready=lambda host, port: print(f"http://{host}:{port}", flush=True), stop=stop,
    )

asyncio.run(main())
"""
START_TIMEOUT_S = 10
IN_FLIGHT = 24
LOST = aiohttp.ClientConnectionError


@dataclass
class Child:
    """A sandbox in a process of its own."""

    process: asyncio.subprocess.Process
    signalled: bool = False
    caller: Caller = field(init=False)

    async def end(self, how: signal.Signals) -> int:
        """Signal it once and wait for its end; the exit status."""
        if not self.signalled and self.process.returncode is None:
            self.signalled = True
            os.kill(self.process.pid, how)  # send_signal may reap it and lose its exit status
        return await self.process.wait()


@asynccontextmanager
async def child(data_dir: Path) -> AsyncIterator[Child]:
    """Start a sandbox over `data_dir`; it is killed at the latest when the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, str(data_dir), KEY.hex()),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert process.stdout is not None
    running = Child(process)
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            url = (await process.stdout.readline()).decode().strip()
        async with calling(url) as running.caller:
            yield running
    finally:
        await running.end(signal.SIGKILL)


@pytest.mark.parametrize(
    ("kind", "make", "moved"),
    [("charge", charge_body, "charged"), ("payout", payout_body, "paid_out")],
)
async def test_nothing_answered_is_lost_and_nothing_is_done_twice(
    tmp_path: Path, kind: str, make: Callable[..., dict[str, Any]], moved: str
) -> None:
    """Killed twice under load: every answer holds, and sending all again changes nothing."""
    bodies = [make(amount=1 + index) for index in range(200)]
    answered: dict[str, Any] = {}
    for kill_after in (30, 100):
        async with child(tmp_path) as running:
            await _flood(running, f"/v1/{kind}s", bodies, answered, kill_after)
    async with child(tmp_path) as running:
        found = await asyncio.gather(*(running.caller.query(kind, of) for of in answered))
        assert [reply.body for reply in found] == list(answered.values())
        replies = await asyncio.gather(
            *(running.caller.ask("POST", f"/v1/{kind}s", body) for body in bodies)
        )
        assert {reply.status for reply in replies} == {200}
        assert all(answered.get(r.body["number"], r.body) == r.body for r in replies)
        page = (await running.caller.control("GET", f"/control/{kind}s?limit=1000")).body
        effects = {entry["number"]: entry["effects"][moved] for entry in page[f"{kind}s"]}
        assert effects == {body["number"]: body["amount"] for body in bodies}
        total = (await running.caller.summary())["by_currency"]["CNY"][moved]
        assert total == sum(effects.values())
        assert await running.end(signal.SIGTERM) == 0


async def _flood(
    running: Child,
    path: str,
    bodies: list[dict[str, Any]],
    answered: dict[str, Any],
    kill_after: int,
) -> None:
    """Send everything, IN_FLIGHT at once, and kill -9 once so many new answers have come."""
    goal = len(answered) + kill_after
    room = asyncio.Semaphore(IN_FLIGHT)  # so that the kill always meets some on their way

    async def one(body: dict[str, Any]) -> None:
        try:
            async with room:
                reply = await running.caller.ask("POST", path, body)
        except LOST:
            return
        assert reply.status == 200
        assert answered.setdefault(body["number"], reply.body) == reply.body
        if len(answered) >= goal:
            await running.end(signal.SIGKILL)

    await asyncio.gather(*(one(body) for body in bodies if body["number"] not in answered))
    assert running.process.returncode == -signal.SIGKILL
    assert goal <= len(answered) < len(bodies), "the kill missed its window"


async def test_what_was_pending_goes_on_after_kill(tmp_path: Path, receiver: Receiver) -> None:
    """Settlements, faults and notifications that were pending happen after the restart."""
    receiver.answer = lambda _: (503, b"")
    told = {"notify_url": receiver.url}
    later = {"outcome": "ANSWER_LATER", "settle_delay_ms": 600}
    async with child(tmp_path) as running:
        ask = running.caller
        held = (await ask.charge(capture="MANUAL")).body["number"]
        waiting = (await ask.charge(script=later, **told)).body["number"]
        capture = (await ask.capture(held, script=later)).body["number"]
        refused = charge_body(script={"fault": "REFUSE", "fault_count": 2})
        with pytest.raises(LOST):
            await ask.ask("POST", "/v1/charges", refused)
        payout = (await ask.payout(script=later, **told)).body["number"]
        late = (await ask.payout(script=later | {"pay_after_close": True}, **told)).body["number"]
        fenced = (await ask.payout(script=later, **told)).body["number"]
        for of in (late, fenced):
            assert (await ask.close(of, "payout")).body["state"] == "CLOSED"
        at_once = (await ask.charge(script={"notify": "ONCE"}, **told)).body["number"]
        await until(lambda: len(receiver.received) >= 1)
        await running.end(signal.SIGKILL)
    receiver.answer = lambda _: (200, b'{"acknowledged":true}')
    receiver.received.clear()
    async with child(tmp_path) as running:
        await running.caller.settled("charge", waiting, "SUCCEEDED")
        await running.caller.settled("capture", capture, "SUCCEEDED")
        await running.caller.settled("charge", held, "SUCCEEDED")
        await running.caller.settled("payout", payout, "SUCCEEDED")
        await running.caller.settled("payout", late, "SUCCEEDED")
        await receiver.wait_for(4)
        told_of = {one.about["number"] for one in receiver.received}
        assert told_of == {waiting, at_once, payout, late}
        assert (await running.caller.query("payout", fenced)).body["state"] == "CLOSED"
        assert (await running.caller.entry("payout", fenced))["effects"] == {"paid_out": 0}
        with pytest.raises(LOST):
            await running.caller.ask("POST", "/v1/charges", refused)
        assert (await running.caller.ask("POST", "/v1/charges", refused)).status == 200


async def test_a_stop_finishes_what_runs(tmp_path: Path) -> None:
    """Whoever was let in before the stop is answered; nobody is let in after it."""
    slow = charge_body(script={"reply_delay_ms": 300})
    async with serving(tmp_path) as sandbox:
        asked = asyncio.create_task(sandbox.ask("POST", "/v1/charges", slow))
        await sandbox.settled("charge", slow["number"], "SUCCEEDED")
        sandbox.stop.set()
        await asyncio.sleep(0.05)
        with pytest.raises(LOST):
            await sandbox.query("charge", slow["number"])
        assert (await asked).body["state"] == "SUCCEEDED"


async def test_one_book_has_one_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second sandbox over the same folder does not start, and says why."""
    monkeypatch.setattr(book, "LOCK_WAIT_MS", 50)
    async with serving(tmp_path) as sandbox:
        with pytest.raises(BookLocked, match="another process"):
            async with serving(tmp_path):
                pass
        assert (await sandbox.charge()).status == 200
