"""What leaves: paths, bodies that are allow-lists, and steps that follow from the call."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.channels.connector import Action
from gateway.domain.channel import EPOCH, AttemptKind
from gateway.domain.money import Money
from tests.channels.v3style.wire import (
    APPID,
    CHARGE_NUMBER,
    MCHID,
    NUMBER,
    Side,
    body_of,
    call,
)

CHARGE, CANCEL, REFUND = AttemptKind.CHARGE, AttemptKind.CANCEL, AttemptKind.REFUND
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


def _order(side: Side) -> dict[str, Any]:
    return {
        "appid": APPID,
        "mchid": MCHID,
        "description": "茶 tea",
        "out_trade_no": NUMBER,
        "time_expire": "2026-03-01T12:30:00+08:00",
        "notify_url": f"https://pay.example.com/notify/{side.names.channel}",
        "amount": {"total": 1250, "currency": "CNY"},
    }


def test_native_order(side: Side) -> None:
    """A QR code is asked for with exactly these fields, and nothing of the payer."""
    sent = side.connector.build(call())
    assert (sent.method, sent.path) == ("POST", f"{side.names.transactions}/native")
    assert body_of(sent) == _order(side)


def test_jsapi_order(side: Side) -> None:
    """A payment in the channel's app names the payer by the openid that the channel gave us."""
    sent = side.connector.build(call(method="jsapi"))
    assert sent.path == f"{side.names.transactions}/jsapi"
    assert body_of(sent) == _order(side) | {"payer": {"openid": OPENID}}


def test_body_is_compact_and_not_escaped(side: Side) -> None:
    """The JSON is UTF-8 without blanks, as in the documentation's signed example."""
    assert side.connector.build(call()).body.startswith(
        f'{{"appid":"{APPID}","mchid":"{MCHID}","description":"茶 tea",'.encode()
    )


@pytest.mark.parametrize("kind", [CHARGE, REFUND])
def test_resend_repeats_the_body(side: Side, kind: AttemptKind) -> None:
    """A later try sends the same bytes under a fresh signature."""
    first = call(kind=kind)
    later = replace(first, moment=first.moment + timedelta(minutes=3), nonce="f" * 32)
    sent, again = side.connector.build(first), side.connector.build(later)
    assert (sent.path, sent.body) == (again.path, again.body)
    assert sent.headers["Authorization"] != again.headers["Authorization"]


@pytest.mark.parametrize("kind", [CHARGE, CANCEL])
def test_question(side: Side, kind: AttemptKind) -> None:
    """Asking about a charge, or about its cancel, reads the transaction by our number."""
    sent = side.connector.build(call(Action.ASK, kind))
    number = NUMBER if kind is CHARGE else CHARGE_NUMBER
    assert (sent.method, sent.body) == ("GET", b"")
    assert sent.path == f"{side.names.transactions}/out-trade-no/{number}?mchid={MCHID}"


@pytest.mark.parametrize(
    ("action", "kind"), [(Action.FENCE, CHARGE), (Action.SEND, CANCEL), (Action.FENCE, CANCEL)]
)
def test_close(side: Side, action: Action, kind: AttemptKind) -> None:
    """The fence, and a cancel, close the charge's number."""
    sent = side.connector.build(call(action, kind))
    number = NUMBER if kind is CHARGE else CHARGE_NUMBER
    assert sent.method == "POST"
    assert sent.path == f"{side.names.transactions}/out-trade-no/{number}/close"
    assert body_of(sent) == {"mchid": MCHID}


def test_refund(side: Side) -> None:
    """A refund names its charge, its own number, and what part of which total."""
    sent = side.connector.build(call(kind=REFUND))
    assert (sent.method, sent.path) == ("POST", side.names.refunds)
    assert body_of(sent) == {
        "out_trade_no": CHARGE_NUMBER,
        "out_refund_no": NUMBER,
        "notify_url": f"https://pay.example.com/notify/{side.names.channel}",
        "amount": {"refund": 1250, "total": 2000, "currency": "CNY"},
        "reason": "茶 tea",
    }
    assert "reason" not in body_of(side.connector.build(call(kind=REFUND, description="")))


