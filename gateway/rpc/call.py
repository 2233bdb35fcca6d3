"""A call on its way through this room, and the shapes that everything in here has.

A handler takes the call and gives the bytes of the answer; an interceptor wraps a handler. A
servicer takes the decoded request; a method ties a servicer to its place in the contract.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from google.protobuf.message import Message
from grpc.aio import ServicerContext

from gateway.clock import Clock, Deadline
from gateway.domain.errors import Overloaded, Reason
from gateway.rpc.gate import Gate
from gateway.rpc.hang_ups import is_hang_up
from gateway.rpc.pages import Cursors, Pages
from gateway.rpc.request_id import request_id
from gateway.rpc.settings import HANG_UP_S_MAX, REOPEN_AFTER_S, SEND_S_MAX, RpcSettings
from gateway.usecases.services import Services

PACKAGE = "paymentgateway.v1"

Violation: TypeAlias = tuple[str, str]
"""Full path of a field that breaks a rule, and which rule."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. Everybody is anonymous as long as there are no credentials to check."""

    caller_id: str


ANONYMOUS = Caller("anonymous")
NO_TIME = Deadline(0.0)


@dataclass(slots=True)
class Call:
    """One call. `start` and `deadline` are on the monotonic clock.

    `subject` is the request once it was checked; it and `fields` are for the log. What only the log
    needs is worked out when a line is written, because most lines are not.
    """

    request: bytes
    context: ServicerContext[bytes, bytes]
    start: float
    caller: Caller = ANONYMOUS
    deadline: Deadline = NO_TIME
    deadline_ms: int = 0
    subject: Message | None = None
    fields: dict[str, str] = field(default_factory=dict)
    _request_id: str = ""
    _incident: str = ""

    @property
    def request_id(self) -> str:
        """Identifier in the log: the caller's own if it may stand there, or a new one."""
        if not self._request_id:
            self._request_id = request_id(self.context.invocation_metadata() or ())
        return self._request_id

    @property
    def incident(self) -> str:
        """Identifier under which a fault of ours in this call stands in the log."""
        if not self._incident:
            self._incident = secrets.token_hex(8)
        return self._incident

    async def send(self, message: Message) -> None:
        """Send one message of a stream.

        Raises:
            Overloaded: WATCHER_LIMIT, the reader did not take it within SEND_S_MAX.
        """
        try:
            async with asyncio.timeout(SEND_S_MAX):
                await self.context.write(message.SerializeToString())
        except TimeoutError:
            words = "The stream was not read fast enough; open it again with the last cursor."
            raise Overloaded(Reason.WATCHER_LIMIT, words, retry_after_s=REOPEN_AFTER_S) from None
        except Exception as error:
            if is_hang_up(error):
                await asyncio.sleep(HANG_UP_S_MAX)  # the transport cancels this call any moment
            raise


Handler: TypeAlias = Callable[[Call], Awaitable[bytes]]


class RpcObserver(Protocol):
    """What measures calls. `code` is the gRPC code's name; `reason` is empty for an answer."""

    def started(self, method: str) -> None:
        """Note that a call arrived."""

    def finished(self, method: str, code: str, reason: str, seconds: float) -> None:
        """Note how a call ended, and how long it took."""


class EventLog(Protocol):
    """What logs events with fields; a structlog logger is one."""

    def isEnabledFor(self, level: int) -> bool:
        """Tell whether a line of this level, a number of `logging`, would be written."""

    def debug(self, event: str, **fields: Any) -> Any:
        """Log what only somebody who looks for it wants to know."""

    def info(self, event: str, **fields: Any) -> Any:
        """Log what is normal."""

    def warning(self, event: str, **fields: Any) -> Any:
        """Log what an operator may want to know."""

    def error(self, event: str, **fields: Any) -> Any:
        """Log a fault."""

    def exception(self, event: str, **fields: Any) -> Any:
        """Log a fault with the exception that is being handled."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What servicers and interceptors work with."""

    services: Services
    settings: RpcSettings
    clock: Clock
    log: EventLog
    observer: RpcObserver
    gate: Gate
    pages: Pages
    cursors: Cursors


Servicer: TypeAlias = Callable[[Desk, Call, Any], Awaitable[Message | bytes | None]]
"""Decodes, calls, encodes.

Answers with a message, or with the bytes of one, or with None after sending a stream.
"""


Rules: TypeAlias = Callable[[Any], Iterable[Violation]]
"""What the bytes of a request alone decide and the protos cannot say."""


def _no_rules(_request: Any) -> Iterable[Violation]:
    return ()


@dataclass(frozen=True, slots=True)
class Method:
    """One rpc of the contract.

    `money`: the call moves money, so it is never cut off, and unknown fields are refused. `stream`:
    it sends many messages.
    """

    service: str
    name: str
    request: type[Message]
    servicer: Servicer
    rules: Rules = _no_rules
    money: bool = False
    stream: bool = False

    @property
    def full_name(self) -> str:
        """Name in logs and metrics, and in the path of the call: `package.Service/Method`."""
        return f"{PACKAGE}.{self.service}/{self.name}"


Interceptor: TypeAlias = Callable[[Handler, Method, Desk], Handler]
"""Wraps the handler of a method, once, when the server is built."""
