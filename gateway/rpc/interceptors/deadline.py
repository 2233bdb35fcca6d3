"""Every call has a deadline: the caller's, or a default; never more than the maximum.

It is reduced by a margin in which the answer travels. Use cases that move money answer by it
themselves: such a call is never cut off here, because its work goes on. Reads are simply cut off.
"""

import asyncio
import math
from collections.abc import Callable

from gateway.clock import Deadline
from gateway.domain.errors import DeadlinePassed, Reason
from gateway.rpc.call import Call, Desk, Handler, Method
from gateway.rpc.settings import MARGIN_SHARE_MAX, RpcSettings


def keep_deadline(inner: Handler, method: Method, desk: Desk) -> Handler:
    """Give a call its deadline. A stream has the caller's own, which the transport keeps."""
    allow = _allowance(desk.settings)

    async def handle_money(call: Call) -> bytes:
        call.deadline = Deadline.after(allow(call))
        return await inner(call)

    async def handle_read(call: Call) -> bytes:
        allowed = asyncio.timeout(allow(call))
        try:
            async with allowed:
                return await inner(call)
        except TimeoutError:
            if allowed.expired():
                raise _passed() from None
            raise

    if method.stream:
        return inner
    return handle_money if method.money else handle_read


def _allowance(settings: RpcSettings) -> Callable[[Call], float]:
    """Make what gives the seconds that a call may take. It raises DeadlinePassed for none."""
    default_s, longest_s = settings.deadline_default_ms / 1_000, settings.deadline_max_ms / 1_000
    margin_s = settings.answer_margin_ms / 1_000

    def allow(call: Call) -> float:
        named: float | None = call.context.time_remaining()
        left_s = default_s if named is None else min(named, longest_s)
        call.deadline_ms = math.ceil(left_s * 1_000)
        if left_s <= 0:
            raise _passed()
        return left_s - min(margin_s, left_s * MARGIN_SHARE_MAX)

    return allow


def _passed() -> DeadlinePassed:
    return DeadlinePassed(Reason.DEADLINE_EXCEEDED, "No time was left before anything was kept.")
