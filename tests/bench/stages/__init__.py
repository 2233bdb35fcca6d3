"""Which series are measured when. Stages share what they start and what they find.

    unary      calls that carry one payment, or read one
    signing    what signatures take of a payment through a channel
    open_loop  the same by a schedule, for latency
    batch      many payments in one call
    full       full tables against empty ones, and what a worker's memory does meanwhile
    workers    one worker against two

They run in this order: what one needs of another was measured before.
"""

from collections.abc import Awaitable, Callable

from tests.bench.bench import Bench
from tests.bench.stages import batch, full, open_loop, signing, unary, workers

Stage = Callable[[Bench, frozenset[str]], Awaitable[None]]
"""Measures those of its series that are wanted."""

STAGES: tuple[tuple[frozenset[str], Stage], ...] = (
    (unary.SERIES, unary.measure),
    (signing.SERIES, signing.measure),
    (open_loop.SERIES, open_loop.measure),
    (batch.SERIES, batch.measure),
    (full.SERIES, full.measure),
    (workers.SERIES, workers.measure),
)
