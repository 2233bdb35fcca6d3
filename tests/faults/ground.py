"""The ground on which faults are provoked: a stack, its database, and who was told what."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.faults.database import Database, seen
from tests.faults.line import Line
from tests.faults.outside import OUTSIDE
from tests.faults.outside.stall import Stall
from tests.faults.verbs import answers, caller
from tests.invariants import Told, World, violations
from tests.invariants.world import Row, read_book
from tests.processes import Stack

QUIET_WITHIN_S = 60.0
POLL_S = 0.1
BOOKS = ("charges", "captures", "refunds", "payouts")

OPEN_WORK = """
select a.number, a.kind, a.tries, p.payment_id, p.state, exists (
    select from review_cases r where r.attempt_id = a.attempt_id and r.resolve_time is null
) as reviewed
from attempts a join payments p using (merchant_id, payment_id)
where a.state = 'OPEN' and not (a.kind = 'CHARGE' and p.state = 'REQUIRES_ACTION') and not (
    p.state in ('PROCESSING', 'REQUIRES_ACTION') and p.expire_time > now() + interval '1 day'
)
"""
"""What is under way, but for payments that have days to be paid, and cancels that wait for that."""


class Restless(AssertionError):
    """Something did not come to rest in time."""


class Ground:
    """A running stack whose channel is reached over a wire that tests can hold."""

    def __init__(
        self, stack: Stack, database: Database, line: Line, stalls: Mapping[str, Stall]
    ) -> None:
        self.stack = stack
        self.database = database
        self.line = line
        self.stalls = stalls
        self.told: list[Told] = []

    async def book(self, kind: str) -> dict[str, Row]:
        """Read one of the channel's own lists, by our numbers."""
        return {row["number"]: row for row in await read_book(self.stack.sandbox_url, kind)}

    async def quiet(self, *, within_s: float = QUIET_WITHIN_S, stable_s: float = 0.0) -> None:
        """Wait until all work is resolved, or open for a person and unchanged for so long.

        Raises Restless.
        """
        end, since = time.monotonic() + within_s, time.monotonic()
        before: set[str] = set()
        while True:
            left = {row["number"]: row["reviewed"] for row in await self.database.rows(OPEN_WORK)}
            if set(left) != before or not all(left.values()):
                before, since = set(left), time.monotonic()
            if all(left.values()) and time.monotonic() - since >= stable_s:
                return
            if time.monotonic() > end:
                raise Restless(f"still open after {within_s:.0f} s: {sorted(left)}")
            await asyncio.sleep(POLL_S)

    async def world(self) -> World:
        """Read everything there is, the books of channels first, with what callers were told."""
        books = {name: await stall.book() for name, stall in self.stalls.items()}
        world = await self.stack.world(self.told)
        for book in books.values():
            world.charges += book["charges"]
            world.captures += book["captures"]
            world.refunds += book["refunds"]
        return world

    async def check(self) -> World:
        """Every invariant holds."""
        world = await self.world()
        found = violations(world)
        assert not found, "\n".join(found)
        return world

    async def restart(self, index: int = 0) -> None:
        """Start a gateway that was killed, and wait until a caller reaches it."""
        await self.stack.gateways[index].start()
        async with caller(self.stack.targets[index]) as client:
            await seen("a gateway that answers", lambda: answers(client))


@asynccontextmanager
async def running_ground(
    settings: Mapping[str, str], *, gateways: int = 1, channels: Sequence[str] = ()
) -> AsyncIterator[Ground]:
    """Run a stack in a folder of its own while the block runs, beside these real channels."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-faults-"))
    folder.chmod(0o711)  # as root, Postgres runs as nobody and must reach its data below
    async with AsyncExitStack() as exits:
        exits.callback(shutil.rmtree, folder, ignore_errors=True)
        stalls = {name: Stall(OUTSIDE[name], folder) for name in channels}
        for stall in stalls.values():
            exits.push_async_callback(stall.emulator.service.stop)
        told = await asyncio.gather(*(stall.start() for stall in stalls.values()))
        line, known = Line(), {name: value for each in told for name, value in each.items()}
        known |= {"GATEWAY_SANDBOX_URL": line.url, **settings}
        stack = Stack(folder, gateways=gateways, settings=known)
        await line.start(int(stack.sandbox_url.rpartition(":")[2]))
        exits.push_async_callback(line.stop)
        exits.push_async_callback(stack.stop)
        await stack.start()
        server = await exits.enter_async_context(stack.postgres())
        yield Ground(stack, Database(server), line, stalls)
