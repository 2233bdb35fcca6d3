"""Amounts that are held: frozen by barcode, captured, released, and asked about."""

from typing import Any

import pytest

from gateway.channels.connector import Action
from gateway.domain.channel import AttemptKind, Outcome, OutcomeClass, shown_number
from gateway.domain.money import Money
from gateway.domain.payment import FailureReason
from tests.channels.alipay.wire import (
    AUTH_NO,
    CHARGE_NUMBER,
    HELD_NUMBER,
    NUMBER,
    PAYER_ID,
    TRADE_NO,
    call,
    connector,
    done,
    hold,
    parsed,
    refused,
    sent,
    trade,
)

CHARGE, CAPTURE, CANCEL = AttemptKind.CHARGE, AttemptKind.CAPTURE, AttemptKind.CANCEL
SEND, ASK, FENCE = Action.SEND, Action.ASK, Action.FENCE
SUCCESS, PENDING = OutcomeClass.SUCCESS, OutcomeClass.PENDING
FAILED, UNKNOWN = OutcomeClass.FAILED, OutcomeClass.UNKNOWN
FREEZE = "alipay.fund.auth.order.freeze"
QUERY = "alipay.fund.auth.operation.detail.query"
FREEZE_CANCEL = "alipay.fund.auth.operation.cancel"
UNFREEZE = "alipay.fund.auth.order.unfreeze"
WAY: dict[str, Any] = {"way": "auth_code_freeze"}
HELD = WAY | {"charge_channel_number": HELD_NUMBER}


def _frozen(state: str, **changes: Any) -> Outcome:
    """What the answer to a freeze proves; it does not tell what rests."""
    told = hold(state, rest_amount=None, total_pay_amount=None) | changes
    return parsed(call(**WAY), done(FREEZE, **told))


def _asked(state: str, **changes: Any) -> Outcome:
    return parsed(call(ASK, **WAY), done(QUERY, **hold(state, **changes)))


def _cancel_asked(state: str, **changes: Any) -> Outcome:
    told = hold(state, CHARGE_NUMBER, **changes)
    return parsed(call(ASK, CANCEL, **HELD), done(QUERY, **told))


@pytest.mark.parametrize("judge", [_frozen, _asked])
def test_held(judge: Any) -> None:
    """A frozen amount is an authorisation; its number is what a capture needs, the payer's too."""
    outcome = judge("SUCCESS")
    assert (outcome.outcome, outcome.authorized) == (SUCCESS, True)
    assert outcome.money == Money("CNY", 1250)
    assert outcome.channel_number == HELD_NUMBER
    assert shown_number(HELD_NUMBER) == AUTH_NO
    content = sent(call(SEND, CAPTURE, **WAY, charge_channel_number=outcome.channel_number))[1]
    assert (content["auth_no"], content["buyer_id"]) == (AUTH_NO, PAYER_ID)


def test_evidence_names_no_payer() -> None:
    """The payer's id is kept for the capture, and shown nowhere."""
    outcome = _asked("SUCCESS")
    assert AUTH_NO in outcome.evidence
    assert PAYER_ID not in outcome.evidence


@pytest.mark.parametrize("judge", [_frozen, _asked])
def test_not_held_yet(judge: Any) -> None:
    """While the payer acts there is no authorisation, and no number that would say so."""
    outcome = judge("INIT")
    assert (outcome.outcome, outcome.channel_number) == (PENDING, "")
    assert not outcome.authorized


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        ("CLOSED", {"rest_amount": "0.00"}),
        ("CLOSED", {"rest_amount": None}),
        ("SUCCESS", {"rest_amount": "0.00"}),
        ("SUCCESS", {"rest_amount": "0.00", "total_pay_amount": None}),
    ],
)
def test_nothing_held_any_more(state: str, changes: dict[str, Any]) -> None:
    """What was frozen once and released since is no authorisation: its number failed for good."""
    outcome = _asked(state, **changes)
    assert (outcome.outcome, outcome.closed) == (FAILED, True)


