"""The buyer of a journey at a real channel: pays, refuses, comes too late or not at all.

The buyer acts when the payment says that somebody must, once, and beside the caller, who goes on
asking for the outcome all the while.
"""

import asyncio

from paymentgateway.v1.payment_pb2 import Payment, PaymentState
from tests.faults.outing import Outing
from tests.faults.outside.stall import Stall

AT_ONCE = {"pays", "refuses"}
WAITS = PaymentState.Value("PAYMENT_STATE_REQUIRES_ACTION")


class Buyer:
    """One buyer."""

    def __init__(self, stall: Stall, planned: Outing) -> None:
        self._stall = stall
        self._plan = planned
        self._number = ""
        self._acting: asyncio.Task[None] | None = None

    @property
    def lets_be(self) -> bool:
        """Whether a caller need not wait for this buyer."""
        return self._plan.buyer not in AT_ONCE

    def meet(self, payment: Payment | None) -> None:
        """Look at the payment, and begin to act where that is wanted."""
        if payment is None or not payment.attempt_number:
            return
        self._number = payment.attempt_number
        wanted = payment.state == WAITS and self._plan.buyer in AT_ONCE
        if wanted and self._acting is None:
            self._acting = asyncio.create_task(self._act_soon())

    async def finish(self) -> None:
        """Come late, where that is planned, and let the channel tell once more."""
        if self._acting:
            await self._acting
        if not self._number:
            return
        if self._plan.buyer == "pays late":
            await self._act()
        if self._plan.retold:
            path = self._stall.outside.tells[0].format(self._number)
            await self._stall.ask(path, {"as": self._plan.retold})

    async def _act_soon(self) -> None:
        await asyncio.sleep(self._plan.acts_after_ms / 1_000)
        await self._act()

    async def _act(self) -> None:
        """Act, where this channel has it; what cannot be any more is let be."""
        if self._plan.buyer in self._stall.outside.acts:
            path, asked = self._stall.outside.acts[self._plan.buyer]
            await self._stall.ask(path.format(self._number), asked)
