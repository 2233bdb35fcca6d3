"""One channel, ready to be called: a connector, the transport and the guards between them.

Each call has one absolute deadline, the channel's own. Only what was proven not to have been sent
is tried again, under the same number. The guards for callers (places in flight, the breaker) stand
in `admit`, before anything is kept; a call that was let in is never stopped by them.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from gateway.channels.bounds import ChannelBounds
from gateway.channels.breaker import CircuitBreaker
from gateway.channels.connector import Action, Call, Connector, HttpRequest, evidence
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

NONCE_BYTES = 16
HTTP_OK = 200


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
    ) -> None:
        self._connector = connector
        self._transport = transport
        self._bounds = bounds
        self._clock = clock
        self._observer = observer
        self._nonce = nonce
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
        """Ask for the effect. NOT_SENT only if no try of this call left."""
        return await self._call(Action.SEND, request)

    async def ask(self, request: ChannelRequest) -> Outcome:
        """Ask what became of the number."""
        return await self._call(Action.ASK, request)

    async def fence(self, request: ChannelRequest) -> Outcome:
        """Close the number of a charge and tell what it is then.

        Raises:
            ValueError: the request is no charge; the caller has a bug.
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
        """Tell whether the channel answers its health path with 200."""
        probe = HttpRequest("GET", self._connector.health_path, {}, b"")
        try:
            reply = await self._transport.exchange(probe, self._timeout_s())
        except (NotSent, Lost):
            return False
        return reply.status == HTTP_OK

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
        deadline = Deadline.after(self._timeout_s())
        for tries_left in reversed(range(self._bounds.sends_max)):
            call = Call(action, request, self._clock.now(), self._nonce())
            message = self._connector.build(call)
            try:
                reply = await self._transport.exchange(message, deadline.remaining())
            except NotSent as error:
                pause_s = self._bounds.retry_pause_s * secrets.SystemRandom().uniform(0.5, 1.5)
                if not tries_left or pause_s >= deadline.remaining():
                    return self._silence(call, error)
                await asyncio.sleep(pause_s)
            except Lost as error:
                return self._silence(call, error)
            else:
                self._breaker.answered()
                return self._connector.parse(call, reply)
        raise AssertionError("sends_max is at least 1")

    def _silence(self, call: Call, error: NotSent | Lost) -> Outcome:
        """Judge a call without a reply. An unsent question proves nothing of its number."""
        self._breaker.silent()
        unsent = isinstance(error, NotSent) and call.action is Action.SEND
        about = f"{self.capabilities.channel} {call.action} of {call.request.number}"
        return Outcome(
            OutcomeClass.NOT_SENT if unsent else OutcomeClass.UNKNOWN,
            evidence=evidence(f"{about}: {error}"),
        )

    def _timeout_s(self) -> float:
        return self.capabilities.send_timeout.total_seconds()
