"""Withdraw: money leaves the wallet when it is accepted, and then goes out or comes back."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.channel import AttemptKind, AttemptState, Notice, Outcome
from gateway.domain.errors import GatewayError, Reason, Refused
from gateway.domain.money import Money
from gateway.domain.payment import FailureReason, PaymentMethod, PaymentState, Purpose
from gateway.usecases.review import Resolution
from tests.domain.lives import (
    CLOSED,
    DECLINED,
    DONE,
    NOT_FOUND,
    NOT_SENT,
    SILENT,
    WAITING,
)
from tests.usecases.world import TIMING, World, patience, withdraw_command

S, F = PaymentState, FailureReason


@pytest.fixture
def funded(world: World) -> World:
    """A world whose payer has 50.00."""
    world.fund(5_000)
    return world


@pytest.mark.parametrize(
    ("outcome", "state", "available"),
    [
        (DONE, S.SUCCEEDED, 2_000),
        (DECLINED, S.FAILED, 5_000),
        (CLOSED, S.FAILED, 5_000),
        (WAITING, S.PROCESSING, 2_000),
        (SILENT, S.PROCESSING, 2_000),
        (NOT_FOUND, S.PROCESSING, 2_000),
        (NOT_SENT, S.PROCESSING, 2_000),
    ],
)
async def test_the_answer_is_what_the_channel_said(
    funded: World, outcome: Outcome, state: PaymentState, available: int
) -> None:
    """What was paid out has left the wallet, what failed is back, and what is unknown waits."""
    answer = await funded.withdrawing(outcome)

    assert (answer.payment.state, answer.replayed) == (state, False)
    assert answer.payment == funded.now(answer.payment)
    assert funded.wallet() == (available, 0)


async def test_the_money_leaves_before_the_channel_is_asked(funded: World) -> None:
    """While the channel is asked it cannot be spent, and it stands in transit."""
    gate = funded.channel.hooks.hold("send")
    call = asyncio.create_task(funded.withdrawing(DONE))
    await gate.arrived.wait()

    assert funded.wallet() == (2_000, 0)
    assert funded.rows.balances()["payout_in_transit"] == 3_000
    gate.opened.set()
    assert (await call).payment.state is S.SUCCEEDED
    assert funded.rows.balances() == {
        "channel_receivable": 5_000,
        "wallet": 2_000,
        "reserve_bank": -3_000,
    }


async def test_the_channel_learns_what_is_paid_out(funded: World) -> None:
    """A payout has a number of its own, and names the payer by his name for this channel."""
    details = {"account": "62"}
    method = PaymentMethod("sandbox", details)

    payment = (await funded.withdrawing(DONE, method=method, description="Rent")).payment

    (request,) = funded.channel.requested("send")
    assert request.kind is AttemptKind.PAYOUT
    assert request.number == request.charge_number == payment.attempt_number
    assert (request.money, request.details, request.description) == (
        payment.amount,
        details,
        "Rent",
    )
    assert "p-1" not in request.payer_pseudonym


async def test_a_withdrawal_is_the_payers_own(funded: World) -> None:
    """Its owner is the payer; what was paid out is what it captured, without a fee."""
    payment = (await funded.withdrawing(DONE, caller_id="app")).payment

    assert (payment.merchant_id, payment.purpose) == ("@p-1", Purpose.WITHDRAWAL)
    assert (payment.payer.payer_id, payment.caller_id) == ("p-1", "app")
    assert (payment.captured, payment.fee_millionths) == (3_000, 0)
    assert funded.rows.open_attempts() == []


async def test_too_little_is_bound_to_the_key(world: World) -> None:
    """Nothing is sent, and the same key fails for ever; a new key may withdraw later."""
    world.fund(2_999)
    first = await world.withdrawing()
    world.fund(1)

    again = await world.withdrawing()
    fresh = await world.withdrawing(DONE, idempotency_key="withdraw-2")

    assert first.payment.failure
    assert first.payment.failure.reason is F.INSUFFICIENT_FUNDS
    assert (again.replayed, again.payment) == (True, first.payment)
    assert fresh.payment.state is S.SUCCEEDED
    assert len(world.channel.requests) == 1


async def test_held_money_is_not_withdrawn(funded: World) -> None:
    """Only what is available can leave."""
    await funded.held()

    answer = await funded.withdrawing()

    assert answer.payment.failure
    assert answer.payment.failure.reason is F.INSUFFICIENT_FUNDS
    assert funded.wallet() == (2_000, 3_000)


async def test_of_many_at_once_as_many_as_it_covers_leave(funded: World) -> None:
    """A wallet is never below zero, whatever is withdrawn and paid at the same moment."""
    funded.channel.will("send", *[DONE] * 10)
    commands = [
        withdraw_command(idempotency_key=f"w-{n}", amount=Money("CNY", 900)) for n in range(10)
    ]

    answers = await asyncio.gather(
        *(funded.withdraw(command, patience()) for command in commands), funded.spent()
    )

    paid = answers[-1].state is S.SUCCEEDED
    out = [answer.payment.state for answer in answers[:-1]].count(S.SUCCEEDED)
    assert out == (2 if paid else 5)
    assert funded.wallet() == (5_000 - 900 * out - 3_000 * paid, 0)


async def test_an_unknown_payout_is_sent_until_the_channel_decides(funded: World) -> None:
    """Under its own number, and never failed by age or by being unknown."""
    payment = (await funded.withdrawing(NOT_SENT)).payment
    funded.channel.will("send", SILENT, NOT_SENT, DONE)

    for _ in range(3):
        assert funded.wallet() == (2_000, 0)
        funded.clock.advance(timedelta(days=2))
        await funded.recovering(NOT_FOUND)

    assert funded.now(payment).state is S.SUCCEEDED
    numbers = {request.number for _, request in funded.channel.requests}
    assert numbers == {payment.attempt_number}
    assert funded.channel.requested("fence") == []


async def test_a_notification_ends_it_once(funded: World) -> None:
    """What the channel tells by itself is booked once, whatever it tells afterwards."""
    payment = (await funded.withdrawing(WAITING)).payment

    for outcome in (DONE, DONE, DECLINED, WAITING):
        notice = Notice(AttemptKind.PAYOUT, payment.attempt_number, outcome)
        assert await funded.notified("sandbox", notice)

    assert funded.now(payment).state is S.SUCCEEDED
    assert funded.now(payment).version == 2
    assert funded.wallet() == (2_000, 0)
    assert funded.rows.reviews == {}


async def test_a_late_payout_is_a_persons_to_decide(funded: World) -> None:
    """The wallet keeps what came back, the loss stands in suspense, and a case is opened, once."""
    payment = (await funded.withdrawing(DECLINED)).payment
    notice = Notice(AttemptKind.PAYOUT, payment.attempt_number, DONE)

    for _ in range(2):
        assert await funded.notified("sandbox", notice)

    assert funded.now(payment).state is S.FAILED
    assert funded.wallet() == (5_000, 0)
    balances = funded.rows.balances()
    assert (balances["suspense"], balances["reserve_bank"]) == (-3_000, -3_000)
    (case,) = funded.observer.reviews
    assert (case.kind, case.owner_id) == ("LATE_SUCCESS", "@p-1")
    attempt = funded.attempt(payment.attempt_number)
    assert attempt.state is AttemptState.SUCCEEDED


@pytest.mark.parametrize(
    ("resolution", "state", "available"),
    [(Resolution.SUCCEEDED, S.SUCCEEDED, 2_000), (Resolution.FAILED, S.FAILED, 5_000)],
)
async def test_a_person_may_decide(
    funded: World, resolution: Resolution, state: PaymentState, available: int
) -> None:
    """What nobody could find out becomes a case, and its decision is carried out."""
    payment = (await funded.withdrawing(SILENT)).payment
    funded.clock.advance(TIMING.review_after)
    await funded.recovering(SILENT)
    (case,) = funded.rows.reviews.values()

    await funded.review.resolve(case.case_id, resolution, "Seen in the portal.")

    assert funded.now(payment).state is state
    assert funded.wallet() == (available, 0)


FREE: dict[str, tuple[dict[str, Any], Reason]] = {
    "a wallet": ({"method": PaymentMethod("wallet")}, Reason.CHANNEL_NOT_ENABLED),
    "no such channel": ({"method": PaymentMethod("other")}, Reason.CHANNEL_NOT_ENABLED),
    "currency": ({"amount": Money("EUR", 1)}, Reason.CURRENCY_NOT_ENABLED),
    "too much": ({"amount": Money("CNY", 1_000_001)}, Reason.AMOUNT_NOT_ENABLED),
}


@pytest.mark.parametrize("row", FREE)
async def test_what_cannot_be_asked_for_leaves_the_key_free(funded: World, row: str) -> None:
    """Nothing is kept or sent, and the same key may withdraw later."""
    fields, reason = FREE[row]

    with pytest.raises(Refused) as refused:
        await funded.withdrawing(**fields)

    assert (refused.value.reason, refused.value.key_bound) == (reason, False)
    assert (funded.rows.claims, funded.channel.requests) == ({}, [])
    assert (await funded.withdrawing(DONE)).payment.state is S.SUCCEEDED


async def test_a_channel_that_pays_nothing_out_is_not_asked(funded: World) -> None:
    """What a channel cannot do is refused before anything is kept."""
    funded.channel.capabilities = replace(funded.channel.capabilities, payouts=False)

    with pytest.raises(GatewayError) as refused:
        await funded.withdrawing()

    assert (refused.value.reason, refused.value.key_bound) == (Reason.CHANNEL_NOT_ENABLED, False)
    assert funded.wallet() == (5_000, 0)


async def test_the_payers_keys_are_one_set(funded: World) -> None:
    """A key that topped up is no key to withdraw, and the other way round."""
    await funded.topping_up(idempotency_key="shared")

    with pytest.raises(Refused) as refused:
        await funded.withdrawing(idempotency_key="shared")

    assert refused.value.reason is Reason.IDEMPOTENCY_KEY_MISMATCH
    assert funded.wallet() == (5_000, 0)
