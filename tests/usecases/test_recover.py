"""Recover: whatever was left open is asked about until the channel has said what became of it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.channel import Outcome
from gateway.domain.errors import Reason, Unavailable
from gateway.domain.money import Money
from gateway.domain.payment import FailureReason, PaymentState
from tests.domain.lives import (
    ACTING,
    DECLINED,
    HELD,
    NOT_FOUND,
    NOT_SENT,
    PAID,
    SILENT,
    WAITING,
)
from tests.usecases.world import TIMING, World

S = PaymentState
AWAY = Unavailable(Reason.DATABASE_UNAVAILABLE, "Away.", retry_after_s=1)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (PAID, S.SUCCEEDED),
        (HELD, S.AUTHORIZED),
        (ACTING, S.REQUIRES_ACTION),
        (WAITING, S.PROCESSING),
        (SILENT, S.PROCESSING),
        (NOT_FOUND, S.PROCESSING),
        (NOT_SENT, S.PROCESSING),
        (DECLINED, S.FAILED),
    ],
)
async def test_an_answer_means_what_it_would_have_meant(
    world: World, outcome: Outcome, state: PaymentState
) -> None:
    """What a worker is told goes the way of a reply; that a question was lost proves nothing."""
    payment = (await world.paying(SILENT)).payment

    assert await world.recovering(outcome) == 1

    assert world.now(payment).state is state
    assert [request.number for request in world.channel.requested("ask")] == [
        payment.attempt_number
    ]


async def test_a_charge_is_never_sent_again(world: World) -> None:
    """Whatever a worker is told about a charge, it sends no second one."""
    await world.paying(SILENT)

    for outcome in (NOT_FOUND, SILENT, WAITING, NOT_SENT, NOT_FOUND, NOT_FOUND, NOT_FOUND):
        await world.recovering(outcome)

    assert len(world.channel.requested("send")) == 1


async def test_only_what_is_due_is_taken(world: World) -> None:
    """A worker leaves alone what its sender may still hold, and finds it a moment later."""
    gate = world.store.hooks.hold("postpone_attempt")
    call = asyncio.create_task(world.paying(SILENT))
    await gate.arrived.wait()
    lease = world.channel.capabilities.send_timeout + TIMING.lease_margin

    world.clock.advance(lease - timedelta(seconds=1))
    assert await world.recover() == 0
    world.clock.advance(timedelta(seconds=1))
    world.channel.will("ask", PAID)
    assert await world.recover() == 1
    gate.opened.set()

    assert (await call).payment.state is S.PROCESSING
    assert world.rows.open_attempts() == []


async def test_no_two_workers_ask_about_the_same(world: World) -> None:
    """What one worker took is not due for another until its lease has ended."""
    await world.paying(SILENT)
    gate = world.channel.hooks.hold("ask")
    world.clock.advance(TIMING.recovery_delay_min)
    first = asyncio.create_task(world.recover())
    await gate.arrived.wait()

    lease = 3 * world.channel.capabilities.send_timeout + TIMING.lease_margin
    assert world.open_attempt().due_time == world.clock.now() + lease
    assert await world.recover() == 0
    gate.opened.set()
    assert await first == 1


async def test_what_is_due_is_taken_in_batches(world: World) -> None:
    """One run takes no more than its batch; the next one takes the rest."""
    for number in range(12):
        await world.paying(SILENT, idempotency_key=f"pay-{number}")
    world.channel.will("ask", *[PAID] * 12)
    world.clock.advance(TIMING.recovery_delay_min)

    assert [await world.recover() for _ in range(3)] == [10, 2, 0]
    assert world.rows.open_attempts() == []


async def test_one_that_fails_does_not_stop_the_others(world: World) -> None:
    """A fault about one attempt is told and left to its lease; the others are resolved."""
    for number in range(3):
        await world.paying(SILENT, idempotency_key=f"pay-{number}")
    bug = RuntimeError("a bug")
    world.channel.hooks.fail("ask", bug)
    world.store.hooks.fail("change_payment", AWAY)

    assert await world.recovering(PAID, PAID) == 3

    assert world.observer.faults == [("recover", bug), ("recover", AWAY)]
    states = sorted(item.payment.state for item in world.rows.aggregates.values())
    assert states == [S.PROCESSING, S.PROCESSING, S.SUCCEEDED]
    assert await world.recovering(PAID, PAID) == 2
    assert world.rows.open_attempts() == []


async def test_each_try_waits_twice_as_long(world: World) -> None:
    """The delay doubles up to its maximum, and varies by a quarter below that."""
    await world.paying(SILENT)

    for tries in range(1, 15):
        await world.recovering(SILENT)
        attempt = world.open_attempt()
        longest = min(TIMING.recovery_delay_min * 2**tries, TIMING.recovery_delay_max)
        assert attempt.due_time
        delay = attempt.due_time - world.clock.now()
        assert attempt.tries == tries
        assert 0.75 * longest <= delay <= longest


async def test_delays_of_many_spread(world: World) -> None:
    """Attempts that were left at the same moment are not asked about at the same moment."""
    for number in range(10):
        await world.paying(SILENT, idempotency_key=f"pay-{number}")

    await world.recovering(*[SILENT] * 10)

    assert len({attempt.due_time for attempt in world.rows.open_attempts()}) > 1


async def test_any_number_of_tries_is_a_delay(world: World) -> None:
    """After years of trying the delay is still its maximum."""
    await world.paying(SILENT)
    world.rows.put_attempt(replace(world.open_attempt(), tries=10**9))

    await world.recovering(SILENT)

    due = world.open_attempt().due_time
    assert due
    assert due - world.clock.now() <= TIMING.recovery_delay_max


async def test_a_wrong_amount_is_for_a_person(world: World) -> None:
    """An answer over another amount changes nothing, is told once, and is asked about again."""
    payment = (await world.paying(SILENT)).payment
    wrong = replace(PAID, money=Money("USD", 3_000))

    await world.recovering(wrong)
    await world.recovering(wrong)

    assert [case.kind for case in world.observer.reviews] == ["MISMATCH"]
    assert world.now(payment).state is S.PROCESSING
    await world.recovering(replace(PAID, money=payment.amount))
    assert world.now(payment).state is S.SUCCEEDED


async def test_what_stays_unknown_becomes_a_review_case_once(world: World) -> None:
    """After its time an unknown is shown to people, is asked about all the same, never failed."""
    payment = (await world.paying(SILENT)).payment
    await world.recovering(SILENT)
    assert world.rows.reviews == {}

    world.clock.advance(TIMING.review_after)
    for _ in range(3):
        await world.recovering(SILENT)

    (case,) = world.rows.reviews.values()
    assert (case.kind, case.subject) == ("UNRESOLVED", payment.attempt_number)
    assert world.observer.reviews == [case]
    assert world.now(payment).state is S.PROCESSING
    await world.recovering(PAID)
    assert world.now(payment).state is S.SUCCEEDED


async def test_what_is_resolved_meanwhile_is_not_touched(world: World) -> None:
    """A notification that comes while a worker asks wins; the worker's answer changes nothing."""
    payment = (await world.paying(SILENT)).payment
    attempt = world.open_attempt()
    world.clock.advance(TIMING.recovery_delay_min)
    world.channel.will("ask", PAID)

    async with world.while_asked(world.recover()):
        await world.execution.conclude(attempt, PAID)

    assert world.now(payment).version == 2
    assert world.rows.balances()["merchant_unsettled"] == 3_000


