"""Captures, cancels, refunds and expiries of payments from a wallet: done in one commit each."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.errors import NotFound, Reason, Refused, Unavailable
from gateway.domain.fees import FeeSchedule, FeeTerms
from gateway.domain.merchant import RefundPolicy
from gateway.domain.money import Money
from gateway.domain.operation import OperationState
from gateway.domain.payment import FailureReason, Payment, PaymentState
from gateway.usecases.commands import OperationAnswer
from tests.domain.samples import START
from tests.usecases.methods import kept
from tests.usecases.world import HOLD_LIFETIME, World, capture_command, patience, refund_command

S, F, Op = PaymentState, FailureReason, OperationState
AWAY = Unavailable(Reason.DATABASE_UNAVAILABLE, "Away.", retry_after_s=1)


def cny(minor_units: int) -> Money:
    return Money("CNY", minor_units)


async def held(world: World) -> Payment:
    """Make a payment of which a wallet holds 30.00, and has 20.00 more."""
    world.fund(5_000)
    return await world.held()


async def spent(world: World) -> Payment:
    """Make a payment of 30.00 from a wallet that has 20.00 more."""
    world.fund(5_000)
    return await world.spent()


Verb = Callable[..., Awaitable[OperationAnswer]]
VERBS: dict[str, tuple[Callable[[World], Awaitable[Payment]], Verb, PaymentState, tuple[int, int]]]
VERBS = {
    "capture": (held, World.capturing, S.SUCCEEDED, (2_000, 0)),
    "cancel": (held, World.canceling, S.CANCELED, (5_000, 0)),
    "refund": (spent, World.refunding, S.SUCCEEDED, (5_000, 0)),
}
"""What there is before, what is asked, the state after it, and what the wallet has then."""


@pytest.mark.parametrize("verb", VERBS)
async def test_an_operation_is_done_when_it_is_answered(world: World, verb: str) -> None:
    """It has succeeded, nobody outside was asked, and nothing is left for workers."""
    before, ask, state, wallet = VERBS[verb]
    payment = await before(world)

    answer = await ask(world, payment)

    assert (answer.operation.state, answer.payment.state) == (Op.SUCCEEDED, state)
    assert not answer.replayed
    assert answer.payment == world.now(payment)
    assert world.wallet() == wallet
    assert world.channel.requests == world.rows.open_attempts() == []
    assert world.observer.payments == [payment, answer.payment]
    assert len(world.rows.events) == 2


@pytest.mark.parametrize("verb", VERBS)
async def test_a_replay_executes_nothing(world: World, verb: str) -> None:
    """The same key is answered with what it did, without any channel, and later too."""
    before, ask, _, wallet = VERBS[verb]
    payment = await before(world)
    first = await ask(world, payment)
    world.execution.channels = {}
    world.clock.advance(timedelta(days=400))
    after = kept(world)

    again = await ask(world, payment)

    assert (again.replayed, again.operation) == (True, first.operation)
    assert kept(world) == after
    assert world.wallet() == wallet


async def test_parts_are_captured_and_the_rest_goes_back(world: World) -> None:
    """Each part is the merchant's at once; the last capture gives the rest back to the wallet."""
    payment = await held(world)

    one = await world.capturing(payment, idempotency_key="c-1", amount=cny(1_000))
    assert (one.payment.state, world.wallet()) == (S.AUTHORIZED, (2_000, 2_000))
    last = await world.capturing(payment, idempotency_key="c-2", amount=cny(350), final=True)

    assert (last.payment.state, last.payment.captured) == (S.SUCCEEDED, 1_350)
    assert world.wallet() == (3_650, 0)
    assert world.rows.balances()["merchant_unsettled"] == 1_350


async def test_more_than_is_held_is_refused_for_good(world: World) -> None:
    """A capture above what remains is kept as FAILED under its key, and the hold stays."""
    payment = await held(world)

    answers = [await world.capturing(payment, amount=cny(3_001)) for _ in range(2)]

    assert [answer.replayed for answer in answers] == [False, True]
    for answer in answers:
        assert answer.operation.failure
        assert answer.operation.failure.reason is F.CAPTURE_EXCEEDS_AUTHORIZED
    assert world.wallet() == (2_000, 3_000)


async def test_what_was_paid_at_once_is_neither_captured_nor_canceled(world: World) -> None:
    """Both are refused for good; a refund is the way."""
    payment = await spent(world)

    for call in (world.capturing(payment), world.canceling(payment)):
        with pytest.raises(Refused) as refused:
            await call
        assert (refused.value.reason, refused.value.key_bound) == (Reason.ILLEGAL_TRANSITION, True)


async def test_refunds_go_back_to_the_wallet(world: World) -> None:
    """Part by part, and no more than was captured; what went back can be spent again."""
    payment = await spent(world)

    one = await world.refunding(payment, idempotency_key="r-1", amount=cny(1_000))
    much = await world.refunding(payment, idempotency_key="r-2", amount=cny(2_001))
    rest = await world.refunding(payment, idempotency_key="r-3")

    assert (one.payment.refunded, rest.payment.refunded) == (1_000, 3_000)
    assert much.operation.failure
    assert much.operation.failure.reason is F.REFUND_EXCEEDS_CAPTURED
    assert world.wallet() == (5_000, 0)
    assert "merchant_unsettled" not in world.rows.balances()
    assert (await world.spent(idempotency_key="pay-2", amount=cny(5_000))).state is S.SUCCEEDED


