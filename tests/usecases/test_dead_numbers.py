"""Numbers that cannot be closed: they end only by the channel's word, at a time that proves it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.channel import Outcome
from gateway.domain.payment import PaymentState
from tests.domain.lives import ACTING, CLOSED, NOT_FOUND, NOT_SENT, PAID, QR, SILENT, WAITING
from tests.usecases.world import EXPIRY, NOT_FOUND_MAX, TIMING, World

S = PaymentState
MARGIN = timedelta(minutes=30)
UNKNOWN_THERE = replace(NOT_FOUND, evidence="no such trade")


def mortal(world: World, *, fence: bool, margin: timedelta | None = MARGIN) -> None:
    """Let numbers die this long after their expiry, with or without a fence to close them."""
    can = world.channel.capabilities
    fenceable = can.fenceable if fence else frozenset()
    world.channel.capabilities = replace(can, fenceable=fenceable, expiry_margin=margin)


@pytest.mark.parametrize("fence", [True, False])
async def test_a_number_that_cannot_be_closed_dies_by_its_expiry(
    world: World, *, fence: bool
) -> None:
    """Not known to the channel when it cannot come to life any more: it ends, with the proof."""
    mortal(world, fence=fence)
    payment = await world.lost()
    world.clock.advance(EXPIRY.default + MARGIN)
    world.channel.will("fence", UNKNOWN_THERE)

    await world.recovering(UNKNOWN_THERE)

    assert len(world.channel.requested("fence")) == fence
    assert world.now(payment).state is S.EXPIRED
    evidence = world.attempt(payment.attempt_number).evidence
    assert payment.expire_time.isoformat() in evidence
    assert evidence.endswith("no such trade")


@pytest.mark.parametrize("fence", [True, False])
async def test_before_that_it_may_come_to_life(world: World, *, fence: bool) -> None:
    """Up to the last moment of the margin "not known" ends nothing, and a success succeeds."""
    mortal(world, fence=fence)
    payment = await world.lost()
    end = payment.expire_time + MARGIN - timedelta.resolution
    for _ in range(3):
        world.channel.will("fence", NOT_FOUND)
        await world.recovering(NOT_FOUND)
    world.clock.advance(end - world.clock.now())
    world.channel.will("fence", NOT_FOUND)
    world.channel.will("ask", NOT_FOUND)
    await world.recover()

    assert world.now(payment).state is S.PROCESSING
    await world.recovering(PAID)
    assert world.now(payment).state is S.SUCCEEDED


async def test_an_answer_from_before_is_no_proof(world: World) -> None:
    """The question itself must have been asked after the moment, whenever its answer came."""
    mortal(world, fence=False)
    payment = await world.lost()
    before = payment.expire_time + MARGIN - timedelta(seconds=1)
    world.clock.advance(before - world.clock.now())
    world.channel.will("ask", NOT_FOUND)

    async with world.while_asked(world.recover()):
        world.clock.advance(timedelta(seconds=2))

    assert world.now(payment).state is S.PROCESSING


@pytest.mark.parametrize("fence", [True, False])
@pytest.mark.parametrize("asked", [SILENT, NOT_SENT, WAITING])
async def test_silence_kills_nothing(world: World, asked: Outcome, *, fence: bool) -> None:
    """Only the channel's own word that it knows nothing lets the time decide."""
    mortal(world, fence=fence)
    payment = await world.lost()
    world.clock.advance(EXPIRY.default + MARGIN)
    for _ in range(3):
        world.channel.will("fence", asked)
        await world.recovering(asked)

    assert world.now(payment).state is S.PROCESSING


async def test_without_a_margin_a_person_decides(world: World) -> None:
    """Where not even time makes a number certainly dead it stays open, and is told of."""
    mortal(world, fence=True, margin=None)
    payment = await world.lost()
    world.clock.advance(TIMING.review_after)
    for _ in range(3):
        world.channel.will("fence", NOT_FOUND)
        await world.recovering(NOT_FOUND)

    assert world.now(payment).state is S.PROCESSING
    assert [case.kind for case in world.observer.reviews] == ["UNRESOLVED"]


@pytest.mark.parametrize("fence", [True, False])
async def test_a_canceled_number_that_dies_was_canceled(world: World, *, fence: bool) -> None:
    """A cancel that the channel could not make of a number it does not know ends with it."""
    mortal(world, fence=fence)
    payment = (await world.paying(SILENT)).payment
    await world.canceling(payment, NOT_FOUND)
    world.clock.advance(EXPIRY.default + MARGIN)
    world.channel.will("fence", NOT_FOUND)
    world.channel.will("send", NOT_FOUND)

    await world.recovering(NOT_FOUND, NOT_FOUND)

    assert world.now(payment).state is S.CANCELED
    assert world.rows.open_attempts() == []


async def test_what_the_payer_was_asked_to_do_is_not_lost(world: World) -> None:
    """A code that was not scanned is unknown to some channels; it stays open until its time."""
    mortal(world, fence=True)
    payment = (await world.paying(ACTING)).payment
    for _ in range(NOT_FOUND_MAX + 1):
        await world.recovering(NOT_FOUND)

    assert world.channel.requested("fence") == []
    assert world.now(payment).next_action == QR
    world.clock.advance(EXPIRY.default + MARGIN)
    world.channel.will("fence", NOT_FOUND)
    await world.recovering(NOT_FOUND)
    assert world.now(payment).state is S.EXPIRED


async def test_a_number_too_young_to_be_closed_is_asked_about_later(world: World) -> None:
    """Some numbers can be closed only at some age: until then the fence is a question."""
    payment = await world.lost()
    world.channel.will("fence", WAITING, WAITING, CLOSED)

    for state in (S.PROCESSING, S.PROCESSING, S.FAILED):
        await world.recovering(NOT_FOUND)
        assert world.now(payment).state is state
        world.channel.will("ask", NOT_FOUND)


@pytest.mark.parametrize("fence", [True, False])
async def test_a_payer_who_never_ends_is_told_of(world: World, *, fence: bool) -> None:
    """A payment that the channel calls pending long after its time is for a person, once."""
    mortal(world, fence=fence)
    payment = (await world.paying(ACTING)).payment
    end = payment.expire_time + TIMING.review_after - timedelta.resolution
    world.clock.advance(end - world.clock.now())
    for seen in (0, 1, 1):
        world.channel.will("ask", WAITING)
        world.channel.will("fence", WAITING)
        await world.recover()
        assert len(world.observer.reviews) == seen
        world.clock.advance(TIMING.recovery_delay_max)

    assert world.now(payment).state is S.REQUIRES_ACTION