async def test_failures_say_why(world: World) -> None:
    """What a worker finds out reads for the caller as if it had been answered at once."""
    payment = (await world.paying(SILENT)).payment

    await world.recovering(DECLINED)

    failure = world.now(payment).failure
    assert failure
    assert failure.reason is FailureReason.INSUFFICIENT_FUNDS


async def test_a_payer_who_may_still_act_is_no_case(world: World) -> None:
    """A charge that the channel knows waits for its payer, however old it is, and alerts nobody."""
    expire_time = world.clock.now() + timedelta(hours=20)
    await world.paying(ACTING, expire_time=expire_time)
    attempt = world.open_attempt()
    aged = replace(attempt, create_time=attempt.create_time - TIMING.review_after)
    world.rows.put_attempt(aged)

    await world.recovering(ACTING)
    assert world.rows.reviews == {}

    await world.recovering(SILENT)
    assert [case.kind for case in world.observer.reviews] == ["UNRESOLVED"]


@pytest.mark.parametrize("told", [WAITING, NOT_FOUND])
async def test_a_cancel_that_waits_for_the_numbers_end_is_no_case(
    world: World, told: Outcome
) -> None:
    """Where a number cannot be closed before its end its cancel alerts nobody until then."""
    expire_time = world.clock.now() + timedelta(hours=20)
    payment = (await world.paying(ACTING, expire_time=expire_time)).payment
    cancel = await world.canceling(payment, told)
    attempt = world.attempt(cancel.operation.attempt_number)
    aged = replace(attempt, create_time=attempt.create_time - TIMING.review_after)
    world.rows.put_attempt(aged)
    world.channel.will("send", told)

    await world.recovering(ACTING, told)
    assert world.rows.reviews == {}

    world.clock.advance(expire_time + TIMING.review_after - world.clock.now())
    world.channel.will("send", told)
    await world.recovering(SILENT, told)
    subjects = [case.subject for case in world.observer.reviews]
    assert attempt.number in subjects


async def test_a_cancel_of_a_hold_is_old_by_its_own_age(world: World) -> None:
    """The end of a charge that was authorised long ago makes no new cancel a case."""
    payment = await world.authorized()
    world.clock.advance(TIMING.review_after + timedelta(hours=1))
    await world.canceling(payment, WAITING)

    await world.recovering(WAITING)

    assert world.rows.reviews == {}


async def test_what_fails_again_and_again_becomes_a_case(world: World) -> None:
    """A fault of ours does not hide an attempt: it is tried less often, and shown in its time."""
    await world.paying(SILENT)
    world.clock.advance(TIMING.review_after)
    world.channel.hooks.fail("ask", RuntimeError("a bug"))

    await world.recovering()

    assert [case.kind for case in world.observer.reviews] == ["UNRESOLVED"]
    attempt = world.open_attempt()
    assert attempt.tries == 1
    assert attempt.due_time
    assert attempt.due_time > world.clock.now()


async def test_one_that_cannot_even_be_postponed_does_not_stop_the_others(world: World) -> None:
    """Where the store fails for one attempt altogether, its lease ends by itself."""
    for number in range(3):
        await world.paying(SILENT, idempotency_key=f"pay-{number}")
    world.channel.hooks.fail("ask", RuntimeError("a bug"))
    world.store.hooks.fail("postpone_attempt", AWAY)

    assert await world.recovering(PAID, PAID) == 3

    assert len(world.rows.open_attempts()) == 1
    assert len(world.observer.faults) == 2
