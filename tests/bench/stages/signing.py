"""What RSA takes of a payment through the channel, and that it holds up no event loop."""

import asyncio
from typing import Final

from tests.bench import signing
from tests.bench.bench import Bench

SERIES: Final = frozenset({"channel"})


async def measure(bench: Bench, wanted: frozenset[str]) -> None:
    """Measure it in this process, against the channels of the gateway, which rests meanwhile."""
    assert wanted & SERIES
    house = await bench.arena.house("gateway")
    try:
        found = await asyncio.to_thread(
            signing.measure, house.stack.environment(), bench.options.seconds
        )
    except signing.Unanswered as failure:
        bench.results.problems.append(f"signing was not measured: {failure}")
        return
    bench.results.values.update(found.values())
    for name, held in found.held.items():
        bench.say(
            f"loop {name.replace('_', ' '):<14} CPU {held.cpu_s * 1e6:>5.0f} µs a call, "
            f"{held.turn_s * 1e6:>5.0f} µs a turn (p99)   longest {held.clock_max_s * 1e3:.1f} ms"
        )
