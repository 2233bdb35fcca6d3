"""The demo's processes: Postgres, the sandbox, two stand-ins of real channels, and the gateway.

The gateway is given what the stand-ins printed when they started, as an engineer would copy it, so
they start first, beside Postgres, which takes as long.
"""

import asyncio
from collections import ChainMap
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path

from gateway.store.embedded import EmbeddedPostgres
from tests.e2e.channels.emulator import BEIJING, Emulator
from tests.processes import Stack

STAND_INS = ("wechat", "alipay")
BILLS_ARE_READY = time(10, 1)
MIDNIGHT_IS_NEAR = timedelta(minutes=2)
"""Longer than the payments of the demo take, which shall be on one bill."""


@dataclass(frozen=True)
class Street:
    """All processes of the demo, running."""

    stack: Stack
    stand_ins: Mapping[str, Emulator]

    async def begin_day(self) -> date:
        """Give the day in Beijing, at the stand-ins; where it is about to end, the next one."""
        now = await asyncio.gather(*(stand_in.now() for stand_in in self.stand_ins.values()))
        later = max(now).astimezone(BEIJING) + MIDNIGHT_IS_NEAR
        if min(now).astimezone(BEIJING).date() != later.date():
            for stand_in in self.stand_ins.values():
                await stand_in.advance(seconds=2 * MIDNIGHT_IS_NEAR.total_seconds())
        return later.date()

    async def end_day(self) -> None:
        """Let it be the next morning at the stand-ins, when bills are ready."""
        stand_ins = self.stand_ins.values()
        await asyncio.gather(*(item.wait_for_morning(BILLS_ARE_READY) for item in stand_ins))


@asynccontextmanager
async def running_street(folder: Path, settings: Mapping[str, str]) -> AsyncIterator[Street]:
    """Run everything below a folder while the block runs. Raises ProcessFailed."""
    stand_ins = {name: Emulator(name, folder) for name in STAND_INS}
    services = [stand_in.service for stand_in in stand_ins.values()]
    postgres = EmbeddedPostgres(folder / "data")
    try:
        await asyncio.gather(postgres.start(), *(service.start() for service in services))
        printed = [stand_in.settings() for stand_in in stand_ins.values()]
        stack = Stack(folder, settings={**settings, **ChainMap(*printed)})
        try:
            await stack.start()
            yield Street(stack, stand_ins)
        finally:
            await stack.stop()
    finally:
        await asyncio.gather(*(service.stop() for service in services))
        await postgres.stop()
