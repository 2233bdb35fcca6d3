"""What each answer means: every state, for every question; and what is no answer to it."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.channels.connector import Action, Call, HttpReply
from gateway.domain.channel import AttemptKind, OutcomeClass
from gateway.domain.money import Money
from gateway.domain.payment import ActionKind, FailureReason
from tests.channels.carrier.wire import (
    ASK,
    CANCEL,
    CAPTURE,
    CHARGE,
    CHARGE_NUMBER,
    EXPIRY,
    FENCE,
    NUMBER,
    PAYMENT_ID,
    PHONE,
    REFUND,
    REFUND_ID,
    SEND,
    call,
    parsed,
    payment,
    refund,
    reply,
    transaction,
    without,
)

SUCCESS, PENDING = OutcomeClass.SUCCESS, OutcomeClass.PENDING
FAILED, UNKNOWN = OutcomeClass.FAILED, OutcomeClass.UNKNOWN
EUR = Money("EUR", 1250)

ONE_STEP = {
    "processing": (PENDING, False, False),
    "pending_validation": (UNKNOWN, False, False),
    "reserved": (UNKNOWN, False, False),
    "succeeded": (SUCCESS, False, False),
    "denied": (FAILED, False, False),
    "cancelled": (FAILED, False, True),
}
PREPARED = ONE_STEP | {
    "pending_validation": (PENDING, False, False),
    "reserved": (SUCCESS, True, False),
    "succeeded": (SUCCESS, True, False),
}


@pytest.mark.parametrize("status", ONE_STEP)
@pytest.mark.parametrize(("manual", "table"), [(False, ONE_STEP), (True, PREPARED)])
@pytest.mark.parametrize("action", [SEND, ASK])
def test_charge(
    action: Action, manual: bool, table: dict[str, tuple[Any, ...]], status: str
) -> None:
    """Each state of a charge is a success, an authorisation, a failure or nothing yet."""
    answer = reply(201 if action is SEND else 200, payment(status))
    outcome = parsed(call(action, CHARGE, manual=manual), answer)
    assert (outcome.outcome, outcome.authorized, outcome.closed) == table[status]
    assert (outcome.money, outcome.channel_number) == (EUR, PAYMENT_ID)
    assert (outcome.failure is not None) == (outcome.outcome is FAILED)
    assert not outcome.not_found
    assert outcome.acted == (status == "processing" and action is ASK)


@pytest.mark.parametrize(
    ("kind", "status", "expected", "reason", "again"),
    [
        (CAPTURE, "succeeded", SUCCESS, None, False),
        (CAPTURE, "processing", PENDING, None, False),
        (CAPTURE, "reserved", UNKNOWN, None, True),
        (CAPTURE, "pending_validation", UNKNOWN, None, False),
        (CAPTURE, "denied", FAILED, FailureReason.DECLINED, False),
        (CAPTURE, "cancelled", FAILED, FailureReason.AUTHORIZATION_EXPIRED, False),
        (CANCEL, "cancelled", SUCCESS, None, False),
        (CANCEL, "processing", PENDING, None, False),
        (CANCEL, "reserved", UNKNOWN, None, True),
        (CANCEL, "pending_validation", UNKNOWN, None, True),
        (CANCEL, "denied", FAILED, FailureReason.DECLINED, False),
        (CANCEL, "succeeded", FAILED, FailureReason.ALREADY_PAID, False),
    ],
)
def test_second_step(
    kind: AttemptKind, status: str, expected: OutcomeClass, reason: Any, again: bool
) -> None:
    """A payment's state says what became of its capture or cancel; one not there is sent again."""
    outcome = parsed(call(ASK, kind, manual=True), reply(200, payment(status, CHARGE_NUMBER)))
    assert (outcome.outcome, outcome.not_found) == (expected, again)
    assert (outcome.failure.reason if outcome.failure else None) == reason
    assert outcome.money == EUR


@pytest.mark.parametrize(("action", "kind"), [(SEND, CAPTURE), (SEND, CANCEL), (FENCE, CHARGE)])
def test_accepted_is_not_done(action: Action, kind: AttemptKind) -> None:
    """That a confirm or cancel was accepted books nothing: its payment is asked about."""
    outcome = parsed(call(action, kind, manual=True), reply(202))
    assert (outcome.outcome, outcome.closed, outcome.money) == (PENDING, False, None)


