"""Faults of one request: whether it arrived, whether its reply did, and how that is spoiled."""

import asyncio
import time

import aiohttp
import pytest

from tests.emulators.carrier.customer import PAYMENTS, Customer, number, payment

LOST = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)


FAULTS: list[tuple[str, int | None, bool]] = [
    ("DROP_BEFORE_EFFECT", None, False),
    ("ERROR_BEFORE_EFFECT", 500, False),
    ("BAD_GATEWAY_BEFORE_EFFECT", 502, False),
    ("BUSY", 429, False),
    ("UNAUTHENTICATED", 401, False),
    ("REFUSE", 500, False),
    ("DROP_AFTER_EFFECT", None, True),
    ("ERROR_AFTER_EFFECT", 500, True),
    ("BAD_GATEWAY_AFTER_EFFECT", 502, True),
    ("NOT_FOUND", 404, True),
    ("TRUNCATED", None, True),
    ("MALFORMED", 201, True),
    ("STALE", 201, True),
]


async def test_a_fault_strikes_once_and_honestly(customer: Customer) -> None:
    """What it says of the effect is true, it is written down, and the next request is unharmed."""
    for place, (fault, status, is_done) in enumerate(FAULTS):
        of = number()
        body = payment(clientCorrelator=of, amount=1)
        await customer.fault("create", fault)
        try:
            found: int | None = (await customer.ask("POST", PAYMENTS, body)).status
        except LOST:
            found = None
        assert found == status, fault
        assert await customer.faults(of) == [fault]
        assert (await customer.moved())["charge"] == _charged(place + is_done)
        again = await customer.ask("POST", PAYMENTS, body)
        assert again.status == (409 if is_done else 201), fault
        assert (await customer.moved())["charge"] == _charged(place + 1)


def _charged(count: int) -> str:
    return f"{count}.000" if count else "0"


async def test_replies_may_be_wrong_in_one_thing(customer: Customer) -> None:
    """A unit more, another id, another correlator, an older state: all well-formed."""
    of = await customer.paid()
    good = await customer.query(of)
    target = f"{PAYMENTS}/{of}"
    wrong = {}
    for fault in ("WRONG_AMOUNT", "WRONG_NUMBER", "STALE", "WRONG_CORRELATOR"):
        await customer.fault("query", fault)
        wrong[fault] = await customer.ask("GET", target, headers={"x-correlator": "mine"})
        assert wrong[fault].status == 200
    transaction = wrong["WRONG_AMOUNT"].body["amountTransaction"]
    amount = transaction["paymentAmount"]["chargingInformation"]["amount"]
    assert str(amount) == "13.5"
    assert wrong["WRONG_NUMBER"].body["paymentId"] != of
    assert wrong["STALE"].body["paymentStatus"] == "processing"
    assert "paymentDate" not in wrong["STALE"].body
    assert wrong["WRONG_CORRELATOR"].headers["x-correlator"] == "another"
    assert wrong["WRONG_CORRELATOR"].body == good == await customer.query(of)
    await customer.fault("list", "WRONG_AMOUNT")
    [entry] = (await customer.page()).body
    assert entry != good
    await customer.fault("remaining", "WRONG_AMOUNT")
    assert str(await customer.remaining(of)) == "13.5"


async def test_a_refusal_can_be_any(customer: Customer) -> None:
    """Whatever code the tables have, with its status, for the request that is matched."""
    chosen, code = number(), "CARRIER_BILLING_REFUND.USER_AMOUNT_THRESHOLD_OVERPASSED"
    of = await customer.paid()
    rule = {
        "operation": "refund",
        "match": {"amountTransaction.clientCorrelator": chosen, "paymentId": of},
        "fault": {"name": "REFUSE", "code": code, "status": 422},
    }
    await customer.control("POST", "/control/rules", rule)
    assert (await customer.refund(of, 1)).status == 201
    reply = await customer.refund(of, 1, clientCorrelator=chosen)
    assert (reply.status, reply.code) == (422, code)
    assert (await customer.refund(of, 1, clientCorrelator=chosen)).status == 201


async def test_rules_match_amounts(customer: Customer) -> None:
    """An amount is matched by its digits as they arrive."""
    path = "amountTransaction.paymentAmount.chargingInformation.amount"
    for digits in ("12.34", "7"):
        rule = {"operation": "create", "match": {path: digits}, "fault": {"name": "BUSY"}}
        await customer.control("POST", "/control/rules", rule)
    assert [(await customer.pay(amount=a)).status for a in (12.35, 12.34, 7)] == [201, 429, 429]


async def test_a_reply_may_be_slow(customer: Customer) -> None:
    """It comes after its delay, and holds nobody else up."""
    of = await customer.paid()
    await customer.fault("query", "NONE", delay_ms=500)
    start = time.monotonic()
    slow = asyncio.create_task(customer.query(of))
    while not (await customer.control("GET", "/control/summary"))["requests"].get("query"):
        await asyncio.sleep(0.005)
    await customer.query(of)
    assert not slow.done() or time.monotonic() - start >= 0.5
    await slow
    assert time.monotonic() - start >= 0.5


async def test_the_token_endpoint_has_faults_too(customer: Customer) -> None:
    """It may be busy, broken or away, and gives no token then."""
    for fault, status in (("BUSY", 429), ("ERROR_AFTER_EFFECT", 500)):
        await customer.fault("token", fault)
        assert (await customer.authorize()).status == status
    await customer.fault("token", "DROP_BEFORE_EFFECT")
    with pytest.raises(LOST):
        await customer.authorize()
    assert (await customer.authorize()).status == 200
    assert await customer.faults("token") == ["BUSY", "ERROR_AFTER_EFFECT", "DROP_BEFORE_EFFECT"]


async def test_requests_by_id_are_filed_under_the_client_s_number(customer: Customer) -> None:
    """Whoever knows its own number finds every fault that struck it."""
    of, refund = number(), number()
    payment_id = await customer.paid(clientCorrelator=of)
    made = (await customer.refund(payment_id, clientCorrelator=refund)).body["refundId"]
    await customer.fault("query", "NONE")
    await customer.query(payment_id)
    await customer.fault("query_refund", "NONE")
    await customer.query_refund(payment_id, made)
    assert (await customer.faults(of), await customer.faults(refund)) == (["NONE"], ["NONE"])


BAD_RULES: list[dict[str, object]] = [
    {"play": {"answer": "PROCESSING"}},
    {"operation": "query", "play": {}},
    {"operation": "create", "play": {"answer": "RESERVED"}},
    {"operation": "refund", "play": {"settle": "RESERVED"}},
    {"operation": "create", "play": {"extra": 1}},
    {"operation": "nothing", "fault": {"name": "BUSY"}},
    {"operation": "create", "fault": {"name": "SIGN_ERROR"}},
    {"operation": "create", "fault": {"name": "REFUSE", "status": 99}},
    {"operation": "create"},
]


async def test_rules_are_read_strictly(customer: Customer) -> None:
    """A rule that could never do what it says is refused when it is made."""
    for rule in BAD_RULES:
        assert (await customer.try_control("POST", "/control/rules", rule)).status == 400, rule
