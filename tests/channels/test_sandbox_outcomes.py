"""What each verified message of the sandbox means: the table of outcomes, row by row."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.channels.connector import Action, Call
from gateway.domain.channel import (
    EVIDENCE_LENGTH_MAX,
    AttemptKind,
    NotificationRefused,
    Outcome,
    OutcomeClass,
)
from gateway.domain.money import Money
from gateway.domain.payment import ActionKind, CaptureMode, FailureReason, NextAction
from tests.channels.wire import (
    CONNECTOR,
    NOTIFY_PATH,
    NOW,
    call,
    error_to,
    notification,
    reply_to,
    request,
    resource,
)

CHARGE, CAPTURE = AttemptKind.CHARGE, AttemptKind.CAPTURE
CANCEL, REFUND = AttemptKind.CANCEL, AttemptKind.REFUND
PAYOUT = AttemptKind.PAYOUT
MANUAL = {"capture_mode": CaptureMode.MANUAL}
QR_CODE = {"type": "QR_CODE", "data": "sandbox://pay/1", "expire_time": 1767225600123}


def _outcome(made: Call, state: str, /, **changes: Any) -> Outcome:
    return CONNECTOR.parse(made, reply_to(made, resource(made.request, state, **changes)))


@pytest.mark.parametrize("action", list(Action))
def test_charge_succeeded(action: Action) -> None:
    """A charge that succeeded is a success, sent, asked or fenced, with the channel's own money."""
    outcome = _outcome(call(action), "SUCCEEDED", captured=1250, amount=1251)
    assert outcome.outcome is OutcomeClass.SUCCESS
    assert (outcome.money, outcome.channel_number) == (Money("CNY", 1251), "CH1")
    assert not outcome.authorized


@pytest.mark.parametrize("state", ["AUTHORIZED", "SUCCEEDED"])
def test_manual_charge_is_authorised(state: str) -> None:
    """A manual charge is an authorisation, also when all of it was captured since."""
    outcome = _outcome(call(**MANUAL), state, captured=1250)
    assert (outcome.outcome, outcome.authorized) == (OutcomeClass.SUCCESS, True)


def test_charge_requires_action() -> None:
    """What the payer must do comes with its end."""
    outcome = _outcome(call(), "ACTION_REQUIRED", action=QR_CODE)
    ends = datetime(2026, 1, 1, 0, 0, 0, 123_000, UTC)
    assert outcome.outcome is OutcomeClass.PENDING
    assert outcome.next_action == NextAction(ActionKind.QR_CODE, "sandbox://pay/1", ends)


@pytest.mark.parametrize("kind", [CHARGE, CAPTURE, REFUND, PAYOUT])
def test_processing_is_pending(kind: AttemptKind) -> None:
    """What the sandbox still works on is pending."""
    outcome = _outcome(call(Action.ASK, kind), "PROCESSING")
    assert (outcome.outcome, outcome.next_action) == (OutcomeClass.PENDING, None)


@pytest.mark.parametrize("kind", [CHARGE, CAPTURE, REFUND, PAYOUT])
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("INSUFFICIENT_FUNDS", FailureReason.INSUFFICIENT_FUNDS),
        ("PAYER_REFUSED", FailureReason.PAYER_REFUSED),
        ("AUTHORIZATION_EXPIRED", FailureReason.AUTHORIZATION_EXPIRED),
        ("ALREADY_PAID", FailureReason.DECLINED),
        ("SOMETHING_NEW", FailureReason.DECLINED),
    ],
)
def test_declined(kind: AttemptKind, code: str, reason: FailureReason) -> None:
    """A decline is final, under the contract's reason and the channel's own code."""
    outcome = _outcome(call(kind=kind), "DECLINED", decline_code=code, decline_message="No\n.")
    assert outcome.outcome is OutcomeClass.FAILED
    assert outcome.failure is not None
    assert (outcome.failure.reason, outcome.failure.channel_code) == (reason, code)
    assert outcome.failure.message == "No ."
    assert not outcome.closed