@pytest.mark.parametrize(
    ("status", "expected"), [("succeeded", FAILED), ("processing", PENDING), ("denied", FAILED)]
)
def test_cancel_of_one_step_asks(status: str, expected: OutcomeClass) -> None:
    """What cannot be canceled is asked about, and what became of it decides."""
    answer = reply(200, payment(status, CHARGE_NUMBER))
    assert parsed(call(SEND, CANCEL), answer).outcome is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [("succeeded", SUCCESS), ("processing", PENDING), ("denied", FAILED)],
)
@pytest.mark.parametrize(("action", "code"), [(SEND, 201), (ASK, 200)])
def test_refund(action: Action, code: int, status: str, expected: OutcomeClass) -> None:
    """Each state of a refund, as it is made and as it is asked about."""
    made = call(action, REFUND, channel_number=REFUND_ID)
    outcome = parsed(made, reply(code, refund(status)))
    assert (outcome.outcome, outcome.money) == (expected, EUR)
    assert outcome.channel_number == REFUND_ID
    assert (outcome.failure is not None) == (expected is FAILED)


def test_total_refund_is_the_whole_payment() -> None:
    """A refund that names no amount means all of it: a smaller one was not asked for."""
    shown = refund("succeeded", type="total")
    shown["amountTransaction"]["refundAmount"] = {}
    made = call(SEND, REFUND, money=Money("EUR", 5))
    assert parsed(made, reply(201, shown)).money == EUR


def test_validation_on_a_page() -> None:
    """Where the operator wants proof, the payer is led to its page."""
    info = {"action": "open", "validationURL": "https://my-payment-service.com/validate/358y"}
    outcome = parsed(
        call(manual=True), reply(201, payment("pending_validation", validationInfo=info))
    )
    assert outcome.outcome is PENDING
    assert outcome.next_action is not None
    assert outcome.next_action.kind is ActionKind.REDIRECT
    assert outcome.next_action.content == info["validationURL"]
    assert outcome.next_action.expire_time == EXPIRY


def test_validation_by_code() -> None:
    """Or is asked for a code, with the number of the authorisation that it is for."""
    info = {"action": "validate", "authorizationId": "Fn34o8g239v3wrb3t"}
    shown = payment("pending_validation", validationInfo=info)
    outcome = parsed(call(manual=True), reply(201, shown))
    assert outcome.next_action is not None
    assert outcome.next_action.kind is ActionKind.CHALLENGE
    assert outcome.next_action.content == '{"authorizationId": "Fn34o8g239v3wrb3t"}'


@pytest.mark.parametrize(
    "info",
    [
        {"action": "open"},
        {"action": "open", "validationURL": "javascript:alert(1)"},
        {"action": "validate"},
        {"action": "dance"},
        "open",
    ],
)
def test_validation_of_other_shape(info: Any) -> None:
    """A proof that cannot be given proves nothing."""
    shown = payment("pending_validation", validationInfo=info)
    assert parsed(call(manual=True), reply(201, shown)).outcome is UNKNOWN


def test_lost_reply_is_found_in_the_list() -> None:
    """A payment is found among others by our number, whatever the others look like."""
    others = [payment("denied", "x" * 28), {"paymentId": "?"}, payment("weird", "y", paymentId=7)]
    strange = payment("succeeded", amountTransaction=transaction("z", currency="COP"))
    answer = reply(200, [*others, payment("succeeded"), strange])
    outcome = parsed(call(ASK, CHARGE, known=False), answer)
    assert (outcome.outcome, outcome.money) == (SUCCESS, EUR)
    assert outcome.channel_number == PAYMENT_ID


@pytest.mark.parametrize(
    ("made", "other", "all_there_are"),
    [
        (call(ASK, CHARGE, known=False), payment("succeeded", "z" * 28), False),
        (call(ASK, REFUND), refund("succeeded", "z" * 28), True),
    ],
)
@pytest.mark.parametrize(
    ("count", "total", "whole"),
    [(0, None, True), (3, None, True), (3, "3", True), (3, "4", False), (50, "50", False)],
)
def test_not_in_the_list(
    made: Call,
    other: dict[str, Any],
    all_there_are: bool,
    count: int,
    total: str | None,
    whole: bool,
) -> None:
    """Only a whole list of a payment's refunds proves "not found", one of some time never does."""
    headers = {"x_total_count": total} if total else {}
    outcome = parsed(made, reply(200, [other] * count, **headers))
    assert (outcome.outcome, outcome.not_found) == (UNKNOWN, whole and all_there_are)


def test_twice_in_the_list() -> None:
    """Two payments under one number are nobody's success: a person must look."""
    answer = reply(200, [payment("succeeded"), payment("denied", paymentId="other")])
    outcome = parsed(call(ASK, CHARGE, known=False), answer)
    assert (outcome.outcome, outcome.not_found) == (UNKNOWN, False)
    assert "2 have the number" in outcome.evidence


