"""A sender that was held up does not send under a lease that may have ended."""

import asyncio

from gateway.clock import Deadline
from gateway.domain.payment import PaymentState
from tests.domain.lives import CLOSED, PAID
from tests.usecases.world import World, pay_command

LONG_S = 60.0
"""Longer than any lease; virtual, so nobody waits for it."""


async def test_a_late_sender_begins_its_lease_anew(world: World) -> None:
    """A first commit that took long costs no payment: the lease is taken anew, then it is sent."""
    gate = world.store.hooks.hold("open_payment")
    world.channel.will("send", PAID)
    call = asyncio.create_task(world.pay(pay_command(), Deadline.after(10 * LONG_S)))
    await gate.arrived.wait()
    await asyncio.sleep(LONG_S)
    gate.opened.set()

    assert (await call).payment.state is PaymentState.SUCCEEDED


async def test_a_late_sender_leaves_alone_what_has_ended(world: World) -> None:
    """What somebody else has ended while the sender was held up is not sent any more."""
    first, second = (world.store.hooks.hold(name) for name in ("open_payment", "postpone_attempt"))
    call = asyncio.create_task(world.pay(pay_command(), Deadline.after(10 * LONG_S)))
    await first.arrived.wait()
    await asyncio.sleep(LONG_S)
    first.opened.set()
    await second.arrived.wait()
    (attempt,) = world.rows.open_attempts()
    await world.execution.conclude(attempt, CLOSED)
    second.opened.set()

    assert (await call).payment.state is PaymentState.PROCESSING
    assert world.channel.requests == []
