"""What each refusal means: the table of the definition, for what was sent and what was asked."""

import pytest

from gateway.channels.connector import Call
from gateway.domain.channel import OutcomeClass
from gateway.domain.payment import FailureReason
from tests.channels.carrier.wire import (
    ASK,
    CANCEL,
    CAPTURE,
    CHARGE,
    FENCE,
    PHONE,
    REFUND,
    REFUND_ID,
    SEND,
    call,
    carrier,
    error,
    parsed,
    reply,
)

FAILED, UNKNOWN = OutcomeClass.FAILED, OutcomeClass.UNKNOWN
CB, CBR = "CARRIER_BILLING.", "CARRIER_BILLING_REFUND."
REFUSALS = [
    (400, "OUT_OF_RANGE"),
    (400, "INVALID_SINK"),
    (404, "INVALID_SINK"),
    (400, "INVALID_TOKEN"),
    (400, "INVALID_CREDENTIAL"),
    (403, "PERMISSION_DENIED"),
    (403, f"{CB}PAYMENT_DENIED"),
    (403, f"{CBR}REFUND_DENIED"),
    (403, f"{CBR}PAYMENT_NOT_ELIGIBLE_FOR_REFUND"),
    (422, "SERVICE_NOT_APPLICABLE"),
    (422, "MISSING_IDENTIFIER"),
    (422, "UNNECESSARY_IDENTIFIER"),
    (422, f"{CB}UNAUTHORIZED_AMOUNT"),
    (422, f"{CB}USER_AMOUNT_THRESHOLD_OVERPASSED"),
    (422, f"{CBR}UNAUTHORIZED_AMOUNT"),
    (422, f"{CBR}USER_AMOUNT_THRESHOLD_OVERPASSED"),
    (422, f"{CBR}INVALID_PAYMENT_STATUS"),
    (422, f"{CBR}REFUND_DETAILS_MISMATCH"),
    (422, f"{CBR}TAXES_MANAGEMENT_MISMATCH"),
]
UNDECIDED = [
    (409, "ALREADY_EXISTS"),
    (409, f"{CB}PAYMENT_CONFIRMED"),
    (409, f"{CB}PAYMENT_CANCELLED"),
    (401, "UNAUTHENTICATED"),
    (429, "TOO_MANY_REQUESTS"),
    (500, "INTERNAL"),
    (503, "UNAVAILABLE"),
    (403, "NOBODY_DOCUMENTED_THIS"),
    (422, "OUT_OF_RANGE"),
    (400, f"{CB}TOO_MANY_MATCHING_RECORDS"),
]
SENDS = {
    "create": call(),
    "prepare": call(manual=True),
    "confirm": call(SEND, CAPTURE, manual=True),
    "cancel": call(SEND, CANCEL, manual=True),
    "refund": call(SEND, REFUND),
}
QUESTIONS = {
    "query": call(ASK),
    "list": call(ASK, CHARGE, known=False),
    "capture": call(ASK, CAPTURE, manual=True),
    "cancel": call(ASK, CANCEL, manual=True),
    "refund": call(ASK, REFUND, channel_number=REFUND_ID),
    "refund list": call(ASK, REFUND),
    "cancel of one step": call(SEND, CANCEL),
    "fence of one step": call(FENCE),
    "fence": call(FENCE, manual=True),
}


@pytest.mark.parametrize("made", SENDS.values(), ids=SENDS)
def test_refusal_of_what_was_sent(made: Call) -> None:
    """A documented refusal of exactly what was sent is its failure, with the channel's code."""
    for status, code in REFUSALS:
        outcome = parsed(made, error(status, code))
        assert outcome.outcome is FAILED
        assert outcome.failure is not None
        assert (outcome.failure.channel_code, outcome.closed) == (code, False)


@pytest.mark.parametrize("made", QUESTIONS.values(), ids=QUESTIONS)
def test_refusal_of_a_question(made: Call) -> None:
    """That a question or a fence was refused says nothing about what was asked about."""
    for status, code in [*REFUSALS, (400, "INVALID_ARGUMENT")]:
        outcome = parsed(made, error(status, code))
        assert (outcome.outcome, outcome.not_found, outcome.closed) == (UNKNOWN, False, False)


