"""Refund: captured money goes back, never more than there is, and reserved before it is sent."""

import asyncio

import pytest

from gateway.domain.channel import AttemptKind, Outcome
from gateway.domain.errors import InvalidRequest, NotFound, Reason, Refused
from gateway.domain.fees import MILLION, FeeSchedule, FeeTerms
from gateway.domain.merchant import RefundPolicy
from gateway.domain.money import Money
from gateway.domain.operation import OperationState
from gateway.domain.payment import FailureReason, PaymentState
from tests.domain.lives import ABNORMAL, DECLINED, DONE, NOT_SENT, SILENT, WAITING
from tests.domain.samples import START
from tests.usecases.world import World, patience, refund_command

S, Op = PaymentState, OperationState


def cny(minor_units: int) -> Money:
    return Money("CNY", minor_units)


async def test_all_that_was_captured_goes_back_by_default(world: World) -> None:
    """Without an amount everything is refunded; the payment's state stays, its refunds do not."""
    payment = await world.paid()

    answer = await world.refunding(payment, DONE, description="Broken")

    assert answer.operation.state is Op.SUCCEEDED
    assert answer.operation.amount == payment.amount
    assert (answer.payment.state, answer.payment.refunded) == (S.SUCCEEDED, 3_000)
    assert answer.payment == world.now(payment)
    assert world.rows.balances() == {}


async def test_the_channel_learns_what_is_refunded(world: World) -> None:
    """A refund has a number of its own, names the charge, and carries its own description."""
    payment = await world.paid(description="Tea")

    answer = await world.refunding(payment, DONE, amount=cny(1_000), description="Broken")

    request = world.channel.requested("send")[-1]
    assert (request.kind, request.money) == (AttemptKind.REFUND, cny(1_000))
    assert request.number == answer.operation.attempt_number
    assert request.charge_number == payment.attempt_number
    assert request.description == "Broken"


async def test_the_amount_is_reserved_before_the_channel_is_called(world: World) -> None:
    """While a refund is under way its amount is neither the merchant's nor refundable again."""
    payment = await world.paid()

    answer = await world.refunding(payment, SILENT, amount=cny(1_000))

    assert answer.operation.state is Op.PROCESSING
    assert answer.payment.refunded == 1_000
    expected = {
        "channel_receivable": 3_000,
        "merchant_unsettled": 2_000,
        "refund_in_transit": 1_000,
    }
    assert world.rows.balances() == expected
    assert world.rows.events[-1].payment.refunded == 1_000


@pytest.mark.parametrize("outcome", [SILENT, WAITING, NOT_SENT])
async def test_a_refund_that_is_not_known_runs_on(world: World, outcome: Outcome) -> None:
    """It was accepted and has to happen: its amount stays reserved until the channel decides."""
    payment = await world.paid()

    answer = await world.refunding(payment, outcome)

    assert answer.operation.state is Op.PROCESSING
    assert world.now(payment).refunded == 3_000


async def test_a_refused_refund_gives_the_amount_back(world: World) -> None:
    """After the channel's refusal the money is the merchant's again, and may be refunded anew."""
    payment = await world.paid()

    answer = await world.refunding(payment, DECLINED)

    assert answer.operation.failure == DECLINED.failure
    assert answer.payment.refunded == 0
    assert world.rows.balances()["merchant_unsettled"] == 3_000
    assert (await world.refunding(payment, DONE, idempotency_key="r-2")).payment.refunded == 3_000


async def test_more_than_remains_is_refused_for_good(world: World) -> None:
    """A refund above what remains is kept as FAILED under its key, and never sent."""
    payment = await world.paid()
    await world.refunding(payment, DONE, amount=cny(2_000))
    sent = len(world.channel.requests)

    answers = [
        await world.refunding(payment, idempotency_key="r-2", amount=cny(1_001)) for _ in range(2)
    ]

    assert [answer.replayed for answer in answers] == [False, True]
    for answer in answers:
        assert answer.operation.failure
        assert answer.operation.failure.reason is FailureReason.REFUND_EXCEEDS_CAPTURED
    assert len(world.channel.requests) == sent


