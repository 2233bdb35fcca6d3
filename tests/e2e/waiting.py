"""Waiting for what other processes do: polls, bounded, and says what was found instead.

Nothing here sleeps for a guessed time: a fast machine waits for nothing, a slow one longer.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from paymentgateway.errors import GatewayError, SameKey

WITHIN_S = 30.0
"""How long a test waits for what must come, generous because machines may be busy."""

POLL_S = 0.03

T = TypeVar("T")


async def until(
    probe: Callable[[], Awaitable[T]],
    holds: Callable[[T], Any] = bool,
    *,
    within_s: float = WITHIN_S,
) -> T:
    """Ask again and again until the answer holds, and give it; fail with the last one."""
    end = time.monotonic() + within_s
    while True:
        found = await probe()
        if holds(found):
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {within_s:g} s; the last answer was {found!r}")
        await asyncio.sleep(POLL_S)


async def insist(call: Callable[[], Awaitable[T]], *, within_s: float = WITHIN_S) -> T:
    """Send the same again, as callers are told to, until there is an answer."""
    end = time.monotonic() + within_s
    while True:
        try:
            return await call()
        except GatewayError as error:
            if error.same_key is not SameKey.SAFE or time.monotonic() > end:
                raise
        await asyncio.sleep(POLL_S)
