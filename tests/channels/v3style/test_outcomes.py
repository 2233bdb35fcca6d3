"""What each verified answer means: every state, for every question."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.channels.connector import Action, Call, HttpReply
from gateway.domain.channel import AttemptKind, Outcome, OutcomeClass
from gateway.domain.money import Money
from gateway.domain.payment import ActionKind, FailureReason
from tests.channels.v3style.wire import (
    APPID,
    CHARGE_NUMBER,
    EXPIRY,
    MCHID,
    NONCE,
    NOW,
    NUMBER,
    Side,
    call,
    refund,
    transaction,
)

CHARGE, CANCEL, REFUND = AttemptKind.CHARGE, AttemptKind.CANCEL, AttemptKind.REFUND
SUCCESS, PENDING = OutcomeClass.SUCCESS, OutcomeClass.PENDING
FAILED, UNKNOWN = OutcomeClass.FAILED, OutcomeClass.UNKNOWN
OLD = {"create_time": NOW - timedelta(days=3), "charge_create_time": NOW - timedelta(days=3)}


def _asked(side: Side, fields: dict[str, Any], kind: AttemptKind = CHARGE) -> Outcome:
    return side.connector.parse(call(Action.ASK, kind), side.reply(200, fields))


def test_qr_code(side: Side) -> None:
    """An accepted order gives the QR code, for as long as it opens the cashier."""
    made = call()
    outcome = side.connector.parse(made, side.reply(200, {"code_url": "weixin://wxpay/b?pr=p4"}))
    assert outcome.outcome is PENDING
    assert outcome.next_action is not None
    assert outcome.next_action.kind is ActionKind.QR_CODE
    assert outcome.next_action.content == "weixin://wxpay/b?pr=p4"
    assert outcome.next_action.expire_time == EXPIRY


def test_qr_code_lives_two_hours(side: Side) -> None:
    """A QR code ends after two hours, however long the order lives."""
    made = call(expire_time=NOW + timedelta(days=1))
    outcome = side.connector.parse(made, side.reply(200, {"code_url": "weixin://a"}))
    assert outcome.next_action is not None
    assert outcome.next_action.expire_time == NOW + timedelta(hours=2)


def test_challenge(side: Side) -> None:
    """A prepaid order gives the parameters with which the front end opens the cashier."""
    made = call(method="jsapi")
    outcome = side.connector.parse(made, side.reply(200, {"prepay_id": "wx201410272009395522"}))
    assert outcome.outcome is PENDING
    assert outcome.next_action is not None
    assert outcome.next_action.kind is ActionKind.CHALLENGE
    parameters = json.loads(outcome.next_action.content)
    assert len(parameters.pop("paySign")) == 344
    assert parameters == {
        "appId": APPID,
        "timeStamp": str(int(NOW.timestamp())),
        "nonceStr": NONCE,
        "package": "prepay_id=wx201410272009395522",
        "signType": side.names.front_sign_type,
    }


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("native", {}),
        ("native", {"code_url": ""}),
        ("native", {"code_url": "javascript:alert(1)"}),
        ("native", {"code_url": ["weixin://a"]}),
        ("jsapi", {"prepay_id": "a b"}),
        ("jsapi", {"code_url": "weixin://a"}),
    ],
)
def test_acceptance_of_other_shape_is_unknown(
    side: Side, method: str, fields: dict[str, Any]
) -> None:
    """An acceptance that does not hold what the payer needs proves nothing."""
    assert side.connector.parse(call(method=method), side.reply(200, fields)).outcome is UNKNOWN


@pytest.mark.parametrize("state", ["SUCCESS", "REFUND"])
def test_paid(side: Side, state: str) -> None:
    """A paid transaction is a success, also when some of it was refunded since."""
    outcome = _asked(side, transaction(state))
    assert (outcome.outcome, outcome.money) == (SUCCESS, Money("CNY", 1250))
    assert outcome.channel_number == "4200001234202603011234567890"
    assert not outcome.authorized


@pytest.mark.parametrize("state", ["NOTPAY", "USERPAYING", "ACCEPT"])
def test_unpaid_is_pending(side: Side, state: str) -> None:
    """What may still be paid is pending, with what the channel tells of it."""
    bare = {"transaction_id": None, "amount": None, "success_time": None, "payer": None}
    assert _asked(side, transaction(state)).outcome is PENDING
    assert _asked(side, transaction(state, **bare)).money is None
    assert _asked(side, transaction(state, transaction_id="", amount={})).outcome is PENDING


@pytest.mark.parametrize("state", ["CLOSED", "REVOKED"])
def test_closed(side: Side, state: str) -> None:
    """A closed or reversed number failed for good."""
    outcome = _asked(side, transaction(state))
    assert (outcome.outcome, outcome.closed) == (FAILED, True)
    assert outcome.failure is not None
    assert outcome.failure.reason is FailureReason.NOT_ACCEPTED


def test_payment_error(side: Side) -> None:
    """A payment that failed at the channel failed, with its own words."""
    outcome = _asked(side, transaction("PAYERROR"))
    assert (outcome.outcome, outcome.closed) == (FAILED, False)
    assert outcome.failure is not None
    assert (outcome.failure.message, outcome.failure.channel_code) == ("说明", "PAYERROR")


@pytest.mark.parametrize(
    "change",
    [
        {"mchid": "1900000110"},
        {"appid": "wx0000000000000000"},
        {"out_trade_no": CHARGE_NUMBER},
        {"mchid": None},
        {"appid": None},
        {"out_trade_no": None},
        {"trade_state": "SUCCEEDED"},
        {"trade_state": None},
        {"transaction_id": None},
        {"amount": None},
        {"amount": {"currency": "CNY"}},
        {"amount": {"total": 0, "currency": "CNY"}},
        {"amount": {"total": -1, "currency": "CNY"}},
        {"amount": {"total": "1250", "currency": "CNY"}},
        {"amount": {"total": 1250.0, "currency": "CNY"}},
        {"amount": {"total": True, "currency": "CNY"}},
        {"amount": {"total": 2**64, "currency": "CNY"}},
        {"amount": {"total": 1250, "currency": "XXX"}},
    ],
)
def test_transaction_that_is_not_ours_is_unknown(side: Side, change: dict[str, Any]) -> None:
    """A paid transaction of another merchant, app or number, or half of one, proves nothing."""
    outcome = _asked(side, transaction("SUCCESS", **change))
    assert (outcome.outcome, outcome.money) == (UNKNOWN, None)


def test_money_is_handed_on_as_told(side: Side) -> None:
    """Another amount or currency is told as it is: whoever keeps the intent compares."""
    other = {"amount": {"total": 1, "currency": "USD"}}
    assert _asked(side, transaction("SUCCESS", **other)).money == Money("USD", 1)
    assert _asked(side, transaction("SUCCESS", amount={"total": 7})).money == Money("CNY", 7)


@pytest.mark.parametrize(
    ("state", "outcome", "not_found"),
    [
        ("CLOSED", SUCCESS, False),
        ("REVOKED", SUCCESS, False),
        ("SUCCESS", FAILED, False),
        ("REFUND", FAILED, False),
        ("PAYERROR", FAILED, False),
        ("NOTPAY", UNKNOWN, True),
        ("USERPAYING", UNKNOWN, True),
    ],
)
def test_cancel_asked_about(
    side: Side, state: str, outcome: OutcomeClass, *, not_found: bool
) -> None:
    """A cancel has its aim when the number is closed; while it is open the close is sent again."""
    told = _asked(side, transaction(state, CHARGE_NUMBER), CANCEL)
    assert (told.outcome, told.not_found) == (outcome, not_found)
    if state in ("SUCCESS", "REFUND"):
        assert told.failure is not None
        assert told.failure.reason is FailureReason.ALREADY_PAID


@pytest.mark.parametrize("status", [200, 204])
def test_close_done(side: Side, status: int) -> None:
    """A close that was done ends the charge, and is the success of a cancel."""
    reply = side.reply(status, b"")
    fenced = side.connector.parse(call(Action.FENCE), reply)
    assert (fenced.outcome, fenced.closed) == (FAILED, True)
    canceled = side.connector.parse(call(Action.SEND, CANCEL), reply)
    assert (canceled.outcome, canceled.money) == (SUCCESS, None)


def test_unsigned_close_is_unknown(side: Side) -> None:
    """An empty answer without a signature closes nothing."""
    outcome = side.connector.parse(call(Action.FENCE), HttpReply(204, {}, b""))
    assert (outcome.outcome, outcome.closed) == (UNKNOWN, False)


@pytest.mark.parametrize("code", ["ORDERPAID", "ORDER_PAID"])
def test_close_of_what_is_paid(side: Side, code: str) -> None:
    """A number that is paid cannot be closed; what it is now is asked."""
    for made in (call(Action.FENCE), call(Action.SEND, CANCEL)):
        outcome = side.connector.parse(made, side.error(400, code))
        assert (outcome.outcome, outcome.failure) == (UNKNOWN, None)


def test_close_of_what_is_closed(side: Side) -> None:
    """A number that was closed before has the fence's aim."""
    reply = side.error(400, "ORDER_CLOSED")
    assert side.connector.parse(call(Action.FENCE), reply).closed
    assert side.connector.parse(call(Action.SEND, CANCEL), reply).outcome is SUCCESS


