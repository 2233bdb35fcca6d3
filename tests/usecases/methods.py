"""The keyed methods as values, so that one test plays all of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from gateway.domain.channel import Outcome
from gateway.domain.errors import GatewayError
from gateway.domain.operation import Operation
from gateway.domain.payment import Payment
from gateway.domain.wallet import owner_of
from gateway.usecases.commands import (
    OperationAnswer,
    PaymentAnswer,
    TopUpCommand,
    WithdrawCommand,
)
from tests.domain.lives import DONE, PAID
from tests.usecases.world import (
    World,
    cancel_command,
    capture_command,
    patience,
    pay_command,
    refund_command,
    top_up_command,
    withdraw_command,
)

Answer = PaymentAnswer | OperationAnswer


@dataclass(frozen=True)
class Method:
    """A keyed method: the payment it starts from, how it is asked for, and what ends it well."""

    name: str
    before: Callable[[World], Awaitable[Payment]]
    command: Callable[[Payment], Any]
    outcome: Outcome

    async def run(self, world: World, command: Any, *outcomes: Outcome) -> Answer:
        """Run a command while the channel answers so."""
        world.channel.will("send", *outcomes)
        use_case: Callable[..., Awaitable[Answer]] = getattr(world, self.name)
        return await use_case(command, patience())

    async def refused(self, world: World, command: Any) -> GatewayError:
        """Run a command that must be refused, with nothing executed and nothing kept."""
        before = kept(world)
        with pytest.raises(GatewayError) as refusal:
            await self.run(world, command)
        assert kept(world) == before
        return refusal.value


async def another(world: World) -> Payment:
    """Make a payment that has nothing to do with the one that is tested."""
    return await world.paid(idempotency_key="another", order_id="another")


async def funded(world: World) -> Payment:
    """Make a payment that has nothing to do with it, of a payer who has something to withdraw."""
    world.fund(3_000)
    return await another(world)


METHODS = {
    "pay": Method("pay", another, lambda _: pay_command(), PAID),
    "capture": Method("capture", World.authorized, lambda p: capture_command(p.payment_id), DONE),
    "cancel": Method("cancel", World.authorized, lambda p: cancel_command(p.payment_id), DONE),
    "refund": Method("refund", World.paid, lambda p: refund_command(p.payment_id), DONE),
    "top_up": Method("top_up", another, lambda _: top_up_command(), PAID),
    "withdraw": Method("withdraw", funded, lambda _: withdraw_command(), DONE),
}

OF_MERCHANTS = ("pay", "capture", "cancel", "refund")
OF_PAYERS = ("top_up", "withdraw")
"""Methods by who owns their keys: one owner's key is used for one method, ever."""


def owner(command: Any) -> str:
    """Whose key a command is asked under."""
    if isinstance(command, TopUpCommand):
        return owner_of(command.payer.payer_id)
    if isinstance(command, WithdrawCommand):
        return owner_of(command.payer_id)
    return str(command.merchant_id)


def made(answer: Answer) -> Payment | Operation:
    """What the call made."""
    return answer.payment if isinstance(answer, PaymentAnswer) else answer.operation


def id_made(answer: Answer) -> UUID:
    """The identifier of what the call made."""
    if isinstance(answer, PaymentAnswer):
        return answer.payment.payment_id
    return answer.operation.operation_id


def kept(world: World) -> object:
    """Everything that stays as it is where nothing is executed."""
    rows = world.rows
    sent = len(world.channel.requests)
    balances = [(wallet.available, wallet.held) for wallet in rows.wallets.values()]
    moved = [found for found in balances if any(found)]
    return dict(rows.claims), dict(rows.aggregates), len(rows.events), sent, moved
