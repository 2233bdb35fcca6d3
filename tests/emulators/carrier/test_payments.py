"""Payments in one step and two: made, repeated, validated, confirmed, cancelled, expired."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Any

from tests.emulators.carrier.customer import PAYMENTS, PHONE, Customer, number, payment


async def test_a_payment_in_one_step(customer: Customer) -> None:
    """201 with what was asked, the operator's own numbers, and the same when asked after."""
    body = payment(12.345, chargingMetaData={"merchantIdentifier": "m-1"}, taxAmount=0.5)
    reply = await customer.ask("POST", PAYMENTS, body, {"x-correlator": "a-b_c:d;e.f/<g>{h}"})
    made = reply.body
    assert (reply.status, reply.headers["x-correlator"]) == (201, "a-b_c:d;e.f/<g>{h}")
    assert made["paymentStatus"] == "succeeded"
    assert datetime.fromisoformat(made["paymentDate"]) >= datetime.fromisoformat(
        made["paymentCreationDate"]
    )
    transaction = made["amountTransaction"]
    assert reply.headers["Location"] == transaction["resourceURL"]
    assert transaction["resourceURL"].endswith(made["paymentId"])
    assert transaction["serverReferenceCode"]
    for name, value in body["amountTransaction"].items():
        if name != "paymentAmount":
            assert transaction[name] == value
    assert b'"amount":12.345,' in reply.raw
    assert await customer.query(made["paymentId"]) == made
    assert await customer.moved() == {"charge": "12.345", "refund": "0"}


async def test_a_payment_may_take_its_time(customer: Customer) -> None:
    """201 may be processing; then it succeeds, is denied with no money moved, or never ends."""
    ends = {"SUCCEEDED": "succeeded", "DENIED": "denied", "NEVER": "processing"}
    of = ""
    for settle, state in ends.items():
        await customer.play("create", answer="PROCESSING", settle=settle)
        reply = await customer.pay(amount=10)
        assert (reply.status, reply.body["paymentStatus"]) == (201, "processing")
        assert "paymentDate" not in reply.body
        await customer.advance(seconds=1)
        of = reply.body["paymentId"]
        found = await customer.query(of)
        assert (found["paymentStatus"], "paymentDate" in found) == (state, state == "succeeded")
    settled = await customer.control("POST", f"/control/payments/{of}/settle", {"state": "DENIED"})
    assert settled["paymentStatus"] == "denied"
    again = await customer.try_control(
        "POST", f"/control/payments/{of}/settle", {"state": "DENIED"}
    )
    assert again.status == 409
    assert await customer.moved() == {"charge": "10.000", "refund": "0"}


async def test_a_denial_makes_no_payment(customer: Customer) -> None:
    """403 PAYMENT_DENIED leaves nothing behind: the same number may be used."""
    of = number()
    await customer.play("create", answer="DENIED")
    assert (await customer.pay(clientCorrelator=of)).code == "CARRIER_BILLING.PAYMENT_DENIED"
    assert (await customer.page()).body == []
    await customer.paid(clientCorrelator=of)


async def test_a_correlator_is_used_once(customer: Customer) -> None:
    """The same number again is 409 ALREADY_EXISTS, whatever else it says; nothing moves twice."""
    body = payment()
    assert (await customer.ask("POST", PAYMENTS, body)).status == 201
    await customer.play("create", answer="PROCESSING")  # stays for the next one that is made
    for again in (body, payment(1, clientCorrelator=body["amountTransaction"]["clientCorrelator"])):
        for path in (PAYMENTS, f"{PAYMENTS}/prepare"):
            reply = await customer.ask("POST", path, again)
            assert (reply.status, reply.code) == (409, "ALREADY_EXISTS")
    bare: dict[str, Any] = {"clientCorrelator": None, "referenceCode": number()}
    assert (await customer.pay(**bare)).body["paymentStatus"] == "processing"
    assert (await customer.pay(**bare)).code == "ALREADY_EXISTS"
    assert await customer.moved() == {"charge": "12.500", "refund": "0"}


