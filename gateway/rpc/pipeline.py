"""From the table of methods to handlers that gRPC can call, each wrapped once, at the start."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from functools import reduce
from typing import Any, Final

import grpc
from grpc.aio import ServicerContext

from gateway.rpc.call import PACKAGE, Call, Desk, Handler, Method
from gateway.rpc.interceptors import INTERCEPTORS
from gateway.rpc.shape import read_request

KEY_HASH_BYTES: Final = 6
"""Length of the digest that stands for an idempotency key in the log."""


def generic_handlers(methods: Iterable[Method], desk: Desk) -> list[grpc.GenericRpcHandler]:
    """Make what a gRPC server registers. Requests and answers are bytes to it."""
    services: dict[str, dict[str, Any]] = defaultdict(dict)
    for method in methods:
        services[f"{PACKAGE}.{method.service}"][method.name] = _entry(method, desk)
    return [
        grpc.method_handlers_generic_handler(service, handlers)
        for service, handlers in services.items()
    ]


def fold(method: Method, desk: Desk, handler: Handler) -> Handler:
    """Wrap the handler of a method in all interceptors, the first one outermost."""
    return reduce(lambda inner, wrap: wrap(inner, method, desk), reversed(INTERCEPTORS), handler)


def serve(method: Method, desk: Desk) -> Handler:
    """Make the innermost handler: read the request, note what it is about, serve it."""
    names_payment = "payment_id" in method.request.DESCRIPTOR.fields_by_name

    async def handle(call: Call) -> bytes:
        request: Any = read_request(method, call.request)
        call.fields["merchant_id"] = request.merchant_id
        if names_payment and request.payment_id:
            call.fields["payment_id"] = request.payment_id
        if method.money:
            call.fields["key_hash"] = _key_hash(request.idempotency_key)
        try:
            response = await method.servicer(desk, call, request)
        except asyncio.CancelledError as error:
            if _is_given_up():
                raise
            raise RuntimeError("what this call waited for was cancelled") from error
        return b"" if response is None else response.SerializeToString()

    return handle


def _entry(method: Method, desk: Desk) -> "grpc.RpcMethodHandler[bytes, bytes]":
    handler, monotonic = fold(method, desk, serve(method, desk)), desk.clock.monotonic

    async def enter(request: bytes, context: ServicerContext[bytes, bytes]) -> bytes:
        return await handler(Call(request, context, monotonic()))

    async def enter_stream(request: bytes, context: ServicerContext[bytes, bytes]) -> None:
        await handler(Call(request, context, monotonic()))

    if method.stream:
        return grpc.unary_stream_rpc_method_handler(enter_stream)
    return grpc.unary_unary_rpc_method_handler(enter)


def _is_given_up() -> bool:
    """Tell whether it is this call that is cancelled, not just something that it waited for.

    The transport would take the second for the first, and leave a caller who waits without answer.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _key_hash(idempotency_key: str) -> str:
    """Stand for a key in the log: keys are the caller's secret to use."""
    return hashlib.blake2b(idempotency_key.encode(), digest_size=KEY_HASH_BYTES).hexdigest()
