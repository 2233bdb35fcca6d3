"""What the tests of this room stand on: use cases that answer as told, and an open server.

The fakes speak domain types only, as the real use cases do; what they were asked is kept, so that a
test can say that a use case was never reached.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from gateway.clock import Clock
from gateway.rpc.call import Desk
from gateway.rpc.gate import Gate
from gateway.rpc.methods import METHODS
from gateway.rpc.pages import Cursors, Pages
from gateway.rpc.server import RpcServer
from gateway.rpc.settings import RpcSettings
from gateway.usecases.services import Services

DEPLOYMENT = UUID(int=7)
KEY = b"k" * 32
PATHS = {method.name: f"/{method.full_name}" for method in METHODS}
NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


class FixedClock(Clock):
    """A clock whose wall stands still."""

    def now(self) -> datetime:
        return NOW


class UseCases:
    """Answers each use case with what `answers` holds: a value, an exception, or a function."""

    def __init__(self, **answers: Any) -> None:
        self.answers: dict[str, Any] = answers
        self.asked: list[tuple[Any, ...]] = []
        self.feeds: list[Any] = []  # held, so that none is closed just by being forgotten

    def services(self) -> Services:
        made = {item.name: self._use_case(item.name) for item in fields(Services)}
        return Services(**made | {"watch_payments": self._watch})

    def _use_case(self, name: str) -> Callable[..., Any]:
        async def use(*arguments: Any) -> Any:
            self.asked.append((name, *arguments))
            answer = self.answers[name]
            if isinstance(answer, BaseException):
                raise answer
            return await answer(*arguments) if callable(answer) else answer

        return use

    def _watch(self, *arguments: Any) -> Any:
        self.asked.append(("watch_payments", *arguments))
        feed = self.answers["watch_payments"](*arguments)
        self.feeds.append(feed)
        return feed


@dataclass
class Log:
    """Keeps the lines that are logged, as (level, event, fields)."""

    lines: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def isEnabledFor(self, _level: int) -> bool:  # noqa: N802 - as loggers name it
        return True

    def debug(self, event: str, **fields: Any) -> None:
        self.lines.append(("debug", event, fields))

    def info(self, event: str, **fields: Any) -> None:
        self.lines.append(("info", event, fields))

    def warning(self, event: str, **fields: Any) -> None:
        self.lines.append(("warning", event, fields))

    def error(self, event: str, **fields: Any) -> None:
        self.lines.append(("error", event, fields))

    def exception(self, event: str, **fields: Any) -> None:
        self.lines.append(("exception", event, fields))

    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        """Lines of calls, as (level, fields)."""
        return [(level, fields) for level, event, fields in self.lines if event == "rpc"]


@dataclass
class Observer:
    """Keeps what is measured."""

    begun: list[str] = field(default_factory=list)
    ended: list[tuple[str, str, str]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def started(self, method: str) -> None:
        self.begun.append(method)

    def finished(self, method: str, code: str, reason: str, seconds: float) -> None:
        self.ended.append((method, code, reason))
        self.seconds.append(seconds)


@dataclass
class House:
    """A running server, with everything around it that a test looks at."""

    server: RpcServer
    use_cases: UseCases
    channel: grpc.aio.Channel
    port: int
    log: Log
    observer: Observer

    @property
    def asked(self) -> list[tuple[Any, ...]]:
        return self.use_cases.asked

    async def send(self, method: str, request: Message | bytes, **options: Any) -> bytes:
        """Call a method with a message, or with bytes that may be none."""
        data = request if isinstance(request, bytes) else request.SerializeToString()
        answer: bytes = await self.channel.unary_unary(PATHS[method])(data, **options)
        return answer

    async def refusal(self, method: str, request: Message | bytes, **options: Any) -> "Refusal":
        """Call a method that must refuse."""
        try:
            await self.send(method, request, **options)
        except grpc.aio.AioRpcError as error:
            return Refusal.of(error)
        raise AssertionError(f"{method} was answered")


@dataclass(frozen=True)
class Refusal:
    """An error as a caller sees it."""

    code: grpc.StatusCode
    message: str
    reason: str
    metadata: Mapping[str, str]
    violations: Mapping[str, str]
    retry_ms: int | None
    pushback_ms: str | None

    @classmethod
    def of(cls, error: grpc.aio.AioRpcError) -> "Refusal":
        """Read an error with its details."""
        details: Any = rpc_status.from_call(error)  # type: ignore[no-untyped-call]
        pushback = dict(error.trailing_metadata() or ()).get("grpc-retry-pushback-ms")
        return cls.read(error.code(), error.details() or "", details, pushback)

    @classmethod
    def read(
        cls,
        code: grpc.StatusCode,
        message: str,
        status: status_pb2.Status | None,
        pushback: Any,
    ) -> "Refusal":
        """Read the details of a status."""
        info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        retry, retry_ms = error_details_pb2.RetryInfo(), None
        for detail in status.details if status else ():
            detail.Unpack(info)
            detail.Unpack(request)
            if detail.Unpack(retry):
                retry_ms = retry.retry_delay.ToMilliseconds()
        violations = {item.field: item.description for item in request.field_violations}
        return cls(code, message, info.reason, dict(info.metadata), violations, retry_ms, pushback)


def settings(**changes: Any) -> RpcSettings:
    """Make the settings of a server on a free port of this machine."""
    chosen = {
        "listen": "127.0.0.1:0",
        "deployment_id": DEPLOYMENT,
        "token_key": KEY,
        "calls_max": 100,
        "deadline_default_ms": 5_000,
        "deadline_max_ms": 10_000,
        "answer_margin_ms": 50,
    }
    return RpcSettings(**chosen | changes)


def desk(use_cases: UseCases, **changes: Any) -> Desk:
    """Make what servicers and interceptors work with, without a server."""
    chosen = settings(**changes)
    return Desk(
        services=use_cases.services(),
        settings=chosen,
        clock=FixedClock(),
        log=Log(),
        observer=Observer(),
        gate=Gate(chosen.calls_max),
        pages=Pages(KEY),
        cursors=Cursors(KEY, DEPLOYMENT),
    )


@asynccontextmanager
async def open_house(
    use_cases: UseCases, *, log: Any = None, **changes: Any
) -> AsyncIterator[House]:
    """Start a server over these use cases, open a channel to it, and close both at the end."""
    kept, observer = Log(), Observer()
    server = RpcServer(
        use_cases.services(),
        settings(**changes),
        clock=FixedClock(),
        log=log or kept,
        observer=observer,
    )
    port = await server.start()
    server.set_serving(serving=True)
    options = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options) as channel:
        yield House(server, use_cases, channel, port, kept, observer)
        await server.stop(0)
