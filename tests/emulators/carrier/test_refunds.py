"""Refunds: whole and in parts, never more than was paid, told apart by their own numbers."""

import asyncio
from typing import Any

from tests.emulators.carrier.customer import REFUNDS, Customer, number, refund

MISMATCH = "CARRIER_BILLING_REFUND.REFUND_DETAILS_MISMATCH"
UNAUTHORIZED = "CARRIER_BILLING_REFUND.UNAUTHORIZED_AMOUNT"


async def test_a_whole_refund(customer: Customer) -> None:
    """It names no amount, is processing first, then succeeds, and nothing more can be refunded."""
    of = await customer.paid()
    body = refund(reason="顾客退货")
    reply = await customer.ask("POST", f"{REFUNDS}/{of}/refunds", body)
    made = reply.body
    assert (reply.status, made["refundStatus"], made["type"]) == (201, "processing", "total")
    assert made["amountTransaction"] == body["amountTransaction"]
    assert made["amountTransaction"]["refundAmount"] == {}
    assert made["reason"] == "顾客退货"
    assert await customer.remaining(of) == 0
    await customer.advance(seconds=1)
    found = await customer.query_refund(of, made["refundId"])
    assert (found["refundStatus"], "refundDate" in found) == ("succeeded", True)
    for more in (None, 0.001):
        assert (await customer.refund(of, more)).code == UNAUTHORIZED
    assert await customer.moved() == {"charge": "12.500", "refund": "12.500"}
    assert (await customer.query(of))["paymentStatus"] == "succeeded"


async def test_parts_never_exceed_the_whole(customer: Customer) -> None:
    """What is on its way counts, what was denied does not; after a part there is no whole."""
    of = await customer.paid(amount=80)
    assert (await customer.refund(of, 20)).status == 201
    await customer.play("refund", settle="DENIED", settle_delay_ms=3_600_000)
    assert (await customer.refund(of, 15)).status == 201
    assert await customer.remaining(of) == 45
    assert (await customer.refund(of, 45.001)).code == UNAUTHORIZED
    assert (await customer.refund(of)).code == UNAUTHORIZED
    await customer.advance(hours=1)
    assert await customer.remaining(of) == 60
    assert (await customer.refund(of, 60)).status == 201
    await customer.advance(seconds=1)
    assert await customer.remaining(of) == 0
    assert await customer.moved() == {"charge": "80.000", "refund": "80.000"}


async def test_parts_at_once_share_what_there_is(customer: Customer) -> None:
    """However many are asked for at the same time, no more than the payment is accepted."""
    of = await customer.paid(amount=10)
    replies = await asyncio.gather(*(customer.refund(of, 3) for _ in range(8)))
    assert sorted(reply.status for reply in replies) == [201] * 3 + [422] * 5


async def test_a_refund_is_made_once(customer: Customer) -> None:
    """The same correlator is 409; the same reference without one, too; REPLAY answers again."""
    of = await customer.paid()
    body = refund(5)
    target = f"{REFUNDS}/{of}/refunds"
    first = await customer.ask("POST", target, body)
    assert (await customer.ask("POST", target, body)).code == "ALREADY_EXISTS"
    bare = {"clientCorrelator": None, "referenceCode": number()}
    assert (await customer.refund(of, 1, **bare)).status == 201
    assert (await customer.refund(of, 1, **bare)).code == "ALREADY_EXISTS"
    await customer.house(duplicates="REPLAY")
    again = await customer.ask("POST", target, body)
    assert (again.status, again.body["refundId"]) == (201, first.body["refundId"])
    body["amountTransaction"]["refundAmount"]["chargingInformation"]["amount"] = 6
    assert (await customer.ask("POST", target, body)).code == "ALREADY_EXISTS"
    await customer.advance(seconds=1)
    assert (await customer.moved())["refund"] == "6.000"


async def test_only_what_was_charged_is_refunded(customer: Customer) -> None:
    """422 for a payment that is not succeeded, 404 for none, 403 after the window."""
    reserved = await customer.reserved()
    reply = await customer.refund(reserved)
    assert (reply.status, reply.code) == (422, "CARRIER_BILLING_REFUND.INVALID_PAYMENT_STATUS")
    assert await customer.remaining(reserved) == 0
    assert (await customer.refund("nobody")).code == "NOT_FOUND"
    of = await customer.paid()
    other = await customer.paid()
    refund_id = (await customer.refund(of, 1)).body["refundId"]
    found = await customer.ask("GET", f"{REFUNDS}/{other}/refunds/{refund_id}")
    assert found.code == "NOT_FOUND"
    await customer.advance(days=181)
    late = await customer.refund(of, 1)
    code = "CARRIER_BILLING_REFUND.PAYMENT_NOT_ELIGIBLE_FOR_REFUND"
    assert (late.status, late.code) == (403, code)


async def test_a_refund_may_be_denied_at_once(customer: Customer) -> None:
    """403 REFUND_DENIED makes no refund; SUCCEEDED at once is possible, too."""
    of = await customer.paid()
    await customer.play("refund", answer="DENIED")
    assert (await customer.refund(of)).code == "CARRIER_BILLING_REFUND.REFUND_DENIED"
    assert await customer.remaining(of) == 12.5
    await customer.play("refund", answer="SUCCEEDED")
    assert (await customer.refund(of)).body["refundStatus"] == "succeeded"
    await customer.play("refund", settle="NEVER")
    other = (await customer.refund(await customer.paid())).body["refundId"]
    path = f"/control/refunds/{other}/settle"
    assert (await customer.try_control("POST", path, {"state": "RESERVED"})).status == 409
    settled = await customer.control("POST", path, {"state": "SUCCEEDED"})
    assert settled["refundStatus"] == "succeeded"


ITEMS = [
    {"id": "a", "amount": 10, "currency": "CNY", "description": "A"},
    {"id": "b", "amount": 2.5, "currency": "CNY", "description": "B"},
]


def item(of: str, amount: float, currency: str = "CNY") -> dict[str, Any]:
    """One item of a refund."""
    return {"paymentItemId": of, "amount": amount, "currency": currency, "description": "R"}


DETAILS: list[tuple[list[dict[str, Any]], str | None]] = [
    ([item("a", 3)], None),
    ([item("a", 2), item("b", 1)], None),
    ([item("c", 3)], MISMATCH),
    ([item("b", 3)], MISMATCH),
    ([item("a", 2)], MISMATCH),
    ([item("a", 2), item("a", 1)], MISMATCH),
    ([item("a", 3, "HKD")], MISMATCH),
]


async def test_items_of_a_refund_are_those_of_the_payment(customer: Customer) -> None:
    """Known, none twice, none beyond its price, in its currency, and adding up to the amount."""
    of = await customer.paid(paymentDetails=ITEMS)
    for details, code in DETAILS:
        reply = await customer.refund(of, 3, refundDetails=details)
        assert (None if reply.status == 201 else reply.code) == code, details


async def test_tax_and_currency_are_those_of_the_payment(customer: Customer) -> None:
    """IsTaxIncluded must be as it was, the currency too."""
    of = await customer.paid(isTaxIncluded=True)
    mismatch = await customer.refund(of, 1)
    assert mismatch.code == "CARRIER_BILLING_REFUND.TAXES_MANAGEMENT_MISMATCH"
    assert (await customer.refund(of, 1, isTaxIncluded=True)).status == 201
    foreign = await customer.refund(of, 1, isTaxIncluded=True, currency="HKD")
    assert (foreign.status, foreign.code) == (400, "INVALID_ARGUMENT")
