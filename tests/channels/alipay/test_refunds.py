"""Refunds: what `fund_change` proves, and what only the question about a refund can."""

from typing import Any

import pytest

from gateway.channels.connector import Action
from gateway.domain.channel import AttemptKind, OutcomeClass
from gateway.domain.money import Money
from tests.channels.alipay.wire import (
    CHARGE_NUMBER,
    HELD_NUMBER,
    NUMBER,
    TRADE_NO,
    call,
    done,
    parsed,
    refused,
)

REFUND = AttemptKind.REFUND
SEND, ASK = Action.SEND, Action.ASK
SUCCESS, PENDING = OutcomeClass.SUCCESS, OutcomeClass.PENDING
UNKNOWN = OutcomeClass.UNKNOWN
METHOD, QUERY = "alipay.trade.refund", "alipay.trade.fastpay.refund.query"
HELD = {
    "way": "auth_code_freeze",
    "charge_channel_number": HELD_NUMBER,
    "capture_channel_number": TRADE_NO,
}
CARRIED_OUT = {
    "out_trade_no": CHARGE_NUMBER,
    "trade_no": TRADE_NO,
    "fund_change": "Y",
    "refund_fee": "18.00",
}
FOUND = {
    "out_trade_no": CHARGE_NUMBER,
    "trade_no": TRADE_NO,
    "out_request_no": NUMBER,
    "refund_amount": "12.50",
    "total_amount": "20.00",
    "refund_status": "REFUND_SUCCESS",
}


def test_refund_that_moved_money() -> None:
    """A refund that moved money by this very call is done; the sum of all is not its amount."""
    outcome = parsed(call(SEND, REFUND), done(METHOD, **CARRIED_OUT))
    assert (outcome.outcome, outcome.money) == (SUCCESS, None)


@pytest.mark.parametrize("change", ["N", None])
def test_refund_that_moved_nothing(change: str | None) -> None:
    """A refund that was carried out and moved nothing by this call is asked about."""
    outcome = parsed(call(SEND, REFUND), done(METHOD, **CARRIED_OUT | {"fund_change": change}))
    assert outcome.outcome is PENDING


@pytest.mark.parametrize(
    "change",
    [
        {"out_trade_no": NUMBER},
        {"out_trade_no": None},
        {"trade_no": None},
        {"fund_change": "y"},
        {"fund_change": True},
    ],
)
def test_refund_that_cannot_be_read_is_unknown(change: dict[str, Any]) -> None:
    """A refund of another trade, or that says something unheard of, proves nothing."""
    outcome = parsed(call(SEND, REFUND), done(METHOD, **CARRIED_OUT | change))
    assert outcome.outcome is UNKNOWN


def test_seller_without_money() -> None:
    """A refund that the seller's balance does not cover stays open, to be sent again."""
    outcome = parsed(call(SEND, REFUND), refused(METHOD, "ACQ.SELLER_BALANCE_NOT_ENOUGH"))
    assert (outcome.outcome, outcome.not_found) == (UNKNOWN, False)


def test_refund_is_found() -> None:
    """A refund that is found is done, with its own amount."""
    outcome = parsed(call(ASK, REFUND), done(QUERY, **FOUND))
    assert (outcome.outcome, outcome.money) == (SUCCESS, Money("CNY", 1250))


@pytest.mark.parametrize("told", [{}, FOUND | {"refund_status": None}, {"trade_no": TRADE_NO}])
def test_refund_is_not_there(told: dict[str, Any]) -> None:
    """Without a state there is no refund, or not yet: it is sent again under its number."""
    outcome = parsed(call(ASK, REFUND), done(QUERY, **told))
    assert (outcome.outcome, outcome.not_found) == (UNKNOWN, True)


def test_refund_in_another_state() -> None:
    """A refund in any other state is still on its way."""
    told = FOUND | {"refund_status": "REFUND_PROCESSING"}
    assert parsed(call(ASK, REFUND), done(QUERY, **told)).outcome is PENDING


@pytest.mark.parametrize(
    "change",
    [
        {"out_request_no": CHARGE_NUMBER},
        {"out_request_no": None},
        {"out_trade_no": NUMBER},
        {"refund_amount": None},
        {"refund_amount": "0"},
        {"refund_status": ["REFUND_SUCCESS"]},
    ],
)
def test_found_refund_that_cannot_be_read_is_unknown(change: dict[str, Any]) -> None:
    """A found refund of another number or without its amount proves nothing."""
    outcome = parsed(call(ASK, REFUND), done(QUERY, **FOUND | change))
    assert (outcome.outcome, outcome.not_found) == (UNKNOWN, False)


def test_refund_of_a_capture() -> None:
    """What was held and captured is refunded of its capture's trade, known by Alipay's number."""
    told = CARRIED_OUT | {"out_trade_no": "whatever"}
    assert parsed(call(SEND, REFUND, **HELD), done(METHOD, **told)).outcome is SUCCESS
    other = told | {"trade_no": f"{TRADE_NO}0"}
    assert parsed(call(SEND, REFUND, **HELD), done(METHOD, **other)).outcome is UNKNOWN
    found = FOUND | {"out_trade_no": "whatever"}
    assert parsed(call(ASK, REFUND, **HELD), done(QUERY, **found)).outcome is SUCCESS