def test_all_captured_was_held() -> None:
    """Nothing rests of an authorisation that was captured as a whole, and it was one."""
    outcome = _asked("SUCCESS", rest_amount="0.00", total_pay_amount="12.50")
    assert (outcome.outcome, outcome.authorized) == (SUCCESS, True)


@pytest.mark.parametrize(
    "change",
    [
        {"out_order_no": CHARGE_NUMBER},
        {"out_request_no": CHARGE_NUMBER},
        {"out_order_no": None},
        {"auth_no": None},
        {"auth_no": "not a number"},
        {"amount": None},
        {"amount": "0.00"},
        {"status": "DONE"},
        {"rest_amount": "x"},
        {"payer_user_id": "1"},
    ],
)
def test_hold_that_cannot_be_read_is_unknown(change: dict[str, Any]) -> None:
    """An authorisation of another number, or that says not all it must, proves nothing."""
    assert _asked("SUCCESS", **change).outcome is UNKNOWN


def test_payer_with_an_open_id() -> None:
    """Apps that are told no user ids are told open ids; without either the number stands alone."""
    told = {"payer_user_id": None, "payer_open_id": "03914IMEfXsS9K-t_Hy"}
    assert _asked("SUCCESS", **told).channel_number == f"{AUTH_NO} 03914IMEfXsS9K-t_Hy"
    assert _asked("SUCCESS", payer_user_id=None).channel_number == AUTH_NO


@pytest.mark.parametrize("action", ["close", "unfreeze"])
def test_cancel_of_a_freeze(action: str) -> None:
    """Whatever a freeze had become, its cancel undoes it: a charge's end, and a cancel's aim."""
    numbers = {"out_order_no": NUMBER, "out_request_no": NUMBER}
    fenced = parsed(call(FENCE, **WAY), done(FREEZE_CANCEL, **numbers, action=action))
    assert (fenced.outcome, fenced.closed) == (FAILED, True)
    reply = done(FREEZE_CANCEL, out_order_no=CHARGE_NUMBER, action=action)
    assert parsed(call(SEND, CANCEL, **WAY), reply).outcome is SUCCESS


@pytest.mark.parametrize(
    ("told", "not_found"),
    [
        ({"out_order_no": NUMBER}, True),
        ({"out_order_no": CHARGE_NUMBER, "action": "close"}, False),
        ({"out_order_no": NUMBER, "action": "none"}, False),
    ],
)
def test_cancel_of_a_freeze_that_did_nothing(told: dict[str, str], not_found: bool) -> None:
    """A cancel that says nothing of what it did, or of another number, closed nothing."""
    outcome = parsed(call(FENCE, **WAY), done(FREEZE_CANCEL, **told))
    assert (outcome.outcome, outcome.closed, outcome.not_found) == (UNKNOWN, False, not_found)


@pytest.mark.parametrize(
    ("sub_code", "outcome", "not_found"),
    [
        ("ORDER_ALREADY_CLOSED", FAILED, False),
        ("AUTH_ORDER_NOT_EXIST", UNKNOWN, True),
        ("ORDER_ALREADY_FINISH", UNKNOWN, False),
        ("SYSTEM_ERROR", UNKNOWN, False),
        ("ILLEGAL_ARGUMENT", UNKNOWN, False),
    ],
)
def test_refused_cancel_of_a_freeze(sub_code: str, outcome: OutcomeClass, not_found: bool) -> None:
    """A freeze that is not known yet may still come; one that is closed cannot."""
    told = parsed(call(FENCE, **WAY), refused(FREEZE_CANCEL, sub_code))
    assert (told.outcome, told.not_found) == (outcome, not_found)
    assert told.closed is (outcome is FAILED)


def test_release() -> None:
    """A release succeeded with the amount that it gave back."""
    told = hold("SUCCESS", CHARGE_NUMBER) | {"out_request_no": NUMBER}
    outcome = parsed(call(SEND, CANCEL, **HELD), done(UNFREEZE, **told))
    assert (outcome.outcome, outcome.money) == (SUCCESS, Money("CNY", 1250))


