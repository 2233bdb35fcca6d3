"""Capture: all or part of what is held is taken, once, and booked when the channel says so."""

import asyncio

import pytest

from gateway.domain.channel import AttemptKind, Outcome
from gateway.domain.errors import InvalidRequest, Reason, Refused, Unavailable
from gateway.domain.money import Money
from gateway.domain.operation import OperationState
from gateway.domain.payment import FailureReason, PaymentState
from tests.domain.lives import DECLINED, DONE, NOT_FOUND, NOT_SENT, SILENT, WAITING
from tests.domain.samples import LIFETIME
from tests.usecases.world import TIMING, World, cancel_command, capture_command, patience

S, Op = PaymentState, OperationState


def cny(minor_units: int) -> Money:
    return Money("CNY", minor_units)


async def test_all_that_is_held_is_taken_by_default(world: World) -> None:
    """Without an amount everything is captured, and the payment has succeeded."""
    payment = await world.authorized()

    answer = await world.capturing(payment, DONE)

    assert answer.operation.state is Op.SUCCEEDED
    assert answer.operation.amount == payment.amount
    assert (answer.payment.state, answer.payment.captured) == (S.SUCCEEDED, 3_000)
    assert answer.payment == world.now(payment)
    assert world.rows.balances() == {"channel_receivable": 3_000, "merchant_unsettled": 3_000}


async def test_several_captures_take_what_is_held(world: World) -> None:
    """Each part is taken and booked; the one that takes the last of it ends the payment."""
    payment = await world.authorized()

    states = [
        (await world.capturing(payment, DONE, idempotency_key=f"c-{number}", amount=cny(part)))
        for number, part in enumerate((1_000, 500, 1_500))
    ]

    assert [answer.payment.captured for answer in states] == [1_000, 1_500, 3_000]
    assert [answer.payment.state for answer in states] == [S.AUTHORIZED, S.AUTHORIZED, S.SUCCEEDED]
    assert world.rows.balances()["merchant_unsettled"] == 3_000


async def test_a_final_capture_releases_the_rest(world: World) -> None:
    """The payment has succeeded with the part that was taken, and the channel is told so."""
    payment = await world.authorized()

    answer = await world.capturing(payment, DONE, amount=cny(1_000), final=True)

    assert (answer.payment.state, answer.payment.captured) == (S.SUCCEEDED, 1_000)
    assert world.channel.requested("send")[-1].final


async def test_the_channel_learns_which_charge_is_captured(world: World) -> None:
    """A capture has a number of its own, and names the charge it takes from."""
    payment = await world.authorized()

    answer = await world.capturing(payment, DONE, amount=cny(1_000))

    request = world.channel.requested("send")[-1]
    assert request.kind is AttemptKind.CAPTURE
    assert request.number == answer.operation.attempt_number != payment.attempt_number
    assert request.charge_number == payment.attempt_number
    assert request.money == cny(1_000)


@pytest.mark.parametrize("outcome", [SILENT, WAITING, NOT_FOUND, NOT_SENT])
async def test_a_capture_that_is_not_known_runs_on(world: World, outcome: Outcome) -> None:
    """It was accepted and has to happen: it is asked about later, even if it was never sent."""
    payment = await world.authorized()

    answer = await world.capturing(payment, outcome)

    assert answer.operation.state is Op.PROCESSING
    assert answer.payment.state is S.AUTHORIZED
    assert world.open_attempt().due_time == world.clock.now() + TIMING.recovery_delay_min


async def test_a_capture_that_the_channel_refused_changes_nothing(world: World) -> None:
    """The operation has failed with the channel's reason; what is held stays held."""
    payment = await world.authorized()

    answer = await world.capturing(payment, DECLINED)

    assert answer.operation.state is Op.FAILED
    assert answer.operation.failure == DECLINED.failure
    assert (answer.payment.state, answer.payment.captured) == (S.AUTHORIZED, 0)
    assert world.rows.entries == []
    again = await world.capturing(payment, DONE, idempotency_key="capture-2")
    assert again.payment.state is S.SUCCEEDED


