"""The monkey: kills and stops what runs, one thing at a time, and starts it again.

A strike counts as a hit where calls were under way when it fell; the sandbox's scripted faults have
a better proof, the sandbox's own record.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import asyncpg

from tests.faults.crowd import Crowd
from tests.faults.database import family, seen
from tests.faults.ground import Ground
from tests.faults.plan import Strike, strikes
from tests.processes import Service

REVIVED_WITHIN_S = 60.0


@dataclass
class Monkey:
    """What it did, and how often it hit."""

    ground: Ground
    crowd: Crowd
    done: list[tuple[float, Strike]] = field(default_factory=list)
    strikes: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)

    async def rage(self, seconds: float) -> None:
        """Strike again and again for so long; leave everything running."""
        start = time.monotonic()
        for strike in strikes(self.crowd.seed, self.crowd.channels):
            await asyncio.sleep(strike.pause_s)
            if time.monotonic() - start > seconds:
                break
            self.done.append((time.monotonic() - start, strike))
            self.strikes[strike.kind] += 1
            self.hits[strike.kind] += self.crowd.in_flight > 0
            await self._ways()[strike.kind](strike)

    def _ways(self) -> dict[str, Callable[[Strike], Awaitable[None]]]:
        stack = self.ground.stack
        return {
            "kill a gateway": lambda s: self._kill(self._gateway(s)),
            "kill all gateways": lambda _: self._kill(*stack.gateways),
            "stop a gateway": lambda s: self._pause(s, [self._gateway(s).pid]),
            "kill the sandbox": lambda _: self._kill(stack.sandbox),
            "stop the sandbox": lambda s: self._pause(s, [stack.sandbox.pid]),
            "kill a channel": lambda s: self._kill(self._channel(s)),
            "stop a channel": lambda s: self._pause(s, [self._channel(s).pid]),
            "kill Postgres": lambda _: self._kill_postgres(),
            "stop Postgres": lambda s: self._pause(s, family(self._postgres())),
            "end a connection": self._end_connection,
        }

    def _gateway(self, strike: Strike) -> Service:
        gateways = self.ground.stack.gateways
        return gateways[strike.target % len(gateways)]

    def _channel(self, strike: Strike) -> Service:
        stalls = [*self.ground.stalls.values()]
        return stalls[strike.target % len(stalls)].emulator.service

    def _postgres(self) -> int:
        pid = self.ground.database.server.pid
        assert pid is not None, "Postgres is not there"
        return pid

    async def _kill(self, *services: Service) -> None:
        for service in services:
            if not service.running:
                self.crowd.problems.append(f"{service.name} had ended by itself:\n{service.tail()}")
            await service.kill()
        await asyncio.gather(*(service.start() for service in services))

    async def _pause(self, strike: Strike, pids: list[int]) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(strike.length_s)
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    async def _kill_postgres(self) -> None:
        os.kill(self._postgres(), signal.SIGKILL)
        await seen("Postgres, brought back by a gateway", self._revived, REVIVED_WITHIN_S)

    async def _revived(self) -> bool:
        try:
            return bool(await self.ground.database.rows("select 1"))
        except (OSError, asyncpg.PostgresError):
            return False

    async def _end_connection(self, strike: Strike) -> None:
        with contextlib.suppress(OSError, asyncpg.PostgresError):
            if backends := await self.ground.database.backends():
                await self.ground.database.end_backends([backends[strike.target % len(backends)]])
