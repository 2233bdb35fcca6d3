"""A stand-in of a real channel as a process: what it printed, its control, its time."""

import re
from datetime import UTC, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

import aiohttp

from tests.processes import Service, free_port

BEIJING = timezone(timedelta(hours=8))
MORNING = time(8)
SETTING = re.compile(r"^([A-Z0-9_]+)=(.*)$", re.MULTILINE)


class Emulator:
    """One stand-in, started by the command that a user types."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.url = f"http://127.0.0.1:{free_port()}"
        address = self.url.removeprefix("http://")
        self.service = Service(
            name,
            ["emulate", name, "--listen", address, "--data-dir", str(folder / name)],
            {},
            folder / f"{name}.log",
            f"{self.url}/healthz",
        )

    def settings(self) -> dict[str, str]:
        """What it printed for a gateway, as a gateway's variables."""
        printed = self.service.log.read_text()
        return {f"GATEWAY_{name}": value for name, value in SETTING.findall(printed)}

    async def control(self, path: str, asked: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask a control endpoint: a GET, or a POST of what is asked."""
        url = f"{self.url}/control/{path}"
        async with aiohttp.ClientSession(trust_env=False) as session:
            sent = session.get(url) if asked is None else session.post(url, json=asked)
            async with sent as reply:
                assert reply.status == 200, f"{path}: {reply.status} {await reply.text()}"
                return dict(await reply.json())

    async def now(self) -> datetime:
        """Its virtual time."""
        return datetime.fromtimestamp((await self.control("clock"))["time_ms"] / 1_000, UTC)

    async def advance(self, **span: float) -> None:
        """Let virtual time pass."""
        await self.control("clock", {"advance_ms": int(timedelta(**span).total_seconds() * 1_000)})

    async def wait_for_morning(self, clock_time: time = MORNING) -> None:
        """Let it be the next morning in Beijing, so that no story meets midnight."""
        now = (await self.now()).astimezone(BEIJING)
        morning = datetime.combine(now.date() + timedelta(days=1), clock_time, BEIJING)
        await self.control("clock", {"time": morning.isoformat()})

    async def rule(self, **rule: Any) -> None:
        """Let a play or a fault wait for the next request that fits."""
        await self.control("rules", rule)
