"""Notified: what a channel tells by itself is checked against the intent, and written once."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from gateway.domain.channel import AttemptKind, Notice, Outcome, OutcomeClass
from gateway.domain.errors import Reason, Unavailable
from gateway.domain.ids import channel_number
from gateway.domain.money import Money
from gateway.domain.operation import OperationState
from gateway.domain.payment import Payment, PaymentState
from tests.domain.lives import ACTING, DECLINED, DONE, HELD, PAID, SILENT, WAITING
from tests.usecases.world import TIMING, World

S = PaymentState
CHARGE, REFUND = AttemptKind.CHARGE, AttemptKind.REFUND


def _notice(payment: Payment, outcome: Outcome) -> Notice:
    return Notice(CHARGE, payment.attempt_number, outcome)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (PAID, S.SUCCEEDED),
        (HELD, S.AUTHORIZED),
        (ACTING, S.REQUIRES_ACTION),
        (DECLINED, S.FAILED),
    ],
)
async def test_a_notification_joins_the_same_way(
    world: World, outcome: Outcome, state: PaymentState
) -> None:
    """A notification means what the same words in a reply would mean."""
    payment = (await world.paying(SILENT)).payment

    assert await world.notified("sandbox", _notice(payment, outcome))

    assert world.now(payment).state is state
    assert world.observer.payments[-1].state is state


async def test_a_thousand_notifications_are_one(world: World) -> None:
    """However often it is told, a success is booked once, and every telling is acknowledged."""
    payment = (await world.paying(SILENT)).payment
    notice = _notice(payment, PAID)

    answers = await asyncio.gather(*(world.notified("sandbox", notice) for _ in range(1_000)))

    assert all(answers)
    assert world.now(payment).version == 2
    assert world.rows.balances()["merchant_unsettled"] == 3_000


async def test_notifications_may_come_in_any_order(world: World) -> None:
    """What a channel said before does not undo what it said after."""
    payment = (await world.paying(SILENT)).payment

    for outcome in (PAID, WAITING, ACTING, DECLINED):
        await world.notified("sandbox", _notice(payment, outcome))

    assert world.now(payment).state is S.SUCCEEDED
    assert world.rows.reviews == {}


async def test_a_notification_may_come_before_the_reply(world: World) -> None:
    """The caller who still waits for the reply gets the state that the notification led to."""
    gate = world.channel.hooks.hold("send")
    call = asyncio.create_task(world.paying(WAITING))
    await gate.arrived.wait()
    (attempt,) = world.rows.open_attempts()

    await world.notified("sandbox", Notice(CHARGE, attempt.number, PAID))
    gate.opened.set()
    answer = await call

    assert answer.payment.state is S.SUCCEEDED
    assert world.rows.open_attempts() == []


async def test_operations_are_notified_too(world: World) -> None:
    """A refund's success may come by notification under the refund's number."""
    payment = await world.paid()
    refund = await world.refunding(payment, WAITING)

    await world.notified("sandbox", Notice(REFUND, refund.operation.attempt_number, DONE))

    assert world.operation(refund).state is OperationState.SUCCEEDED


async def test_an_authorisation_told_again_after_its_end_is_no_news(world: World) -> None:
    """An old notification of a hold that was canceled since opens no case and asks for nothing."""
    payment = await world.authorized()
    await world.canceling(payment, DONE)
    before = world.aggregate(payment)

    assert await world.notified("sandbox", _notice(payment, HELD))

    assert world.aggregate(payment) == before
    assert world.rows.reviews == {}


async def test_a_wrong_amount_changes_nothing(world: World) -> None:
    """A success over another amount is kept for a person and acknowledged; the payment waits."""
    payment = (await world.paying(SILENT)).payment
    wrong = replace(PAID, money=Money("CNY", 1))

    for _ in range(2):
        assert await world.notified("sandbox", _notice(payment, wrong))

    (case,) = world.rows.reviews.values()
    assert (case.kind, case.subject) == ("MISMATCH", payment.attempt_number)
    assert "0.01 CNY" in case.detail
    assert world.observer.reviews == [case]
    assert world.now(payment).state is S.PROCESSING


def _strange(world: World, payment: Payment) -> dict[str, tuple[str, Notice]]:
    """Notifications about nothing of ours, each with the channel it came from."""
    attempt = world.attempt(payment.attempt_number)
    other = channel_number(8, attempt.attempt_id)
    return {
        "not our way to write": ("sandbox", Notice(CHARGE, "x" * 28 + "y", PAID)),
        "no such merchant": ("sandbox", Notice(CHARGE, channel_number(99, UUID(int=5)), PAID)),
        "another merchant": ("sandbox", Notice(CHARGE, other, PAID)),
        "no such attempt": ("sandbox", Notice(CHARGE, channel_number(7, UUID(int=5)), PAID)),
        "another channel": ("other", _notice(payment, PAID)),
        "another kind": ("sandbox", Notice(REFUND, payment.attempt_number, PAID)),
    }


@pytest.mark.parametrize("row", range(6))
async def test_what_is_not_ours_is_kept_for_a_person(world: World, row: int) -> None:
    """A number, merchant, channel or kind that is not ours changes nothing and is acknowledged."""
    world.rows.merchants["m_2"] = replace(world.rows.merchants["m_1"], merchant_id="m_2", serial=8)
    payment = (await world.paying(SILENT)).payment
    channel, notice = list(_strange(world, payment).values())[row]

    for _ in range(2):
        assert await world.notified(channel, notice)

    (case,) = world.rows.reviews.values()
    assert (case.kind, case.owner_id) == ("UNKNOWN_NUMBER", "-")
    assert case.subject == f"{channel} {notice.number}"
    assert world.observer.reviews == [case]
    assert world.now(payment).state is S.PROCESSING


SOON = TIMING.recovery_delay_min
HINT = Outcome(OutcomeClass.PENDING, channel_number="CH-1")


async def test_a_hint_makes_the_gateway_ask(world: World) -> None:
    """A notification that decides nothing books nothing, and the channel is asked soon after."""
    payment = (await world.paying(WAITING)).payment
    world.clock.advance(SOON / 2)
    await world.recover()
    for _ in range(8):
        await world.recovering(WAITING)  # asked so often that the next question is minutes away
    due = world.open_attempt().due_time
    assert due is not None
    assert due > world.clock.now() + 60 * SOON

    assert await world.notified("sandbox", _notice(payment, HINT))

    assert world.now(payment).state is S.PROCESSING
    assert world.now(payment).channel_number == "CH-1"
    world.clock.advance(SOON)
    world.channel.will("ask", PAID)
    assert await world.recover() == 1
    assert world.now(payment).state is S.SUCCEEDED


async def test_a_hint_does_not_end_a_senders_lease(world: World) -> None:
    """While a sender may still hold an attempt no worker joins it, whatever is notified."""
    gate = world.channel.hooks.hold("send")
    call = asyncio.create_task(world.paying(WAITING))
    await gate.arrived.wait()
    held = world.open_attempt()

    await world.notified("sandbox", Notice(CHARGE, held.number, HINT))

    assert world.open_attempt().due_time == held.due_time
    gate.opened.set()
    await call


async def test_a_hint_about_a_charge_may_be_about_what_followed(world: World) -> None:
    """A word about a charge that has ended makes the gateway ask about the capture under way."""
    payment = await world.authorized()
    capture = await world.capturing(payment, SILENT)
    for _ in range(8):
        await world.recovering(WAITING)

    await world.notified("sandbox", _notice(payment, HINT))

    world.clock.advance(SOON)
    world.channel.will("ask", DONE)
    await world.recover()
    assert world.operation(capture).state is OperationState.SUCCEEDED


async def test_a_hint_hurries_nobody_else(world: World) -> None:
    """What is open about another payment is asked about at its own time."""
    payment = (await world.paying(WAITING)).payment
    other = (await world.paying(WAITING, idempotency_key="pay-2", order_id="o-2")).payment
    for _ in range(8):
        await world.recovering(WAITING, WAITING)
    before = world.attempt(other.attempt_number)

    await world.notified("sandbox", _notice(payment, HINT))

    assert world.attempt(other.attempt_number) == before


async def test_a_thousand_hints_at_once_make_one_question(world: World) -> None:
    """However many come within one pause, the channel is asked once."""
    payment = (await world.paying(WAITING)).payment
    for _ in range(8):
        await world.recovering(WAITING)
    asked = len(world.channel.requested("ask"))

    await asyncio.gather(*(world.notified("sandbox", _notice(payment, HINT)) for _ in range(1_000)))
    world.clock.advance(SOON)
    world.channel.will("ask", WAITING)
    for _ in range(10):
        await world.recover()

    assert len(world.channel.requested("ask")) == asked + 1


async def test_hints_without_end_make_one_question_per_pause(world: World) -> None:
    """A storm that outlasts its questions, leases included, is asked about once per pause."""
    payment = (await world.paying(WAITING)).payment
    asked, storm, pauses = len(world.channel.requested("ask")), 1_000, 10
    for _ in range(storm):
        await world.notified("sandbox", _notice(payment, HINT))
        world.channel.will("ask", WAITING)
        await world.recover()
        world.clock.advance(pauses * SOON / storm)

    assert 1 <= len(world.channel.requested("ask")) - asked <= pauses + 1


async def test_what_decides_hurries_nothing(world: World) -> None:
    """A notification that says the outcome is not followed by a question."""
    payment = await world.paid()
    refund = await world.refunding(payment, SILENT)
    before = world.attempt(refund.operation.attempt_number)

    for outcome in (PAID, DECLINED):
        await world.notified("sandbox", _notice(payment, outcome))

    assert world.attempt(refund.operation.attempt_number) == before


async def test_what_was_not_kept_is_not_acknowledged(world: World) -> None:
    """Where the commit fails the channel has to tell it again, and then it counts."""
    payment = (await world.paying(SILENT)).payment
    away = Unavailable(Reason.DATABASE_UNAVAILABLE, "Away.", retry_after_s=1)
    world.store.hooks.fail("change_payment", away)

    with pytest.raises(Unavailable):
        await world.notified("sandbox", _notice(payment, PAID))
    assert world.now(payment).state is S.PROCESSING

    assert await world.notified("sandbox", _notice(payment, PAID))
    assert world.now(payment).state is S.SUCCEEDED