async def test_houses_answer_a_used_correlator_differently(customer: Customer) -> None:
    """REPLAY gives the payment as it stands now, for the same request; INVALID_ARGUMENT is 400."""
    await customer.house(duplicates="REPLAY")
    await customer.play("prepare", answer="PROCESSING")
    body = payment()
    first = await customer.ask("POST", f"{PAYMENTS}/prepare", body)
    await customer.advance(seconds=1)
    again = await customer.ask("POST", f"{PAYMENTS}/prepare", body)
    assert (again.status, again.body["paymentId"]) == (201, first.body["paymentId"])
    assert again.body["paymentStatus"] == "reserved"
    assert (await customer.ask("POST", PAYMENTS, body)).code == "ALREADY_EXISTS"
    await customer.house(duplicates="INVALID_ARGUMENT")
    reply = await customer.ask("POST", f"{PAYMENTS}/prepare", body)
    assert (reply.status, reply.code) == (400, "INVALID_ARGUMENT")


async def test_many_at_once_are_one(customer: Customer) -> None:
    """Concurrent requests with one number make one payment; one is answered 201."""
    body = payment()
    replies = await asyncio.gather(*(customer.ask("POST", PAYMENTS, body) for _ in range(12)))
    assert sorted(reply.status for reply in replies) == [201] + [409] * 11
    assert await customer.moved() == {"charge": "12.500", "refund": "0"}


async def test_two_steps(customer: Customer) -> None:
    """Reserved first, charged after the confirmation; each step is final."""
    of = await customer.reserved()
    assert (await customer.moved())["charge"] == "0"
    confirmed = await customer.second(of, "confirm")
    assert (confirmed.status, confirmed.raw) == (202, b"")
    assert (await customer.query(of))["paymentStatus"] in ("processing", "succeeded")
    assert (await customer.second(of, "confirm")).code == "CARRIER_BILLING.PAYMENT_CONFIRMED"
    assert (await customer.second(of, "cancel")).code == "CARRIER_BILLING.PAYMENT_CONFIRMED"
    await customer.advance(seconds=1)
    assert (await customer.query(of))["paymentStatus"] == "succeeded"
    other = await customer.reserved()
    assert (await customer.second(other, "cancel")).status == 202
    assert (await customer.query(other))["paymentStatus"] == "cancelled"
    for step in ("confirm", "cancel"):
        reply = await customer.second(other, step)
        assert (reply.status, reply.code) == (409, "CARRIER_BILLING.PAYMENT_CANCELLED")
    assert await customer.moved() == {"charge": "12.500", "refund": "0"}


async def test_a_preparation_may_take_its_time(customer: Customer) -> None:
    """While it is prepared it cannot be confirmed; it can be cancelled, and stays so."""
    await customer.play("prepare", answer="PROCESSING", count=2, settle_delay_ms=3_600_000)
    first, second = [(await customer.prepare()).body["paymentId"] for _ in range(2)]
    assert (await customer.second(first, "confirm")).code == "PERMISSION_DENIED"
    assert (await customer.second(second, "cancel")).status == 202
    await customer.advance(hours=1)
    assert (await customer.query(first))["paymentStatus"] == "reserved"
    assert (await customer.query(second))["paymentStatus"] == "cancelled"


async def test_a_confirmation_may_fail(customer: Customer) -> None:
    """At once with 403, or afterwards; the payment is denied and no money moved."""
    at_once, later = await customer.reserved(), await customer.reserved()
    await customer.play("confirm", answer="DENIED")
    assert (await customer.second(at_once, "confirm")).code == "CARRIER_BILLING.PAYMENT_DENIED"
    await customer.play("confirm", settle="DENIED")
    assert (await customer.second(later, "confirm")).status == 202
    await customer.advance(seconds=1)
    for of in (at_once, later):
        assert (await customer.query(of))["paymentStatus"] == "denied"
        assert (await customer.second(of, "confirm")).code == "CARRIER_BILLING.PAYMENT_DENIED"
        assert (await customer.second(of, "cancel")).code == "CARRIER_BILLING.PAYMENT_CANCELLED"
    await customer.play("confirm", answer="SUCCEEDED")
    of = await customer.reserved()
    await customer.second(of, "confirm")
    assert (await customer.query(of))["paymentStatus"] == "succeeded"
    assert await customer.moved() == {"charge": "12.500", "refund": "0"}


