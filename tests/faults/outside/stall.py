"""One stand-in that runs, and what a campaign asks of its control.

It may be killed or stand still at any moment, so a question may stay without an answer: who asks
tries again for a while, and then lets it be.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.channels.emulator import Emulator
from tests.faults.outside.channel import Book, Outside, Rule, Terms
from tests.invariants.world import Row

PAGE = 1_000
ASKED_FOR_S = 6.0
PAUSE_S = 0.2
TIMEOUT = aiohttp.ClientTimeout(total=5.0)
OK = 200


class Stall:
    """A channel of the campaign."""

    def __init__(self, outside: Outside, folder: Path) -> None:
        self.outside = outside
        self.emulator = Emulator(outside.name, folder)
        self.terms: Terms = {}

    async def start(self) -> dict[str, str]:
        """Start it, and give what a gateway needs to know; it is morning where time may run."""
        await self.emulator.service.start()
        if self.outside.leaps:
            await self.emulator.wait_for_morning()
        settings = {**self.emulator.settings(), **self.outside.chosen}
        if self.outside.agree:
            self.terms = await self.outside.agree(self.emulator, settings)
        return settings

    async def ask(self, path: str, asked: Rule | None = None, method: str = "") -> Any:
        """Ask until there is an answer; None where it is no, or where nobody answers."""
        end = time.monotonic() + ASKED_FOR_S
        how = method or ("GET" if asked is None else "POST")
        while time.monotonic() < end:
            try:
                return await self._ask_once(how, path, asked)
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(PAUSE_S)
        return None

    async def leap(self, span: timedelta) -> bool:
        """Let time pass there, where it may. Whether it did."""
        if not self.outside.leaps:
            return False
        asked = {"advance_ms": int(span.total_seconds() * 1_000)}
        return await self.ask("clock", asked) is not None

    async def book(self) -> Book:
        """Read its book as the invariants know it."""
        records = {page: await self._read(page) for page in self.outside.pages}
        return self.outside.read(records)

    async def moved(self) -> int:
        """Ask what moved in all, by its own sum, in minor units."""
        summary: Mapping[str, Any] = await self.emulator.control("summary")
        return self.outside.moved(summary["moved"])

    async def forgive(self) -> None:
        """Take every rule back: nothing goes wrong there any more."""
        await self.ask("rules", method="DELETE")

    async def _ask_once(self, method: str, path: str, asked: Rule | None) -> Any:
        url = f"{self.emulator.url}/control/{path}"
        async with (
            aiohttp.ClientSession(trust_env=False, timeout=TIMEOUT) as session,
            session.request(method, url, json=asked) as reply,
        ):
            return await reply.json() if reply.status == OK else None

    async def _read(self, page: str) -> list[Row]:
        after, rows = 0, list[Row]()
        while after is not None:
            found = await self.emulator.control(f"{page}?limit={PAGE}&after={after}")
            rows += found[page]
            after = found["next"]
        return rows
