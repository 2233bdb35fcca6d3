"""What a channel may do to a charge, and that the gateway ends where SEMANTICS says.

Each script proves by the sandbox's own record that its fault was met. No payment is called failed
without the channel's word, none is charged twice, and the two books agree.
"""

from typing import Any

import pytest

from paymentgateway.client import new_idempotency_key
from paymentgateway.errors import Refused
from paymentgateway.v1.payment_pb2 import FailureReason
from tests.e2e.scripts import later, script
from tests.e2e.shop import Shop, done, state
from tests.e2e.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEPT = ["DROP_REPLY", "ERROR_AFTER_EFFECT", "MALFORMED_REPLY", "UNSIGNED_REPLY", "FORGED_REPLY"]
"""Faults that keep the effect and hide or spoil the answer."""

NOT_KEPT = ["REFUSE", "ERROR_BEFORE_EFFECT", "BUSY"]
"""Faults that keep nothing, which the gateway cannot know."""


@pytest.mark.parametrize("fault", KEPT)
async def test_a_charge_whose_answer_is_lost_or_spoiled(shop: Shop, fault: str) -> None:
    """It is not known, never failed; asking finds that it succeeded, once."""
    payment = (await shop.pay(script=script(fault=fault))).payment
    paid = await shop.reached(payment, "SUCCEEDED")
    charge = await shop.house.charge(paid)
    assert (charge["requests"], charge["effects"]["charged"]) == (1, 1_000)
    assert await shop.house.faults(paid.attempt_number) == [fault]
    assert await shop.house.cases(paid) == []


@pytest.mark.parametrize("fault", NOT_KEPT)
async def test_a_charge_that_was_never_kept(shop: Shop, fault: str) -> None:
    """After three verified "not found" the number is closed there, and only then it is FAILED."""
    payment = (await shop.pay(script=script(fault=fault))).payment
    failed = await shop.reached(payment, "FAILED")
    assert _reason(failed) == "NOT_ACCEPTED"
    charge = await shop.house.charge(failed)
    assert (charge["state"], charge["amount"], charge["effects"]["charged"]) == ("CLOSED", None, 0)
    assert fault in await shop.house.faults(failed.attempt_number)


async def test_a_fault_at_every_question_too(shop: Shop) -> None:
    """Several answers in a row are lost, those to questions too: it still finds out."""
    faults = script(fault="DROP_REPLY", fault_count=4)
    paid = await shop.reached((await shop.pay(script=faults)).payment, "SUCCEEDED")
    assert await shop.house.faults(paid.attempt_number) == ["DROP_REPLY"] * 4
    assert (await shop.house.charge(paid))["requests"] == 1


@pytest.mark.parametrize("forgets", [1, 2, 3, 5])
async def test_a_channel_that_forgets(shop: Shop, forgets: int) -> None:
    """That it knows nothing is no proof: with or without a fence, the success is found."""
    forgetful = script(fault="DROP_REPLY", forget_count=forgets)
    paid = await shop.reached((await shop.pay(script=forgetful)).payment, "SUCCEEDED")
    hits = await shop.house.faults(paid.attempt_number)
    assert hits.count("FORGET") == min(forgets, 3)
    assert (await shop.house.charge(paid))["effects"]["charged"] == 1_000


async def test_a_slow_channel(shop: Shop) -> None:
    """A reply later than the channel's timeout is no answer: PROCESSING, then found by asking."""
    payment = (await shop.pay(script=script(reply_delay_ms=3_500))).payment
    assert state(payment) == "PROCESSING"
    await shop.reached(payment, "SUCCEEDED")
    assert (await shop.house.charge(payment))["requests"] == 1


@pytest.mark.parametrize("manual", [False, True], ids=["charge", "authorisation"])
@pytest.mark.parametrize("declined", [False, True], ids=["succeeds", "declines"])
async def test_a_charge_that_is_decided_later(shop: Shop, manual: bool, declined: bool) -> None:
    """PROCESSING first, then what the channel tells by notification or is asked for."""
    payment = (await shop.pay(script=later(settle_declined=declined), manual=manual)).payment
    assert state(payment) == "PROCESSING"
    ended = await shop.settled(payment)
    assert state(ended) == ("FAILED" if declined else "AUTHORIZED" if manual else "SUCCEEDED")
    if state(ended) == "AUTHORIZED":
        await shop.capture(ended)


