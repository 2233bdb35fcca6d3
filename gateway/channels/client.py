"""One channel, ready to be called: a connector, the transport and the guards between them.

Each call has one absolute deadline, the channel's own; what has to be fetched before it (a token)
is bounded by it too. Tried again, under the same number, is only what was proven not to have been
sent, or what the connector says was refused before it was looked at: a bad token, too many at once.
The latter did leave, so whatever follows, such a call is never NOT_SENT. What the connector cannot
build does not leave either: it is not tried again, counts for no breaker, and is told in the log,
since either something is set up wrongly or the gateway should have refused it before. The guards
for callers (places in flight, the breaker) stand in `admit`, before anything is kept; a call that
was let in is never stopped by them.

Signing with RSA is CPU. Measured for keys of 2048 bits: a signature takes 0.85 ms, in which
`cryptography` lets go of the interpreter lock (two threads make twice as many in 1.16 times the
time), so connectors that sign so build their requests in a few threads, which costs the event loop
0.11 ms. A verification takes 0.04 ms, less than the way to a thread and back: it stays on the loop.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Protocol

from gateway.channels.bounds import ChannelBounds
from gateway.channels.breaker import CircuitBreaker
from gateway.channels.connector import (
    Action,
    Call,
    Connector,
    HttpReply,
    HttpRequest,
    MayRepeat,
    TokenRefused,
    evidence,
)
from gateway.channels.tokens import Tokens
from gateway.channels.transport import Lost, NotSent, Transport
from gateway.clock import Clock, Deadline
from gateway.domain.channel import (
    Acknowledgement,
    Capabilities,
    ChannelRequest,
    Notice,
    Outcome,
    OutcomeClass,
)
from gateway.domain.errors import Overloaded, Reason, Unavailable
from gateway.domain.payment import Failure, FailureReason
from gateway.telemetry.logging import get_logger

NONCE_BYTES = 16
SERVER_FAILS = 500
"""From this status on an answer says that whoever should answer does not."""

NOT_BUILT = Failure(
    FailureReason.NOT_ACCEPTED, "The channel cannot be asked for this; nothing was sent to it."
)

Build = Callable[[datetime, str], HttpRequest]
"""Builds a request, given the moment and a nonce of 32 fresh digits [0-9a-f]."""

_log = get_logger(__name__)


class NotBuilt(ValueError):
    """The connector refuses to build a request. The message says why, without a secret."""


class ChannelObserver(Protocol):
    """Is told of every call, for metrics."""

    def observed(self, channel: str, kind: str, outcome_class: str, seconds: float) -> None:
        """One call ended: which channel and kind of attempt, what it proved, how long it took."""


def fresh_nonce() -> str:
    """Make a nonce of 32 unpredictable characters [0-9a-f]."""
    return secrets.token_hex(NONCE_BYTES)


class HttpChannel:
    """The port `Channel` over HTTP. One per channel and process; safe for concurrent calls."""

    def __init__(
        self,
        connector: Connector,
        transport: Transport,
        bounds: ChannelBounds,
        clock: Clock,
        observer: ChannelObserver | None = None,
        *,
        nonce: Callable[[], str] = fresh_nonce,
        signing: Executor | None = None,
    ) -> None:
        """Put them together; `signing` builds the requests, where that is more than the loop's."""
        self._connector = connector
        self._transport = transport
        self._bounds = bounds
        self._clock = clock
        self._observer = observer
        self._nonce = nonce
        self._signing = signing
        self._tokens = Tokens.of(connector, transport, clock, nonce)
        self._breaker = CircuitBreaker(bounds, clock.monotonic)
        self._in_flight = 0

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return self._connector.capabilities

    @property
    def in_flight(self) -> int:
        """Callers' calls that hold a place now."""
        return self._in_flight

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Take a place among the calls in flight until the block ends.

        Raises:
            Overloaded: too many calls are in flight.
            Unavailable: the channel is known to be down.
        """
        self._refuse_what_is_too_much()
        self._in_flight += 1
        try:
            with self._breaker.caller():
                yield
        finally:
            self._in_flight -= 1

    async def send(self, request: ChannelRequest) -> Outcome:
        """Ask for the effect. NOT_SENT only if no try of this call left, or could be made."""
        return await self._call(Action.SEND, request)

    async def ask(self, request: ChannelRequest) -> Outcome:
        """Ask what became of the number. Raises NotBuilt."""
        return await self._call(Action.ASK, request)

    async def fence(self, request: ChannelRequest) -> Outcome:
        """Close the number of a charge and tell what it is then.

        Raises:
            NotBuilt: the request is no charge; the caller has a bug.
        """
        return await self._call(Action.FENCE, request)

    def read_notification(self, path: str, headers: Mapping[str, str], body: bytes) -> Notice:
        """Verify and read a notification; `path` is raw, with its query.

        Raises:
            NotificationRefused: it is forged, stale or malformed.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        return self._connector.read_notification(path, lower, body, self._clock.now())

    def acknowledge(self, *, accepted: bool) -> Acknowledgement:
        """Give the answer that this channel wants for a notification."""
        return self._connector.acknowledge(accepted=accepted)

    async def reachable(self) -> bool:
        """Tell whether the channel answers at its health path, whatever it says of the path."""
        probe = HttpRequest("GET", self._connector.health_path, {}, b"")
        try:
            reply = await self._transport.exchange(probe, self._timeout_s())
        except (NotSent, Lost):
            return False
        return reply.status < SERVER_FAILS

    async def exchange(self, build: Build) -> tuple[HttpReply, datetime]:
        """Have one exchange that is about no attempt; give the reply and when it was asked for.

        Raises:
            NotSent: nothing left.
            Lost: anything else went wrong.
        """
        return await self._beside(build, self._timeout_s())

    async def download(self, build: Build, origin: str = "") -> tuple[HttpReply, datetime]:
        """Fetch a day's bill, which may be long and take long, perhaps from another host.

        Raises NotSent, Lost.
        """
        bounds = self._bounds
        return await self._beside(
            build, bounds.bill_timeout_s, bytes_max=bounds.bill_bytes_max, origin=origin
        )

    def _refuse_what_is_too_much(self) -> None:
        name = self.capabilities.channel
        if (wait_s := self._breaker.wait_s()) > 0:
            raise Unavailable(
                Reason.CHANNEL_UNAVAILABLE,
                f"Channel {name} does not answer at present. Send the same key again later.",
                retry_after_s=wait_s,
            )
        if self._in_flight >= self._bounds.in_flight_max:
            raise Overloaded(
                Reason.OVERLOADED,
                f"Too many calls to channel {name} are under way. Send the same key again later.",
                retry_after_s=self._bounds.overload_retry_s,
            )

    async def _call(self, action: Action, request: ChannelRequest) -> Outcome:
        started = self._clock.monotonic()
        outcome = await self._exchange(action, request)
        if self._observer is not None:
            seconds = self._clock.monotonic() - started
            name = self.capabilities.channel
            self._observer.observed(name, request.kind, outcome.outcome, seconds)
        return outcome

    async def _exchange(self, action: Action, request: ChannelRequest) -> Outcome:
        deadline, again = Deadline.after(self._timeout_s()), False
        for tries_left in reversed(range(self._bounds.sends_max)):
            call = Call(action, request, self._clock.now(), self._nonce(), again)
            try:
                await self._tokens.ready(deadline)
                call = replace(call, moment=self._clock.now())  # not before its token was asked for
                reply = await self._try(call, deadline)
            except NotSent as error:
                if not await self._paused(tries_left, deadline):
                    return self._silence(call, error)
            except Lost as error:
                return self._silence(call, error)
            except NotBuilt as error:
                return self._not_built(call, error)
            else:
                again = True
                self._breaker.answered()
                outcome = self._connector.parse(call, reply)
                if not await self._repeats(reply, call.moment, tries_left, deadline):
                    return outcome
        raise AssertionError("sends_max is at least 1")

    async def _repeats(
        self, reply: HttpReply, moment: datetime, tries_left: int, deadline: Deadline
    ) -> bool:
        """Whether to send the same again, because nobody looked at it; pauses before."""
        connector = self._connector
        refused = isinstance(connector, MayRepeat) and connector.may_repeat(reply, moment)
        return refused and await self._paused(tries_left, deadline)

    async def _paused(self, tries_left: int, deadline: Deadline) -> bool:
        """Pause before the next try; False, at once, where there is none left or no time for it."""
        pause_s = self._bounds.retry_pause_s * secrets.SystemRandom().uniform(0.5, 1.5)
        if not tries_left or pause_s >= deadline.remaining():
            return False
        await asyncio.sleep(pause_s)
        return True

    async def _try(self, call: Call, deadline: Deadline) -> HttpReply:
        """Send once. Raises NotBuilt, NotSent, Lost."""
        try:
            message = await self._built(lambda: self._connector.build(call), deadline)
        except ValueError as error:  # only a connector's own words are sure to name no secret
            words = str(error) if type(error) is ValueError else type(error).__name__
            raise NotBuilt(words) from error
        return await self._transport.exchange(message, deadline.remaining())

    async def _beside(
        self, build: Build, timeout_s: float, *, bytes_max: int = 0, origin: str = ""
    ) -> tuple[HttpReply, datetime]:
        deadline = Deadline.after(timeout_s)
        for tries_left in reversed(range(self._bounds.sends_max)):
            await self._tokens.ready(deadline)
            moment, nonce = self._clock.now(), self._nonce()
            message = await self._built(partial(build, moment, nonce), deadline)
            reply = await self._transport.exchange(
                message, deadline.remaining(), bytes_max=bytes_max, origin=origin
            )
            if not await self._repeats(reply, moment, tries_left, deadline):
                return reply, moment
        raise AssertionError("sends_max is at least 1")

    async def _built(self, build: Callable[[], HttpRequest], deadline: Deadline) -> HttpRequest:
        """Build a request, where the connector's arithmetic belongs. Raises NotSent, ValueError."""
        try:
            if self._signing is None:
                return build()
            async with asyncio.timeout(deadline.remaining()):
                return await asyncio.get_running_loop().run_in_executor(self._signing, build)
        except TimeoutError as late:
            raise NotSent("no time was left to sign it") from late
        except TokenRefused as error:
            raise NotSent(f"no token: {error}") from error

    def _silence(self, call: Call, error: NotSent | Lost) -> Outcome:
        """Judge a call without a reply. An unsent question proves nothing of its number."""
        self._breaker.silent()
        unsent = isinstance(error, NotSent) and call.action is Action.SEND and not call.again
        about = f"{self.capabilities.channel} {call.action} of {call.request.number}"
        return Outcome(
            OutcomeClass.NOT_SENT if unsent else OutcomeClass.UNKNOWN,
            evidence=evidence(f"{about}: {error}"),
        )

    def _not_built(self, call: Call, error: NotBuilt) -> Outcome:
        """Judge a request that could not be made. Raises NotBuilt for a question."""
        if call.action is not Action.SEND:
            raise error
        channel, request = self.capabilities.channel, call.request
        about = {"channel": channel, "kind": request.kind.value, "number": request.number}
        _log.error("request cannot be built", **about, reason=str(error))
        return Outcome(
            OutcomeClass.UNKNOWN if call.again else OutcomeClass.NOT_SENT,
            failure=None if call.again else NOT_BUILT,
            evidence=evidence(f"{channel} {call.action} of {request.number}: not built: {error}"),
        )

    def _timeout_s(self) -> float:
        return self.capabilities.send_timeout.total_seconds()