@pytest.mark.parametrize(
    "change", [{"out_request_no": CHARGE_NUMBER}, {"status": "INIT"}, {"status": "CLOSED"}]
)
def test_release_that_is_not_done(change: dict[str, str]) -> None:
    """A release under another number, or that is not through, is asked about."""
    told = hold("SUCCESS", CHARGE_NUMBER) | {"out_request_no": NUMBER} | change
    outcome = parsed(call(SEND, CANCEL, **HELD), done(UNFREEZE, **told))
    assert outcome.outcome is UNKNOWN


@pytest.mark.parametrize(
    ("sub_code", "outcome"),
    [
        ("ORDER_ALREADY_CLOSED", SUCCESS),
        ("AUTH_ORDER_NOT_EXIST", UNKNOWN),
        ("SYSTEM_ERROR", UNKNOWN),
        ("ILLEGAL_ARGUMENT", FAILED),
        ("ACCESS_FORBIDDEN", FAILED),
    ],
)
def test_refused_release(sub_code: str, outcome: OutcomeClass) -> None:
    """What is released already has its aim; a definite refusal fails the release."""
    assert parsed(call(SEND, CANCEL, **HELD), refused(UNFREEZE, sub_code)).outcome is outcome


@pytest.mark.parametrize(
    ("state", "changes", "outcome", "not_found"),
    [
        ("CLOSED", {}, SUCCESS, False),
        ("SUCCESS", {"rest_amount": "0.00"}, SUCCESS, False),
        ("SUCCESS", {"rest_amount": "0.00", "total_pay_amount": "5.00"}, SUCCESS, False),
        ("SUCCESS", {"rest_amount": "0.00", "total_pay_amount": "12.50"}, FAILED, False),
        ("SUCCESS", {"rest_amount": "7.50", "total_pay_amount": "5.00"}, UNKNOWN, True),
        ("SUCCESS", {}, UNKNOWN, True),
        ("SUCCESS", {"rest_amount": None}, UNKNOWN, True),
        ("INIT", {"rest_amount": "0.00"}, UNKNOWN, True),
    ],
)
def test_release_is_asked_about(
    state: str, changes: dict[str, Any], outcome: OutcomeClass, not_found: bool
) -> None:
    """A release is done when nothing rests, failed when all was captured, else sent again."""
    told = _cancel_asked(state, **changes)
    assert (told.outcome, told.not_found) == (outcome, not_found)
    if outcome is FAILED:
        assert told.failure is not None
        assert told.failure.reason is FailureReason.ALREADY_PAID


def test_capture() -> None:
    """A capture is a payment of its own, under its own number and Alipay's."""
    paid = {"out_trade_no": NUMBER, "trade_no": TRADE_NO, "total_amount": "12.50"}
    outcome = parsed(call(SEND, CAPTURE, **HELD), done("alipay.trade.pay", **paid))
    assert (outcome.outcome, outcome.money) == (SUCCESS, Money("CNY", 1250))
    assert (outcome.channel_number, outcome.authorized) == (TRADE_NO, False)


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("TRADE_SUCCESS", SUCCESS),
        ("TRADE_FINISHED", SUCCESS),
        ("WAIT_BUYER_PAY", PENDING),
        ("TRADE_CLOSED", FAILED),
    ],
)
def test_capture_is_asked_about(state: str, outcome: OutcomeClass) -> None:
    """A capture is asked about under its own number, and a closed one never took anything."""
    made = call(ASK, CAPTURE, **HELD)
    told = parsed(made, done("alipay.trade.query", **trade(state, NUMBER)))
    assert (told.outcome, told.closed) == (outcome, False)
    other = parsed(made, done("alipay.trade.query", **trade(state, CHARGE_NUMBER)))
    assert other.outcome is UNKNOWN


def test_answer_to_another_method_is_unknown() -> None:
    """A well signed answer to another method proves nothing."""
    reply = done("alipay.trade.query", **trade("TRADE_SUCCESS"))
    assert connector().parse(call(ASK, **WAY), reply).outcome is UNKNOWN
