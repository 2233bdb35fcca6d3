"""kill -9 at any moment: what was answered is there, what was done was done once, the rest goes on.

The stand-in runs in a process of its own here, since only a process can be killed.
"""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.emulators.alipay import till
from tests.emulators.alipay.merchant import APP_ID, Reply, Shop, number, serving, shopping
from tests.emulators.bench import Receiver

PROGRAM = """
import asyncio, logging, signal, sys
from pathlib import Path
import structlog
from gateway.emulators.alipay import serve_alipay

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))

def ready(host, port, settings):
    for name, value in {"url": f"http://{host}:{port}", **settings}.items():
        print(f"ALIPAY_{name.upper()}={value}")
    print(f"alipay ready: http://{host}:{port}", flush=True)

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await serve_alipay(host="127.0.0.1", port=0, data_dir=Path(sys.argv[1]), ready=ready, stop=stop)

asyncio.run(main())
"""
COMMAND = ("-m", "gateway", "emulate", "alipay", "--listen", "127.0.0.1:0", "--data-dir")
START_TIMEOUT_S = 30
IN_FLIGHT = 12
LOST = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)


@dataclass
class Child:
    """A stand-in in a process of its own."""

    process: asyncio.subprocess.Process
    printed: dict[str, str]
    signalled: bool = False
    shop: Shop = field(init=False)

    async def end(self, how: signal.Signals) -> int:
        """Signal it once and wait for its end; the exit status."""
        if not self.signalled and self.process.returncode is None:
            self.signalled = True
            os.kill(self.process.pid, how)
        return await self.process.wait()


@asynccontextmanager
async def child(data_dir: Path, program: Sequence[str] = ("-c", PROGRAM)) -> AsyncIterator[Child]:
    """Start a stand-in over a folder; it is killed at the latest when the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *program, str(data_dir)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert process.stdout is not None
    running = Child(process, {})
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while (line := (await process.stdout.readline()).decode().strip()) and "=" in line:
                name, _, value = line.partition("=")
                running.printed[name] = value
        assert line == f"alipay ready: {running.printed['ALIPAY_URL']}"
        settings = {
            name.removeprefix("ALIPAY_").lower(): value for name, value in running.printed.items()
        }
        async with shopping(settings.pop("url"), settings) as running.shop:
            yield running
    finally:
        await running.end(signal.SIGKILL)


async def flood(
    running: Child, numbers: list[str], answered: dict[str, Reply], kill_after: int
) -> None:
    """Send what is not answered yet, a few at a time, and kill in the middle."""
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def send(of: str) -> None:
        async with gate:
            if of in answered or running.signalled:
                return
            with suppress(*LOST):
                answered[of] = await till.pay(running.shop, out_trade_no=of)
            if len(answered) >= kill_after:
                await running.end(signal.SIGKILL)

    await asyncio.gather(*(send(of) for of in numbers))


async def test_nothing_answered_is_lost_and_nothing_is_done_twice(data_dir: Path) -> None:
    """Killed under load: every answer holds, and sending all again takes no money twice."""
    numbers = [number() for _ in range(60)]
    answered: dict[str, Reply] = {}
    async with child(data_dir) as running:
        await flood(running, numbers, answered, kill_after=25)
    async with child(data_dir) as running:
        shop = running.shop
        for of, reply in answered.items():
            if reply.code == "10000":
                told = (await till.query(shop, of)).content
                assert told["trade_no"] == reply.content["trade_no"]
        replies = [await till.pay(shop, out_trade_no=of) for of in numbers]
        assert {reply.sub_code for reply in replies} <= {None, "ACQ.TRADE_HAS_SUCCESS"}
        page = (await shop.control("GET", "/control/trades?limit=1000"))["trades"]
        effects = {entry["number"]: entry["effects"]["charge"] for entry in page}
        assert effects == dict.fromkeys(numbers, 100)
        assert await shop.moved() == {"charge": 100 * len(numbers)}
        assert await running.end(signal.SIGTERM) == 0


async def test_what_was_due_is_done_after_the_kill(data_dir: Path, receiver: Receiver) -> None:
    """Buyers and banks who were waited for, rules and unacknowledged notifications go on."""
    receiver.answer = lambda _: (500, b"")
    late, request = number(), number()
    async with child(data_dir) as running:
        shop = running.shop
        of = await till.paid(shop, notify_url=f"{receiver.url}/n")
        await receiver.wait_for(3)
        await shop.play("pay", answer="WAITING", settle="SUCCESS", settle_delay_ms=3_600_000)
        await till.pay(shop, out_trade_no=late)
        await shop.play("refund", answer="WAITING", settle_delay_ms=3_600_000)
        await till.refund(shop, of, "0.50", out_request_no=request)
        await shop.fault("query", "NOT_FOUND")
        await running.end(signal.SIGKILL)
    receiver.answer = lambda _: (200, b"success")
    async with child(data_dir) as running:
        shop = running.shop
        assert await till.state(shop, late) == "ACQ.TRADE_NOT_EXIST"  # the rule survived too
        await shop.advance(hours=2)
        assert await till.state(shop, late) == "TRADE_SUCCESS"
        assert (await till.query_refund(shop, of, request)).content["refund_amount"] == "0.50"
        received = [shop.read(each).fields for each in await receiver.wait_for(4)]
        assert received[3]["notify_id"] == received[0]["notify_id"]
        assert await running.end(signal.SIGTERM) == 0


async def test_the_command_prints_what_it_takes_to_connect(tmp_path: Path) -> None:
    """The first start makes keys that only their owner reads, and names them; they are kept."""
    folder = tmp_path / "x"
    async with child(folder, COMMAND) as running:
        reply = await till.pay(running.shop)
        assert (reply.code, reply.signed) == ("10000", True)
        printed = {k: v for k, v in running.printed.items() if k != "ALIPAY_URL"}
        assert await running.end(signal.SIGTERM) == 0
    async with serving(folder, app_ids=(APP_ID,)) as shop:
        assert {f"ALIPAY_{k.upper()}": v for k, v in shop.settings.items()} == printed
    assert set(printed) == {
        f"ALIPAY_{name}"
        for name in (
            *("APP_ID", "SELLER_ID", "APP_KEY_FILE", "PUBLIC_KEY_FILE", "APP_CERTIFICATE_FILE"),
            *("APP_CERT_SN", "CERTIFICATE_FILE", "CERT_SN", "ROOT_CERTIFICATE_FILE"),
            "ROOT_CERT_SN",
        )
    }
    files = [path for path in (folder / "keys").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


async def test_time_that_passed_stays_passed(data_dir: Path) -> None:
    """Virtual time does not fall back with a restart."""
    async with serving(data_dir) as shop:
        await shop.advance(days=400)
    async with serving(data_dir) as shop:
        assert (await shop.control("GET", "/control/clock"))["shift_ms"] == 400 * 86_400_000


async def test_a_broken_first_start_is_mended(tmp_path: Path) -> None:
    """Half-made keys are completed by the next start, and made ones are kept."""
    folder = tmp_path / "keys" / "apps" / "2021000000000001"
    folder.mkdir(parents=True)
    (folder / "seller_id").write_text("2088000000000007")
    (folder / "1-app.key.pem").write_bytes(b"half")
    (tmp_path / "keys" / "root.key.pem").write_bytes(b"half")
    async with serving(tmp_path, app_ids=("2021000000000001",)) as shop:
        assert shop.settings["seller_id"] == "2088000000000007"
        assert (await till.pay(shop)).code == "10000"
