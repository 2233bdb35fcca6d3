"""Full tables against empty ones, and what the memory of a worker does while they are filled.

A gateway of its own is filled through BatchPay, by a worker per core; they start with it, so what
the largest of them holds after the first ten thousand payments and after a million is the same
process's. Then it is measured in turn with another gateway whose database is empty. Where the time
to fill is over before, both are told of as many payments as there are.
"""

import asyncio
import time

import asyncpg

from tests.bench import databases
from tests.bench.accounts import MERCHANTS, PAYERS
from tests.bench.bench import Bench
from tests.bench.load import LoadFailed
from tests.bench.plan import Kind, Mix, Plan
from tests.bench.series import rounds
from tests.bench.servers import HOST, House
from tests.bench.stages.batch import LINE, WORKERS, calls_under_way
from tests.bench.stages.unary import UNIFORM

SERIES = frozenset({"full", "empty", "memory"})
EARLY, LATE = 10_000, 1_000_000
"""Payments after which a worker's memory is read."""

SIZE_DEFAULT = 500
"""Payments in a batch where nobody looked for the best."""

CONCURRENCY_DEFAULT = 256
PART = 50_000
"""Payments between two lines of progress."""

CALM_S = 1.0
"""Pause before memory is read, in seconds: what calls held is given back."""

FILL_S_MAX = 600.0
"""Longest time that a part may take."""

SETTLE_S_MAX = 120.0
"""Longest wait for the database to have cleaned up after filling, in seconds."""


async def measure(bench: Bench, wanted: frozenset[str]) -> None:
    """Fill, read memory on the way, and measure full against empty where that is wanted."""
    full = await bench.arena.house("full")
    await full.restart(WORKERS)
    rows = bench.options.rows if "full" in wanted else min(bench.options.rows, LATE)
    await _fill(bench, full, rows)
    if "full" not in wanted:
        return
    await full.restart(1)
    empty = await bench.arena.house("empty")
    await _settle(bench, full)
    calls = bench.results.best.get("gateway", CONCURRENCY_DEFAULT)
    series = {
        house.name: lambda number, house=house: bench.measure(
            house.server, UNIFORM, concurrency=calls, seed=number
        )
        for house in (empty, full)
    }
    bench.results.samples.update(await rounds(series, bench.options.rounds, bench.say))


async def _fill(bench: Bench, house: House, rows: int) -> None:
    values = bench.results.values
    begin, done = time.monotonic(), 0
    while done < rows and time.monotonic() - begin < bench.options.fill_s:
        part = EARLY if not done else min(PART - done % PART, rows - done)
        await _pay(bench, house, part)
        if house.server.payments == done:
            raise LoadFailed(f"{house.name} takes no payments any more")
        done = house.server.payments
        if "memory_early" not in values:
            values["memory_early"] = await _memory(house)
        if done >= min(LATE, rows) and "memory_late" not in values:
            values["memory_late"] = await _memory(house)
        rate = done / (time.monotonic() - begin)
        bench.say(f"filling      {done:>10,} of {rows:,} payments, {rate:,.0f} /s")
    values["rows"] = done
    if "memory_late" not in values:
        values["memory_late"] = await _memory(house)


async def _pay(bench: Bench, house: House, payments: int) -> None:
    """Make so many payments, in batches; those at the end are smaller."""
    size = min(bench.results.best.get(LINE, SIZE_DEFAULT), payments)
    for batch, calls in ((size, payments // size), (payments % size, 1)):
        if not batch:
            continue
        plan = Plan(
            host=HOST,
            port=house.server.port,
            mix=Mix(Kind.BATCH_PAY, merchants=MERCHANTS, payers=PAYERS, batch_size=batch),
            messages=calls,
            seconds=FILL_S_MAX,
            warmup_s=0.0,
            concurrency=min(calls, calls_under_way(batch)),
            seed=house.server.payments,
            sample_every=1,
        )
        await bench.run(house.server, plan)


async def _memory(house: House) -> float:
    await asyncio.sleep(CALM_S)
    return house.server.worker_bytes()


async def _settle(bench: Bench, house: House) -> None:
    """Wait until autovacuum is done and all is on disk, as in a database of some age."""
    dsn = house.postgres.dsn(user=databases.SUPERUSER)
    connection = await asyncpg.connect(dsn)
    end = time.monotonic() + SETTLE_S_MAX
    try:
        while time.monotonic() < end and await connection.fetchval(databases.STATEMENTS["vacuums"]):
            await asyncio.sleep(CALM_S)
        await connection.execute("checkpoint")
    finally:
        await connection.close()