async def test_more_than_is_held_is_refused_for_good(world: World) -> None:
    """A capture above what remains is kept as FAILED under its key, and never sent."""
    payment = await world.authorized()
    await world.capturing(payment, DONE, amount=cny(2_000))
    sent = len(world.channel.requests)

    answers = [
        await world.capturing(payment, idempotency_key="capture-2", amount=cny(1_001))
        for _ in range(2)
    ]

    assert [answer.replayed for answer in answers] == [False, True]
    for answer in answers:
        assert answer.operation.failure
        assert answer.operation.failure.reason is FailureReason.CAPTURE_EXCEEDS_AUTHORIZED
    assert len(world.channel.requests) == sent


async def test_an_authorisation_that_ended_is_not_captured(world: World) -> None:
    """After its time a capture is refused for good, even before a worker has ended it."""
    payment = await world.authorized()
    world.clock.advance(LIFETIME)

    answer = await world.capturing(payment)

    assert answer.operation.failure
    assert answer.operation.failure.reason is FailureReason.AUTHORIZATION_EXPIRED


async def test_another_currency_leaves_the_key_free(world: World) -> None:
    """What can never be right is a bad request, names the field, and binds nothing."""
    payment = await world.authorized()

    with pytest.raises(InvalidRequest) as refused:
        await world.capturing(payment, amount=Money("USD", 1_000))

    assert refused.value.reason is Reason.CURRENCY_MISMATCH
    assert refused.value.violations.keys() == {"amount.currency_code"}
    assert (await world.capturing(payment, DONE)).operation.state is Op.SUCCEEDED


async def test_while_one_runs_others_wait(world: World) -> None:
    """Another capture or a cancel is refused with a hint, and its key stays free."""
    payment = await world.authorized()
    first = await world.capturing(payment, SILENT, amount=cny(1_000))

    for call in (
        world.capture(capture_command(payment.payment_id, idempotency_key="c-2"), patience()),
        world.cancel(cancel_command(payment.payment_id), patience()),
    ):
        with pytest.raises(Refused) as refused:
            await call
        assert refused.value.reason is Reason.OPERATION_IN_PROGRESS
        assert not refused.value.key_bound
        assert refused.value.retry_after_s

    await world.recovering(DONE)
    assert world.operation(first).state is Op.SUCCEEDED
    second = await world.capturing(payment, DONE, idempotency_key="c-2")
    assert (second.replayed, second.payment.captured) == (False, 3_000)


async def test_of_captures_at_the_same_moment_one_runs(world: World) -> None:
    """Ten keys at once: one capture is sent, nine are told to wait."""
    payment = await world.authorized()
    gate = world.channel.hooks.hold("send")
    world.channel.will("send", DONE)
    commands = [capture_command(payment.payment_id, idempotency_key=f"c-{n}") for n in range(10)]

    calls = [asyncio.create_task(world.capture(command, patience())) for command in commands]
    await gate.arrived.wait()
    while sum(call.done() for call in calls) < 9:
        await asyncio.sleep(0)
    gate.opened.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)

    refusals = [answer for answer in answers if isinstance(answer, Refused)]
    assert {refusal.reason for refusal in refusals} == {Reason.OPERATION_IN_PROGRESS}
    assert len(refusals) == 9
    assert world.now(payment).captured == 3_000


async def test_what_is_not_yet_held_is_not_captured(world: World) -> None:
    """A payment still under way has nothing to capture: the caller may come again."""
    payment = (await world.paying(SILENT)).payment

    with pytest.raises(Refused) as refused:
        await world.capturing(payment)

    assert (refused.value.reason, refused.value.key_bound) == (Reason.PAYMENT_NOT_FINAL, False)
    assert refused.value.retry_after_s


async def test_what_is_over_is_never_captured(world: World) -> None:
    """A payment that was paid at once, or failed, refuses captures for good."""
    for number, outcome in enumerate((DONE, DECLINED)):
        payment = (await world.paying(outcome, idempotency_key=f"p-{number}")).payment

        with pytest.raises(Refused) as refused:
            await world.capturing(payment, idempotency_key=f"c-{number}")

        assert refused.value.reason is Reason.ILLEGAL_TRANSITION
        assert refused.value.key_bound


async def test_a_gateway_without_the_channel_says_so(world: World) -> None:
    """Where this process is not set up for the payment's channel nothing is kept, with a hint."""
    payment = await world.authorized()
    world.execution.channels = {}

    with pytest.raises(Unavailable) as refused:
        await world.capturing(payment)

    assert (refused.value.reason, refused.value.key_bound) == (Reason.CHANNEL_UNAVAILABLE, False)
    assert refused.value.retry_after_s
    assert world.aggregate(payment).operations == {}
