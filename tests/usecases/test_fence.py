"""The fence: a charge fails without the channel's refusal only once its number is closed there."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.channel import Outcome
from gateway.domain.payment import FailureReason, PaymentState
from tests.domain.lives import (
    ACTING,
    CLOSED,
    HELD,
    NOT_FOUND,
    NOT_SENT,
    PAID,
    SILENT,
    WAITING,
)
from tests.usecases.world import EXPIRY, NOT_FOUND_MAX, TIMING, World

S = PaymentState


async def test_a_number_that_is_not_found_is_fenced_then_asked_about_then_failed(
    world: World,
) -> None:
    """Not found so many times, closed, and still not found: the payment was never accepted."""
    payment = await world.lost()
    assert world.channel.requested("fence") == []

    world.channel.will("fence", CLOSED)
    await world.recovering(NOT_FOUND, NOT_FOUND)

    actions = [action for action, _ in world.channel.requests]
    assert actions == ["send", "ask", "ask", "ask", "fence", "ask"]
    failure = world.now(payment).failure
    assert failure
    assert failure.reason is FailureReason.NOT_ACCEPTED
    assert world.attempt(payment.attempt_number).evidence == "closed"


@pytest.mark.parametrize("fenced", [SILENT, NOT_SENT, WAITING, NOT_FOUND])
async def test_without_the_fence_nothing_fails(world: World, fenced: Outcome) -> None:
    """As long as the channel does not confirm the fence, the payment stays open."""
    payment = await world.lost()

    for _ in range(20):
        world.channel.will("fence", fenced)
        await world.recovering(NOT_FOUND)

    assert len(world.channel.requested("fence")) == 20
    assert world.now(payment).state is S.PROCESSING


@pytest.mark.parametrize("asked", [SILENT, NOT_SENT, WAITING])
async def test_after_the_fence_the_channel_has_to_say_so(world: World, asked: Outcome) -> None:
    """A closed number fails only with one more answer; meanwhile it is known that it is closed."""
    payment = await world.lost()
    world.channel.will("fence", CLOSED)

    await world.recovering(NOT_FOUND, asked)

    assert world.now(payment).state is S.PROCESSING
    assert world.open_attempt().fenced
    await world.recovering(CLOSED)
    assert world.now(payment).state is S.FAILED


@pytest.mark.parametrize(("success", "state"), [(PAID, S.SUCCEEDED), (HELD, S.AUTHORIZED)])
async def test_a_forgetful_channel_loses_no_payment(
    world: World, success: Outcome, state: PaymentState
) -> None:
    """A number that was not found but is paid when it is fenced has succeeded."""
    payment = await world.lost()
    world.channel.will("fence", success)

    await world.recovering(NOT_FOUND)

    assert world.now(payment).state is state


async def test_a_payment_that_appears_after_the_fence_has_succeeded(world: World) -> None:
    """The last question counts more than the fence."""
    payment = await world.lost()
    world.channel.will("fence", CLOSED)

    await world.recovering(NOT_FOUND, PAID)

    assert world.now(payment).state is S.SUCCEEDED


@pytest.mark.parametrize("between", [SILENT, WAITING])
async def test_only_answers_in_a_row_count(world: World, between: Outcome) -> None:
    """Any other answer between two "not found" begins the count anew."""
    await world.lost()

    await world.recovering(between)
    for _ in range(NOT_FOUND_MAX - 1):
        await world.recovering(NOT_FOUND)
    assert world.channel.requested("fence") == []

    await world.recovering(NOT_FOUND)
    assert len(world.channel.requested("fence")) == 1


async def test_a_channel_without_a_fence_leaves_it_to_people(world: World) -> None:
    """Where a number cannot be closed it never fails by itself; after its time a person decides."""
    world.channel.capabilities = replace(world.channel.capabilities, fenceable=frozenset())
    payment = await world.lost()
    world.clock.advance(TIMING.review_after)

    for _ in range(5):
        await world.recovering(NOT_FOUND)

    assert world.channel.requested("fence") == []
    assert world.now(payment).state is S.PROCESSING
    assert [case.kind for case in world.observer.reviews] == ["UNRESOLVED"]


@pytest.mark.parametrize("asked", [WAITING, ACTING, NOT_FOUND])
async def test_an_expired_payment_is_fenced_and_ends(world: World, asked: Outcome) -> None:
    """Once its time is over and nobody paid, the number is closed and the payment EXPIRED."""
    payment = (await world.paying(ACTING)).payment
    world.clock.advance(EXPIRY.default)
    world.channel.will("fence", CLOSED)

    await world.recovering(asked, CLOSED)

    assert world.now(payment).state is S.EXPIRED
    assert world.now(payment).failure is None
    assert world.rows.open_attempts() == []


async def test_a_payment_is_not_fenced_before_its_time(world: World) -> None:
    """Until the last moment the payer may pay."""
    payment = (await world.paying(ACTING)).payment
    world.clock.advance(EXPIRY.default - timedelta(seconds=1))

    await world.recovering(ACTING)

    assert world.channel.requested("fence") == []
    assert world.now(payment).state is S.REQUIRES_ACTION


async def test_a_payer_who_was_in_time_has_paid(world: World) -> None:
    """A payment that is paid when it is fenced has succeeded, expired or not."""
    payment = (await world.paying(ACTING)).payment
    world.clock.advance(EXPIRY.default)
    world.channel.will("fence", PAID)

    await world.recovering(WAITING)

    assert world.now(payment).state is S.SUCCEEDED


@pytest.mark.parametrize(("success", "state"), [(PAID, S.SUCCEEDED), (HELD, S.AUTHORIZED)])
async def test_what_ended_while_it_was_asked_about_is_not_fenced(
    world: World, success: Outcome, state: PaymentState
) -> None:
    """A fence may undo what was paid, so before it it is looked whether that was heard of."""
    payment = (await world.paying(ACTING)).payment
    attempt = world.open_attempt()
    world.clock.advance(EXPIRY.default)

    async with world.while_asked(world.recovering(WAITING)):
        await world.execution.conclude(attempt, success)

    assert world.channel.requested("fence") == []
    assert world.now(payment).state is state


async def test_a_silent_channel_is_not_fenced_by_age(world: World) -> None:
    """Without an answer nothing is concluded from time alone."""
    payment = (await world.paying(ACTING)).payment
    world.clock.advance(EXPIRY.default)

    await world.recovering(SILENT)

    assert world.channel.requested("fence") == []
    assert world.now(payment).state is S.REQUIRES_ACTION
