"""What a channel may do to captures and refunds, which were accepted and therefore have to happen.

A question that finds nothing is followed by the same request under the same number, so a lost
answer never becomes a second refund.
"""

from collections import Counter
from typing import Any

import pytest

from paymentgateway.v1.payment_pb2 import FailureReason, Payment
from tests.e2e.scripts import later, script
from tests.e2e.shop import Shop, done, state
from tests.e2e.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

FAULTS = [
    "DROP_REPLY",
    "REFUSE",
    "ERROR_BEFORE_EFFECT",
    "ERROR_AFTER_EFFECT",
    "MALFORMED_REPLY",
    "UNSIGNED_REPLY",
    "FORGED_REPLY",
    "BUSY",
]
NOT_KEPT = {"REFUSE", "ERROR_BEFORE_EFFECT", "BUSY"}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_refund_goes_through_every_fault(shop: Shop, fault: str) -> None:
    """Its money goes back once: asked about, and sent again only where it was not kept."""
    paid = (await shop.pay(refund=script(fault=fault))).payment
    refund = await shop.refunded((await shop.refund(paid, "4.00")).refund)
    assert done(refund.state) == "SUCCEEDED"
    (row,) = await shop.house.book("refunds", refund.attempt_number)
    assert row["requests"] == (2 if fault in NOT_KEPT else 1)
    assert fault in await shop.house.faults(refund.attempt_number)
    assert (await shop.house.charge(paid))["effects"]["refunded"] == 400


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_capture_goes_through_every_fault(shop: Shop, fault: str) -> None:
    """Its money is taken once."""
    held = (await shop.pay(manual=True, capture=script(fault=fault))).payment
    await shop.capture(held, "4.00", final=True)
    paid = await shop.reached(held, "SUCCEEDED")
    assert paid.captured.minor_units == 400
    assert (await shop.house.charge(held))["effects"]["charged"] == 400
    (number,) = await _numbers(held, shop, "CAPTURE")
    assert fault in await shop.house.faults(number)


async def test_a_declined_capture_leaves_the_authorisation(shop: Shop) -> None:
    """It is FAILED with the channel's reason, and the money can still be let go."""
    held = (await shop.pay(manual=True, capture=script(outcome="DECLINE"))).payment
    answer = await shop.capture(held, "4.00")
    assert done(answer.capture.state) == "FAILED"
    assert _reason(answer.capture) == "INSUFFICIENT_FUNDS"
    assert state(answer.payment) == "AUTHORIZED"
    assert state((await shop.cancel(held)).payment) == "CANCELED"


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "later"])
async def test_a_declined_refund_gives_its_reservation_back(shop: Shop, at_once: bool) -> None:
    """While it is open its amount is taken; when it is declined, all can be refunded again."""
    how = script(outcome="DECLINE") if at_once else later(700, settle_declined=True)
    paid = (await shop.pay(refund=how)).payment
    refund = (await shop.refund(paid, "10.00")).refund
    if not at_once:
        assert (await shop.get(paid)).refunded.minor_units == 1_000
        over = (await shop.refund(paid, "0.01")).refund
        assert _reason(over) == "REFUND_EXCEEDS_CAPTURED"
    refund = await shop.refunded(refund)
    assert (done(refund.state), _reason(refund)) == ("FAILED", "INSUFFICIENT_FUNDS")
    after = await shop.get(paid)
    assert (after.refunded.minor_units, after.fee_returned_millionths) == (0, 0)
    assert await shop.balance() == 1_000


async def test_an_abnormal_refund_is_never_given_free(shop: Shop) -> None:
    """It waits for a person, its amount reserved, until the command says what became of it."""
    paid = (await shop.pay(refund=script(outcome="ABNORMAL"))).payment
    refund = (await shop.refund(paid, "9.00")).refund
    found = await until(lambda: shop.refund_now(refund), lambda seen: seen.under_review)
    assert done(found.state) == "PROCESSING"
    case = await shop.house.case(paid, "ABNORMAL_REFUND")
    over = (await shop.refund(paid, "1.01")).refund
    assert _reason(over) == "REFUND_EXCEEDS_CAPTURED"
    await shop.house.resolve(case, "failed")
    ended = await shop.refund_now(refund)
    assert (done(ended.state), ended.under_review) == ("FAILED", False)
    assert (await shop.get(paid)).refunded.minor_units == 0


async def test_a_refund_of_another_amount_goes_to_a_person(shop: Shop) -> None:
    """The channel speaks of another amount: nothing is booked before somebody looked."""
    wrong = script(fault="WRONG_AMOUNT", fault_always=True)
    paid = (await shop.pay(refund=wrong)).payment
    refund = (await shop.refund(paid, "2.00")).refund
    case = await shop.house.case(paid, "MISMATCH")
    assert done((await shop.refund_now(refund)).state) == "PROCESSING"
    await shop.house.resolve(case, "succeeded")
    assert done((await shop.refund_now(refund)).state) == "SUCCEEDED"


async def test_reviews_are_listed_for_people_and_scripts(shop: Shop) -> None:
    """The command lists what waits, with ids as callers know them; acknowledging closes it."""
    paid = (await shop.pay(script=later(100, notify="WRONG_AMOUNT"))).payment
    case = await shop.house.case(paid, "MISMATCH")
    await shop.reached(paid, "SUCCEEDED")
    status, table = await shop.house.stack.command("reviews", "list")
    assert status == 0
    assert str(case["case_id"]) in table
    assert paid.payment_id in table
    await shop.house.resolve(case, "acknowledged")
    (seen,) = await shop.house.cases(paid)
    assert seen["resolution"] == "acknowledged"
    again = ("reviews", "resolve", str(case["case_id"]), "--as", "failed", "--note", "x")
    status, output = await shop.house.stack.command(*again)
    assert (status, output.strip()) == (2, "gateway: There is no such open review case.")


async def test_refunds_are_one_each_whatever_happens(shop: Shop) -> None:
    """Ten refunds through a channel that drops answers: ten times given back, and no more."""
    paid = (await shop.pay(refund=script(fault="DROP_REPLY", fault_count=2))).payment
    answers = [await shop.refund(paid, "1.00") for _ in range(10)]
    ended = [await shop.refunded(answer.refund) for answer in answers]
    assert Counter(done(refund.state) for refund in ended) == {"SUCCEEDED": 10}
    assert (await shop.house.charge(paid))["effects"] == {"charged": 1_000, "refunded": 1_000}


async def _numbers(payment: Payment, shop: Shop, kind: str) -> list[str]:
    rows = await shop.house.fetch(
        "select number from attempts where kind = $1 and charge_number = $2",
        kind,
        payment.attempt_number,
    )
    return [row["number"] for row in rows]


def _reason(failed: Any) -> str:
    return FailureReason.Name(failed.failure.reason).removeprefix("FAILURE_REASON_")