def test_refund_question(side: Side) -> None:
    """A refund is asked about by our number of it."""
    sent = side.connector.build(call(Action.ASK, REFUND))
    assert (sent.method, sent.path) == ("GET", f"{side.names.refunds}/{NUMBER}")


def test_refund_needs_the_total(side: Side) -> None:
    """Without the amount of its charge a refund cannot be asked for."""
    with pytest.raises(ValueError, match="amount of its charge"):
        side.connector.build(call(kind=REFUND, charge_money=None))


@pytest.mark.parametrize("text", ["x" * 200, "茶" * 100, "a" + "\U0001f375" * 60])
def test_texts_are_bounded(side: Side, text: str) -> None:
    """Long texts are cut to the channel's bytes, and never within a character."""
    sent = body_of(side.connector.build(call(description=text)))["description"]
    assert text.startswith(sent)
    assert 123 < len(sent.encode()) <= 127
    reason = body_of(side.connector.build(call(kind=REFUND, description=text)))["reason"]
    assert 76 < len(reason.encode()) <= 80


def test_order_without_description(side: Side) -> None:
    """The channel demands a description; without one our number stands for it."""
    assert body_of(side.connector.build(call(description="")))["description"] == NUMBER


def test_nothing_else_of_the_payer_leaves(side: Side) -> None:
    """Pseudonym, address and scene stay here, whatever the method."""
    for method in side.methods:
        sent = side.connector.build(call(method=method, payer_pseudonym="p-secret")).body
        for secret in ("p-secret", "192.0.2.1", "MINI_PROGRAM"):
            assert secret not in sent.decode()


@pytest.mark.parametrize(
    "details", [{}, {"native": None}, {"cash": {}}, {"native": {}, "jsapi": {"openid": OPENID}}]
)
def test_one_method_is_needed(side: Side, details: dict[str, Any]) -> None:
    """Details that name no way of paying of the channel, or two, are refused."""
    with pytest.raises(ValueError, match="name one of native, jsapi"):
        side.connector.build(call(details=details))


@pytest.mark.parametrize("details", [{"jsapi": {}}, {"jsapi": {"openid": ""}}])
def test_method_needs_its_detail(side: Side, details: dict[str, Any]) -> None:
    """A detail that the channel demands is missed before anything is sent."""
    with pytest.raises(ValueError, match="jsapi needs openid"):
        side.connector.build(call(details=details))


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (Action.FENCE, REFUND),
        *((action, AttemptKind.CAPTURE) for action in Action),
        *((action, AttemptKind.PAYOUT) for action in Action),
    ],
)
def test_what_the_channel_has_not(side: Side, action: Action, kind: AttemptKind) -> None:
    """Captures, payouts and the fence of a refund are no operations of this channel."""
    with pytest.raises(ValueError, match="has no"):
        side.connector.build(call(action, kind))


def test_capabilities(side: Side) -> None:
    """The channel says what it can do: yuan only, no manual capture, and a fence."""
    can, limits = side.connector.capabilities, side.connector.limits
    assert can.channel == side.names.channel
    assert can.currencies == {"CNY"}
    assert can.methods == tuple(side.methods)
    assert not can.manual_capture
    assert (can.partial_refunds_max, can.refund_window) == (50, timedelta(days=365))
    assert can.partial_refund_spacing == timedelta(seconds=60)
    assert can.fenceable == {CHARGE, CANCEL}
    assert set(limits.fence_age_min) | set(limits.deduct_hours) <= set(side.methods)


def test_age_that_nobody_told_is_none(side: Side) -> None:
    """A request that does not say when its charge was made is too young for any rule of age."""
    made = call(Action.FENCE, create_time=EPOCH, charge_create_time=EPOCH)
    outcome = side.connector.parse(made, side.error(404, "ORDER_NOT_EXIST"))
    assert outcome.not_found


def test_amount_is_an_integer_of_fen(side: Side) -> None:
    """Amounts are written as whole fen, never as decimals."""
    sent = side.connector.build(call(money=Money("CNY", 1)))
    assert json.loads(sent.body)["amount"]["total"] == 1
    assert b'"total":1,' in sent.body