@pytest.mark.parametrize("kind", [CHARGE, PAYOUT])
@pytest.mark.parametrize("action", list(Action))
def test_closed(action: Action, kind: AttemptKind) -> None:
    """What is closed failed for good, also a number that the sandbox never saw before."""
    tombstone = {"amount": None, "currency": None, "capture": None, "channel_number": None}
    for changes in ({}, tombstone):
        outcome = _outcome(call(action, kind), "CLOSED", **changes)
        assert (outcome.outcome, outcome.closed) == (OutcomeClass.FAILED, True)
        assert outcome.failure is not None
        assert outcome.failure.reason is FailureReason.NOT_ACCEPTED


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        *((action, kind) for action in (Action.SEND, Action.ASK) for kind in (CAPTURE, REFUND)),
        *((action, PAYOUT) for action in Action),
    ],
)
def test_operation_succeeded(action: Action, kind: AttemptKind) -> None:
    """Captures, refunds and payouts succeed by their own numbers, and authorise nothing."""
    outcome = _outcome(call(action, kind, **MANUAL), "SUCCEEDED")
    assert (outcome.outcome, outcome.money) == (OutcomeClass.SUCCESS, Money("CNY", 1250))
    assert not outcome.authorized


def test_abnormal_refund() -> None:
    """A refund whose money is nowhere is pending and abnormal, not failed."""
    outcome = _outcome(call(kind=REFUND), "ABNORMAL")
    assert (outcome.outcome, outcome.abnormal) == (OutcomeClass.PENDING, True)


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize(
    ("mode", "state", "captured", "expected", "reason", "money"),
    [
        ("AUTOMATIC", "CLOSED", 0, "SUCCESS", None, 1250),
        ("MANUAL", "CLOSED", 0, "SUCCESS", None, 1250),
        ("MANUAL", "SUCCEEDED", 250, "SUCCESS", None, 1000),
        ("MANUAL", "SUCCEEDED", 1250, "FAILED", FailureReason.ALREADY_PAID, 1250),
        ("AUTOMATIC", "SUCCEEDED", 1250, "FAILED", FailureReason.ALREADY_PAID, 1250),
        ("AUTOMATIC", "DECLINED", 0, "FAILED", FailureReason.DECLINED, 1250),
        ("AUTOMATIC", "PROCESSING", 0, "UNKNOWN", None, None),
        ("MANUAL", "AUTHORIZED", 0, "UNKNOWN", None, None),
    ],
)
def test_cancel(
    action: Action,
    mode: str,
    state: str,
    captured: int,
    expected: str,
    reason: FailureReason | None,
    money: int | None,
) -> None:
    """A cancel succeeds if the charge is closed or its rest released; it says how much."""
    made = call(action, CANCEL, capture_mode=CaptureMode(mode))
    code = "INSUFFICIENT_FUNDS" if state == "DECLINED" else None
    outcome = _outcome(made, state, captured=captured, decline_code=code)
    assert outcome.outcome == expected
    assert (outcome.failure.reason if outcome.failure else None) == reason
    assert outcome.money == (None if money is None else Money("CNY", money))
    assert not outcome.closed


@pytest.mark.parametrize("kind", [CHARGE, CAPTURE, REFUND, PAYOUT])
def test_not_found(kind: AttemptKind) -> None:
    """A signed "not found" is unknown and says so; to anything but a question it means nothing."""
    asked, sent = call(Action.ASK, kind), call(Action.SEND, kind)
    found = CONNECTOR.parse(asked, error_to(asked, 404, "NOT_FOUND"))
    assert (found.outcome, found.not_found) == (OutcomeClass.UNKNOWN, True)
    found = CONNECTOR.parse(sent, error_to(sent, 404, "NOT_FOUND"))
    assert (found.outcome, found.not_found) == (OutcomeClass.UNKNOWN, False)


