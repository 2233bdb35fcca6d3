"""Payment by the payer's barcode: answered at once or asked about, and reversed, never closed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.channels.connector import Action, Call
from gateway.channels.wechat.connector import WechatConnector
from gateway.domain.channel import AttemptKind, OutcomeClass
from gateway.domain.money import Money
from gateway.domain.payment import FailureReason
from tests.channels.v3style.wire import (
    APPID,
    CHARGE_NUMBER,
    MCHID,
    NOW,
    NUMBER,
    body_of,
    call,
    transaction,
    wechat,
)

SIDE = wechat()
CANCEL = AttemptKind.CANCEL
ORDER = "/v3/pay/transactions/out-trade-no"


def _aged(seconds: float, action: Action, kind: AttemptKind = AttemptKind.CHARGE) -> Call:
    made = call(action, kind, "code")
    born = NOW - timedelta(seconds=seconds)
    return replace(made, request=replace(made.request, create_time=born, charge_create_time=born))


def test_order() -> None:
    """A barcode is sent with what it pays for and the store; nothing is notified or expires."""
    sent = SIDE.connector.build(call(method="code"))
    assert (sent.method, sent.path) == ("POST", "/v3/pay/transactions/codepay")
    assert body_of(sent) == {
        "appid": APPID,
        "mchid": MCHID,
        "description": "茶 tea",
        "out_trade_no": NUMBER,
        "payer": {"auth_code": "130061098828009406"},
        "amount": {"total": 1250},
        "scene_info": {"store_info": {"out_id": "S-1"}},
    }


@pytest.mark.parametrize("auth_code", ["", "1" * 15, "1" * 25, "13006109882800940x", None])
def test_wrong_barcode(auth_code: str | None) -> None:
    """What is no barcode is not sent."""
    with pytest.raises(ValueError, match=r"auth_code|barcode"):
        SIDE.connector.build(call(details={"code": {"auth_code": auth_code}}))


def test_store_is_needed() -> None:
    """Without the number of its store a merchant cannot charge by barcode, and is told early."""
    settings = replace(SIDE.connector.account.settings, store_id="")
    assert "code" in SIDE.connector.capabilities.methods
    assert "code" not in WechatConnector(settings).capabilities.methods
    with pytest.raises(ValueError, match="store's number"):
        WechatConnector(settings).build(call(method="code"))


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("SUCCESS", OutcomeClass.SUCCESS),
        ("USERPAYING", OutcomeClass.PENDING),
        ("PAYERROR", OutcomeClass.FAILED),
        ("REVOKED", OutcomeClass.FAILED),
    ],
)
def test_answered_at_once(state: str, outcome: OutcomeClass) -> None:
    """The answer is the transaction itself, in whatever state it is."""
    told = SIDE.connector.parse(call(method="code"), SIDE.reply(200, transaction(state)))
    assert told.outcome is outcome
    assert told.money == Money("CNY", 1250)


def test_payer_types_the_password() -> None:
    """While the payer is paying, the payment is pending."""
    reply = SIDE.error(202, "USERPAYING")
    assert SIDE.connector.parse(call(method="code"), reply).outcome is OutcomeClass.PENDING


@pytest.mark.parametrize("change", [{"out_trade_no": CHARGE_NUMBER}, {"mchid": "1"}])
def test_answer_about_another_order(change: dict[str, Any]) -> None:
    """A transaction of another number or merchant proves nothing of this one."""
    reply = SIDE.reply(200, transaction("SUCCESS", **change))
    assert SIDE.connector.parse(call(method="code"), reply).outcome is OutcomeClass.UNKNOWN


@pytest.mark.parametrize(
    ("action", "kind", "number"),
    [
        (Action.FENCE, AttemptKind.CHARGE, NUMBER),
        (Action.SEND, CANCEL, CHARGE_NUMBER),
        (Action.FENCE, CANCEL, CHARGE_NUMBER),
    ],
)
def test_reverse(action: Action, kind: AttemptKind, number: str) -> None:
    """From fifteen seconds on the fence, and a cancel, reverse the payment."""
    sent = SIDE.connector.build(_aged(15, action, kind))
    assert (sent.method, sent.path) == ("POST", f"{ORDER}/{number}/reverse")
    assert body_of(sent) == {"appid": APPID, "mchid": MCHID}


@pytest.mark.parametrize("kind", [AttemptKind.CHARGE, CANCEL])
def test_not_reversed_too_early(kind: AttemptKind) -> None:
    """Before that the payer may be typing the password, so the fence only asks."""
    made = _aged(14.9, Action.FENCE, kind)
    sent = SIDE.connector.build(made)
    assert (sent.method, sent.body) == ("GET", b"")
    number = made.request.charge_number
    reply = SIDE.reply(200, transaction("USERPAYING", number))
    told = SIDE.connector.parse(made, reply)
    assert not told.closed
    assert told.not_found == (kind is CANCEL)


def test_reversed() -> None:
    """A reversed payment failed for good, and its cancel succeeded."""
    made = _aged(60, Action.FENCE)
    told = SIDE.connector.parse(made, SIDE.reply(200, {"mchid": MCHID, "out_trade_no": NUMBER}))
    assert (told.outcome, told.closed) == (OutcomeClass.FAILED, True)
    made = _aged(60, Action.SEND, CANCEL)
    reply = SIDE.reply(200, {"mchid": MCHID, "out_trade_no": CHARGE_NUMBER})
    assert SIDE.connector.parse(made, reply).outcome is OutcomeClass.SUCCESS


@pytest.mark.parametrize(
    "fields", [{}, {"mchid": MCHID}, {"mchid": MCHID, "out_trade_no": CHARGE_NUMBER}]
)
def test_reversal_of_another_order(fields: dict[str, str]) -> None:
    """The answer about another order reverses nothing of this one."""
    told = SIDE.connector.parse(_aged(60, Action.FENCE), SIDE.reply(200, fields))
    assert (told.outcome, told.closed) == (OutcomeClass.UNKNOWN, False)


@pytest.mark.parametrize("state", ["USERPAYING", "NOTPAY"])
def test_cancel_of_what_is_not_paid(state: str) -> None:
    """The cancel of a barcode payment that is still open is not there yet, and is sent again."""
    made = _aged(60, Action.ASK, CANCEL)
    told = SIDE.connector.parse(made, SIDE.reply(200, transaction(state, CHARGE_NUMBER)))
    assert (told.outcome, told.not_found) == (OutcomeClass.UNKNOWN, True)


@pytest.mark.parametrize("state", ["SUCCESS", "REFUND"])
def test_cancel_of_what_is_paid(state: str) -> None:
    """A barcode payment known to be paid is not reversed: its cancel came too late."""
    made = _aged(60, Action.ASK, CANCEL)
    told = SIDE.connector.parse(made, SIDE.reply(200, transaction(state, CHARGE_NUMBER)))
    assert (told.outcome, told.not_found) == (OutcomeClass.FAILED, False)
    assert told.failure is not None
    assert told.failure.reason is FailureReason.ALREADY_PAID


def test_reversal_of_what_is_not_known() -> None:
    """A payment that the channel never saw cannot come once its request is stale."""
    reply = SIDE.error(404, "ORDER_NOT_EXIST")
    assert not SIDE.connector.parse(_aged(599, Action.FENCE), reply).closed
    assert SIDE.connector.parse(_aged(600, Action.FENCE), reply).closed
