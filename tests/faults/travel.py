"""One caller on one journey: a payment, what is wanted of it, and an errand before it."""

import asyncio
import random
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any

from paymentgateway.client import GatewayClient
from paymentgateway.errors import (
    Conflict,
    GatewayError,
    NotFound,
    OutcomeUnknown,
    Overloaded,
    Refused,
    Unavailable,
)
from paymentgateway.v1.payment_pb2 import (
    CAPTURE_MODE_AUTOMATIC,
    CAPTURE_MODE_MANUAL,
    PaymentMethod,
    SandboxMethod,
)
from tests.faults import verbs
from tests.faults.buyer import Buyer
from tests.faults.crowd import DEADLINE_S, MERCHANTS, Caller, Crowd, Send
from tests.faults.errands import payer_named, run_errand
from tests.faults.plan import Journey, Wish
from tests.faults.purse import FROM_WALLET
from tests.faults.scripts import cny, script
from tests.faults.verbs import ENDED, Answer
from tests.invariants import Told
from tests.invariants.world import NOTHING

LEFT = ENDED | {"REQUIRES_ACTION"}
"""Enough for a caller whose buyer does not act now."""

TIME_TO_PAY = timedelta(days=5)
"""At real channels, whose time runs ahead; it is over when the campaign lets it be."""


async def travel(crowd: Crowd, planned: Journey) -> None:
    """Go on one journey to its end, or until the crowd is stopped."""
    await Traveller(crowd, planned).travel()


class Traveller:
    """One caller on one journey."""

    def __init__(self, crowd: Crowd, planned: Journey) -> None:
        self._crowd = crowd
        self._plan = planned
        self._chance = random.Random(f"route {crowd.seed} {planned.index}")
        self._caller = Caller(crowd, planned, self._chance)
        self._merchant = f"m_{planned.merchant}"
        self._key = f"{crowd.seed}-{planned.index}"
        now = datetime.now(UTC)
        expires = planned.expires_in_s
        self._expire_time = now + timedelta(seconds=expires) if expires else None
        self._buyer: Buyer | None = None
        if planned.outing:
            self._buyer = Buyer(crowd.stalls[planned.outing.channel], planned.outing)
            self._expire_time = now + TIME_TO_PAY

    async def travel(self) -> None:
        """Pay, then ask for all that is planned, round by round."""
        if self._plan.errand:
            await run_errand(self._caller, self._plan.errand)
        answer = await self._pay()
        if answer is None:
            return
        payment_id = answer.told.object_id
        for number, wishes in enumerate(self._plan.rounds):
            named = [(f"{self._key}-{number}-{n}", wish) for n, wish in enumerate(wishes)]
            await asyncio.gather(*(self._wish(key, wish, payment_id) for key, wish in named))
        if self._buyer:
            await self._buyer.finish()
        if self._plan.reads:
            await self._read(payment_id)

    async def _pay(self) -> Answer | None:
        plan = self._plan
        send = self._sending(plan.minor_units)
        if plan.gives_up and not await self._once(send):
            return None
        twins = [self._sending(plan.minor_units + 1)] if plan.twin else []
        sends = [*[send] * plan.copies, *twins]
        enough = LEFT if self._buyer and self._buyer.lets_be else ENDED
        told = await asyncio.gather(
            *(
                self._caller.insist("pay", self._merchant, self._key, one, plan.deadline_ms, enough)
                for one in sends
            )
        )
        return next((answer for answer in told if answer), None)

    async def _once(self, send: Send) -> bool:
        """Send once. False where nothing was kept, and the caller lets it be."""
        try:
            await self._caller.call(send, DEADLINE_S)
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
        copies = (
            self._caller.insist(wish.kind, self._merchant, key, send, wish.deadline_ms)
            for _ in range(wish.copies)
        )
        await asyncio.gather(*copies)

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
        await self._pry(client, by_key.payment_id)

    async def _pry(self, client: GatewayClient, payment_id: str) -> None:
        """I15: another merchant neither reads the payment nor gets its money."""
        other = f"m_{(self._plan.merchant + 1) % MERCHANTS}"
        key = f"{self._key}-pried"
        asks = (
            client.get_payment(merchant_id=other, payment_id=payment_id, deadline_s=DEADLINE_S),
            verbs.refund(client, other, key, payment_id, deadline_s=DEADLINE_S),
        )
        for answer in await asyncio.gather(*asks, return_exceptions=True):
            if isinstance(answer, Unavailable | OutcomeUnknown | Overloaded | Conflict):
                self._crowd.outcomes["pries", "not now"] += 1
            elif isinstance(answer, NotFound):
                self._crowd.outcomes["pries", "not found"] += 1
            else:
                self._crowd.problems.append(f"I15: {other} asked for {payment_id}: {answer!r}")

    def _sending(self, minor_units: int) -> Send:
        plan = self._plan
        mode = CAPTURE_MODE_MANUAL if plan.manual else CAPTURE_MODE_AUTOMATIC
        payer = "payer-1" if plan.payer is None else payer_named(plan.payer)
        method = self._method()

        async def send(client: GatewayClient, deadline_s: float) -> Answer:
            answer = await verbs.pay(
                client,
                self._merchant,
                self._key,
                amount=cny(minor_units),
                mode=mode,
                order_id=self._key,
                expire_time=self._expire_time,
                deadline_s=deadline_s,
                payer=payer,
                method=method,
            )
            if self._buyer:
                self._buyer.meet(answer.payment)
            return answer

        return send

    def _method(self) -> PaymentMethod:
        """Choose what is paid with: a real channel, the wallet or the sandbox."""
        plan = self._plan
        if plan.outing:
            stall = self._crowd.stalls[plan.outing.channel]
            return stall.outside.ways[plan.outing.way].method(stall.terms, plan.index)
        if plan.payer is not None:
            return FROM_WALLET
        return PaymentMethod(
            sandbox=SandboxMethod(
                charge=script(plan.charge), capture=script(plan.capture), refund=script(plan.refund)
            )
        )

    def _wishing(self, key: str, wish: Wish, payment_id: str) -> Send:
        fields: dict[str, Any] = {}
        if wish.kind != "cancel":
            fields["amount"] = cny(max(1, wish.minor_units))
        if wish.kind == "capture":
            fields["final"] = wish.final
        call = {"capture": verbs.capture, "cancel": verbs.cancel, "refund": verbs.refund}[wish.kind]

        def send(client: GatewayClient, deadline_s: float) -> Awaitable[Answer]:
            return call(client, self._merchant, key, payment_id, deadline_s=deadline_s, **fields)

        return send