@pytest.mark.parametrize(
    ("kind", "status", "code", "expected", "closed"),
    [
        (CHARGE, 409, "NUMBER_CLOSED", "FAILED", True),
        (PAYOUT, 409, "NUMBER_CLOSED", "FAILED", True),
        (PAYOUT, 400, "INVALID_REQUEST", "FAILED", False),
        (PAYOUT, 409, "NUMBER_CONFLICT", "UNKNOWN", False),
        (PAYOUT, 500, "INTERNAL", "UNKNOWN", False),
        (CHARGE, 400, "INVALID_REQUEST", "FAILED", False),
        (CAPTURE, 409, "STATE_CONFLICT", "FAILED", False),
        (CAPTURE, 409, "AMOUNT_EXCEEDED", "FAILED", False),
        (REFUND, 409, "STATE_CONFLICT", "FAILED", False),
        (REFUND, 409, "AMOUNT_EXCEEDED", "FAILED", False),
        (REFUND, 400, "INVALID_REQUEST", "FAILED", False),
        (CANCEL, 409, "STATE_CONFLICT", "FAILED", False),
        (REFUND, 409, "NUMBER_CLOSED", "UNKNOWN", False),
        (CHARGE, 409, "NUMBER_CONFLICT", "UNKNOWN", False),
        (CHARGE, 500, "INTERNAL", "UNKNOWN", False),
        (CHARGE, 500, "INVALID_REQUEST", "UNKNOWN", False),
        (CHARGE, 400, "SOMETHING_NEW", "UNKNOWN", False),
        (CHARGE, 429, "TOO_MANY_REQUESTS", "UNKNOWN", False),
    ],
)
def test_signed_errors_on_a_send(
    kind: AttemptKind, status: int, code: str, expected: str, closed: bool
) -> None:
    """Only documented refusals of exactly this request fail it; after all others we ask."""
    made = call(kind=kind)
    outcome = CONNECTOR.parse(made, error_to(made, status, code))
    assert (outcome.outcome, outcome.closed) == (expected, closed)
    assert (outcome.failure.channel_code if outcome.failure else code) == code
    assert code in outcome.evidence


@pytest.mark.parametrize("kind", [CHARGE, PAYOUT])
@pytest.mark.parametrize("action", [Action.ASK, Action.FENCE])
@pytest.mark.parametrize("error", [(400, "INVALID_REQUEST"), (409, "NUMBER_CLOSED")])
def test_refused_questions_fail_nothing(
    action: Action, kind: AttemptKind, error: tuple[int, str]
) -> None:
    """The refusal of a question or a fence is no refusal of what it was about."""
    made = call(action, kind)
    assert CONNECTOR.parse(made, error_to(made, *error)).outcome is OutcomeClass.UNKNOWN


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "0000019999999999999999999999"},
        {"capture": "MANUAL"},
        {"state": "AUTHORIZED"},
        {"state": "REFUNDED"},
        {"state": ["SUCCEEDED"]},
        {"amount": "1250"},
        {"amount": 1250.0},
        {"amount": True},
        {"amount": 0},
        {"amount": 2**53},
        {"amount": None},
        {"currency": "XXX"},
        {"currency": "cny"},
        {"currency": None},
        {"captured": None},
        {"channel_number": "CH\x00"},
        {"channel_number": 7},
        {"version": 0},
        {"number": None},
    ],
)
def test_what_does_not_fit_is_unknown(changes: dict[str, Any]) -> None:
    """A signed success for another number, of another shape or way of capture books nothing."""
    assert _outcome(call(), "SUCCEEDED", captured=1250).outcome is OutcomeClass.SUCCESS
    outcome = _outcome(call(), "SUCCEEDED", **{"captured": 1250} | changes)
    assert outcome.outcome is OutcomeClass.UNKNOWN


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize(
    "changes",
    [
        {"number": "0000019999999999999999999999"},
        {"state": "AUTHORIZED"},
        {"state": "ABNORMAL"},
        {"state": "ACTION_REQUIRED"},
        {"amount": None},
        {"amount": 1250.0},
        {"currency": "XXX"},
        {"version": 0},
    ],
)
def test_a_payout_that_does_not_fit_is_unknown(action: Action, changes: dict[str, Any]) -> None:
    """A signed success that shows no payout of ours books nothing, whoever asked."""
    outcome = _outcome(call(action, PAYOUT), "SUCCEEDED", **changes)
    assert outcome.outcome is OutcomeClass.UNKNOWN


@pytest.mark.parametrize("charge_number", ["", "0" * 28])
def test_a_payout_is_about_no_charge(charge_number: str) -> None:
    """Whatever charge the attempt names, a payout is known by its own number alone."""
    outcome = _outcome(call(kind=PAYOUT, charge_number=charge_number), "SUCCEEDED")
    assert outcome.outcome is OutcomeClass.SUCCESS


