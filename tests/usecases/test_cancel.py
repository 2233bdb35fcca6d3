"""Cancel: a payment ends before money is taken, unless the channel says that it was too late."""

import asyncio

import pytest

from gateway.domain.channel import AttemptKind, AttemptState, Outcome
from gateway.domain.errors import Reason, Refused
from gateway.domain.money import Money
from gateway.domain.operation import OperationState
from gateway.domain.payment import FailureReason, PaymentState
from tests.domain.lives import (
    ACTING,
    CLOSED,
    DECLINED,
    DONE,
    HELD,
    NOT_SENT,
    PAID,
    QR,
    SILENT,
    WAITING,
)
from tests.usecases.world import World

S, Op = PaymentState, OperationState


@pytest.mark.parametrize("begun", [SILENT, WAITING, ACTING, HELD])
async def test_a_payment_that_took_nothing_is_canceled(world: World, begun: Outcome) -> None:
    """Before any money is taken the channel closes the number and the payment is CANCELED."""
    payment = (await world.paying(begun)).payment

    answer = await world.canceling(payment, DONE)

    assert answer.operation.state is Op.SUCCEEDED
    assert answer.payment.state is S.CANCELED
    assert answer.payment.next_action is None
    assert world.rows.open_attempts() == []
    assert world.rows.entries == []


async def test_the_channel_learns_which_charge_is_canceled(world: World) -> None:
    """A cancel names the number of the charge it closes."""
    payment = await world.authorized()

    await world.canceling(payment, DONE)

    request = world.channel.requested("send")[-1]
    assert (request.kind, request.charge_number) == (AttemptKind.CANCEL, payment.attempt_number)


@pytest.mark.parametrize("outcome", [SILENT, WAITING, NOT_SENT])
async def test_a_cancel_that_is_not_known_runs_on(world: World, outcome: Outcome) -> None:
    """The payment stays as it is until the channel has said what became of the cancel."""
    payment = (await world.paying(ACTING)).payment

    answer = await world.canceling(payment, outcome)

    assert answer.operation.state is Op.PROCESSING
    assert (answer.payment.state, answer.payment.next_action) == (S.REQUIRES_ACTION, QR)


async def test_a_payer_who_was_faster_has_paid(world: World) -> None:
    """When the charge's success comes first the cancel has failed, and the money is booked."""
    payment = (await world.paying(SILENT)).payment
    cancel = await world.canceling(payment, SILENT)

    await world.recovering(PAID)

    operation = world.operation(cancel)
    assert world.now(payment).state is S.SUCCEEDED
    assert operation.failure
    assert operation.failure.reason is FailureReason.ALREADY_PAID
    assert world.rows.balances()["merchant_unsettled"] == 3_000
    assert world.rows.open_attempts() == []


async def test_a_charge_that_is_booked_while_it_is_reversed_is_for_a_person(world: World) -> None:
    """A cancel on its way when its charge is booked as paid, and done after all, opens a case."""
    payment = (await world.paying(SILENT)).payment
    charge = world.attempt(payment.attempt_number)
    gate = world.channel.hooks.hold("send")
    cancel = asyncio.create_task(world.canceling(payment, DONE))
    await gate.arrived.wait()

    await world.execution.conclude(charge, PAID)
    gate.opened.set()
    answer = await cancel

    assert (answer.payment.state, answer.operation.state) == (S.SUCCEEDED, Op.FAILED)
    assert [(case.kind, case.subject) for case in world.observer.reviews] == [
        ("MISMATCH", answer.operation.attempt_number)
    ]


async def test_a_refused_cancel_lets_the_charge_find_out(world: World) -> None:
    """When the channel refuses to cancel, the charge's own attempt is asked about at once."""
    payment = (await world.paying(SILENT)).payment

    answer = await world.canceling(payment, DECLINED)

    assert answer.operation.state is Op.FAILED
    assert answer.payment.state is S.PROCESSING
    assert world.open_attempt().kind is AttemptKind.CHARGE
    assert world.open_attempt().due_time == world.clock.now()


async def test_a_closed_number_ends_cancel_and_payment(world: World) -> None:
    """When the charge's own attempt finds its number closed, both end in that commit."""
    payment = (await world.paying(SILENT)).payment
    world.clock.advance(world.channel.capabilities.send_timeout)
    cancel = await world.canceling(payment, SILENT)
    charge, _ = world.rows.open_attempts()

    await world.execution.conclude(charge, CLOSED)

    assert world.now(payment).state is S.CANCELED
    assert world.operation(cancel).state is Op.SUCCEEDED
    states = {attempt.state for attempt in world.aggregate(payment).attempts.values()}
    assert states == {AttemptState.FAILED}


async def test_money_that_was_taken_is_not_canceled(world: World) -> None:
    """After a capture, in part too, a cancel is refused for good; refunds are the way."""
    whole = await world.paid()
    part = await world.authorized(idempotency_key="pay-2")
    await world.capturing(part, DONE, amount=Money("CNY", 1))

    for payment in (whole, part):
        with pytest.raises(Refused) as refused:
            await world.canceling(payment, idempotency_key=f"c-{payment.payment_id}")
        assert refused.value.reason is Reason.ILLEGAL_TRANSITION
        assert refused.value.key_bound
        assert "refunded" in refused.value.message


async def test_what_is_over_stays_as_it_is(world: World) -> None:
    """A failed payment cannot be canceled, nor a canceled one again under another key."""
    failed = (await world.paying(DECLINED)).payment
    canceled = (await world.paying(SILENT, idempotency_key="pay-2")).payment
    await world.canceling(canceled, DONE)

    for number, payment in enumerate((failed, canceled)):
        with pytest.raises(Refused) as refused:
            await world.canceling(payment, idempotency_key=f"c-{number}")
        assert refused.value.reason is Reason.ILLEGAL_TRANSITION


async def test_a_late_payment_after_a_cancel_is_given_back(world: World) -> None:
    """Money that comes after all changes no state: it is kept apart, returned, and told."""
    payment = (await world.paying(SILENT)).payment
    await world.canceling(payment, DONE)
    charge = world.attempt(payment.attempt_number)

    await world.execution.conclude(charge, PAID)
    assert world.now(payment).state is S.CANCELED
    assert world.rows.balances() == {"channel_receivable": 3_000, "refund_in_transit": 3_000}

    await world.recovering(DONE)
    assert world.rows.balances() == {}
    assert [case.kind for case in world.observer.reviews] == ["LATE_SUCCESS"]