async def test_refunds_at_once_never_exceed_the_payment(world: World) -> None:
    """A hundred refunds that together exceed the payment: as many as it covers, and no more."""
    payment = await spent(world)
    commands = [
        refund_command(payment.payment_id, idempotency_key=f"r-{number}", amount=cny(100))
        for number in range(100)
    ]

    answers = await asyncio.gather(*(world.refund(command, patience()) for command in commands))

    states = [answer.operation.state for answer in answers]
    assert (states.count(Op.SUCCEEDED), states.count(Op.FAILED)) == (30, 70)
    assert world.wallet() == (5_000, 0)


@pytest.mark.parametrize("policy", RefundPolicy)
async def test_the_merchants_balance_covers_a_refund(world: World, policy: RefundPolicy) -> None:
    """Where it does not, the merchant's setting decides, as for every payment."""
    world.change_merchant(refund_policy=policy)
    world.rows.budgets["CNY"] = 2_500
    payment = await spent(world)
    world.settle(2_500)

    answer = await world.refunding(payment)

    if policy is RefundPolicy.ADVANCE:
        assert (answer.operation.state, answer.operation.advanced) == (Op.SUCCEEDED, 2_500)
        assert (world.wallet(), world.rows.budgets["CNY"]) == ((5_000, 0), 0)
    else:
        assert answer.operation.failure
        assert answer.operation.failure.reason is F.INSUFFICIENT_MERCHANT_BALANCE
        assert world.wallet() == (2_000, 0)


async def test_the_fee_goes_back_with_the_money(world: World) -> None:
    """Where the schedule returns fees, a refund gives back its exact share."""
    terms = FeeTerms(rate_millionths=6_000, returned_on_refund=True)
    world.change_merchant(fee_schedules=(FeeSchedule("wallet", "CNY", START, terms),))
    payment = await spent(world)

    answer = await world.refunding(payment, amount=cny(1_000))

    assert answer.payment.fee_millionths == 18_000_000
    assert answer.payment.fee_returned_millionths == 6_000_000


async def test_of_captures_at_the_same_moment_one_takes_it(world: World) -> None:
    """Each key gets a definite answer, and the hold is taken once."""
    payment = await held(world)
    commands = [capture_command(payment.payment_id, idempotency_key=f"c-{n}") for n in range(10)]

    answers: list[Any] = await asyncio.gather(
        *(world.capture(command, patience()) for command in commands), return_exceptions=True
    )

    done = [answer for answer in answers if isinstance(answer, OperationAnswer)]
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert (len(done), len(refused)) == (1, 9)
    assert {refusal.reason for refusal in refused} == {Reason.ILLEGAL_TRANSITION}
    assert world.wallet() == (2_000, 0)
    assert world.rows.balances()["merchant_unsettled"] == 3_000


async def test_a_capture_and_a_cancel_at_once_leave_nothing_held(world: World) -> None:
    """One of them is first, the other is refused, and the money is in one place."""
    payment = await held(world)

    answers = await asyncio.gather(
        world.capturing(payment), world.canceling(payment), return_exceptions=True
    )

    (refusal,) = (answer for answer in answers if isinstance(answer, Refused))
    assert refusal.reason is Reason.ILLEGAL_TRANSITION
    available, still_held = world.wallet()
    taken = world.rows.balances().get("merchant_unsettled", 0)
    assert (available + taken, still_held) == (5_000, 0)


async def test_a_hold_that_was_not_captured_goes_back(world: World) -> None:
    """After its time a worker ends it in one commit: the wallet has it, and nobody is asked."""
    payment = await held(world)
    world.clock.advance(HOLD_LIFETIME - timedelta(seconds=1))
    assert await world.expire() == 0
    world.clock.advance(timedelta(seconds=1))

    assert [await world.expire() for _ in range(2)] == [1, 0]

    assert world.now(payment).state is S.EXPIRED
    assert world.wallet() == (5_000, 0)
    assert world.channel.requests == world.rows.open_attempts() == []
    assert world.observer.payments[-1] == world.now(payment)


async def test_what_was_captured_of_it_stays(world: World) -> None:
    """Only the rest of a hold goes back when its time is over."""
    payment = await held(world)
    await world.capturing(payment, amount=cny(1_000))
    world.clock.advance(HOLD_LIFETIME)

    await world.expire()

    assert (world.now(payment).state, world.now(payment).captured) == (S.SUCCEEDED, 1_000)
    assert world.wallet() == (4_000, 0)


async def test_a_capture_after_its_time_is_refused(world: World) -> None:
    """Even before a worker has ended it; what is held goes back by the worker."""
    payment = await held(world)
    world.clock.advance(HOLD_LIFETIME)

    answer = await world.capturing(payment)
    await world.expire()

    assert answer.operation.failure
    assert answer.operation.failure.reason is F.AUTHORIZATION_EXPIRED
    assert world.wallet() == (5_000, 0)


async def test_without_its_commit_an_operation_leaves_nothing(world: World) -> None:
    """A caller who is told that the database was away may send the same key again."""
    payment = await held(world)
    before = kept(world)
    world.store.hooks.fail("change_payment", AWAY)

    with pytest.raises(Unavailable):
        await world.capturing(payment)

    assert kept(world) == before
    assert not (await world.capturing(payment)).replayed


async def test_a_payers_transfers_take_no_merchants_operations(world: World) -> None:
    """Nobody refunds a top-up: its owner is no merchant."""
    top_up = (await world.topping_up()).payment

    with pytest.raises(NotFound):
        await world.refunding(top_up, merchant_id="@p-1")
