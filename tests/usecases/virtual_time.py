"""Time that jumps: a loop that has nothing left to do goes straight to its next timer.

So no test waits, and a deadline passes exactly when nothing else could have come before it. The
tests' clock moves along: spans, deadlines and the time of day agree.
"""

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from tests.usecases.fakes import FixedClock


@contextmanager
def virtual_time(clock: FixedClock) -> Iterator[None]:
    """Let the running loop keep the clock's time.

    Raises, inside the loop, AssertionError where everything waits for what can never come.
    """
    loop: Any = asyncio.get_running_loop()
    selector = loop._selector
    look, real_time = selector.select, loop.time

    def jump(timeout: float | None = None) -> Any:
        ready = look(0)
        if not ready and timeout != 0:
            assert timeout is not None, "everything waits for something that can never come"
            clock.advance(timedelta(microseconds=math.ceil(timeout * 1_000_000)))
        return ready

    selector.select, loop.time = jump, clock.monotonic
    try:
        yield
    finally:
        selector.select, loop.time = look, real_time
