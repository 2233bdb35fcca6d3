"""Latency at half of what the gateway can do: calls come by a schedule, the same for both servers.

Five windows are measured in turn with the echo, and the ratio of the two p99 is taken window by
window, so one bad moment of the machine spoils one window and not the figure.
"""

from tests.bench.bench import Bench
from tests.bench.series import middle, rounds
from tests.bench.stages.unary import ECHOED, UNIFORM

SERIES = frozenset({"pay_open", "echo_open"})
SATURATION_SHARE = 0.5


async def measure(bench: Bench, wanted: frozenset[str]) -> None:
    """Measure both at half of the gateway's saturation."""
    echo = await bench.arena.echo()
    server = (await bench.arena.house("gateway")).server
    saturation = middle(bench.results.samples["pay"], lambda sample: sample.rate)
    rate = saturation * SATURATION_SHARE
    series = {
        "echo_open": lambda number: bench.measure(echo, ECHOED, rate=rate, seed=number),
        "pay_open": lambda number: bench.measure(server, UNIFORM, rate=rate, seed=number),
    }
    bench.results.samples.update(await rounds(series, bench.options.windows, bench.say))