@pytest.mark.parametrize(
    "made", [*SENDS.values(), *QUESTIONS.values()], ids=[*SENDS, *(f"ask {x}" for x in QUESTIONS)]
)
def test_what_decides_nothing(made: Call) -> None:
    """Conflicts, overload, broken servers, a bad token and unknown codes prove nothing."""
    for status, code in UNDECIDED:
        outcome = parsed(made, error(status, code))
        assert (outcome.outcome, outcome.not_found, outcome.failure) == (UNKNOWN, False, None)


@pytest.mark.parametrize("code", ["NOT_FOUND", "IDENTIFIER_NOT_FOUND"])
def test_not_found(code: str) -> None:
    """Not found refuses what was to be made; of what was asked about it proves nothing."""
    found = {name: parsed(made, error(404, code)) for name, made in SENDS.items()}
    assert {name for name, outcome in found.items() if outcome.outcome is FAILED} == {
        "create",
        "prepare",
        "refund",
    }
    asked = {name: parsed(made, error(404, code)) for name, made in QUESTIONS.items()}
    assert all(outcome.outcome is UNKNOWN for outcome in asked.values())
    assert {name for name, outcome in asked.items() if not outcome.not_found} == {"list", "fence"}


@pytest.mark.parametrize(
    ("made", "message", "expected"),
    [
        (call(), "Currency is unknown or not authorized.", FAILED),
        (call(), "clientCorrelator already exist on server.", UNKNOWN),
        (call(manual=True), "ClientCorrelator in use", UNKNOWN),
        (call(SEND, CAPTURE, manual=True), "Expected property is missing: paymentId.", FAILED),
        (call(SEND, REFUND), "Currency is unknown or not authorized.", UNKNOWN),
    ],
)
def test_invalid_or_sent_before(made: Call, message: str, expected: OutcomeClass) -> None:
    """The code that also means "sent before" fails nothing that may have been sent before."""
    assert parsed(made, error(400, "INVALID_ARGUMENT", message)).outcome is expected


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (f"{CB}USER_AMOUNT_THRESHOLD_OVERPASSED", FailureReason.LIMIT_EXCEEDED),
        (f"{CB}UNAUTHORIZED_AMOUNT", FailureReason.LIMIT_EXCEEDED),
        ("SERVICE_NOT_APPLICABLE", FailureReason.DECLINED),
    ],
)
def test_reasons(code: str, reason: FailureReason) -> None:
    """A line that has spent too much is told apart from other refusals."""
    failure = parsed(call(), error(422, code)).failure
    assert failure is not None
    assert failure.reason is reason


@pytest.mark.parametrize(
    "message",
    [f"phoneNumber {PHONE} not found", "34671999000 is barred", "call (34) 671-999 000 first"],
)
def test_messages_show_no_line(message: str) -> None:
    """What looks like a phone number in the operator's sentence is neither kept nor shown."""
    outcome = parsed(call(), error(403, "PERMISSION_DENIED", message))
    assert outcome.failure is not None
    assert "***" in outcome.failure.message
    assert "999" not in outcome.failure.message
    assert message not in outcome.evidence


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>403</html>",
        {"code": "PERMISSION_DENIED", "message": "no"},
        {"status": 404, "code": "PERMISSION_DENIED", "message": "of another status"},
        {"status": 403, "code": "permission denied", "message": "no"},
        {"status": "403", "code": "PERMISSION_DENIED", "message": "no"},
        [{"status": 403, "code": "PERMISSION_DENIED"}],
    ],
)
def test_error_of_other_shape(body: object) -> None:
    """A refusal that is none of the protocol, such as one of a proxy, proves nothing."""
    assert parsed(call(), reply(403, body)).outcome is UNKNOWN


def test_unauthorised_answer_needs_no_echo() -> None:
    """A 401 of whoever stands before the API marks the token too, and proves nothing else."""
    connector = carrier()
    made = call()
    assert not connector.needs_token(made.moment)
    answer = reply(401, b"Unauthorized", x_correlator="")
    assert connector.parse(made, answer).outcome is UNKNOWN
    assert connector.may_repeat(answer, made.moment)
    assert connector.needs_token(made.moment)
