"""Calls that carry one payment each, or read one.

All series are measured in the same rounds, so each ratio compares neighbours, and one series of
payments serves them all. Before that every server is looked at shortly over numbers of calls under
way, and then measured at its own best.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from tests.bench.accounts import HOT_MERCHANT, MERCHANTS, PAYERS
from tests.bench.bench import Bench
from tests.bench.plan import Kind, Mix
from tests.bench.series import Measure, Sample, rounds
from tests.bench.servers import CHANNEL, Server

CONCURRENCIES = (16, 64, 256, 512)
CHANNEL_CONCURRENCY_MAX = 64
"""Calls under way at the channel: as many as a real one would let us make."""

POOL_SIZES = (4, 8, 16, 32)
POOL_CONCURRENCY = 64
"""Calls under way while the textbook's best number of connections is looked for."""

MEMORY = "gateway"
UNIFORM: Final = Mix(merchants=MERCHANTS, payers=PAYERS)
ECHOED: Final = Mix(merchants=MERCHANTS, payers=PAYERS, checked=False)
GATEWAY_MIXES: Mapping[str, Mix] = {
    "pay": UNIFORM,
    "hot": Mix(merchants=(HOT_MERCHANT,), payers=PAYERS),
    "replays": Mix(merchants=MERCHANTS, payers=PAYERS, replays=0.5, memory=MEMORY),
    "read": Mix(kind=Kind.GET_PAYMENT, memory=MEMORY),
    "replay": Mix(kind=Kind.REPLAY, memory=MEMORY),
    "channel": Mix(merchants=MERCHANTS, payers=PAYERS, channel=CHANNEL),
}
"""Series of the gateway, and what is sent for each."""

SERIES = frozenset({"echo", "textbook", *GATEWAY_MIXES})


async def measure(bench: Bench, wanted: frozenset[str]) -> None:
    """Look for everybody's best, and measure what is wanted, in rounds."""
    series: dict[str, Measure] = {}
    async with AsyncExitStack() as ends:
        if "echo" in wanted:
            series["echo"] = await _at_best(bench, await bench.arena.echo(), ECHOED)
        if wanted & GATEWAY_MIXES.keys():
            series |= await _gateway(bench, wanted)
        if "textbook" in wanted:
            series["textbook"] = await _textbook(bench, ends)
        bench.results.samples.update(await rounds(series, bench.options.rounds, bench.say))


async def _gateway(bench: Bench, wanted: frozenset[str]) -> dict[str, Measure]:
    server = (await bench.arena.house("gateway", with_channel="channel" in wanted)).server
    remembered = Mix(merchants=MERCHANTS, payers=PAYERS, memory=MEMORY)
    best = await _best_concurrency(bench, server, remembered)

    async def one(name: str, number: int) -> Sample:
        calls = min(best, CHANNEL_CONCURRENCY_MAX) if name == "channel" else best
        return await bench.measure(server, GATEWAY_MIXES[name], concurrency=calls, seed=number)

    return {name: partial(one, name) for name in GATEWAY_MIXES if name in wanted}


async def _textbook(bench: Bench, ends: AsyncExitStack) -> Measure:
    """Look for the best number of connections, then for the best number of calls."""

    async def look(pool_size: int) -> Sample:
        async with bench.arena.textbook(pool_size) as server:
            return await bench.measure(
                server, UNIFORM, concurrency=POOL_CONCURRENCY, seconds=bench.options.look_s
            )

    size = await bench.best("textbook's pool", POOL_SIZES, look)
    server = await ends.enter_async_context(bench.arena.textbook(size))
    return await _at_best(bench, server, UNIFORM)


async def _at_best(bench: Bench, server: Server, mix: Mix) -> Measure:
    best = await _best_concurrency(bench, server, mix)
    return lambda number: bench.measure(server, mix, concurrency=best, seed=number)


async def _best_concurrency(bench: Bench, server: Server, mix: Mix) -> int:
    return await bench.best(
        server.name,
        CONCURRENCIES,
        lambda calls: bench.measure(server, mix, concurrency=calls, seconds=bench.options.look_s),
        curve="concurrency",
    )
