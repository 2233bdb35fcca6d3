"""One call to the gateway, with its deadline, its retries after an overload, and its typed error.

gRPC itself repeats UNAVAILABLE and ABORTED (see `transport`). What is left to do here is
RESOURCE_EXHAUSTED: where it carries RetryInfo the gateway shed the call before it kept anything,
and the same request goes out again after the hint, if the deadline leaves time for that. All sends
of a call share one deadline, and one request: nothing in here can change its key.
"""

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime
from typing import Final, TypeVar

import grpc
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from paymentgateway.errors import GatewayError, Overloaded, from_rpc_error
from paymentgateway.transport import Retry

HINT_JITTER: Final = 0.25
"""Largest share added to a hint, so that callers who were shed together come back apart."""

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)
PageT = TypeVar("PageT", bound=Message)


class Calls:
    """What every group of calls is built on: channel, deadline, and the rule for sending again."""

    def __init__(self, channel: grpc.aio.Channel, deadline_s: float, retry: Retry) -> None:
        """Keep them. `deadline_s` is the default for every call, in seconds."""
        self._channel = channel
        self._deadline_s = _checked(deadline_s)
        self._retry = retry

    async def _call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT],
        request: RequestT,
        deadline_s: float | None,
    ) -> ResponseT:
        """Send a request until it is answered, refused, or out of time. Raises GatewayError."""
        now = asyncio.get_running_loop().time
        end = now() + (self._deadline_s if deadline_s is None else _checked(deadline_s))
        attempt = 1
        while True:
            try:
                return await method(request, timeout=max(0.0, end - now()))
            except grpc.aio.AioRpcError as rpc_error:
                error = from_rpc_error(rpc_error)
                pause_s = self._pause_s(error, attempt)
                if pause_s is None or now() + pause_s >= end:
                    raise error from rpc_error
            await asyncio.sleep(pause_s)
            attempt += 1

    def _pause_s(self, error: GatewayError, attempt: int) -> float | None:
        """Seconds to wait before the next send, or None where there is none."""
        if not isinstance(error, Overloaded) or error.retry_after_s is None:
            return None
        if attempt >= self._retry.attempts_max:
            return None
        return error.retry_after_s * random.uniform(1.0, 1.0 + HINT_JITTER)  # noqa: S311


async def pages(
    read: Callable[[str], Awaitable[PageT]], next_token: Callable[[PageT], str]
) -> AsyncGenerator[PageT]:
    """Read page after page, from the first one to the one without a next token."""
    token = ""
    while True:
        page = await read(token)
        yield page
        token = next_token(page)
        if not token:
            return


def timestamp(moment: datetime | None) -> Timestamp | None:
    """Turn a moment into its message. Raises ValueError for one without a time zone."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone, for example datetime.now(UTC).")
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def _checked(deadline_s: float) -> float:
    if not (math.isfinite(deadline_s) and deadline_s > 0):
        raise ValueError("deadline_s must be a number of seconds above 0.")
    return deadline_s
