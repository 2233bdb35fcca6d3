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
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from paymentgateway.client import GatewayClient
from paymentgateway.errors import (
    GatewayError,
    KeyMismatch,
    OutcomeUnknown,
    Overloaded,
    Refused,
    SameKey,
    Unavailable,
)
from paymentgateway.v1 import payment_pb2
from paymentgateway.v1.money_pb2 import Money
from paymentgateway.v1.payment_pb2 import CAPTURE_MODE_AUTOMATIC, CAPTURE_MODE_MANUAL, SandboxScript
from tests.faults import verbs
from tests.faults.plan import Journey, Script, Wish, journey
from tests.faults.verbs import ENDED, Answer
from tests.invariants import Told
from tests.invariants.world import NOTHING, REFUSED

DEADLINE_S = 5.0
PAUSE_S = 0.15
WAIT_S = 12.0
"""How long a caller goes on about one key before it turns to something else, in seconds."""

STOP_WAIT_S = 4.0
"""How long it goes on once the crowd is stopped, in seconds."""

LAST_WAIT_S = 60.0
"""How long at the end, when all faults are over, in seconds."""

ENUMS = {
    "outcome": payment_pb2.SandboxOutcome,
    "fault": payment_pb2.SandboxFault,
    "notify": payment_pb2.SandboxNotify,
}
MERCHANTS = 3

Send = Callable[[GatewayClient, float], Awaitable[Answer]]


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
    told: list[Told] = field(default_factory=list)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    open: dict[str, Open] = field(default_factory=dict)
    in_flight: int = 0
    calls: int = 0
    until: float = math.inf
    """When callers give up what is open, on the monotonic clock."""
    _numbers: Iterable[int] = field(default_factory=itertools.count)

    async def live(self) -> None:
        """Be one caller until the crowd is stopped."""
        while self.until == math.inf:
            one = journey(self.seed, next(iter(self._numbers)), MERCHANTS)
            try:
                await Traveller(self, one).travel()
            except Exception as error:  # noqa: BLE001 - told at the end, with the journey
                self.problems.append(f"{type(error).__name__}: {error} in {one}")

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
                if error.reason in ("OPERATION_IN_PROGRESS", "PAYMENT_NOT_FINAL"):
                    self.outcomes[item.kind, f"free: {error.reason}"] += 1
                    return
                await asyncio.sleep(0.2)
            else:
                self.told.append(answer.told)
                open_state = answer.state not in ENDED
                self.outcomes[item.kind, "with a person" if open_state else answer.state] += 1
                return
        self.problems.append(f"{item.kind} {key} was never answered")


