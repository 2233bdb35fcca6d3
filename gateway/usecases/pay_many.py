"""PayMany: many payments in one call, each with its own key, and one result for each.

Payments from wallets are decided and committed together; what asks a channel, and what is about to
be refused, goes the way of a single payment, a bounded number of them side by side. An error of one
is its result and nobody else's. The wallets come first: if they are too many for the store, the
whole call is refused before anything of it was kept.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from gateway.clock import Deadline
from gateway.domain.errors import GatewayError, NotFound, Overloaded, Reason, Unavailable
from gateway.domain.idempotency import Claim
from gateway.domain.merchant import Merchant
from gateway.domain.ports import Opened, Opening
from gateway.domain.wallet import WALLET_CHANNEL
from gateway.usecases.commands import PayCommand, PaymentAnswer
from gateway.usecases.execution import Execution, committed, in_time
from gateway.usecases.intents import pay_claim
from gateway.usecases.merchants import MerchantBook
from gateway.usecases.pay import Pay
from gateway.usecases.spend import Spend

TURN_ITEMS_MAX = 100
"""Items worked on without giving way to other callers."""

SINGLE_PAYS_MAX = 16
"""Payments of one call that go the way of a single one, side by side."""

Result = PaymentAnswer | GatewayError


class PayMany:
    """The use case."""

    def __init__(
        self, execution: Execution, merchants: MerchantBook, pay: Pay, spend: Spend
    ) -> None:
        self._execution = execution
        self._merchants = merchants
        self._pay = pay
        self._spend = spend

    async def __call__(
        self, commands: Sequence[PayCommand], deadline: Deadline
    ) -> Sequence[Result]:
        """Give one result per command, in their order.

        Raises:
            Overloaded, DeadlinePassed: nothing of any was kept.

        """
        openings = await self._openings(commands, deadline)
        found = await self._together(openings, deadline)
        apart = [place for place in range(len(commands)) if place not in found]
        waiting = iter(apart)

        async def one_by_one() -> None:
            for place in waiting:
                found[place] = await self._single(commands[place], deadline)

        await asyncio.gather(*(one_by_one() for _ in apart[:SINGLE_PAYS_MAX]))
        return [found[place] for place in range(len(commands))]

    async def _openings(
        self, commands: Sequence[PayCommand], deadline: Deadline
    ) -> dict[int, Opening]:
        """Prepare the payments from wallets that nothing refuses before their commit."""
        merchants = await self._known(commands, deadline)
        openings = {}
        for place, command in enumerate(commands):
            merchant = merchants.get(command.merchant_id)
            if merchant and command.method.channel == WALLET_CHANNEL:
                claim = pay_claim(command, self._execution.clock)
                with suppress(GatewayError):
                    openings[place] = self._spend.opening(command, claim, merchant)
            await _give_way(place)
        return openings

    async def _known(
        self, commands: Sequence[PayCommand], deadline: Deadline
    ) -> dict[str, Merchant]:
        """Look up each merchant once; what is said of one that cannot be read is said later."""
        wanted = {command.merchant_id for command in commands}
        known = {name: found for name in wanted if (found := self._merchants.recall(name))}

        async def look_up(merchant_id: str) -> None:
            with suppress(NotFound, Unavailable, Overloaded):
                known[merchant_id] = await in_time(self._merchants.read(merchant_id), deadline)

        unknown = [*(wanted - known.keys())]
        for begin in range(0, len(unknown), TURN_ITEMS_MAX):
            await asyncio.gather(*map(look_up, unknown[begin : begin + TURN_ITEMS_MAX]))
        return known

    async def _together(
        self, openings: dict[int, Opening], deadline: Deadline
    ) -> dict[int, Result]:
        """Commit what was prepared in one go, and give the result of each by its place."""
        if not openings:
            return {}
        every = list(openings.values())
        try:
            commit = partial(self._execution.payments.open_payments, every)
            opened = await committed(commit, deadline)
        except Unavailable as unknown:
            return dict.fromkeys(openings, unknown)
        results = {}
        for place, opening, one in zip(openings, every, opened, strict=True):
            results[place] = self._result(opening.claim, one)
            await _give_way(len(results))
        return results

    def _result(self, claim: Claim, opened: Opened | Exception) -> Result:
        if isinstance(opened, Exception):
            return self._told(opened)
        try:
            return self._spend.answer(claim, opened)
        except GatewayError as refusal:
            return refusal

    async def _single(self, command: PayCommand, deadline: Deadline) -> Result:
        try:
            return await self._pay(command, deadline)
        except Exception as error:  # noqa: BLE001 - one payment's fault is not its neighbours'
            return self._told(error)

    def _told(self, error: Exception) -> GatewayError:
        """Say what one caller can meet; a fault of ours is told, and not its text."""
        if isinstance(error, GatewayError):
            return error
        self._execution.observer.faulted("pay_many", error, None)
        words = "A fault of the gateway's. Send the same key again to learn what was kept."
        return GatewayError(Reason.INTERNAL, words)


async def _give_way(place: int) -> None:
    """Let other callers have their turn, once in a while."""
    if place % TURN_ITEMS_MAX == TURN_ITEMS_MAX - 1:
        await asyncio.sleep(0)
