"""Alipay's own cancel, for people: what was closed, given back, or not there."""

from typing import Any

import pytest

from gateway.channels.alipay.account import Account
from gateway.channels.alipay.reversal import (
    Reversal,
    ReversalRefused,
    read_reversal,
    reversal_request,
)
from gateway.channels.connector import HttpReply
from tests.channels.alipay.wire import (
    CHARGE_NUMBER,
    NOW,
    NUMBER,
    done,
    read_sent,
    refused,
    settings,
)

METHOD = "alipay.trade.cancel"
ACCOUNT = Account(settings())
TOLD = {"out_trade_no": NUMBER, "retry_flag": "N", "action": "close"}


def test_request() -> None:
    """A trade is canceled by our number."""
    parameters, content = read_sent(reversal_request(ACCOUNT, NUMBER, NOW))
    assert (parameters["method"], content) == (METHOD, {"out_trade_no": NUMBER})


@pytest.mark.parametrize(
    ("change", "reversal"),
    [
        ({}, Reversal.CLOSED),
        ({"action": "refund"}, Reversal.REFUNDED),
        ({"action": None}, Reversal.NOTHING),
        ({"retry_flag": "Y"}, Reversal.AGAIN),
        ({"retry_flag": "Y", "action": None}, Reversal.AGAIN),
    ],
)
def test_what_was_done(change: dict[str, Any], reversal: Reversal) -> None:
    """An answer says whether the trade was closed, given back, not there, or is still to be."""
    assert read_reversal(ACCOUNT, NUMBER, done(METHOD, **TOLD | change), NOW) is reversal


@pytest.mark.parametrize(
    "reply",
    [
        done(METHOD, **TOLD | {"out_trade_no": CHARGE_NUMBER}),
        done(METHOD, **TOLD | {"action": "none"}),
        done(METHOD, **TOLD | {"retry_flag": None}),
        refused(METHOD, "ACQ.TRADE_CANCEL_TIME_OUT"),
        refused(METHOD, "aop.ACQ.SYSTEM_ERROR", "20000"),
        HttpReply(502, {}, b"<html>"),
        done("alipay.trade.close", **TOLD),
    ],
)
def test_what_proves_nothing(reply: HttpReply) -> None:
    """Another trade, an unheard-of action, a refusal after a day: nothing is claimed."""
    with pytest.raises(ReversalRefused):
        read_reversal(ACCOUNT, NUMBER, reply, NOW)