async def test_a_charge_of_another_amount_is_never_booked(shop: Shop) -> None:
    """A verified answer about another amount goes to a person, who decides with proof."""
    wrong = script(fault="WRONG_AMOUNT", fault_always=True)
    payment = (await shop.pay(script=wrong)).payment
    case = await shop.house.case(payment, "MISMATCH")
    assert "CNY 10.01" in case["detail"] or "10.01 CNY" in case["detail"]
    waiting = await shop.get(payment)
    assert (state(waiting), waiting.captured.minor_units) == ("PROCESSING", 0)
    output = await shop.house.resolve(case, "succeeded")
    assert "is resolved as succeeded" in output
    assert state(await shop.get(payment)) == "SUCCEEDED"
    (attempt,) = await shop.house.fetch(
        "select evidence from attempts where number = $1", payment.attempt_number
    )
    assert attempt["evidence"] == "review: seen"


async def test_what_nobody_can_find_out_is_shown_to_a_person(shop: Shop) -> None:
    """A channel that never answers about a payment: not failed by age, but a review case."""
    silent = script(fault="DROP_REPLY", fault_always=True)
    payment = (await shop.pay(script=silent)).payment
    case = await shop.house.case(payment, "UNRESOLVED")
    assert state(await shop.get(payment)) == "PROCESSING"
    await shop.house.resolve(case, "succeeded")
    assert state(await shop.get(payment)) == "SUCCEEDED"
    (seen,) = await shop.house.cases(payment)
    assert (seen["resolution"], seen["note"]) == ("succeeded", "seen")


@pytest.mark.parametrize("outcome", ["ANSWER_LATER", "REQUIRE_ACTION"])
async def test_money_that_comes_after_the_cancel(shop: Shop, outcome: str) -> None:
    """A late success changes no state: it is given back by itself, and a person is told."""
    late = script(outcome=outcome, pay_after_close=True, settle_delay_ms=300)
    payment = (await shop.pay(script=late)).payment
    canceled = await shop.cancel(payment)
    assert state(canceled.payment) == "CANCELED"
    await shop.house.case(payment, "LATE_SUCCESS")
    charge = await until(
        lambda: shop.house.charge(payment), lambda found: found["effects"]["refunded"]
    )
    assert (charge["state"], charge["effects"]) == (
        "SUCCEEDED",
        {"charged": 1_000, "refunded": 1_000},
    )
    await shop.house.rest()
    after = await shop.get(payment)
    assert (state(after), after.captured.minor_units) == ("CANCELED", 0)
    entries = await shop.client().list_entries(
        merchant_id=shop.merchant_id, payment_id=payment.payment_id
    )
    events = [entry.event for entry in entries]
    assert sorted(events[:2]) == ["late_success", "return_accepted"]
    assert events[2:] == ["return_succeeded"]
    assert await shop.balance() == 0


async def test_an_authorisation_that_comes_after_the_cancel(shop: Shop) -> None:
    """A hold that comes late is released again; no money moves."""
    late = later(300, pay_after_close=True)
    payment = (await shop.pay(script=late, manual=True)).payment
    await shop.cancel(payment)
    await shop.house.case(payment, "LATE_SUCCESS")
    await shop.house.rest()
    assert state(await shop.get(payment)) == "CANCELED"
    charge = await shop.house.charge(payment)
    assert (charge["state"], charge["effects"]["charged"]) == ("CLOSED", 0)


async def test_a_cancel_that_comes_after_the_money(shop: Shop) -> None:
    """The payer had paid: the cancel fails with ALREADY_PAID, and the payment succeeds."""
    unheard = script(outcome="REQUIRE_ACTION", notify="NONE")
    for _ in range(10):
        payment, key = (await shop.pay(script=unheard)).payment, new_idempotency_key()
        await shop.house.act(payment, "CONFIRM")
        try:
            await shop.cancel(payment, key=key)
            break
        except Refused:
            continue  # a worker asked in between, so the gateway knew: once more
    assert state(await shop.reached(payment, "SUCCEEDED")) == "SUCCEEDED"
    answer = await shop.cancel(payment, key=key, via=1)
    assert (done(answer.state), answer.replayed) == ("FAILED", True)
    assert FailureReason.Name(answer.failure.reason) == "FAILURE_REASON_ALREADY_PAID"
    assert (await shop.house.charge(payment))["effects"] == {"charged": 1_000, "refunded": 0}


def _reason(payment: Any) -> str:
    return FailureReason.Name(payment.failure.reason).removeprefix("FAILURE_REASON_")
