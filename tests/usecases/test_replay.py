"""One key, one execution, for ever: a replay executes nothing and tells the current state.

Every keyed method is played again as it was: later, at the same moment, while the first call still
runs, and after everything that time and state can change has changed.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.errors import (
    NotFound,
    Overloaded,
    Reason,
    Refused,
    Unavailable,
)
from gateway.domain.merchant import PaymentLimit
from gateway.domain.money import Money
from tests.domain.lives import DECLINED, DONE
from tests.domain.samples import LIFETIME, START
from tests.usecases.methods import METHODS, Method, id_made, kept, made
from tests.usecases.world import (
    World,
    cancel_command,
    patience,
    pay_command,
    refund_command,
)

DOWN = Unavailable(Reason.CHANNEL_UNAVAILABLE, "Down.", retry_after_s=5)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
async def test_a_replay_executes_nothing(world: World, method: Method) -> None:
    """The same key and request is answered with what it made, and nothing happens."""
    command = method.command(await method.before(world))
    first = await method.run(world, command, method.outcome)
    before = kept(world)

    again = await method.run(world, command)

    assert (first.replayed, again.replayed) == (False, True)
    assert made(first).state == "SUCCEEDED"
    assert (made(again), again.payment) == (made(first), first.payment)
    assert kept(world) == before


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
async def test_a_replay_is_answered_while_the_first_call_runs(world: World, method: Method) -> None:
    """A hedged twin learns at once that the work is under way, and it is done once."""
    command = method.command(await method.before(world))
    gate, sent = world.channel.hooks.hold("send"), len(world.channel.requests)
    first = asyncio.create_task(method.run(world, command, method.outcome))
    await gate.arrived.wait()

    twin = await method.run(world, command)
    gate.opened.set()

    assert twin.replayed
    assert made(twin).state == "PROCESSING"
    assert made(await first).state == "SUCCEEDED"
    assert len(world.channel.requests) == sent + 1


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
async def test_of_twins_at_the_same_moment_one_executes(world: World, method: Method) -> None:
    """However many send the same at once, one is executed and all get the same object."""
    command, sent = method.command(await method.before(world)), len(world.channel.requests)
    world.channel.will("send", method.outcome)

    answers = await asyncio.gather(*(method.run(world, command) for _ in range(10)))

    assert len({id_made(answer) for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len(world.channel.requests) == sent + 1


async def test_a_replay_tells_the_current_state(world: World) -> None:
    """What happened since the first call stands in the answer, not what it answered then."""
    payment = await world.paid()
    await world.refunding(payment, DONE, amount=Money("CNY", 1_000))

    again = await world.paying()

    assert again.payment.refunded == 1_000
    assert again.payment == world.now(payment)


CHANGES: dict[str, Callable[[World], None]] = {
    "the merchant is disabled": lambda world: world.change_merchant(disabled=True),
    "the currency is gone": lambda world: world.change_merchant(currencies=()),
    "the channel is gone": lambda world: world.change_merchant(channels=()),
    "the limits are lower": lambda world: world.change_merchant(
        payment_limits=(PaymentLimit("CNY", maximum=1),)
    ),
    "everything expired": lambda world: world.clock.advance(10 * LIFETIME),
    "the channel is down": lambda world: setattr(world.channel, "down", DOWN),
    "the channel is full": lambda world: setattr(world.channel, "places_max", 0),
    "the gateway lost its channel": lambda world: setattr(world.execution, "channels", {}),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_retry_is_a_replay_whatever_changed(world: World, change: str) -> None:
    """The key is looked at before whatever time or state can change."""
    for method in METHODS.values():
        fresh = World(world.clock)
        command = method.command(await method.before(fresh))
        first = await method.run(fresh, command, method.outcome)
        CHANGES[change](fresh)

        again = await method.run(fresh, command)

        assert again.replayed
        assert made(again) == made(first)


async def test_an_expiry_that_was_near_enough_stays_so(world: World) -> None:
    """A retry is never called a bad request because a bound on the future moved."""
    command = pay_command(expire_time=START + timedelta(hours=20))
    await world.pay(command, patience())
    world.clock.advance(timedelta(hours=-10))

    assert (await world.pay(command, patience())).replayed


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
async def test_a_shed_call_says_so_only_where_its_key_is_free(world: World, method: Method) -> None:
    """An overloaded gateway answers known keys and sheds the others, keeping nothing of them."""
    command = method.command(await method.before(world))
    world.channel.places_max = 0

    refusal = await method.refused(world, command)

    assert isinstance(refusal, Overloaded)
    world.channel.places_max = 1
    assert not (await method.run(world, command, method.outcome)).replayed


async def test_a_bound_refusal_is_given_for_ever(world: World) -> None:
    """The same key gives the same refusal, word for word, and means no other request."""
    payment = await world.paid()
    cancel = cancel_command(payment.payment_id, idempotency_key="bound")
    refund = refund_command(payment.payment_id, idempotency_key="bound")
    with pytest.raises(Refused) as first:
        await world.cancel(cancel, patience())
    assert (first.value.reason, first.value.key_bound) == (Reason.ILLEGAL_TRANSITION, True)

    refusal = await METHODS["cancel"].refused(world, cancel)
    other = await METHODS["refund"].refused(world, refund)

    assert (refusal.reason, refusal.message) == (first.value.reason, first.value.message)
    assert refusal.key_bound
    assert other.reason is Reason.IDEMPOTENCY_KEY_MISMATCH


async def test_a_failed_operation_is_replayed_as_failed(world: World) -> None:
    """What the channel refused stays refused under its key; a new try needs a new key."""
    payment = await world.paid()
    first = await world.refunding(payment, DECLINED)

    again = await world.refunding(payment)
    fresh = await world.refunding(payment, DONE, idempotency_key="refund-2")

    assert again.replayed
    assert again.operation == first.operation
    assert fresh.operation.state == "SUCCEEDED"


@pytest.mark.parametrize("name", ["capture", "cancel", "refund"])
async def test_an_unknown_payment_leaves_the_key_free(world: World, name: str) -> None:
    """An operation on what the merchant does not have is NOT_FOUND, and its key may be used."""
    method = METHODS[name]
    payment = await method.before(world)
    command = method.command(payment)

    for unknown in (
        replace(command, payment_id=world.clock.new_id()),
        replace(command, merchant_id="m_2"),
    ):
        refusal = await method.refused(world, unknown)
        assert isinstance(refusal, NotFound)
        assert (refusal.reason, refusal.key_bound) == (Reason.PAYMENT_NOT_FOUND, False)

    assert not (await method.run(world, command, method.outcome)).replayed
