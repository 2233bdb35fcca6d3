"""kill -9 at any moment: what was answered is there, what was done was done once, the rest goes on.

The operator runs in a process of its own here, since only a process can be killed.
"""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.emulators.bench import Receiver
from tests.emulators.carrier.customer import (
    PAYMENTS,
    Customer,
    Reply,
    calling,
    number,
    payment,
    serving,
    sink,
)

PROGRAM = """
import asyncio, logging, signal, sys
from pathlib import Path
import structlog
from gateway.emulators.carrier import serve_carrier

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await serve_carrier(
        host="127.0.0.1", port=0, data_dir=Path(sys.argv[1]),
        ready=lambda host, port, _: print(f"http://{host}:{port}", flush=True), stop=stop,
    )

asyncio.run(main())
"""
START_TIMEOUT_S = 20
IN_FLIGHT = 12
LOST = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)


@dataclass
class Child:
    """An operator in a process of its own."""

    process: asyncio.subprocess.Process
    signalled: bool = False
    customer: Customer = field(init=False)

    async def end(self, how: signal.Signals) -> int:
        """Signal it once and wait for its end; the exit status."""
        if not self.signalled and self.process.returncode is None:
            self.signalled = True
            os.kill(self.process.pid, how)
        return await self.process.wait()


@asynccontextmanager
async def child(data_dir: Path, token: str = "") -> AsyncIterator[Child]:
    """Start an operator over `data_dir`; it is killed at the latest when the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, str(data_dir)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert process.stdout is not None
    running = Child(process)
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            url = (await process.stdout.readline()).decode().strip()
        async with calling(url, data_dir) as running.customer:
            running.customer.token = token
            if not token:
                await running.customer.authorize()
            yield running
    finally:
        await running.end(signal.SIGKILL)


async def flood(
    running: Child, bodies: list[dict[str, Any]], answered: dict[str, Reply], kill_after: int
) -> None:
    """Send what is not answered yet, a few at a time, and kill in the middle."""
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def send(body: dict[str, Any]) -> None:
        of = body["amountTransaction"]["clientCorrelator"]
        async with gate:
            if of in answered or running.signalled:
                return
            try:
                reply = await running.customer.ask("POST", PAYMENTS, body)
            except LOST:
                return
            answered[of] = reply
            if len(answered) >= kill_after:
                await running.end(signal.SIGKILL)

    await asyncio.gather(*(send(body) for body in bodies))


async def test_nothing_answered_is_lost_and_nothing_is_done_twice(tmp_path: Path) -> None:
    """Killed twice under load: every answer holds, and sending all again charges nothing twice."""
    bodies = [payment(amount=1 + i) for i in range(90)]
    answered: dict[str, Reply] = {}
    for kill_after in (20, 50):
        async with child(tmp_path) as running:
            await flood(running, bodies, answered, kill_after)
    async with child(tmp_path) as running:
        customer = running.customer
        for reply in answered.values():
            assert reply.status in (201, 409)
            if reply.status == 201:
                assert await customer.query(reply.body["paymentId"]) == reply.body
        again = [(await customer.ask("POST", PAYMENTS, body)).status for body in bodies]
        assert set(again) == {201, 409}
        total = sum(range(1, 91))
        assert await customer.moved() == {"charge": f"{total}.000", "refund": "0"}
        assert (await customer.page()).headers["X-Total-Count"] == "90"
        assert await running.end(signal.SIGTERM) == 0


async def test_what_was_due_is_done_after_the_kill(tmp_path: Path, receiver: Receiver) -> None:
    """Tokens, rules, refunds that waited, reservations and refused events outlive a kill."""
    correlator = number()
    receiver.answer = lambda _: (500, b"")
    async with child(tmp_path) as running:
        customer, token = running.customer, running.customer.token
        of = await customer.paid(clientCorrelator=correlator, **sink(receiver.url))
        await receiver.wait_for(1)
        await customer.play("refund", settle_delay_ms=3_600_000)
        refund_id = (await customer.refund(of)).body["refundId"]
        held = await customer.reserved()
        await customer.fault("query", "NOT_FOUND")
        await customer.subscriber("+8613900000000", kind="BLOCKED")
        await customer.house(duplicates="REPLAY")
        await running.end(signal.SIGKILL)
    receiver.answer = lambda _: (204, b"")
    async with child(tmp_path, token) as running:
        customer = running.customer
        assert (await customer.ask("GET", f"{PAYMENTS}/{of}")).status == 404
        assert (await customer.query_refund(of, refund_id))["refundStatus"] == "processing"
        await customer.advance(hours=25)
        assert (await customer.query_refund(of, refund_id))["refundStatus"] == "succeeded"
        assert (await customer.query(held))["paymentStatus"] == "cancelled"
        assert (await customer.pay(phoneNumber="+8613900000000")).status == 403
        assert (await customer.control("GET", "/control/house"))["duplicates"] == "REPLAY"
        again = await receiver.wait_for(2)
        assert {event.body["data"]["paymentId"] for event in again} == {of}
        assert await running.end(signal.SIGTERM) == 0


async def test_clients_are_made_once_and_kept(tmp_path: Path) -> None:
    """Id and secret are files of the owner alone; half-made ones are completed, others stay."""
    folder = tmp_path / "clients" / "gateway"
    folder.mkdir(parents=True)
    (folder / "client_secret").write_text("kept")
    found = []
    for _ in range(2):
        async with serving(tmp_path) as customer:
            found.append((customer.credentials(), customer.credentials("other")))
            assert (await customer.pay()).status == 201
    assert found[0] == found[1]
    assert found[0][0][1] == "kept"
    made = tmp_path / "clients" / "other" / "client_secret"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
