"""One worker against two, on the same database: only for the picture of how cost grows."""

from tests.bench.bench import Bench
from tests.bench.series import described
from tests.bench.stages.full import CONCURRENCY_DEFAULT
from tests.bench.stages.unary import UNIFORM

SERIES = frozenset({"workers"})
COUNTS = (1, 2)
CONNECTIONS = 32
"""Many: the system gives each connection to some worker, and few would be spread unevenly."""


async def measure(bench: Bench, wanted: frozenset[str]) -> None:
    """Start the gateway with each number of workers, and pay."""
    house = await bench.arena.house("gateway")
    calls = bench.results.best.get(house.name, CONCURRENCY_DEFAULT)
    for count in COUNTS:
        await house.restart(count)
        sample = await bench.measure(
            house.server, UNIFORM, concurrency=calls, connections=CONNECTIONS
        )
        bench.results.draw("workers", "gateway", count, sample.rate)
        bench.say(f"workers {count}    {described('pay', sample)}")