async def test_nothing_that_remains_is_no_refund(world: World) -> None:
    """Asking for all that remains of a payment that was refunded is refused, not ignored."""
    payment = await world.paid()
    await world.refunding(payment, DONE)

    answer = await world.refunding(payment, idempotency_key="r-2")

    assert answer.operation.failure
    assert answer.operation.failure.reason is FailureReason.REFUND_EXCEEDS_CAPTURED


async def test_refunds_at_once_never_exceed_the_payment(world: World) -> None:
    """A hundred refunds that together exceed the payment: as many as it covers, and no more."""
    payment = await world.paid()
    world.channel.will("send", *[DONE] * 100)
    commands = [
        refund_command(payment.payment_id, idempotency_key=f"r-{number}", amount=cny(100))
        for number in range(100)
    ]

    answers = await asyncio.gather(*(world.refund(command, patience()) for command in commands))

    states = [answer.operation.state for answer in answers]
    assert (states.count(Op.SUCCEEDED), states.count(Op.FAILED)) == (30, 70)
    assert world.now(payment).refunded == 3_000
    assert world.rows.balances() == {}


@pytest.mark.parametrize("policy", RefundPolicy)
async def test_the_balance_of_all_payments_covers_a_refund(
    world: World, policy: RefundPolicy
) -> None:
    """What the merchant has from other payments counts, so nothing is refused or advanced."""
    world.change_merchant(refund_policy=policy)
    first = await world.paid()
    await world.paid(idempotency_key="pay-2")

    answer = await world.refunding(first, DONE)

    assert (answer.operation.state, answer.operation.advanced) == (Op.SUCCEEDED, 0)


async def test_a_refund_without_balance_is_refused_by_default(world: World) -> None:
    """Where the merchant has too little the refund has failed for good, and nothing is sent."""
    payment = await world.paid()
    world.settle(2_500)

    answer = await world.refunding(payment, amount=cny(501))

    assert answer.operation.failure
    assert answer.operation.failure.reason is FailureReason.INSUFFICIENT_MERCHANT_BALANCE
    assert answer.payment.refunded == 0
    assert len(world.channel.requests) == 1
    assert (await world.refunding(payment, amount=cny(501))).replayed
    fresh = await world.refunding(payment, DONE, idempotency_key="r-2", amount=cny(500))
    assert fresh.operation.state is Op.SUCCEEDED


async def test_the_platform_advances_what_the_merchant_lacks(world: World) -> None:
    """Where it is set so, the platform lends the rest out of its own money, as a debt."""
    world.change_merchant(refund_policy=RefundPolicy.ADVANCE)
    world.rows.budgets["CNY"] = 2_500
    payment = await world.paid()
    world.settle(2_500)

    answer = await world.refunding(payment, DONE)

    assert (answer.operation.state, answer.operation.advanced) == (Op.SUCCEEDED, 2_500)
    assert world.rows.budgets["CNY"] == 0
    balances = world.rows.balances()
    assert balances["merchant_debt"] == 2_500
    assert balances["due_to_own"] == balances["due_from_reserve"] == -2_500


async def test_the_platform_lends_no_more_than_it_has(world: World) -> None:
    """Beyond its own funds the platform advances nothing: customers' money is not spent."""
    world.change_merchant(refund_policy=RefundPolicy.ADVANCE)
    world.rows.budgets["CNY"] = 2_499
    payment = await world.paid()
    world.settle(2_500)

    answer = await world.refunding(payment)

    assert answer.operation.failure
    assert answer.operation.failure.reason is FailureReason.INSUFFICIENT_PLATFORM_FUNDS
    assert world.rows.budgets["CNY"] == 2_499


async def test_a_refused_refund_gives_the_advance_back(world: World) -> None:
    """When the channel refuses, debt and budget are as before."""
    world.change_merchant(refund_policy=RefundPolicy.ADVANCE)
    world.rows.budgets["CNY"] = 2_500
    payment = await world.paid()
    world.settle(2_500)
    before = world.rows.balances()

    await world.refunding(payment, DECLINED)

    assert world.rows.balances() == before
    assert world.rows.budgets["CNY"] == 2_500


