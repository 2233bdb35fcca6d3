"""From the table of methods to handlers that gRPC can call, each wrapped once, at the start."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from functools import reduce
from typing import Any

import grpc
from grpc.aio import ServicerContext

from gateway.rpc.call import PACKAGE, Call, Desk, Handler, Method
from gateway.rpc.interceptors import INTERCEPTORS
from gateway.rpc.shape import read_request


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
    """Make the innermost handler: read the request, note that it is right, serve it."""
    kind, rules, money, servicer = method.request, method.rules, method.money, method.servicer

    async def handle(call: Call) -> bytes:
        call.subject = request = read_request(kind, call.request, rules, money=money)
        try:
            response = await servicer(desk, call, request)
        except asyncio.CancelledError as error:
            if _is_given_up():
                raise
            raise RuntimeError("what this call waited for was cancelled") from error
        if response is None or isinstance(response, bytes):
            return response or b""
        return response.SerializeToString()

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