def test_a_name_that_stands_twice_is_unknown() -> None:
    """Of two amounts neither is believed, though the message is signed and each would do."""
    made = call()
    body = json.dumps(resource(made.request, "SUCCEEDED", captured=1250)).encode()
    twice = body.replace(b'"amount": 1250', b'"amount": 1250, "amount": 1250')
    assert CONNECTOR.parse(made, reply_to(made, body)).outcome is OutcomeClass.SUCCESS
    assert CONNECTOR.parse(made, reply_to(made, twice)).outcome is OutcomeClass.UNKNOWN


def test_operation_of_another_charge_is_unknown() -> None:
    """A refund of another charge than ours is not ours, whatever its number."""
    outcome = _outcome(call(kind=REFUND), "SUCCEEDED", charge_number="0" * 28)
    assert outcome.outcome is OutcomeClass.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"SUCCEEDED"',
        b'{"x":NaN}',
        b"\xff",
        "{}".encode("utf-16"),
        b"[" * 60_000,
        b'{"x":' + b"9" * 5_000 + b"}",
    ],
)
def test_bytes_that_are_no_message(body: bytes) -> None:
    """No bytes, however wicked, make the connector raise or believe."""
    made = call()
    for status in (200, 404, 409):
        assert CONNECTOR.parse(made, reply_to(made, body, status)).outcome is OutcomeClass.UNKNOWN


@pytest.mark.parametrize(
    "action",
    [None, {}, QR_CODE | {"type": "DANCE"}, QR_CODE | {"data": "a\nb"}, QR_CODE | {"data": None},
     QR_CODE | {"data": "x" * 5_000}, QR_CODE | {"expire_time": 10**18}],
)  # fmt: skip
def test_actions_that_cannot_be_shown(action: Any) -> None:
    """An action that a payer cannot be shown is not handed on."""
    outcome = _outcome(call(), "ACTION_REQUIRED", action=action)
    assert (outcome.outcome, outcome.next_action) == (OutcomeClass.UNKNOWN, None)


def test_new_fields_are_left_alone() -> None:
    """The sandbox may learn new fields without breaking us."""
    outcome = _outcome(call(), "SUCCEEDED", captured=1250, loyalty={"points": 3})
    assert outcome.outcome is OutcomeClass.SUCCESS


def test_evidence_is_bounded_and_printable() -> None:
    """What is kept as evidence names the message, and is short and harmless whatever came."""
    outcome = _outcome(call(), "SUCCEEDED", captured=1250, note="\x00\x1b[31m\u202e" * 2_000)
    assert outcome.evidence.startswith(f"sandbox CHARGE {request().number}: SUCCEEDED v2 {{")
    assert len(outcome.evidence) == EVIDENCE_LENGTH_MAX
    assert outcome.evidence.isprintable()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("charge", CHARGE), ("capture", CAPTURE), ("refund", REFUND), ("payout", PAYOUT)],
)
def test_notice_of_each_kind(name: str, kind: AttemptKind) -> None:
    """A notification says by our number what became of each kind."""
    shown = resource(request(kind), "SUCCEEDED", captured=1250, capture="MANUAL")
    headers, body = notification(name, shown)
    notice = CONNECTOR.read_notification(NOTIFY_PATH, headers, body, NOW)
    assert (notice.kind, notice.number) == (kind, request(kind).number)
    assert notice.outcome.outcome is OutcomeClass.SUCCESS
    assert notice.outcome.authorized == (kind is CHARGE)
    assert notice.outcome.money == Money("CNY", 1250)


@pytest.mark.parametrize(
    "message", [{"kind": "loan", "loan": {}}, {"kind": "payout"}, {"charge": {}}, {"kind": []}]
)
def test_notices_of_no_kind_are_refused(message: dict[str, Any]) -> None:
    """A signed notification that shows nothing we know is refused."""
    headers, _ = notification("charge", {})
    body = json.dumps(message).encode()
    with pytest.raises(NotificationRefused):
        CONNECTOR.read_notification(NOTIFY_PATH, headers, body, NOW)
