"""The operations listener over real HTTP: three paths, nothing else, life without a database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest

from gateway import __version__
from gateway.clock import Clock
from gateway.ops import OpsServer, Readiness
from gateway.telemetry.metrics import Metrics


@dataclass
class Plant:
    """A listener that runs, and what it tells about."""

    metrics: Metrics = field(default_factory=Metrics)
    problem: str | None = None
    hangs: bool = False
    url: str = ""
    asked: int = 0

    async def exposition(self) -> bytes:
        return self.metrics.exposition()

    async def check(self) -> str | None:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        return self.problem

    async def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path) as reply,
        ):
            return reply.status, await reply.text()


@asynccontextmanager
async def running(plant: Plant, ttl_s: float = 0, timeout_s: float = 60) -> AsyncIterator[Plant]:
    """Run the listener on a free port."""
    readiness = Readiness({"database": plant.check}, Clock(), ttl_s=ttl_s, timeout_s=timeout_s)
    server = OpsServer(plant.exposition, readiness)
    port = await server.start("127.0.0.1", 0)
    plant.url = f"http://127.0.0.1:{port}"
    try:
        yield plant
    finally:
        async with asyncio.timeout(5):
            await server.stop()


async def test_metrics_are_exposed() -> None:
    """A scraper gets the metrics as they are now, in Prometheus' text format."""
    async with running(Plant()) as plant:
        plant.metrics.watching(7)
        status, text = await plant.get("/metrics")
        assert status == 200
        assert "\ngateway_watchers 7.0\n" in text


async def test_readiness_follows_its_checks() -> None:
    """Ready is 200; not ready is 503 and names what is not, until it is again."""
    async with running(Plant()) as plant:
        assert await plant.get("/readyz") == (200, '{"ready": true, "problems": {}}')
        plant.problem = "no connection"
        assert await plant.get("/readyz") == (
            503,
            '{"ready": false, "problems": {"database": "no connection"}}',
        )
        plant.problem = None
        assert (await plant.get("/readyz"))[0] == 200


async def test_probes_do_not_stampede() -> None:
    """Many probes at once ask the database once."""
    async with running(Plant(), ttl_s=60) as plant:
        answers = await asyncio.gather(*(plant.get("/readyz") for _ in range(20)))
        assert {status for status, _ in answers} == {200}
        assert plant.asked == 1


async def test_a_hanging_check_is_answered_in_time() -> None:
    """A database that does not answer makes a probe wait no longer than its bound."""
    async with running(Plant(hangs=True), timeout_s=0.1) as plant, asyncio.timeout(2):
        assert (await plant.get("/readyz"))[0] == 503


@pytest.mark.parametrize("state", ["ready", "not ready", "hanging"])
async def test_life_never_depends_on_readiness(state: str) -> None:
    """The process is alive whatever its checks say, and is not even asking them."""
    plant = Plant(problem="away" if state == "not ready" else None, hangs=state == "hanging")
    async with running(plant), asyncio.timeout(2):
        probe = asyncio.create_task(plant.get("/readyz"))
        while not plant.asked:
            await asyncio.sleep(0.001)
        asked = plant.asked
        assert await plant.get("/livez") == (200, '{"alive": true}')
        assert plant.asked == asked
        probe.cancel()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/metrics/", 404),
        ("GET", "/debug", 404),
        ("POST", "/metrics", 405),
        ("DELETE", "/readyz", 405),
        ("PUT", "/livez", 405),
    ],
)
async def test_nothing_else_is_there(method: str, path: str, status: int) -> None:
    """Other paths are not found, other methods not allowed."""
    async with running(Plant()) as plant:
        assert (await plant.get(path, method))[0] == status


async def test_answers_are_signed_with_our_name() -> None:
    """Every answer says which program gave it, so that another one on the port is noticed."""
    async with running(Plant()) as plant, aiohttp.ClientSession() as session:
        for path in ("/livez", "/readyz", "/metrics", "/nothing"):
            async with session.get(plant.url + path) as reply:
                assert reply.headers["Server"] == f"payment-gateway/{__version__}"


async def test_a_taken_port_is_an_error() -> None:
    """A port that another program has is told to whoever starts, and a stop is harmless then."""
    async with running(Plant()) as plant:
        second = OpsServer(plant.exposition, Readiness({}, Clock()))
        with pytest.raises(OSError, match="address already in use"):
            await second.start("127.0.0.1", int(plant.url.rsplit(":", 1)[1]))
        await second.stop()


async def test_nothing_is_left_after_a_stop() -> None:
    """After a stop the port is free, a check that hung has ended, and a second stop is harmless."""
    plant = Plant(hangs=True)
    async with running(plant):
        probe = asyncio.create_task(plant.get("/readyz"))
        while not plant.asked:
            await asyncio.sleep(0.001)
    with pytest.raises(aiohttp.ClientError):
        await plant.get("/livez")
    await asyncio.gather(probe, return_exceptions=True)
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_a_huge_request_is_refused() -> None:
    """A request line beyond the bound is refused, and the listener lives on."""
    async with running(Plant()) as plant:
        assert (await plant.get("/livez?" + "x" * 10_000))[0] == 400
        assert (await plant.get("/livez"))[0] == 200
