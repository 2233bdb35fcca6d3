"""Many payments in one call, against pgbench: who writes the same rows without any server.

Both pay one merchant out of many wallets. The gateway is looked at over sizes of batches, pgbench
over numbers of clients, and each is measured at its best.
"""

from tests.bench.accounts import HOT_MERCHANT, PAYERS
from tests.bench.bench import Bench
from tests.bench.pgbench import run_pgbench
from tests.bench.plan import Kind, Mix
from tests.bench.series import Sample, rounds
from tests.bench.servers import Server, postgres_cpu_s
from tests.bench.usage import Cpu

SERIES = frozenset({"batch", "pgbench"})
LINE = "BatchPay"
SIZES = (10, 100, 500, 2_000)
PAYMENTS_UNDER_WAY = 4_000
CALLS_MIN, CALLS_MAX = 2, 64
"""Payments under way, and bounds of the calls that they are spread over."""

CLIENTS = (4, 8, 16, 32, 64)
DATABASE = "pgbench"
WORKERS = 2
"""Workers of the gateway: one per core of the machine that the figures are quoted for."""


async def measure(bench: Bench, wanted: frozenset[str]) -> None:
    """Look for the best of both, and measure them in rounds."""
    house = await bench.arena.house("gateway")
    await house.restart(WORKERS)
    server = house.server
    look_s = bench.options.look_s
    size = await bench.best(
        LINE, SIZES, lambda size: pay(bench, server, size, look_s), curve="batch size"
    )
    clients = await bench.best(DATABASE, CLIENTS, lambda count: _pgbench(bench, count, look_s))
    series = {
        "batch": lambda number: pay(bench, server, size, bench.options.seconds, seed=number),
        "pgbench": lambda number: _pgbench(bench, clients, bench.options.seconds),
    }
    bench.results.samples.update(await rounds(series, bench.options.rounds, bench.say))
    await house.restart(1)


async def pay(bench: Bench, server: Server, size: int, seconds: float, *, seed: int = 1) -> Sample:
    """Pay in batches of that size."""
    mix = Mix(Kind.BATCH_PAY, merchants=(HOT_MERCHANT,), payers=PAYERS, batch_size=size)
    return await bench.measure(
        server, mix, concurrency=calls_under_way(size), seconds=seconds, seed=seed
    )


def calls_under_way(size: int) -> int:
    """Give the calls to keep under way for batches of that size."""
    return max(CALLS_MIN, min(CALLS_MAX, PAYMENTS_UNDER_WAY // size))


async def _pgbench(bench: Bench, clients: int, seconds: float) -> Sample:
    dsn = await bench.arena.database(DATABASE)
    reference = await bench.arena.reference()
    before = postgres_cpu_s(reference)
    ran = await run_pgbench(dsn, clients, seconds, merchant=HOT_MERCHANT, payers=len(PAYERS))
    used = postgres_cpu_s(reference) - before
    bench.arena.paid[DATABASE] += ran.payments
    if ran.failed:
        bench.results.problems.append(f"pgbench: {ran.failed} transactions failed")
    return Sample(rate=ran.rate, cpu=Cpu(postgres=used / max(ran.payments, 1)))