class Traveller:
    """One caller on one journey."""

    def __init__(self, crowd: Crowd, planned: Journey) -> None:
        self._crowd = crowd
        self._plan = planned
        self._chance = random.Random(f"route {crowd.seed} {planned.index}")
        self._merchant = f"m_{planned.merchant}"
        self._key = f"{crowd.seed}-{planned.index}"
        now = datetime.now(UTC)
        expires = planned.expires_in_s
        self._expire_time = now + timedelta(seconds=expires) if expires else None

    async def travel(self) -> None:
        """Pay, then ask for all that is planned, round by round."""
        answer = await self._pay()
        if answer is None:
            return
        payment_id = answer.told.object_id
        for number, wishes in enumerate(self._plan.rounds):
            named = [(f"{self._key}-{number}-{n}", wish) for n, wish in enumerate(wishes)]
            await asyncio.gather(*(self._wish(key, wish, payment_id) for key, wish in named))
        if self._plan.reads:
            await self._read(payment_id)

    async def _pay(self) -> Answer | None:
        plan = self._plan
        send = self._sending(plan.minor_units)
        if plan.gives_up and not await self._once(send):
            return None
        twins = [self._sending(plan.minor_units + 1)] if plan.twin else []
        sends = [*[send] * plan.copies, *twins]
        told = await asyncio.gather(
            *(self._insist("pay", self._key, one, plan.deadline_ms) for one in sends)
        )
        return next((answer for answer in told if answer), None)

    async def _once(self, send: Send) -> bool:
        """Send once. False where nothing was kept, and the caller lets it be."""
        try:
            await self._call(send, DEADLINE_S)
        except (OutcomeUnknown, Refused):
            return True
        except GatewayError as error:
            if error.reason in ("", "COMMIT_UNKNOWN"):
                return True
            self._crowd.told.append(Told(self._merchant, self._key, "", NOTHING))
            self._crowd.outcomes["pay", "nothing kept, given up"] += 1
            return False
        return True

    async def _wish(self, key: str, wish: Wish, payment_id: str) -> None:
        send = self._wishing(key, wish, payment_id)
        copies = (self._insist(wish.kind, key, send, wish.deadline_ms) for _ in range(wish.copies))
        await asyncio.gather(*copies)

    async def _insist(
        self, kind: str, key: str, send: Send, deadline_ms: int | None
    ) -> Answer | None:
        """Follow the callers' rule for a while. None where there is no object to speak of."""
        crowd, end = self._crowd, time.monotonic() + WAIT_S
        deadline_s, answer = (deadline_ms or 5_000) / 1_000, None
        while time.monotonic() < min(end, crowd.until):
            try:
                answer = await self._call(send, deadline_s)
            except KeyMismatch:
                crowd.outcomes[kind, "mismatch"] += 1
                return None
            except Refused as refused:
                crowd.told.append(Told(self._merchant, key, "", REFUSED))
                crowd.outcomes[kind, f"refused: {refused.reason}"] += 1
                return None
            except GatewayError as error:
                self._check_error(kind, error)
                await asyncio.sleep(min(error.retry_after_s or PAUSE_S, 2 * PAUSE_S))
            else:
                crowd.told.append(answer.told)
                if answer.state in ENDED:
                    crowd.outcomes[kind, answer.state] += 1
                    crowd.open.pop(key, None)
                    return answer
                await asyncio.sleep(PAUSE_S)
            deadline_s = DEADLINE_S
        crowd.open.setdefault(key, Open(kind, send))
        return answer

    def _check_error(self, kind: str, error: GatewayError) -> None:
        """Only what the contract lets a caller meet may be met."""
        if error.same_key is not SameKey.SAFE or error.reason == "INTERNAL":
            self._crowd.problems.append(f"{kind} of {self._plan}: {error}")
        self._crowd.outcomes["errors", error.reason or error.code.name] += 1

    async def _call(self, send: Send, deadline_s: float) -> Answer:
        crowd = self._crowd
        crowd.in_flight += 1
        crowd.calls += 1
        try:
            return await send(self._chance.choice(crowd.clients), deadline_s)
        finally:
            crowd.in_flight -= 1

    async def _read(self, payment_id: str) -> None:
        """What was told can be read: by its id, by its key, and in the list of its order."""
        client = self._chance.choice(self._crowd.clients)
        try:
            by_key = await client.get_payment(
                merchant_id=self._merchant, idempotency_key=self._key, deadline_s=DEADLINE_S
            )
            page = await client.list_payments_page(
                merchant_id=self._merchant, order_id=self._key, deadline_s=DEADLINE_S
            )
        except (Unavailable, OutcomeUnknown, Overloaded):
            self._crowd.outcomes["reads", "not now"] += 1
            return
        ids = {by_key.payment_id, *(payment.payment_id for payment in page.payments)}
        if ids != {payment_id}:
            self._crowd.problems.append(f"told {payment_id}, but reads give {ids}")
        self._crowd.outcomes["reads", "the same"] += 1

    def _sending(self, minor_units: int) -> Send:
        plan = self._plan

        def send(client: GatewayClient, deadline_s: float) -> Awaitable[Answer]:
            return verbs.pay(
                client,
                self._merchant,
                self._key,
                amount=_money(minor_units),
                mode=CAPTURE_MODE_MANUAL if plan.manual else CAPTURE_MODE_AUTOMATIC,
                order_id=self._key,
                expire_time=self._expire_time,
                deadline_s=deadline_s,
                charge=script(plan.charge),
                capture=script(plan.capture),
                refund=script(plan.refund),
            )

        return send

    def _wishing(self, key: str, wish: Wish, payment_id: str) -> Send:
        fields: dict[str, Any] = {}
        if wish.kind != "cancel":
            fields["amount"] = _money(max(1, wish.minor_units))
        if wish.kind == "capture":
            fields["final"] = wish.final
        call = {"capture": verbs.capture, "cancel": verbs.cancel, "refund": verbs.refund}[wish.kind]

        def send(client: GatewayClient, deadline_s: float) -> Awaitable[Answer]:
            return call(client, self._merchant, key, payment_id, deadline_s=deadline_s, **fields)

        return send


def script(planned: Script) -> SandboxScript | None:
    """Say a planned script in the contract's words."""
    if not planned:
        return None
    fields = {
        name: ENUMS[name].Value(f"SANDBOX_{name.upper()}_{value}") if name in ENUMS else value
        for name, value in planned.items()
    }
    return SandboxScript(**fields)


def _money(minor_units: int) -> Money:
    return Money(currency_code="CNY", minor_units=minor_units)
