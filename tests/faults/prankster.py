"""The prankster: lays faults at the real channels' stand-ins while people pay, and lets time pass.

Time passes there much faster than here, so that what a channel repeats after minutes is repeated,
and what it wants minutes apart can be asked for: here, refunds are made to be as long ago.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import asyncpg

from tests.faults.database import Database
from tests.faults.outing import Prank
from tests.faults.outside.stall import Stall

LEAP = timedelta(seconds=61)
"""Longer than any channel wants between two refunds."""

LEAPS_EVERY_S = 0.8

AGE_REFUNDS = """
update payment_operations o set create_time = o.create_time - $3::interval
from payments p
where p.merchant_id = o.merchant_id and p.payment_id = o.payment_id and p.channel = $1
    and o.kind = 'REFUND' and o.state <> 'PROCESSING' and o.create_time < $2
"""


@dataclass
class Prankster:
    """What it did."""

    stalls: Mapping[str, Stall]
    database: Database
    laid: Counter[str] = field(default_factory=Counter)

    async def play(self, pranks: Iterable[Prank], until: float) -> None:
        """Lay one prank after another until then, on the monotonic clock; take the rest back."""
        leaping = asyncio.create_task(self._leap_on())
        try:
            for prank in pranks:
                await asyncio.sleep(prank.pause_s)
                if time.monotonic() > until:
                    break
                if await self.stalls[prank.channel].ask("rules", prank.rule) is not None:
                    self.laid[prank.channel] += 1
        finally:
            leaping.cancel()
            await asyncio.gather(leaping, return_exceptions=True)
            await asyncio.gather(*(stall.forgive() for stall in self.stalls.values()))

    async def _leap(self, stall: Stall) -> None:
        """Let time pass at a channel, then here for the refunds that were made before."""
        before = datetime.now(UTC)
        if not await stall.leap(LEAP):
            return
        with contextlib.suppress(OSError, asyncpg.PostgresError):
            await self.database.rows(AGE_REFUNDS, stall.outside.name, before, LEAP)

    async def _leap_on(self) -> None:
        while True:
            await asyncio.sleep(LEAPS_EVERY_S)
            await asyncio.gather(*(self._leap(stall) for stall in self.stalls.values()))