async def test_one_step_has_no_second(customer: Customer) -> None:
    """A payment in one step is confirmed from the start: nobody confirms or cancels it."""
    await customer.play("create", answer="PROCESSING", settle="NEVER")
    for of in ((await customer.pay()).body["paymentId"], await customer.paid()):
        for step in ("confirm", "cancel"):
            assert (await customer.second(of, step)).code == "CARRIER_BILLING.PAYMENT_CONFIRMED"


async def test_a_reservation_runs_out(customer: Customer) -> None:
    """After its time it is cancelled, and a confirmation that comes too late finds it so."""
    await customer.house(reservation_life_ms=3_600_000)
    of = await customer.reserved()
    await customer.advance(minutes=30)
    assert (await customer.query(of))["paymentStatus"] == "reserved"
    confirmed = await customer.reserved()
    await customer.second(confirmed, "confirm")
    await customer.play("confirm", settle="NEVER")
    undecided = await customer.reserved()
    await customer.second(undecided, "confirm")
    await customer.advance(minutes=31)
    await customer.advance(hours=1)
    assert (await customer.query(undecided))["paymentStatus"] == "processing"
    assert (await customer.query(of))["paymentStatus"] == "cancelled"
    assert (await customer.second(of, "confirm")).code == "CARRIER_BILLING.PAYMENT_CANCELLED"
    assert (await customer.query(confirmed))["paymentStatus"] == "succeeded"


async def test_the_number_of_the_second_step_is_checked(customer: Customer) -> None:
    """Another subscriber's number confirms nothing, an unknown payment is not found."""
    of = await customer.reserved()
    wrong = await customer.second(of, "confirm", "+8613900000000")
    assert (wrong.status, wrong.code) == (404, "IDENTIFIER_NOT_FOUND")
    assert (await customer.second(of, "confirm", "12345")).code == "INVALID_ARGUMENT"
    assert (await customer.second("nobody", "confirm")).code == "NOT_FOUND"
    assert (await customer.query(of))["paymentStatus"] == "reserved"


async def test_a_code_is_typed(customer: Customer) -> None:
    """The subscriber is told a code; with it the payment is reserved, once."""
    await customer.play("prepare", answer="PENDING_VALIDATION")
    made = (await customer.prepare()).body
    of, info = made["paymentId"], made["validationInfo"]
    assert (made["paymentStatus"], info["action"]) == ("pending_validation", "validate")
    assert (await customer.second(of, "confirm")).code == "PERMISSION_DENIED"
    code = (await customer.entry(of))["code"]
    assert re.fullmatch("[0-9]{6}", code)
    body = {"authorizationId": info["authorizationId"], "code": code}
    target = f"{PAYMENTS}/{of}/validate"
    wrong = await customer.ask("POST", target, body | {"authorizationId": "x"})
    assert (wrong.status, wrong.code) == (400, "CARRIER_BILLING.INVALID_AUTHORIZATION_ID")
    mistyped = await customer.ask("POST", target, body | {"code": "x"})
    assert mistyped.code == "CARRIER_BILLING.INVALID_CODE"
    reply = await customer.ask("POST", target, body)
    assert (reply.status, reply.raw) == (204, b"")
    assert (await customer.ask("POST", target, body)).code == "ALREADY_EXISTS"
    assert "validationInfo" not in await customer.query(of)
    assert (await customer.second(of, "confirm")).status == 202


