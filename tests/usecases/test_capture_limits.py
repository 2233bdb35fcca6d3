"""Captures within what the channel lets be captured: so often, and perhaps all or nothing."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.money import Money
from gateway.domain.operation import OperationState
from gateway.domain.payment import FailureReason, PaymentState
from gateway.usecases.commands import OperationAnswer
from tests.domain.lives import DECLINED, DONE, SILENT
from tests.usecases.world import World

F, Op, S = FailureReason, OperationState, PaymentState


def cny(minor_units: int) -> Money:
    return Money("CNY", minor_units)


def limit(world: World, **can: Any) -> None:
    """Let the channel have these limits."""
    world.channel.capabilities = replace(world.channel.capabilities, **can)


def refused(answer: OperationAnswer, reason: FailureReason, words: str) -> None:
    """Check that an answer is a refusal by the gateway, with this reason."""
    failure = answer.operation.failure
    assert answer.operation.state is Op.FAILED
    assert failure
    assert (failure.reason, words in failure.message) == (reason, True)
    assert not answer.operation.attempt_number


async def test_the_last_capture_releases_the_rest(world: World) -> None:
    """Where the channel makes two, the second ends the payment, and the channel is told so."""
    limit(world, captures_max=2)
    payment = await world.authorized()

    first = await world.capturing(payment, DONE, idempotency_key="c-1", amount=cny(500))
    second = await world.capturing(payment, DONE, idempotency_key="c-2", amount=cny(700))

    assert [item.operation.final for item in (first, second)] == [False, True]
    assert [item.payment.state for item in (first, second)] == [S.AUTHORIZED, S.SUCCEEDED]
    assert world.now(payment).captured == 1_200
    assert [request.final for request in world.channel.requested("send")[-2:]] == [False, True]


async def test_a_repeated_key_does_not_notice(world: World) -> None:
    """That a capture was made the last one does not make its key stand for something else."""
    limit(world, captures_max=1)
    payment = await world.authorized()
    asked = {"amount": cny(500), "final": False}
    first = await world.capturing(payment, DONE, **asked)

    again = await world.capturing(payment, **asked)

    assert (again.replayed, again.operation) == (True, first.operation)


@pytest.mark.parametrize("outcome", [DONE, SILENT])
async def test_what_is_not_known_ends_the_payment_too(world: World, outcome: Any) -> None:
    """A last capture that is found out about later releases the rest then."""
    limit(world, captures_max=1)
    payment = await world.authorized()
    await world.capturing(payment, outcome, amount=cny(500))

    await world.recovering(DONE)

    assert (world.now(payment).state, world.now(payment).captured) == (S.SUCCEEDED, 500)


async def test_a_refused_capture_is_none(world: World) -> None:
    """What the channel declined does not count: the next is the first, and the last."""
    limit(world, captures_max=1)
    payment = await world.authorized()
    await world.capturing(payment, DECLINED, idempotency_key="c-1", amount=cny(500))

    answer = await world.capturing(payment, DONE, idempotency_key="c-2", amount=cny(700))

    assert (answer.payment.state, answer.payment.captured) == (S.SUCCEEDED, 700)


async def test_no_more_captures_than_the_channel_makes(world: World) -> None:
    """One beyond them, as after a limit was lowered, is kept under its key and never sent."""
    payment = await world.authorized()
    await world.capturing(payment, DONE, idempotency_key="c-1", amount=cny(500))
    limit(world, captures_max=1)
    sent = len(world.channel.requests)

    answers = [await world.capturing(payment, idempotency_key="c-2") for _ in range(2)]

    assert [answer.replayed for answer in answers] == [False, True]
    for answer in answers:
        refused(answer, F.TOO_MANY_CAPTURES, "at most one capture of")
    assert (world.now(payment).captured, len(world.channel.requests)) == (500, sent)


async def test_all_or_nothing(world: World) -> None:
    """Where a part cannot be captured it is refused for good, and all of it is taken later."""
    limit(world, partial_capture=False)
    payment = await world.authorized()
    sent = len(world.channel.requests)

    answers = [
        await world.capturing(payment, idempotency_key="c-1", amount=cny(2_999)) for _ in range(2)
    ]

    assert [answer.replayed for answer in answers] == [False, True]
    for answer in answers:
        refused(answer, F.PARTIAL_CAPTURE_UNSUPPORTED, "30.00 CNY")
    assert len(world.channel.requests) == sent
    whole = await world.capturing(payment, DONE, idempotency_key="c-2", amount=cny(3_000))
    assert (whole.payment.state, whole.payment.captured) == (S.SUCCEEDED, 3_000)


async def test_a_wallet_has_no_such_limits(world: World) -> None:
    """What a wallet holds is captured in parts, whatever a channel can do."""
    limit(world, partial_capture=False, captures_max=1)
    world.fund(3_000)
    payment = await world.held()

    for part in range(3):
        answer = await world.capturing(payment, idempotency_key=f"c-{part}", amount=cny(1_000))
        assert answer.operation.state is Op.SUCCEEDED
    assert world.now(payment).state is S.SUCCEEDED
