"""Many callers at once, each of whom follows the callers' rule: the same key until it is settled.

Everything that somebody is told is kept, to be held against the rows at the end. What must not be
told at all (a read that does not find what was told before, an error that the contract does not
know) is a problem at once.
"""

import asyncio
import itertools
import math
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from paymentgateway.client import GatewayClient
from paymentgateway.errors import GatewayError, KeyMismatch, Refused, SameKey
from tests.faults.outside import SANDBOX
from tests.faults.outside.stall import Stall
from tests.faults.plan import Journey, journey
from tests.faults.verbs import ENDED, Answer
from tests.invariants import Told
from tests.invariants.world import REFUSED

DEADLINE_S = 5.0
PAUSE_S = 0.15
WAIT_S = 12.0
"""How long a caller goes on about one key before it turns to something else, in seconds."""

STOP_WAIT_S = 4.0
"""How long it goes on once the crowd is stopped, in seconds."""

LAST_WAIT_S = 60.0
"""How long at the end, when all faults are over, in seconds."""

MERCHANTS = 3

FREE = {"OPERATION_IN_PROGRESS", "PAYMENT_NOT_FINAL", "REFUND_TOO_SOON"}
"""Reasons that left a key free, for which nobody need wait at the end."""

T = TypeVar("T")
Send = Callable[[GatewayClient, float], Awaitable[Answer]]
Travel = Callable[["Crowd", Journey], Awaitable[None]]


@dataclass
class Open:
    """A key whose outcome its caller does not know yet."""

    kind: str
    send: Send


@dataclass
class Crowd:
    """The callers, and what they were told."""

    seed: int
    clients: list[GatewayClient]
    stalls: Mapping[str, Stall] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    open: dict[str, Open] = field(default_factory=dict)
    in_flight: int = 0
    calls: int = 0
    until: float = math.inf
    """When callers give up what is open, on the monotonic clock."""
    _numbers: Iterable[int] = field(default_factory=itertools.count)

    async def live(self, travel: Travel) -> None:
        """Be one caller until the crowd is stopped."""
        while self.until == math.inf:
            one = self.journey(next(iter(self._numbers)))
            try:
                await travel(self, one)
            except Exception as error:  # noqa: BLE001 - told at the end, with the journey
                self.problems.append(f"{type(error).__name__}: {error} in {one}")

    def journey(self, index: int) -> Journey:
        """Give a journey of this campaign."""
        return journey(self.seed, index, MERCHANTS, self.channels)

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels through which is paid."""
        return (SANDBOX, *self.stalls)

    def stop(self) -> None:
        """Begin no journey any more, and end those under way soon."""
        self.until = time.monotonic() + STOP_WAIT_S

    async def settle_rest(self) -> None:
        """Send every key that is still open again, now that nothing disturbs."""
        await asyncio.gather(*(self._settle(key, item) for key, item in [*self.open.items()]))

    async def _settle(self, key: str, item: Open) -> None:
        end = time.monotonic() + LAST_WAIT_S
        while time.monotonic() < end:
            try:
                answer = await item.send(self.clients[0], DEADLINE_S)
            except (KeyMismatch, Refused) as refused:
                self.outcomes[item.kind, f"refused: {refused.reason}"] += 1
                return
            except GatewayError as error:
                if error.retry_after_s is None and error.same_key is not SameKey.SAFE:
                    self.problems.append(f"{item.kind} {key}: {error}")
                    return
                if error.reason in FREE:
                    self.outcomes[item.kind, f"free: {error.reason}"] += 1
                    return
                await asyncio.sleep(0.2)
            else:
                self.told.append(answer.told)
                open_state = answer.state not in ENDED
                self.outcomes[item.kind, "with a person" if open_state else answer.state] += 1
                return
        self.problems.append(f"{item.kind} {key} was never answered")


@dataclass
class Caller:
    """Who sends, to any of the gateways, what one journey plans."""

    crowd: Crowd
    plan: Journey
    chance: random.Random

    async def insist(
        self,
        kind: str,
        owner: str,
        key: str,
        send: Send,
        deadline_ms: int | None,
        enough: Collection[str] = ENDED,
    ) -> Answer | None:
        """Follow the callers' rule for a while, until a state is enough.

        None where there is no object to speak of.
        """
        crowd, end = self.crowd, time.monotonic() + WAIT_S
        deadline_s, answer = (deadline_ms or 5_000) / 1_000, None
        while time.monotonic() < min(end, crowd.until):
            try:
                answer = await self.call(send, deadline_s)
            except KeyMismatch:
                crowd.outcomes[kind, "mismatch"] += 1
                return None
            except Refused as refused:
                crowd.told.append(Told(owner, key, "", REFUSED))
                crowd.outcomes[kind, f"refused: {refused.reason}"] += 1
                return None
            except GatewayError as error:
                self.check_error(kind, error)
                await asyncio.sleep(min(error.retry_after_s or PAUSE_S, 2 * PAUSE_S))
            else:
                crowd.told.append(answer.told)
                if answer.state in enough:
                    crowd.outcomes[kind, answer.state] += 1
                    crowd.open.pop(key, None)
                    return answer
                await asyncio.sleep(PAUSE_S)
            deadline_s = DEADLINE_S
        crowd.open.setdefault(key, Open(kind, send))
        return answer

    def check_error(self, kind: str, error: GatewayError) -> None:
        """Only what the contract lets a caller meet may be met."""
        if error.same_key is not SameKey.SAFE or error.reason == "INTERNAL":
            self.crowd.problems.append(f"{kind} of {self.plan}: {error}")
        self.crowd.outcomes["errors", error.reason or error.code.name] += 1

    async def call(
        self, send: Callable[[GatewayClient, float], Awaitable[T]], deadline_s: float
    ) -> T:
        """Send once."""
        crowd = self.crowd
        crowd.in_flight += 1
        crowd.calls += 1
        try:
            return await send(self.chance.choice(crowd.clients), deadline_s)
        finally:
            crowd.in_flight -= 1
