"""A gateway that says what a test tells it to, over a real socket.

The client's promises are about what goes over the wire: which request, how often, with what in
between. So its tests speak to a real gRPC server, which keeps each request that it gets and answers
with what the script for its method says next. The server runs in threads of its own, so that a test
may have an event loop or not.
"""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass, field
from typing import NoReturn

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from paymentgateway.client import Retry

SILENCE_S_MAX = 20.0
QUICK = Retry(backoff_s_initial=0.01, backoff_s_max=0.02)


@dataclass(frozen=True)
class Refusal:
    """An error with the details that the contract attaches to it."""

    code: grpc.StatusCode
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: Sequence[tuple[str, str]] = ()
    retry_after_s: float | None = None
    pushback_ms: int | None = None
    message: str = "refused by the script"
    domain: str = "paymentgateway.v1"

    def details(self) -> bytes:
        """Give the google.rpc.Status of this refusal."""
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        for detail in self._messages():
            packed = Any()
            packed.Pack(detail)
            status.details.append(packed)
        return status.SerializeToString()

    def trailers(self) -> tuple[tuple[str, str | bytes], ...]:
        """Give what goes beside the status code."""
        found: list[tuple[str, str | bytes]] = [("grpc-status-details-bin", self.details())]
        if self.pushback_ms is not None:
            found.append(("grpc-retry-pushback-ms", str(self.pushback_ms)))
        return tuple(found)

    def _messages(self) -> Iterator[Message]:
        if self.reason:
            yield error_details_pb2.ErrorInfo(
                reason=self.reason, domain=self.domain, metadata=self.metadata
            )
        if self.violations:
            fields = [
                error_details_pb2.BadRequest.FieldViolation(field=name, description=what)
                for name, what in self.violations
            ]
            yield error_details_pb2.BadRequest(field_violations=fields)
        if self.retry_after_s is not None:
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromMilliseconds(round(self.retry_after_s * 1000))
            yield retry


@dataclass(frozen=True)
class Silence:
    """No answer until the caller gives up."""


@dataclass(frozen=True)
class Stream:
    """Messages of a server stream, and how it ends: well, refused, or in silence."""

    messages: Sequence[Message] = ()
    end: Refusal | Silence | None = None


Answer = Message | Refusal | Silence | Stream


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    method: str
    request: Message
    resent: int  # how many times gRPC had sent it before
    time_s: float
    remaining_s: float | None
    ended: threading.Event  # set when the call is over, whoever ended it


class ScriptedGateway(grpc.GenericRpcHandler):
    """The server. Calls without a script are refused with DATA_LOSS, so that they are noticed."""

    def __init__(
        self, credentials: grpc.ServerCredentials | None = None, address: str = "127.0.0.1:0"
    ) -> None:
        self.received: list[Received] = []
        self._scripts: dict[str, deque[Answer]] = defaultdict(deque)
        self._server = grpc.server(
            futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)]
        )
        self._server.add_generic_rpc_handlers((self,))
        self._port = (
            self._server.add_insecure_port(address)
            if credentials is None
            else self._server.add_secure_port(address, credentials)
        )
        self._server.start()

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self._port}"

    def script(self, method: str, *answers: Answer) -> None:
        """Say how the next calls of a method are answered, in this order."""
        self._scripts[method].extend(answers)

    def requests(self, method: str) -> list[Message]:
        """Give the requests of a method in the order they came."""
        return [call.request for call in self.received if call.method == method]

    def stop(self) -> None:
        stopped = self._server.stop(grace=None)
        for call in self.received:
            call.ended.set()
        stopped.wait()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        _, service, name = handler_call_details.method.split("/")
        pool = descriptor_pool.Default()
        method = pool.FindServiceByName(service).methods_by_name[name]
        read = message_factory.GetMessageClass(method.input_type).FromString
        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(
                lambda request, context: self._stream(name, request, context),
                request_deserializer=read,
                response_serializer=lambda message: message.SerializeToString(),
            )
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._answer(name, request, context),
            request_deserializer=read,
            response_serializer=lambda message: message.SerializeToString(),
        )

    def _answer(self, name: str, request: Message, context: grpc.ServicerContext) -> Message:
        answer, call = self._next(name, request, context)
        if isinstance(answer, Silence):
            call.ended.wait(SILENCE_S_MAX)
        if not isinstance(answer, Message):
            _refuse(context, answer)
        return answer

    def _stream(
        self, name: str, request: Message, context: grpc.ServicerContext
    ) -> Iterator[Message]:
        answer, call = self._next(name, request, context)
        if not isinstance(answer, Stream):
            _refuse(context, answer)
        yield from answer.messages
        if isinstance(answer.end, Silence):
            call.ended.wait(SILENCE_S_MAX)
        elif answer.end is not None:
            _refuse(context, answer.end)

    def _next(
        self, name: str, request: Message, context: grpc.ServicerContext
    ) -> tuple[Answer, Received]:
        metadata = dict(context.invocation_metadata())
        call = Received(
            method=name,
            request=request,
            resent=int(metadata.get("grpc-previous-rpc-attempts", 0)),
            time_s=time.monotonic(),
            remaining_s=context.time_remaining(),
            ended=threading.Event(),
        )
        context.add_callback(call.ended.set)
        self.received.append(call)
        script = self._scripts[name]
        return (script.popleft() if script else Refusal(grpc.StatusCode.DATA_LOSS)), call


def _refuse(context: grpc.ServicerContext, answer: object) -> NoReturn:
    if not isinstance(answer, Refusal):
        context.abort(grpc.StatusCode.DATA_LOSS, f"the script has no use for {answer!r}")
    context.set_trailing_metadata(answer.trailers())
    context.abort(answer.code, answer.message)
