"""Measuring: a run of the generator against a server, with the CPU time that it took there."""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.bench.arena import Arena
from tests.bench.figures import Results
from tests.bench.load import Load
from tests.bench.plan import CONNECTIONS, Kind, Mix, Plan
from tests.bench.series import Sample, Say, described
from tests.bench.servers import HOST, Server
from tests.bench.usage import Cpu

PAYMENTS_PER_S_MAX = {
    Kind.PAY: 15_000,
    Kind.BATCH_PAY: 60_000,
    Kind.REPLAY: 25_000,
    Kind.GET_PAYMENT: 25_000,
}
"""Messages are made for this rate; a server that is faster ends its run early, and is timed so."""

SAMPLE_EVERY = {Kind.PAY: 8, Kind.BATCH_PAY: 1, Kind.REPLAY: 16, Kind.GET_PAYMENT: 16}
WARMUP_S = 0.5
OPEN_LOOP_SPARE = 1.3
"""Messages for the open loop, whose arrivals are random, per message expected."""


@dataclass(frozen=True)
class Options:
    """How long and how much.

    Attributes:
        rounds: of every series in a closed loop.
        windows: rounds in the open loop.
        seconds: length of one measurement.
        look_s: length of one measurement of a search for somebody's best.
        rows: payments in full tables.
        fill_s: longest time to fill them, in seconds; what there is by then is full.
    """

    rounds: int
    windows: int
    seconds: float
    look_s: float
    rows: int
    fill_s: float


QUICK = Options(rounds=3, windows=5, seconds=2.0, look_s=1.0, rows=1_000_000, fill_s=150)
THOROUGH = Options(rounds=5, windows=5, seconds=10.0, look_s=4.0, rows=10_000_000, fill_s=4 * 3_600)


@dataclass(frozen=True)
class Bench:
    """What every stage works with."""

    arena: Arena
    load: Load
    options: Options
    results: Results
    say: Say

    async def measure(
        self,
        server: Server,
        mix: Mix,
        *,
        concurrency: int = 64,
        rate: float = 0.0,
        seconds: float = 0.0,
        seed: int = 1,
        connections: int = CONNECTIONS,
    ) -> Sample:
        """Call a server, in an open loop where a rate is given. Raises LoadFailed."""
        seconds = seconds or self.options.seconds
        per_s = rate * OPEN_LOOP_SPARE or PAYMENTS_PER_S_MAX[mix.kind] / mix.batch_size
        plan = Plan(
            host=HOST,
            port=server.port,
            mix=mix,
            messages=max(math.ceil(per_s * (seconds + WARMUP_S)), 2 * concurrency),
            seconds=seconds,
            warmup_s=WARMUP_S,
            concurrency=concurrency,
            rate=rate,
            connections=connections,
            seed=seed,
            sample_every=SAMPLE_EVERY[mix.kind],
        )
        return await self.run(server, plan)

    async def run(self, server: Server, plan: Plan) -> Sample:
        """Run a plan, count its payments, and keep what was wrong. Raises LoadFailed."""
        before: list[Cpu] = []
        outcome = await self.load.run(plan, lambda: before.append(server.cpu()))
        used = server.cpu().since(before[0])
        # Items of a batch that were refused are no payments; in other runs each answer counts.
        each = outcome.paid / max(outcome.answered, 1) if plan.mix.kind is Kind.BATCH_PAY else 1.0
        server.payments += outcome.paid
        self.results.problems += [
            f"{server.name}, {plan.mix.kind.value}: {text}" for text in outcome.problems()
        ]
        done = max(outcome.answered * each, 1.0)
        return Sample(
            rate=outcome.rate * each,
            cpu=used.each(done),
            latency=outcome.latency,
            generator_share=outcome.generator_share,
        )

    async def best(
        self,
        line: str,
        choices: Sequence[int],
        measure: Callable[[int], Awaitable[Sample]],
        curve: str = "",
    ) -> int:
        """Measure each choice shortly, draw it where a curve is named, and keep the best one."""
        rates: dict[int, float] = {}
        for choice in choices:
            sample = await measure(choice)
            rates[choice] = sample.rate
            if curve:
                self.results.draw(curve, line, choice, sample.rate)
            self.say(f"looking at {choice:>5}  {described(line, sample)}")
        best = max(rates, key=lambda choice: rates[choice])
        self.results.best[line] = best
        return best
