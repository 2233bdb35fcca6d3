"""kill -9 at any moment: what was answered is there, what was done was done once, the rest goes on.

The stand-in runs in a process of its own here, since only a process can be killed.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.emulators.core.book import BookLocked
from gateway.emulators.wechat.names import WECHAT
from tests.emulators.bench import Receiver
from tests.emulators.v3bench import MCHID, Reply, Shop, number, serving, shopping
from tests.emulators.wechat import till

PROGRAM = """
import asyncio, logging, signal, sys
from pathlib import Path
import structlog
from gateway.emulators.wechat import serve_wechat

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await serve_wechat(
        host="127.0.0.1", port=0, data_dir=Path(sys.argv[1]),
        ready=lambda host, port, _: print(f"http://{host}:{port}", flush=True), stop=stop,
    )

asyncio.run(main())
"""
START_TIMEOUT_S = 20
IN_FLIGHT = 12
LOST = aiohttp.ClientConnectionError


@dataclass
class Child:
    """A stand-in in a process of its own."""

    process: asyncio.subprocess.Process
    signalled: bool = False
    shop: Shop = field(init=False)

    async def end(self, how: signal.Signals) -> int:
        """Signal it once and wait for its end; the exit status."""
        if not self.signalled and self.process.returncode is None:
            self.signalled = True
            os.kill(self.process.pid, how)
        return await self.process.wait()


@asynccontextmanager
async def child(data_dir: Path) -> AsyncIterator[Child]:
    """Start a stand-in over `data_dir`; it is killed at the latest when the block ends."""
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
        async with shopping(url, data_dir / "keys", WECHAT) as running.shop:
            yield running
    finally:
        await running.end(signal.SIGKILL)


async def flood(
    running: Child, bodies: list[dict[str, Any]], answered: dict[str, Reply], kill_after: int
) -> None:
    """Send what is not answered yet, a few at a time, and kill in the middle."""
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def send(body: dict[str, Any]) -> None:
        of = body["out_trade_no"]
        async with gate:
            if of in answered or running.signalled:
                return
            try:
                reply = await running.shop.ask("POST", f"{till.ORDERS}/codepay", body)
            except (LOST, aiohttp.ClientPayloadError):
                return
            answered[of] = reply
            if len(answered) >= kill_after:
                await running.end(signal.SIGKILL)

    await asyncio.gather(*(send(body) for body in bodies))


async def test_nothing_answered_is_lost_and_nothing_is_done_twice(data_dir: Path) -> None:
    """Killed twice under load: every answer holds, and sending all again takes no money twice."""
    bodies: list[dict[str, Any]] = []
    answered: dict[str, Reply] = {}
    for kill_after in (20, 50):
        async with child(data_dir) as running:
            if not bodies:
                bodies = [till.code_order(running.shop, amount={"total": 1 + i}) for i in range(90)]
            await flood(running, bodies, answered, kill_after)
    async with child(data_dir) as running:
        shop = running.shop
        assert {reply.status for reply in answered.values()} <= {200, 400}
        for of, reply in answered.items():
            if reply.status == 200:
                assert (await till.query(shop, of)).body == reply.body
        replies = [await shop.ask("POST", f"{till.ORDERS}/codepay", body) for body in bodies]
        assert {reply.body.get("code", "paid") for reply in replies} <= {"paid", "ORDERPAID"}
        page = (await shop.control("GET", "/control/orders?limit=1000"))["orders"]
        effects = {entry["number"]: entry["effects"]["charge"] for entry in page}
        assert effects == {body["out_trade_no"]: body["amount"]["total"] for body in bodies}
        assert (await shop.moved())["charge"] == sum(effects.values())
        assert await running.end(signal.SIGTERM) == 0


async def test_what_was_due_is_done_after_the_kill(data_dir: Path, receiver: Receiver) -> None:
    """Deductions and refunds that waited, and notifications that were refused, go on."""
    deducted, refund = number(), number()
    receiver.answer = lambda _: (500, b"")
    async with child(data_dir) as running:
        shop = running.shop
        contract_id = await till.signed_contract(shop)
        await till.deduct(shop, contract_id)
        await till.deduct(
            shop, contract_id, out_trade_no=deducted, transaction_notify_url=f"{receiver.url}/n"
        )
        order = await till.paid(shop)
        await shop.play("refund", settle_delay_ms=3_600_000)
        await till.refund(shop, order, out_refund_no=refund)
        await shop.fault("query_refund", "NOT_FOUND", count=1)
        await running.end(signal.SIGKILL)
    async with child(data_dir) as running:
        shop = running.shop
        assert (await till.query_refund(shop, refund)).status == 404  # the rule survived too
        await shop.advance(hours=25)
        await receiver.wait_for(1)
        assert await till.state(shop, deducted) == "SUCCESS"
        assert (await till.query_refund(shop, refund)).body["status"] == "SUCCESS"
        await running.end(signal.SIGKILL)
    receiver.answer = lambda _: (200, b"")
    async with child(data_dir) as running:
        shop = running.shop
        await shop.advance(hours=1)
        again = shop.open((await receiver.wait_for(2))[1])
        assert (again.verified, again.told["out_trade_no"]) == (True, deducted)
        assert await running.end(signal.SIGTERM) == 0


async def test_time_that_passed_stays_passed(data_dir: Path) -> None:
    """Virtual time does not fall back with a restart."""
    async with serving(data_dir, WECHAT) as shop:
        await shop.advance(days=400)
        before = await shop.control("GET", "/control/clock")
    async with serving(data_dir, WECHAT) as shop:
        after = await shop.control("GET", "/control/clock")
    assert after["shift_ms"] == before["shift_ms"] == 400 * 86_400_000
    assert after["time_ms"] >= before["time_ms"]


async def test_a_book_belongs_to_one(shop: Shop) -> None:
    """A second stand-in over the same folder is refused."""
    with pytest.raises(BookLocked):
        async with serving(shop.keys.parent, WECHAT):
            pass


async def test_a_broken_first_start_is_mended(tmp_path: Path) -> None:
    """Half-made keys are completed by the next start, and made ones are kept."""
    folder = tmp_path / "keys" / "merchants" / MCHID
    folder.mkdir(parents=True)
    (folder / "api_v3_key").write_bytes(b"k" * 32)
    (folder / ".1-AB.cert.pem.0123").write_bytes(b"half")
    async with serving(tmp_path, WECHAT) as shop:
        assert shop.merchant.api_v3_key == b"k" * 32
        assert (await till.create(shop)).status == 200
