"""Refunds within what the channel lets be refunded: for so long, so often, so far apart."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.errors import Reason, Refused
from gateway.domain.money import Money
from gateway.domain.operation import OperationState
from gateway.domain.payment import FailureReason
from tests.domain.lives import DECLINED, DONE, SILENT
from tests.usecases.world import World

F, Op = FailureReason, OperationState
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def cny(minor_units: int) -> Money:
    return Money("CNY", minor_units)


def limit(world: World, **can: Any) -> None:
    """Let the channel have these limits."""
    world.channel.capabilities = replace(world.channel.capabilities, **can)


async def test_until_the_end_of_the_window_the_channel_refunds(world: World) -> None:
    """The window begins with the capture and its last moment belongs to it."""
    limit(world, refund_window=365 * DAY)
    payment = await world.paid()
    world.clock.advance(365 * DAY)

    assert (await world.refunding(payment, DONE)).operation.state is Op.SUCCEEDED


async def test_after_the_window_nothing_is_refunded(world: World) -> None:
    """It is an outcome, kept under its key, with its reason; nothing is reserved or sent."""
    limit(world, refund_window=365 * DAY)
    payment = await world.paid()
    world.clock.advance(365 * DAY + timedelta.resolution)

    answers = [await world.refunding(payment) for _ in range(2)]

    assert [answer.replayed for answer in answers] == [False, True]
    for answer in answers:
        failure = answer.operation.failure
        assert failure
        assert failure.reason is F.REFUND_WINDOW_CLOSED
        assert "365 days" in failure.message
    assert world.now(payment).refunded == 0
    assert [request.kind for _, request in world.channel.requests] == ["CHARGE"]


async def test_a_hold_is_refunded_from_its_capture_on(world: World) -> None:
    """Days between authorisation and capture are not taken off the window."""
    limit(world, refund_window=DAY)
    payment = await world.authorized()
    world.clock.advance(2 * DAY)
    await world.capturing(payment, DONE)
    world.clock.advance(DAY)

    assert (await world.refunding(payment, DONE)).operation.state is Op.SUCCEEDED


async def test_no_more_refunds_than_the_channel_makes(world: World) -> None:
    """Of those that did not fail; one more is an outcome that is kept under its key."""
    limit(world, partial_refunds_max=2)
    payment = await world.paid()
    outcomes = {"r-1": DECLINED, "r-2": DONE, "r-3": SILENT}
    for key, outcome in outcomes.items():
        await world.refunding(payment, outcome, idempotency_key=key, amount=cny(1_000))
    sent = len(world.channel.requests)

    answer = await world.refunding(payment, idempotency_key="r-4", amount=cny(1_000))

    failure = answer.operation.failure
    assert failure
    assert (failure.reason, "at most 2" in failure.message) == (F.TOO_MANY_REFUNDS, True)
    assert (world.now(payment).refunded, len(world.channel.requests)) == (2_000, sent)
    assert (await world.refunding(payment, idempotency_key="r-4", amount=cny(1_000))).replayed


@pytest.mark.parametrize("first", [DONE, SILENT, DECLINED])
async def test_too_soon_after_another_leaves_the_key_free(world: World, first: Any) -> None:
    """The same key refunds once the time has passed that the hint names, and not before."""
    limit(world, partial_refund_spacing=MINUTE)
    payment = await world.paid()
    await world.refunding(payment, first, idempotency_key="r-1", amount=cny(1_000))
    world.clock.advance(timedelta(seconds=20))

    with pytest.raises(Refused, match="60 seconds") as refused:
        await world.refunding(payment, idempotency_key="r-2", amount=cny(1_000))

    assert (refused.value.reason, refused.value.key_bound) == (Reason.REFUND_TOO_SOON, False)
    assert refused.value.retry_after_s == 40
    world.clock.advance(timedelta(seconds=refused.value.retry_after_s))
    answer = await world.refunding(payment, DONE, idempotency_key="r-2", amount=cny(1_000))
    assert answer.operation.state is Op.SUCCEEDED


async def test_what_was_never_sent_keeps_nobody_waiting(world: World) -> None:
    """A refund that the gateway refused by itself is none to the channel."""
    limit(world, partial_refund_spacing=MINUTE)
    payment = await world.paid()
    await world.refunding(payment, idempotency_key="r-1", amount=cny(3_001))

    answer = await world.refunding(payment, DONE, idempotency_key="r-2")

    assert answer.operation.state is Op.SUCCEEDED


async def test_what_waiting_cannot_mend_is_said_at_once(world: World) -> None:
    """A refund that is too much is refused for good, also when it comes too soon."""
    limit(world, partial_refund_spacing=MINUTE)
    payment = await world.paid()
    await world.refunding(payment, DONE, idempotency_key="r-1", amount=cny(1_000))

    answer = await world.refunding(payment, idempotency_key="r-2", amount=cny(2_001))

    assert answer.operation.failure
    assert answer.operation.failure.reason is F.REFUND_EXCEEDS_CAPTURED


async def test_a_wallet_has_no_such_limits(world: World) -> None:
    """What needs no channel is refunded at any time, in any number of parts."""
    limit(world, partial_refund_spacing=MINUTE, partial_refunds_max=1, refund_window=DAY)
    world.fund(3_000)
    payment = await world.spent()
    world.clock.advance(2 * DAY)

    for part in range(3):
        answer = await world.refunding(payment, idempotency_key=f"r-{part}", amount=cny(1_000))
        assert answer.operation.state is Op.SUCCEEDED
