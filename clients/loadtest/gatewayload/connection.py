"""How one process reaches the gateway: connections for the load, and one for questions.

Load goes out as encoded bytes, over several connections in turn, and each call exactly once: a
retry inside the library would hide an error and its latency. Questions, before and after the run,
must be answered, so they are asked again as the contract allows, for as long as patience lasts.
"""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Self, TypeAlias, TypeVar

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from gatewayload.settings import Target
from paymentgateway.errors import (
    Conflict,
    GatewayError,
    NotYet,
    OutcomeUnknown,
    Overloaded,
    SameKey,
    Unavailable,
    from_rpc_error,
)
from paymentgateway.transport import DEFAULT_RETRY, Retry, channel_options, open_channel
from paymentgateway.v1 import payment_service_pb2, refund_service_pb2
from paymentgateway.v1.ledger_service_pb2_grpc import LedgerServiceStub
from paymentgateway.v1.merchant_service_pb2_grpc import MerchantServiceStub
from paymentgateway.v1.payment_service_pb2_grpc import PaymentServiceStub
from paymentgateway.v1.refund_service_pb2_grpc import RefundServiceStub
from paymentgateway.v1.wallet_service_pb2_grpc import WalletServiceStub

READY_S_MAX: Final = 30.0
"""How long connections may take to open before the run, in seconds."""

PAUSE_S: Final = 0.2
"""Pause before a question is asked again where the gateway gives no hint, in seconds."""

Call: TypeAlias = Callable[..., Awaitable[Any]]
AnswerT = TypeVar("AnswerT", bound=Message)
RequestT = TypeVar("RequestT", bound=Message)

_AGAIN: Final = (Unavailable, OutcomeUnknown, Overloaded, Conflict, NotYet)
"""Errors after which the same question may have an answer."""


class Unreachable(Exception):
    """The gateway could not be reached; the message says where."""


class LoadChannels:
    """Connections that carry the load, taken in turn."""

    def __init__(self, target: Target) -> None:
        """Prepare them; must be called in the event loop that uses them."""
        self._target = target
        self._channels = [_load_channel(target) for _ in range(target.connections)]
        self._calls = {
            method.name: itertools.cycle([_bound(channel, method) for channel in self._channels])
            for service in (payment_service_pb2, refund_service_pb2)
            for owner in service.DESCRIPTOR.services_by_name.values()
            for method in owner.methods
            if not method.server_streaming
        }

    async def ready(self) -> None:
        """Open all connections. Raises Unreachable."""
        opening = (channel.channel_ready() for channel in self._channels)
        try:
            await asyncio.wait_for(asyncio.gather(*opening), READY_S_MAX)
        except TimeoutError:
            raise Unreachable(f"no connection to {self._target.address}") from None

    def call(self, method: str, request: bytes) -> Awaitable[Any]:
        """Send an encoded request over the next connection, once, under the deadline."""
        call: Call = next(self._calls[method])
        return call(request, timeout=self._target.deadline_s)

    async def close(self) -> None:
        """Close all connections; what is in flight is cancelled here."""
        await asyncio.gather(*(channel.close() for channel in self._channels))


class Questions:
    """The services of the contract, over a connection on which questions are asked again."""

    def __init__(self, target: Target, patience_s: float) -> None:
        """Prepare it. `patience_s` bounds how long one question is asked, in seconds."""
        self._patience_s = patience_s
        # A trial balance of millions of entries takes longer than a payment may.
        self._deadline_s = max(patience_s, target.deadline_s)
        self._channel = open_channel(target.address, target.tls, DEFAULT_RETRY)
        self.payments = PaymentServiceStub(self._channel)
        self.refunds = RefundServiceStub(self._channel)
        self.merchants = MerchantServiceStub(self._channel)
        self.ledger = LedgerServiceStub(self._channel)
        self.wallets = WalletServiceStub(self._channel)

    async def __aenter__(self) -> Self:
        """Return it."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection."""
        await self._channel.close()

    async def ask(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[RequestT, AnswerT],
        request: RequestT,
    ) -> AnswerT:
        """Ask until there is an answer, a refusal, or no patience left.

        The same request goes out each time, so whatever has a key keeps it. Raises GatewayError.
        """
        end = time.monotonic() + self._patience_s
        while True:
            try:
                return await method(request, timeout=self._deadline_s)
            except grpc.aio.AioRpcError as rpc_error:
                error = from_rpc_error(rpc_error)
                pause_s = error.retry_after_s or PAUSE_S
                if not _may_help(error) or time.monotonic() + pause_s > end:
                    raise error from None
            await asyncio.sleep(pause_s)


def gone(error: GatewayError) -> bool:
    """Whether an error means that the gateway cannot be reached, rather than that it refused."""
    return isinstance(error, Unavailable | OutcomeUnknown) and not error.reason


def _may_help(error: GatewayError) -> bool:
    return isinstance(error, _AGAIN) and error.same_key is SameKey.SAFE


def _load_channel(target: Target) -> grpc.aio.Channel:
    # Without a pool of its own, channels to one address would share one connection.
    options = [*channel_options(Retry(attempts_max=1)), ("grpc.use_local_subchannel_pool", 1)]
    if target.tls is None:
        return grpc.aio.insecure_channel(target.address, options)
    credentials = grpc.ssl_channel_credentials(
        target.tls.root_certificates, target.tls.private_key, target.tls.certificate_chain
    )
    return grpc.aio.secure_channel(target.address, credentials, options)


def _bound(channel: grpc.aio.Channel, method: MethodDescriptor) -> Call:
    service = method.containing_service.full_name
    read = message_factory.GetMessageClass(method.output_type).FromString
    return channel.unary_unary(f"/{service}/{method.name}", response_deserializer=read)
