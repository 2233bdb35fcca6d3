"""Captures, cancels and refunds were accepted and have to happen: they are sent until decided."""

from datetime import timedelta

import pytest

from gateway.domain.channel import Outcome
from gateway.domain.operation import OperationState
from tests.domain.lives import (
    DECLINED,
    DONE,
    NOT_BUILT,
    NOT_FOUND,
    NOT_SENT,
    PAID,
    SILENT,
    WAITING,
)
from tests.usecases.methods import METHODS, Method, made
from tests.usecases.world import TIMING, World

Op = OperationState
OPERATIONS = {name: method for name, method in METHODS.items() if name not in ("pay", "top_up")}


@pytest.mark.parametrize("method", OPERATIONS.values(), ids=OPERATIONS)
async def test_an_accepted_operation_is_sent_again(world: World, method: Method) -> None:
    """What the channel does not know of is sent again, under its own number, until it decides."""
    payment = await method.before(world)
    await method.run(world, method.command(payment), SILENT)
    world.channel.will("send", SILENT, NOT_SENT, DONE)

    for _ in range(3):
        await world.recovering(NOT_FOUND)

    assert made(await method.run(world, method.command(payment))).state == "SUCCEEDED"
    sent = [request for request in world.channel.requested("send") if request.kind != "CHARGE"]
    assert len(sent) == 4
    assert all(request == sent[0] for request in sent)


@pytest.mark.parametrize("outcome", [SILENT, WAITING, NOT_SENT])
@pytest.mark.parametrize("method", OPERATIONS.values(), ids=OPERATIONS)
async def test_what_the_channel_may_know_is_not_sent_again(
    world: World, method: Method, outcome: Outcome
) -> None:
    """Only the channel's own word that it knows nothing lets an operation be sent again."""
    payment = await method.before(world)
    await method.run(world, method.command(payment), SILENT)
    sent = len(world.channel.requested("send"))

    await world.recovering(outcome)

    assert len(world.channel.requested("send")) == sent
    assert len(world.rows.open_attempts()) == 1


@pytest.mark.parametrize("method", OPERATIONS.values(), ids=OPERATIONS)
async def test_what_ended_while_it_was_asked_about_is_not_sent_again(
    world: World, method: Method
) -> None:
    """Before money is moved again it is looked whether somebody has ended the operation."""
    payment = await method.before(world)
    await method.run(world, method.command(payment), SILENT)
    (attempt,) = world.rows.open_attempts()
    sent = len(world.channel.requested("send"))

    async with world.while_asked(world.recovering(NOT_FOUND)):
        await world.execution.conclude(attempt, DONE)

    assert len(world.channel.requested("send")) == sent
    assert world.rows.open_attempts() == []


@pytest.mark.parametrize("asking_fails", [False, True])
@pytest.mark.parametrize("method", OPERATIONS.values(), ids=OPERATIONS)
async def test_what_can_never_be_sent_is_shown_to_people(
    world: World, method: Method, *, asking_fails: bool
) -> None:
    """An operation that no request can be made of stays open, and becomes a case in its time."""
    payment = await method.before(world)
    await method.run(world, method.command(payment), NOT_BUILT)
    (attempt,) = world.rows.open_attempts()
    world.clock.advance(TIMING.review_after)
    world.channel.will("send", NOT_BUILT)
    if asking_fails:
        world.channel.hooks.fail("ask", ValueError("no key of ours is valid now"))

    await world.recovering(NOT_FOUND)

    assert [(case.kind, case.subject) for case in world.observer.reviews] == [
        ("UNRESOLVED", attempt.number)
    ]
    (later,) = world.rows.open_attempts()
    assert later.due_time
    assert later.due_time > world.clock.now()


@pytest.mark.parametrize("method", OPERATIONS.values(), ids=OPERATIONS)
async def test_operations_are_never_fenced(world: World, method: Method) -> None:
    """However often it is not found and however late, an operation is not given up."""
    payment = await method.before(world)
    await method.run(world, method.command(payment), SILENT)
    world.clock.advance(timedelta(days=2))

    for _ in range(10):
        await world.recovering(NOT_FOUND)

    assert world.channel.requested("fence") == []
    assert len(world.rows.open_attempts()) == 1


@pytest.mark.parametrize(
    ("asked", "state"),
    [
        (DONE, "SUCCEEDED"),
        (WAITING, "PROCESSING"),
        (SILENT, "PROCESSING"),
        (NOT_SENT, "PROCESSING"),
        (NOT_FOUND, "PROCESSING"),
        (DECLINED, "FAILED"),
    ],
)
@pytest.mark.parametrize("method", OPERATIONS.values(), ids=OPERATIONS)
async def test_a_question_decides_about_a_refused_resend(
    world: World, method: Method, asked: Outcome, state: str
) -> None:
    """What refuses a re-send may be what the first send did, so only a question ends it."""
    payment = await method.before(world)
    await method.run(world, method.command(payment), SILENT)
    world.channel.will("send", DECLINED)

    await world.recovering(NOT_FOUND, asked)

    assert [action for action, _ in world.channel.requests][-3:] == ["ask", "send", "ask"]
    assert made(await method.run(world, method.command(payment))).state == state


async def test_a_refund_that_a_question_refuses_is_given_free(world: World) -> None:
    """The refusal of a re-sent refund that the channel confirms gives its amount free."""
    payment = await world.paid()
    refund = await world.refunding(payment, SILENT)
    world.channel.will("send", DECLINED)

    await world.recovering(NOT_FOUND, DECLINED)

    assert world.operation(refund).state is Op.FAILED
    assert world.now(payment).refunded == 0


async def test_a_resend_that_is_refused_for_ever_is_for_a_person(world: World) -> None:
    """Refused each time and never found, a refund keeps its amount; a person sees the refusal."""
    payment = await world.paid()
    refund = await world.refunding(payment, SILENT)
    for after in (TIMING.review_after, timedelta(0)):
        world.clock.advance(after)
        world.channel.will("send", DECLINED)
        await world.recovering(NOT_FOUND, NOT_FOUND)

    (case,) = world.observer.reviews
    assert (case.kind, case.subject) == ("UNRESOLVED", refund.operation.attempt_number)
    assert DECLINED.evidence in case.detail
    assert world.operation(refund).state is Op.PROCESSING
    assert world.now(payment).refunded == 3_000


async def test_the_refusal_of_a_first_send_by_a_worker_is_final(world: World) -> None:
    """What the gateway gives back by itself was sent by nobody before its first worker."""
    payment = (await world.paying(DECLINED)).payment
    await world.execution.conclude(world.attempt(payment.attempt_number), PAID)
    world.channel.will("send", DECLINED)

    await world.recovering(NOT_FOUND)

    assert [case.kind for case in world.observer.reviews] == ["LATE_SUCCESS", "RETURN_REFUSED"]
    assert world.rows.open_attempts() == []


@pytest.mark.parametrize("asked_before", [True, False])
async def test_what_a_dead_worker_may_have_sent_was_sent(
    world: World, *, asked_before: bool
) -> None:
    """Once asked about, or older than a sender's lease, it may have left before: ask."""
    payment = (await world.paying(DECLINED)).payment
    await world.execution.conclude(world.attempt(payment.attempt_number), PAID)
    if asked_before:
        await world.recovering(SILENT)
    else:
        world.clock.advance(world.execution.moment("sandbox").lease)
    world.channel.will("send", DECLINED)

    await world.recovering(NOT_FOUND, NOT_FOUND)

    assert [case.kind for case in world.observer.reviews] == ["LATE_SUCCESS"]
    assert len(world.rows.open_attempts()) == 1
