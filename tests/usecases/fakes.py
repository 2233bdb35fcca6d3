"""Clock, observer and channel as the tests want them: they stand still, remember, and are scripted.

A channel that has nothing left in its script is silent, as channels are: its answer is UNKNOWN.
Whatever can be awaited can be held up and made to fail by `Hooks`.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from gateway.clock import Clock
from gateway.domain.change import ReviewCase
from gateway.domain.channel import (
    Acknowledgement,
    AttemptKind,
    Capabilities,
    ChannelRequest,
    Notice,
    Outcome,
)
from gateway.domain.errors import GatewayError, Overloaded, Reason
from gateway.domain.payment import Payment
from tests.domain.lives import SILENT
from tests.domain.samples import LIFETIME, START, id_maker

CAPABILITIES = Capabilities(
    channel="sandbox",
    currencies=frozenset({"CNY", "USD"}),
    amount_max=1_000_000,
    manual_capture=True,
    send_timeout=timedelta(seconds=5),
    authorization_lifetime=LIFETIME,
    fenceable=frozenset({AttemptKind.CHARGE, AttemptKind.PAYOUT}),
    payouts=True,
)


class FixedClock(Clock):
    """A clock that moves only when told, and identifiers that count up."""

    def __init__(self) -> None:
        self._passed = timedelta()
        self._new_id = id_maker()

    def now(self) -> datetime:
        return START + self._passed

    def monotonic(self) -> float:
        return self._passed / timedelta(seconds=1)

    def new_id(self) -> UUID:
        return self._new_id()

    def advance(self, span: timedelta) -> None:
        self._passed += span


@dataclass
class RecordingObserver:
    """Remembers what it was told."""

    payments: list[Payment] = field(default_factory=list)
    faults: list[tuple[str, BaseException]] = field(default_factory=list)
    reviews: list[ReviewCase] = field(default_factory=list)

    def changed(self, payment: Payment) -> None:
        self.payments.append(payment)

    def faulted(self, where: str, fault: BaseException, payment_id: UUID | None) -> None:
        self.faults.append((where, fault))

    def review_opened(self, case: ReviewCase) -> None:
        self.reviews.append(case)


@dataclass
class Gate:
    """Where calls wait: `arrived` is set when one is there, `opened` lets all of them go on."""

    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def passed(self) -> None:
        """Arrive, and wait until it is opened."""
        self.arrived.set()
        await self.opened.wait()


class Hooks:
    """Holds calls up and makes them fail, by name."""

    def __init__(self) -> None:
        self._faults: defaultdict[str, deque[Exception]] = defaultdict(deque)
        self._gates: dict[str, Gate] = {}

    def fail(self, name: str, *faults: Exception) -> None:
        """Let the next calls of this name raise, each one of these."""
        self._faults[name].extend(faults)

    def hold(self, name: str) -> Gate:
        """Keep calls of this name waiting."""
        return self._gates.setdefault(name, Gate())

    async def reach(self, name: str) -> None:
        """Give way to others, wait at the gate if there is one, raise if it is said so."""
        await asyncio.sleep(0)
        if name in self._gates:
            await self._gates[name].passed()
        if self._faults[name]:
            raise self._faults[name].popleft()


class ScriptedChannel:
    """A channel that answers as its script says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.capabilities = CAPABILITIES
        self.script: defaultdict[str, deque[Outcome]] = defaultdict(deque)
        self.requests: list[tuple[str, ChannelRequest]] = []
        self.hooks = Hooks()
        self.places_max = 100
        self.in_flight = 0
        self.down: GatewayError | None = None

    def will(self, action: str, *outcomes: Outcome) -> None:
        """Add to the answers for send, ask or fence."""
        self.script[action].extend(outcomes)

    def requested(self, action: str) -> list[ChannelRequest]:
        """Requests of one action, oldest first."""
        return [request for made, request in self.requests if made == action]

    @contextmanager
    def admit(self) -> Iterator[None]:
        if self.down:
            raise self.down
        if self.in_flight >= self.places_max:
            raise Overloaded(Reason.OVERLOADED, "Too many calls.", retry_after_s=0.5)
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1

    async def send(self, request: ChannelRequest) -> Outcome:
        return await self._answer("send", request)

    async def ask(self, request: ChannelRequest) -> Outcome:
        return await self._answer("ask", request)

    async def fence(self, request: ChannelRequest) -> Outcome:
        return await self._answer("fence", request)

    def read_notification(self, path: str, headers: Mapping[str, str], body: bytes) -> Notice:
        raise NotImplementedError

    def acknowledge(self, *, accepted: bool) -> Acknowledgement:
        raise NotImplementedError

    async def reachable(self) -> bool:
        return self.down is None

    async def _answer(self, action: str, request: ChannelRequest) -> Outcome:
        self.requests.append((action, request))
        await self.hooks.reach(action)
        waiting = self.script[action]
        return waiting.popleft() if waiting else SILENT