def test_refund_is_found_in_the_list() -> None:
    """So is a refund, below its payment."""
    answer = reply(200, [refund("denied", "x" * 28), refund("succeeded")])
    outcome = parsed(call(ASK, REFUND), answer)
    assert (outcome.outcome, outcome.channel_number) == (SUCCESS, REFUND_ID)


@pytest.mark.parametrize(
    "shown",
    [
        payment("succeeded", CHARGE_NUMBER),
        payment("succeeded", amountTransaction=transaction(clientCorrelator="other")),
        payment("succeeded", amountTransaction=transaction(referenceCode=None)),
        payment("succeeded", amountTransaction=transaction(amount="12.5")),
        payment("succeeded", amountTransaction=transaction(amount=12.505)),
        payment("succeeded", amountTransaction=transaction(amount=0)),
        payment("succeeded", amountTransaction=transaction(amount=-1)),
        payment("succeeded", amountTransaction=transaction(amount=True)),
        payment("succeeded", amountTransaction=transaction(currency="eur")),
        payment("succeeded", amountTransaction=transaction(currency="XXX")),
        payment("succeeded", amountTransaction=transaction(paymentAmount=None)),
        payment("SUCCEEDED"),
        payment("succeeded", paymentId=None),
        payment("succeeded", paymentId=".."),
        payment("succeeded", paymentId="a b"),
        [payment("succeeded")],
        b"",
        b"<html>",
        b'{"paymentId":1,"paymentId":2}',
        b'{"amount":NaN}',
    ],
)
@pytest.mark.parametrize(("action", "status"), [(SEND, 201), (ASK, 200)])
def test_not_our_payment(action: Action, status: int, shown: Any) -> None:
    """An answer about another payment, or half of one, proves nothing."""
    outcome = parsed(call(action), reply(status, shown))
    assert (outcome.outcome, outcome.money, outcome.channel_number) == (UNKNOWN, None, "")


def test_correlator_of_the_channel_may_be_absent() -> None:
    """The field that an operator need not repeat is not needed; the other one is enough."""
    shown = payment("succeeded", amountTransaction=without(transaction(), "clientCorrelator"))
    assert parsed(call(), reply(201, shown)).outcome is SUCCESS


@pytest.mark.parametrize("amount", [b"12.5", b"12.50", b"12.500", b"1.25E1", b"1250e-2"])
def test_amounts_are_numbers_not_texts(amount: bytes) -> None:
    """However a decimal number is written, it is the same amount."""
    body = reply(201, payment("succeeded")).body.replace(b"12.5", amount)
    assert parsed(call(), reply(201, body)).money == EUR


def test_another_amount_is_handed_on() -> None:
    """What the operator says it charged is told as it is: whoever keeps the intent compares."""
    shown = payment("succeeded", amountTransaction=transaction(amount=12.51))
    assert parsed(call(), reply(201, shown)).money == Money("EUR", 1251)


@pytest.mark.parametrize(
    ("made", "good"),
    [
        (call(), 201),
        (call(ASK), 200),
        (call(ASK, CHARGE, known=False), 200),
        (call(FENCE, manual=True), 202),
        (call(SEND, CAPTURE, manual=True), 202),
        (call(SEND, REFUND), 201),
    ],
)
def test_each_step_has_one_good_status(made: Call, good: int) -> None:
    """A body that would be a success under another status is none."""
    kind = made.request.kind
    number = made.request.charge_number
    shown: Any = refund("succeeded") if kind is REFUND else payment("succeeded", number)
    for status in {200, 201, 202, 204, 206, 301, 302, 304} - {good}:
        assert parsed(made, reply(status, shown)).outcome is UNKNOWN


@pytest.mark.parametrize("headers", [{}, {"x-correlator": "other"}, {"x-correlator": "a, b"}])
@pytest.mark.parametrize("status", [201, 400, 403, 404, 422])
def test_answer_to_another_request(headers: dict[str, str], status: int) -> None:
    """An answer that does not echo the correlator of the request proves nothing."""
    body = reply(status, payment("succeeded") | {"status": status, "code": "OUT_OF_RANGE"}).body
    outcome = parsed(call(), HttpReply(status, headers, body))
    assert (outcome.outcome, outcome.failure) == (UNKNOWN, None)


def test_evidence_shows_no_payer() -> None:
    """Evidence tells numbers, states and amounts, and never the line."""
    outcome = parsed(call(), reply(201, payment("succeeded")))
    assert all(told in outcome.evidence for told in (NUMBER, "succeeded", "12.50 EUR", PAYMENT_ID))
    assert PHONE not in repr(outcome)


def test_requests_show_no_payer() -> None:
    """Nor does a request, however it is printed."""
    assert PHONE not in repr(replace(call().request, number="x"))
