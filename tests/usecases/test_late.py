"""What came too late goes back under a number of its own, once, by the gateway itself."""

import pytest

from gateway.domain.channel import AttemptKind, Outcome
from gateway.domain.merchant import OrderPolicy
from gateway.domain.payment import Payment, PaymentState
from tests.domain.lives import (
    ACTING,
    CLOSED,
    DECLINED,
    DONE,
    HELD,
    NOT_FOUND,
    PAID,
)
from tests.usecases.world import EXPIRY, World

S = PaymentState


async def test_a_late_success_is_returned_once(world: World) -> None:
    """Money that came too late goes back under a number of its own, however often it is told."""
    payment = (await world.paying(DECLINED)).payment
    charge = world.attempt(payment.attempt_number)
    for _ in range(3):
        await world.execution.conclude(charge, PAID)
    world.channel.will("send", DONE)

    await world.recovering(NOT_FOUND)
    await world.execution.conclude(charge, PAID)

    (request,) = (item for item in world.channel.requested("send") if item.kind != "CHARGE")
    assert (request.kind, request.money) == (AttemptKind.REFUND, payment.amount)
    assert request.charge_number == payment.attempt_number != request.number
    assert [case.kind for case in world.observer.reviews] == ["LATE_SUCCESS"]
    assert world.now(payment).state is S.FAILED
    assert world.rows.balances() == {}


@pytest.mark.parametrize("state", [S.FAILED, S.CANCELED, S.EXPIRED])
async def test_an_order_that_two_channels_paid_gives_the_second_back(
    world: World, state: PaymentState
) -> None:
    """Whichever way the first payment ended, its late money goes back, and the other one stays."""
    world.change_merchant(order_policy=OrderPolicy.ONE_PAYMENT)
    first = await _over(world, state)
    paid = await world.paid(idempotency_key="pay-2")
    charge = world.attempt(first.attempt_number)

    for outcome in (PAID, PAID):
        await world.execution.conclude(charge, outcome)
    world.channel.will("send", DONE)
    await world.recovering(NOT_FOUND)

    (back,) = world.channel.requested("send")[-1:]
    assert (back.kind, back.money) == (AttemptKind.REFUND, first.amount)
    assert (back.charge_number, back.charge_channel_number) == (first.attempt_number, "ch-1")
    assert [case.kind for case in world.observer.reviews] == ["LATE_SUCCESS"]
    assert world.now(first).state is state
    assert (world.now(paid).state, world.now(paid).refunded) == (S.SUCCEEDED, 0)
    assert world.rows.balances() == {"channel_receivable": 3_000, "merchant_unsettled": 3_000}


async def _over(world: World, state: PaymentState) -> Payment:
    """Make a payment that ended unpaid."""
    answer: Outcome = DECLINED if state is S.FAILED else ACTING
    payment = (await world.paying(answer)).payment
    if state is S.CANCELED:
        await world.canceling(payment, DONE)
    if state is S.EXPIRED:
        world.clock.advance(EXPIRY.default)
        world.channel.will("fence", CLOSED)
        await world.recovering(ACTING, CLOSED)
    assert world.now(payment).state is state
    return payment


async def test_a_late_hold_is_let_go_once(world: World) -> None:
    """An authorisation that came too late is released, and nothing is booked."""
    payment = (await world.paying(DECLINED)).payment
    charge = world.attempt(payment.attempt_number)
    for _ in range(3):
        await world.execution.conclude(charge, HELD)

    await world.recovering(DONE)
    await world.execution.conclude(charge, HELD)

    assert [item.kind for item in world.aggregate(payment).operations.values()] == ["RELEASE"]
    assert world.rows.open_attempts() == []
    assert world.rows.entries == []


async def test_a_refused_return_is_for_a_person(world: World) -> None:
    """Late money that the channel does not take back stays in suspense, and a person is told."""
    payment = (await world.paying(DECLINED)).payment
    await world.execution.conclude(world.attempt(payment.attempt_number), PAID)

    await world.recovering(DECLINED)

    assert [case.kind for case in world.observer.reviews] == ["LATE_SUCCESS", "RETURN_REFUSED"]
    assert world.rows.balances() == {"channel_receivable": 3_000, "suspense": 3_000}
