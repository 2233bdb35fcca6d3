"""Raw calls: the bytes that a test made, sent once, and what came back of them.

Nothing of the client stands between: no checks, no retries, no stubs.
"""

from collections.abc import Sequence

import grpc
import pytest

from paymentgateway.errors import GatewayError, from_rpc_error

PACKAGE = "paymentgateway.v1"
DEADLINE_S = 15.0

Metadata = Sequence[tuple[str, str | bytes]]


async def send(
    channel: grpc.aio.Channel, method: str, data: bytes, metadata: Metadata = ()
) -> bytes:
    """Send bytes to a method, named `Service/Method`, and give the bytes of the answer."""
    call = channel.unary_unary(f"/{PACKAGE}.{method}")
    return bytes(await call(data, timeout=DEADLINE_S, metadata=metadata))


async def refusal(
    channel: grpc.aio.Channel, method: str, data: bytes, metadata: Metadata = ()
) -> GatewayError:
    """Send bytes that must be refused, and give the refusal."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await send(channel, method, data, metadata)
    return from_rpc_error(caught.value)


async def stream_refusal(channel: grpc.aio.Channel, data: bytes) -> GatewayError:
    """Open a watch that must be refused, and give the refusal."""
    call = channel.unary_stream(f"/{PACKAGE}.PaymentService/WatchPayments")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(data, timeout=DEADLINE_S).read()
    return from_rpc_error(caught.value)


def field(number: int, content: bytes) -> bytes:
    """Write a field of bytes as it stands on the wire."""
    assert number < 16
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


UNKNOWN = b"\xf8\x07\x01"
"""Field 127, which no message of the contract has, with the number 1."""
