"""Pay: the intent is kept first, the channel is called, the outcome is kept and answered."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.channel import AttemptKind, AttemptState, Outcome
from gateway.domain.errors import (
    Contended,
    Reason,
    Unavailable,
)
from gateway.domain.fees import FeeSchedule, FeeTerms
from gateway.domain.money import Money
from gateway.domain.payment import FailureReason, Payer, PaymentMethod, PaymentState
from tests.domain.lives import (
    ACTING,
    CLOSED,
    DECLINED,
    HELD,
    NOT_BUILT,
    NOT_FOUND,
    NOT_SENT,
    PAID,
    QR,
    SILENT,
    WAITING,
)
from tests.domain.samples import LIFETIME, START
from tests.usecases.world import EXPIRY, TIMING, World, patience, pay_command

S = PaymentState
DOWN = Unavailable(Reason.CHANNEL_UNAVAILABLE, "Down.", retry_after_s=5)
AWAY = Unavailable(Reason.DATABASE_UNAVAILABLE, "Away.", retry_after_s=1)
LOST_RACE = Contended(Reason.CONTENTION, "Lost.", retry_after_s=1)


@pytest.mark.parametrize(
    ("outcome", "state", "failure"),
    [
        (PAID, S.SUCCEEDED, None),
        (HELD, S.AUTHORIZED, None),
        (ACTING, S.REQUIRES_ACTION, None),
        (WAITING, S.PROCESSING, None),
        (SILENT, S.PROCESSING, None),
        (NOT_FOUND, S.PROCESSING, None),
        (DECLINED, S.FAILED, FailureReason.INSUFFICIENT_FUNDS),
        (CLOSED, S.FAILED, FailureReason.DECLINED),
        (NOT_SENT, S.FAILED, FailureReason.CHANNEL_UNAVAILABLE),
        (NOT_BUILT, S.FAILED, FailureReason.NOT_ACCEPTED),
    ],
)
async def test_the_answer_is_what_the_channel_said(
    world: World, outcome: Outcome, state: PaymentState, failure: FailureReason | None
) -> None:
    """Each outcome is answered in time with its state, and the same is kept."""
    answer = await world.paying(outcome)

    assert not answer.replayed
    assert answer.payment == world.now(answer.payment)
    assert answer.payment.state is state
    assert (answer.payment.failure.reason if answer.payment.failure else None) is failure
    assert [payment.state for payment in world.observer.payments][-1] is state


@pytest.mark.parametrize("outcome", [WAITING, ACTING, SILENT, NOT_FOUND])
async def test_what_is_not_known_is_asked_about_later(world: World, outcome: Outcome) -> None:
    """An attempt without a final word stays open and is due after the shortest delay."""
    await world.paying(outcome)

    attempt = world.open_attempt()
    assert attempt.due_time == world.clock.now() + TIMING.recovery_delay_min


@pytest.mark.parametrize("outcome", [PAID, HELD, DECLINED, NOT_SENT, NOT_BUILT])
async def test_what_is_known_is_never_asked_about(world: World, outcome: Outcome) -> None:
    """A final word closes the attempt, so no worker finds work."""
    await world.paying(outcome)

    assert world.rows.open_attempts() == []


async def test_a_payment_carries_everything_back(world: World) -> None:
    """What was asked for stands in the payment, with what the gateway decided beside it."""
    fields: dict[str, Any] = {
        "order_id": "o-9",
        "amount": Money("CNY", 1_250),
        "method": PaymentMethod("sandbox", {"script": {"outcome": "SUCCEED"}}),
        "payer": Payer("p-9", "device", "203.0.113.9", "CN"),
        "description": "Tea",
        "attributes": {"basket": "9"},
        "caller_id": "shop",
    }
    schedule = FeeSchedule("sandbox", "CNY", START, FeeTerms(6_000))
    world.change_merchant(fee_schedules=(schedule,))

    payment = (await world.paying(ACTING, **fields)).payment

    assert {name: getattr(payment, name) for name in fields} == fields
    assert payment.idempotency_key == "pay-1"
    assert payment.next_action == QR
    assert payment.expire_time == payment.create_time + EXPIRY.default
    assert payment.fee_terms == FeeTerms(6_000)


async def test_the_intent_is_kept_before_the_channel_is_called(world: World) -> None:
    """When the request leaves, payment, attempt and key are committed already."""
    world.store.hooks.fail("open_payment", AWAY)
    with pytest.raises(Unavailable):
        await world.paying(PAID)
    assert world.channel.requests == []

    payment = await world.paid()

    (request,) = world.channel.requested("send")
    assert request.kind is AttemptKind.CHARGE
    assert request.number == request.charge_number == payment.attempt_number
    assert (request.money, request.expire_time) == (payment.amount, payment.expire_time)
    first, second = world.rows.events
    assert (first.payment.state, second.payment.state) == (S.PROCESSING, S.SUCCEEDED)
    assert first.payment.attempt_number == request.number


async def test_the_lease_outlives_the_sender(world: World) -> None:
    """Workers keep off an attempt until its sender has given up, and for a margin more."""
    world.store.hooks.fail("postpone_attempt", AWAY)

    payment = (await world.paying(SILENT)).payment

    timeout = world.channel.capabilities.send_timeout
    assert world.open_attempt().due_time == payment.create_time + timeout + TIMING.lease_margin


async def test_an_authorisation_knows_its_end(world: World) -> None:
    """What is held has to be captured before the channel lets it go."""
    payment = await world.authorized()

    assert payment.authorize_time == world.clock.now()
    assert payment.capture_before_time == world.clock.now() + LIFETIME
    assert world.rows.entries == []


async def test_money_taken_is_booked(world: World) -> None:
    """A success is booked once, in the commit that says so."""
    await world.paid()

    assert world.rows.balances() == {"channel_receivable": 3_000, "merchant_unsettled": 3_000}


async def test_a_lost_commit_is_settled_by_the_same_key(world: World) -> None:
    """Where nobody knows whether the intent was kept, nothing is sent and the key finds it."""
    lost = Unavailable(Reason.COMMIT_UNKNOWN, "Unknown.", retry_after_s=1)
    world.store.hooks.fail("open_payment's reply", lost)
    with pytest.raises(Unavailable):
        await world.paying()
    assert world.channel.requests == []

    answer = await world.pay(pay_command(), patience())
    await world.recovering(PAID)

    assert answer.replayed
    assert answer.payment.state is S.PROCESSING
    assert world.now(answer.payment).state is S.SUCCEEDED


async def test_the_payer_has_a_name_for_one_channel_only(world: World) -> None:
    """What a channel learns of the payer is stable, and is not the payer's id."""
    await world.paid()
    await world.paid(idempotency_key="pay-2")
    await world.paid(idempotency_key="pay-3", payer=Payer("p-2"))

    one, same, other = (item.payer_pseudonym for item in world.channel.requested("send"))
    assert one == same != other
    assert "p-1" not in one


async def test_a_wrong_amount_changes_nothing(world: World) -> None:
    """A success over another amount than asked for goes to a person, and the payment waits."""
    answer = await world.paying(replace(PAID, money=Money("CNY", 2_999)))

    (case,) = world.rows.reviews.values()
    assert case.kind == "MISMATCH"
    assert world.observer.reviews == [case]
    assert answer.payment.state is S.PROCESSING
    assert world.open_attempt().state is AttemptState.OPEN
    assert world.rows.entries == []