def test_close_of_what_is_not_known(side: Side) -> None:
    """A number that the channel does not know is closed once the request that makes it is stale.

    Until then it may still come, so nothing is proven.
    """
    reply = side.error(404, "ORDER_NOT_EXIST")
    young = side.connector.parse(call(Action.FENCE), reply)
    assert (young.outcome, young.not_found, young.closed) == (UNKNOWN, True, False)
    old = side.connector.parse(call(Action.FENCE, **OLD), reply)
    assert (old.outcome, old.closed) == (FAILED, True)
    assert side.connector.parse(call(Action.SEND, CANCEL), reply).not_found
    assert side.connector.parse(call(Action.SEND, CANCEL, **OLD), reply).outcome is SUCCESS


@pytest.mark.parametrize(
    ("minutes", "closed"), [(9, False), (10, True)], ids=["too young", "old enough"]
)
def test_age_at_which_an_unknown_number_never_comes(
    side: Side, minutes: int, *, closed: bool
) -> None:
    """Ten minutes after it was made, a request cannot be accepted any more."""
    made = call(Action.FENCE, create_time=NOW - timedelta(minutes=minutes))
    made = replace(made, request=replace(made.request, charge_create_time=NOW - timedelta(days=9)))
    assert side.connector.parse(made, side.error(404, "RESOURCE_NOT_EXISTS")).closed is closed


