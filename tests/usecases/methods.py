"""The four keyed methods as values, so that one test plays all of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from gateway.domain.channel import Outcome
from gateway.domain.errors import GatewayError
from gateway.domain.operation import Operation
from gateway.domain.payment import Payment
from gateway.usecases.commands import OperationAnswer, PaymentAnswer
from tests.domain.lives import DONE, PAID
from tests.usecases.world import (
    World,
    cancel_command,
    capture_command,
    patience,
    pay_command,
    refund_command,
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


METHODS = {
    "pay": Method("pay", another, lambda _: pay_command(), PAID),
    "capture": Method("capture", World.authorized, lambda p: capture_command(p.payment_id), DONE),
    "cancel": Method("cancel", World.authorized, lambda p: cancel_command(p.payment_id), DONE),
    "refund": Method("refund", World.paid, lambda p: refund_command(p.payment_id), DONE),
}


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
    return dict(rows.claims), dict(rows.aggregates), len(rows.events), len(world.channel.requests)
