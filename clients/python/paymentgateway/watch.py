"""The watch that outlives its connections.

A stream ends often in an ordinary life: servers drain, proxies cut, readers fall behind. Every
message carries the cursor to go on from, so the watch opens the stream again with the last one it
saw and nothing is missed. Silence is a fault too: the server sends a heartbeat every 15 seconds, so
a stream without any is dead even if its connection looks alive.
"""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, TypeAlias

import grpc

from paymentgateway import errors
from paymentgateway.v1.payment_service_pb2 import WatchPaymentsRequest, WatchPaymentsResponse

WatchMethod: TypeAlias = grpc.aio.UnaryStreamMultiCallable[
    WatchPaymentsRequest, WatchPaymentsResponse
]


@dataclass(frozen=True)
class WatchBounds:
    """Bounds of a watch.

    Attributes:
        silence_s_max: longest silence before the stream counts as dead, in seconds. Heartbeats come
            every 15 s at least.
        backoff_s_initial: pause before the stream is opened again, in seconds; doubles with each
            that brings no message, with jitter.
        backoff_s_max: longest such pause, in seconds. A longer hint of the server is cut to it.
        reopens_max: streams opened again in a row without a single message before the watch gives
            up. 0 gives up at the first loss.
    """

    silence_s_max: float = 45.0
    backoff_s_initial: float = 0.2
    backoff_s_max: float = 10.0
    reopens_max: int = 30


DEFAULT_BOUNDS: Final = WatchBounds()

_REOPENED: Final = (
    errors.Unavailable,
    errors.OutcomeUnknown,
    errors.Overloaded,
    errors.Conflict,
)
"""Ends of a stream that say nothing against the request."""


async def watch(
    method: WatchMethod,
    request: WatchPaymentsRequest,
    *,
    heartbeats: bool,
    bounds: WatchBounds,
) -> AsyncGenerator[WatchPaymentsResponse]:
    """Yield the messages of one stream after another, each opened with the last cursor.

    Raises GatewayError.
    """
    cursor, reopens = request.cursor, 0
    while True:
        stream = _stream(method, request.merchant_id, cursor, bounds.silence_s_max)
        try:
            async with aclosing(stream):
                async for message in stream:
                    cursor, reopens = message.cursor, 0
                    if heartbeats or message.HasField("event"):
                        yield message
            lost = _lost("the server ended the stream")
        except grpc.aio.AioRpcError as rpc_error:
            lost = errors.from_rpc_error(rpc_error)
        except TimeoutError:
            lost = _lost(f"no message for {bounds.silence_s_max:g} s")
        if reopens >= bounds.reopens_max or not _may_reopen(lost):
            raise lost
        await asyncio.sleep(_pause_s(lost, reopens, bounds))
        reopens += 1


async def _stream(
    method: WatchMethod, merchant_id: str, cursor: str, silence_s_max: float
) -> AsyncGenerator[WatchPaymentsResponse]:
    """One stream, cancelled when the reader leaves it."""
    call = method(WatchPaymentsRequest(merchant_id=merchant_id, cursor=cursor))
    try:
        while True:
            async with asyncio.timeout(silence_s_max):
                message = await call.read()
            if not isinstance(message, WatchPaymentsResponse):  # the end of the stream
                return
            yield message
    finally:
        call.cancel()


def _may_reopen(error: errors.GatewayError) -> bool:
    return isinstance(error, _REOPENED) and error.same_key is errors.SameKey.SAFE


def _pause_s(error: errors.GatewayError, reopens: int, bounds: WatchBounds) -> float:
    # The exponent is bounded too: a float cannot hold 2 to the power of some thousands.
    backoff_s = bounds.backoff_s_initial * 2.0 ** min(reopens, 32) * random.uniform(0.5, 1.0)  # noqa: S311
    return min(max(backoff_s, error.retry_after_s or 0.0), bounds.backoff_s_max)


def _lost(message: str) -> errors.GatewayError:
    return errors.Unavailable(grpc.StatusCode.UNAVAILABLE, message)