async def test_three_wrong_codes_are_too_many(customer: Customer) -> None:
    """The third one ends it: VALIDATION_FAILED, and the payment is denied."""
    await customer.play("prepare", answer="PROCESSING", settle="PENDING_VALIDATION")
    of = (await customer.prepare()).body["paymentId"]
    await customer.advance(seconds=1)
    authorization_id = (await customer.entry(of))["authorization_id"]
    body = {"authorizationId": authorization_id, "code": "x"}
    codes = [(await customer.ask("POST", f"{PAYMENTS}/{of}/validate", body)).code for _ in range(4)]
    assert [code.removeprefix("CARRIER_BILLING.") for code in codes] == [
        *("INVALID_CODE", "INVALID_CODE", "VALIDATION_FAILED", "VALIDATION_FAILED")
    ]
    assert (await customer.query(of))["paymentStatus"] == "denied"


async def test_a_page_is_opened(customer: Customer) -> None:
    """With `open` the subscriber agrees on a page of the operator, or does not."""
    await customer.play("prepare", answer="PENDING_VALIDATION", validation="OPEN", count=2)
    agreed, refused = [(await customer.prepare()).body for _ in range(2)]
    assert agreed["validationInfo"]["action"] == "open"
    assert agreed["validationInfo"]["validationURL"].startswith("https://")
    for made, agrees, state in ((agreed, True, "reserved"), (refused, False, "denied")):
        path = f"/control/payments/{made['paymentId']}/validate"
        assert (await customer.control("POST", path, {"agrees": agrees}))["paymentStatus"] == state
        assert (await customer.try_control("POST", path, {})).status == 409


SUBSCRIBERS = [
    ({"kind": "UNKNOWN"}, 1, 404, "IDENTIFIER_NOT_FOUND"),
    ({"kind": "UNSUPPORTED"}, 1, 422, "SERVICE_NOT_APPLICABLE"),
    ({"kind": "BLOCKED"}, 1, 403, "CARRIER_BILLING.PAYMENT_DENIED"),
    ({"payment_max": "10"}, 10.001, 422, "CARRIER_BILLING.UNAUTHORIZED_AMOUNT"),
    ({"spending_limit": "10.5"}, 10.501, 422, "CARRIER_BILLING.USER_AMOUNT_THRESHOLD_OVERPASSED"),
]


async def test_subscribers_differ(customer: Customer) -> None:
    """Unknown, not served, blocked or over a limit: each has its code, in one step and in two."""
    for place, (known, amount, status, code) in enumerate(SUBSCRIBERS):
        phone = f"+861390000000{place}"
        await customer.subscriber(phone, **known)
        if "payment_max" in known:
            await customer.paid(amount=float(known["payment_max"]), phoneNumber=phone)
        for path in ("", "/prepare"):
            reply = await customer.pay(path, amount=amount, phoneNumber=phone)
            assert (reply.status, reply.code) == (status, code)
        await customer.subscriber(phone)
        await customer.paid(amount=amount, phoneNumber=phone)


async def test_a_limit_is_of_a_month(customer: Customer) -> None:
    """What is reserved counts until it is cancelled; what is given back does not come off."""
    year = datetime.now(UTC).year + 1
    await customer.control("POST", "/control/clock", {"time": f"{year}-06-10T12:00:00+08:00"})
    await customer.subscriber(spending_limit="30")
    first = await customer.paid(amount=10)
    await customer.refund(first)
    held = await customer.reserved(amount=20)
    over = await customer.pay(amount=0.001)
    assert over.code == "CARRIER_BILLING.USER_AMOUNT_THRESHOLD_OVERPASSED"
    await customer.paid(amount=1_000, phoneNumber="+8613900000000")
    await customer.paid(amount=30, currency="HKD")
    known = (await customer.control("GET", "/control/subscribers?currency=CNY"))["subscribers"]
    assert known == [
        {
            "phone_number": PHONE,
            "kind": "ACTIVE",
            "payment_max": None,
            "spending_limit": "30.000",
            "spent": "30.000",
        }
    ]
    await customer.second(held, "cancel")
    await customer.paid(amount=20)
    await customer.advance(days=31)
    await customer.paid(amount=30)