def test_refused_close(side: Side) -> None:
    """That a close was refused fails a cancel, and says nothing of the charge."""
    reply = side.error(400, "INVALID_REQUEST")
    assert side.connector.parse(call(Action.FENCE), reply).outcome is UNKNOWN
    assert side.connector.parse(call(Action.SEND, CANCEL), reply).outcome is FAILED


@pytest.mark.parametrize(
    ("state", "outcome", "abnormal"),
    [
        ("PROCESSING", PENDING, False),
        ("SUCCESS", SUCCESS, False),
        ("CLOSED", FAILED, False),
        ("ABNORMAL", PENDING, True),
    ],
)
@pytest.mark.parametrize("action", [Action.SEND, Action.ASK])
def test_refund_states(
    side: Side, action: Action, state: str, outcome: OutcomeClass, *, abnormal: bool
) -> None:
    """An accepted refund is pending; done, closed and abnormal are told apart."""
    told = side.connector.parse(call(action, REFUND), side.reply(200, refund(state)))
    assert (told.outcome, told.abnormal) == (outcome, abnormal)
    assert told.money == Money("CNY", 1250)
    assert told.channel_number == "50000000382019052709732678859"
    assert (told.failure is not None) == (outcome is FAILED)
    assert not told.closed


@pytest.mark.parametrize(
    "change",
    [
        {"out_refund_no": CHARGE_NUMBER},
        {"out_trade_no": NUMBER},
        {"mchid": "1900000110"},
        {"status": "DONE"},
        {"status": None},
        {"refund_status": "SUCCESS"},
        {"refund_id": None},
        {"amount": None},
        {"amount": {"total": 2000, "currency": "CNY"}},
        {"amount": {"refund": 1.5, "currency": "CNY"}},
    ],
)
def test_refund_that_is_not_ours_is_unknown(side: Side, change: dict[str, Any]) -> None:
    """A refund of another number, charge or merchant, or half of one, proves nothing."""
    made = call(Action.ASK, REFUND)
    assert side.connector.parse(made, side.reply(200, refund("SUCCESS", **change))).money is None


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 404, 429, 500, 502])
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"code":"PARAM_ERROR","message":"no"}'])
@pytest.mark.parametrize("made", [call(), call(Action.ASK), call(Action.FENCE), call(kind=REFUND)])
def test_unsigned_answer_is_unknown(side: Side, made: Call, status: int, body: bytes) -> None:
    """Without a signature no status and no body prove anything: 401, 404 and 429 neither."""
    outcome = side.connector.parse(made, HttpReply(status, {}, body))
    assert (outcome.outcome, outcome.not_found, outcome.failure) == (UNKNOWN, False, None)


def test_status_outside_the_protocol_is_unknown(side: Side) -> None:
    """A signed answer of a status that nobody documented proves nothing."""
    for status in (201, 204, 302, 418, 503):
        outcome = side.connector.parse(call(), side.reply(status, {"code_url": "weixin://a"}))
        assert outcome.outcome is UNKNOWN


def test_evidence_shows_no_payer(side: Side) -> None:
    """Evidence tells numbers, states and amounts, and neither openid nor keys."""
    evidence = _asked(side, transaction("SUCCESS")).evidence
    assert all(told in evidence for told in (NUMBER, "SUCCESS", "12.50 CNY"))
    assert "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" not in evidence
    assert MCHID not in evidence