async def test_the_fee_goes_back_with_the_money(world: World) -> None:
    """Where the schedule returns fees, each refund gives back its exact share."""
    terms = FeeTerms(rate_millionths=6_000, returned_on_refund=True)
    world.change_merchant(fee_schedules=(FeeSchedule("sandbox", "CNY", START, terms),))
    payment = await world.paid()

    one = await world.refunding(payment, DONE, amount=cny(1_000))
    rest = await world.refunding(payment, DONE, idempotency_key="r-2")

    assert payment.fee_millionths == 18 * MILLION
    assert one.payment.fee_returned_millionths == 6 * MILLION
    assert rest.payment.fee_returned_millionths == 18 * MILLION


async def test_an_abnormal_refund_waits_for_a_person(world: World) -> None:
    """Money that is neither with the payer nor back is never given free by itself."""
    payment = await world.paid()

    answer = await world.refunding(payment, ABNORMAL)

    (case,) = world.rows.reviews.values()
    assert case.kind == "ABNORMAL_REFUND"
    assert world.observer.reviews == [case]
    assert (answer.operation.state, answer.operation.under_review) == (Op.PROCESSING, True)
    assert world.now(payment).refunded == 3_000
    await world.recovering(ABNORMAL)
    assert len(world.rows.reviews) == 1
    await world.recovering(DONE)
    assert world.operation(answer).state is Op.SUCCEEDED
    assert not world.operation(answer).under_review


async def test_another_currency_leaves_the_key_free(world: World) -> None:
    """A refund in another currency is a bad request that binds nothing."""
    payment = await world.paid()

    with pytest.raises(InvalidRequest) as refused:
        await world.refunding(payment, amount=Money("USD", 1_000))

    assert refused.value.reason is Reason.CURRENCY_MISMATCH
    assert (await world.refunding(payment, DONE)).operation.state is Op.SUCCEEDED


@pytest.mark.parametrize("manual", [False, True])
async def test_what_is_not_yet_taken_is_not_refunded(world: World, *, manual: bool) -> None:
    """A payment under way, or only held, has nothing to refund yet: the key stays free."""
    payment = await world.authorized() if manual else (await world.paying(SILENT)).payment

    with pytest.raises(Refused) as refused:
        await world.refunding(payment)

    assert (refused.value.reason, refused.value.key_bound) == (Reason.PAYMENT_NOT_FINAL, False)
    assert refused.value.retry_after_s


async def test_what_was_never_taken_is_not_refunded(world: World) -> None:
    """A failed payment refuses refunds for good."""
    payment = (await world.paying(DECLINED)).payment

    with pytest.raises(Refused) as refused:
        await world.refunding(payment)

    assert (refused.value.reason, refused.value.key_bound) == (Reason.ILLEGAL_TRANSITION, True)


async def test_a_refund_of_a_refund_is_not_found(world: World) -> None:
    """A refund is no payment, so it cannot be refunded."""
    payment = await world.paid()
    refund = await world.refunding(payment, DONE)

    command = refund_command(refund.operation.operation_id, idempotency_key="r-2")
    with pytest.raises(NotFound) as refused:
        await world.refund(command, patience())

    assert refused.value.reason is Reason.PAYMENT_NOT_FOUND


async def test_a_merchant_who_is_off_may_still_refund(world: World) -> None:
    """Disabling a merchant stops new payments, not the way back of old money."""
    payment = await world.paid()
    world.change_merchant(disabled=True)

    assert (await world.refunding(payment, DONE)).operation.state is Op.SUCCEEDED


async def test_refunds_do_not_wait_for_each_other(world: World) -> None:
    """Refunds of one payment run side by side."""
    payment = await world.paid()
    await world.refunding(payment, SILENT, amount=cny(1_000))

    answer = await world.refunding(payment, DONE, idempotency_key="r-2", amount=cny(1_000))

    assert answer.operation.state is Op.SUCCEEDED
    assert answer.payment.refunded == 2_000
