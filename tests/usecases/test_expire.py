"""Expire: a hold whose time to capture has passed is let go; what was taken of it stays."""

from datetime import timedelta

import pytest

from gateway.domain.channel import AttemptKind
from gateway.domain.errors import Reason, Unavailable
from gateway.domain.money import Money
from gateway.domain.payment import PaymentState
from gateway.usecases.expire import LEASE
from tests.domain.lives import DECLINED, DONE, SILENT
from tests.domain.samples import LIFETIME
from tests.usecases.world import World

S = PaymentState
AWAY = Unavailable(Reason.DATABASE_UNAVAILABLE, "Away.", retry_after_s=1)


async def test_a_hold_that_was_not_captured_expires(world: World) -> None:
    """After its time the channel is asked to let it go, and then the payment is EXPIRED."""
    payment = await world.authorized()
    world.clock.advance(LIFETIME)

    assert await world.expire() == 1
    assert world.now(payment).state is S.AUTHORIZED
    assert world.observer.payments[-1] == world.now(payment)

    await world.recovering(DONE)
    assert world.now(payment).state is S.EXPIRED
    assert world.rows.open_attempts() == []
    assert world.rows.entries == []
    request = world.channel.requested("ask")[-1]
    assert (request.kind, request.charge_number) == (AttemptKind.CANCEL, payment.attempt_number)


async def test_what_was_captured_stays(world: World) -> None:
    """Only the rest is let go, and its amount is said so; the payment has succeeded in part."""
    payment = await world.authorized()
    await world.capturing(payment, DONE, amount=Money("CNY", 1_000))
    world.clock.advance(LIFETIME)

    await world.expire()
    await world.recovering(DONE)

    now = world.now(payment)
    assert (now.state, now.captured) == (S.SUCCEEDED, 1_000)
    assert world.channel.requested("ask")[-1].money == Money("CNY", 2_000)
    assert world.rows.balances() == {"channel_receivable": 1_000, "merchant_unsettled": 1_000}


async def test_a_hold_is_kept_until_its_time(world: World) -> None:
    """A moment before, nothing is due."""
    await world.authorized()
    world.clock.advance(LIFETIME - timedelta(seconds=1))

    assert await world.expire() == 0


@pytest.mark.parametrize("manual", [False, True])
async def test_only_holds_expire(world: World, *, manual: bool) -> None:
    """What was captured or canceled is never due again."""
    payment = await world.authorized() if manual else await world.paid()
    if manual:
        await world.canceling(payment, DONE)
    world.clock.advance(2 * LIFETIME)

    assert await world.expire() == 0


async def test_a_capture_that_runs_is_waited_for(world: World) -> None:
    """While a capture is under way the hold is not let go; afterwards it is."""
    payment = await world.authorized()
    await world.capturing(payment, SILENT, amount=Money("CNY", 1_000))
    world.clock.advance(LIFETIME)

    assert await world.expire() == 1
    assert len(world.rows.open_attempts()) == 1

    await world.recovering(DONE)
    world.clock.advance(LEASE)
    await world.expire()
    await world.recovering(DONE)
    assert world.now(payment).state is S.SUCCEEDED


async def test_no_two_workers_let_go_of_the_same(world: World) -> None:
    """What one worker took is not due for another until its lease has ended, nor done twice."""
    payment = await world.authorized()
    world.clock.advance(LIFETIME)

    assert [await world.expire() for _ in range(2)] == [1, 0]
    world.clock.advance(LEASE)
    await world.expire()

    assert len(world.aggregate(payment).operations) == 1


async def test_one_that_fails_does_not_stop_the_others(world: World) -> None:
    """A fault about one hold is told and left to its lease; the others are let go."""
    payments = [await world.authorized(idempotency_key=f"pay-{number}") for number in range(3)]
    world.clock.advance(LIFETIME)
    world.store.hooks.fail("change_payment", AWAY)

    assert await world.expire() == 3

    assert world.observer.faults == [("expire", AWAY)]
    assert len(world.rows.open_attempts()) == 2
    world.clock.advance(LEASE)
    await world.expire()
    await world.recovering(DONE, DONE, DONE)
    assert {world.now(payment).state for payment in payments} == {S.EXPIRED}


async def test_a_refused_release_is_tried_again(world: World) -> None:
    """Where the channel did not let go, the hold stays as it is and is due again."""
    payment = await world.authorized()
    world.clock.advance(LIFETIME)
    await world.expire()
    await world.recovering(DECLINED)
    assert world.now(payment).state is S.AUTHORIZED

    world.clock.advance(LEASE)
    assert await world.expire() == 1
    await world.recovering(DONE)

    assert world.now(payment).state is S.EXPIRED


async def test_batches_are_bounded(world: World) -> None:
    """One run takes no more than its batch; the next one takes the rest."""
    for number in range(12):
        await world.authorized(idempotency_key=f"pay-{number}")
    world.clock.advance(LIFETIME)

    assert [await world.expire() for _ in range(3)] == [10, 2, 0]
