"""kill -9 at any moment: what was answered is there, what was done was done once, the rest goes on.

The stand-in runs in a process of its own here, since only a process can be killed.
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

import aiohttp

from gateway.emulators.unionpay.keyfiles import KeyFiles
from gateway.emulators.unionpay.settings import describe
from tests.emulators.bench import Receiver
from tests.emulators.unionpay.till import (
    BACK,
    MER_ID,
    Merchant,
    Reply,
    Till,
    calling,
    read_notification,
)

START_TIMEOUT_S = 30
IN_FLIGHT = 12
LOST = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)


PROGRAM = """
import asyncio, logging, signal, sys
from pathlib import Path
import structlog
from gateway.emulators.unionpay import serve_unionpay

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await serve_unionpay(
        host="127.0.0.1", port=0, data_dir=Path(sys.argv[1]),
        ready=lambda host, port, _: print(f"http://{host}:{port}", flush=True), stop=stop,
    )

asyncio.run(main())
"""


@dataclass
class Child:
    """A stand-in in a process of its own."""

    process: asyncio.subprocess.Process
    signalled: bool = False
    till: Till = field(init=False)

    async def end(self, how: signal.Signals) -> int:
        """Signal it once and wait for its end; the exit status."""
        if not self.signalled and self.process.returncode is None:
            self.signalled = True
            os.kill(self.process.pid, how)
        return await self.process.wait()

    async def lines(self) -> list[str]:
        """What it says before it is ready."""
        assert self.process.stdout is not None
        found: list[str] = []
        async with asyncio.timeout(START_TIMEOUT_S):
            while line := (await self.process.stdout.readline()).decode().strip():
                found.append(line)
                if "=" not in line:
                    break
        return found


@asynccontextmanager
async def starting(*words: str) -> AsyncIterator[Child]:
    """Start a stand-in; it is killed at the latest when the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    running = Child(process)
    try:
        yield running
    finally:
        await running.end(signal.SIGKILL)


@asynccontextmanager
async def child(data_dir: Path) -> AsyncIterator[Child]:
    """A stand-in over `data_dir`, and a till at it."""
    async with starting("-c", PROGRAM, str(data_dir)) as running:
        [url] = await running.lines()
        async with calling(url, data_dir / "keys") as running.till:
            yield running


async def flood(
    running: Child, orders: list[dict[str, str]], answered: dict[str, Reply], kill_after: int
) -> None:
    """Send what is not answered yet, a few at a time, and kill in the middle."""
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def send(asked: dict[str, str]) -> None:
        async with gate:
            if asked["orderId"] in answered or running.signalled:
                return
            try:
                reply = await running.till.ask(BACK, asked)
            except LOST:
                return
            answered[asked["orderId"]] = reply
            if len(answered) >= kill_after:
                await running.end(signal.SIGKILL)

    await asyncio.gather(*(send(asked) for asked in orders))


async def test_nothing_answered_is_lost_and_nothing_is_done_twice(data_dir: Path) -> None:
    """Killed under load: every answer holds, and sending all again takes no money twice."""
    answered: dict[str, Reply] = {}
    async with child(data_dir) as running:
        orders = [{**running.till.payment(txnAmt=str(1 + i)), "accNo": "tok_1"} for i in range(40)]
        await flood(running, orders, answered, 20)
    async with child(data_dir) as running:
        till = running.till
        assert {reply.code for reply in answered.values()} <= {"00", "12"}
        again = [await till.ask(BACK, asked) for asked in orders]
        assert {reply.code for reply in again} <= {"00", "12"}
        for asked in orders:
            assert (await till.settled(asked))["origRespCode"] == "00"
        page = (await till.control("GET", "/control/orders?limit=1000"))["orders"]
        effects = {entry["order_id"]: entry["effects"]["charge"] for entry in page}
        assert effects == {asked["orderId"]: int(asked["txnAmt"]) for asked in orders}
        assert (await till.moved())["charge"] == sum(effects.values())
        assert await running.end(signal.SIGTERM) == 0


async def test_what_was_due_is_done_after_the_kill(data_dir: Path, receiver: Receiver) -> None:
    """Rules, virtual time, decisions and notifications that waited go on."""
    receiver.answer = lambda _: (500, b"")
    where = {"backUrl": f"{receiver.url}/n"}
    async with child(data_dir) as running:
        till = running.till
        paid = await till.paid()
        await till.play("refund", settle_delay_ms=3_600_000)
        refund = (await till.follow("04", paid["queryId"], **where)).fields
        await till.fault("query", "NOT_FOUND")
        await running.end(signal.SIGKILL)
    async with child(data_dir) as running:
        till = running.till
        assert [(await till.query(refund)).code for _ in range(2)] == ["34", "00"]
        await till.advance(hours=2)
        await receiver.wait_for(1)
        assert (await till.query(refund)).fields["origRespCode"] == "00"
        await running.end(signal.SIGKILL)
    receiver.answer = lambda _: (200, b"")
    async with child(data_dir) as running:
        clock = await running.till.control("GET", "/control/clock")
        assert clock["shift_ms"] == 2 * 3_600_000
        await running.till.advance(hours=1)
        told = read_notification((await receiver.wait_for(2))[1])
        assert (told["orderId"], running.till.network.complaint(told)) == (refund["orderId"], None)


async def test_a_merchant_can_connect_with_what_is_printed(tmp_path: Path) -> None:
    """Keys are made at the first start as files that only their owner reads, named by settings."""
    folder = tmp_path / "x"
    (folder / "keys" / "signing").mkdir(parents=True)
    (folder / "keys" / "signing" / ".1-5.cert.pem.0123").write_bytes(b"half of a start")
    words = ("-m", "gateway", "emulate", "unionpay", "--listen", "127.0.0.1:0")
    async with starting(*words, "--data-dir", str(folder)) as running:
        *told, last = await running.lines()
        settings = dict(line.split("=", 1) for line in told)
        url = settings["UNIONPAY_URL"]
        assert last == f"unionpay ready: {url}"
        assert settings["UNIONPAY_FILE_URL"] == f"{url}/"
        assert settings["UNIONPAY_MERCHANT_ID"] == MER_ID
        files = [Path(value) for name, value in settings.items() if name.endswith("_FILE")]
        assert len(files) == 4
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
        merchant = Merchant.of(folder / "keys")
        assert settings["UNIONPAY_MERCHANT_CERTIFICATE_ID"] == merchant.cert_id
        async with calling(url, folder / "keys") as till:
            reply = await till.app()
        assert (reply.signed, reply.code) == (True, "00")
        assert await running.end(signal.SIGTERM) == 0
    again = KeyFiles(folder / "keys")
    again.open((MER_ID,))
    assert {f"UNIONPAY_{k}".upper(): v for k, v in describe(again, MER_ID).items()} == {
        k: v for k, v in settings.items() if not k.endswith("_URL")
    }
