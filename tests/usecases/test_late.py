"""What came too late goes back under a number of its own, once, by the gateway itself."""

from gateway.domain.channel import AttemptKind
from gateway.domain.payment import PaymentState
from tests.domain.lives import (
    DECLINED,
    DONE,
    HELD,
    NOT_FOUND,
    PAID,
)
from tests.usecases.world import World

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
