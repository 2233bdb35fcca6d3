"""Answers: what is there is written, what is not stays unset."""

from dataclasses import replace

import pytest

from gateway.domain.channel import ASIDE
from gateway.domain.payment import ActionKind, NextAction, Purpose
from gateway.rpc import encode, encode_refund, encode_wallet
from gateway.usecases.commands import PaymentAnswer
from tests.rpc import samples


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (ActionKind.QR_CODE, "qr_code"),
        (ActionKind.REDIRECT, "redirect_url"),
        (ActionKind.CHALLENGE, "challenge"),
    ],
)
def test_each_kind_of_action_has_its_field(kind: ActionKind, field: str) -> None:
    """What the payer must do is told apart by its field; without a time it has none."""
    payment = replace(samples.payment(), next_action=NextAction(kind, "content"))
    action = encode.get_payment(payment).payment.next_action
    assert action.WhichOneof("action") == field
    assert getattr(action, field) == "content"
    assert not action.HasField("expire_time")


def test_every_kind_of_action_is_known() -> None:
    """No kind of action is written as none."""
    for kind in ActionKind:
        payment = replace(samples.payment(), next_action=NextAction(kind, "content"))
        action = encode.get_payment(payment).payment.next_action
        assert action.WhichOneof("action")


def test_what_a_connector_keeps_with_a_number_is_not_told() -> None:
    """Callers see the channel's own number alone, whatever kind of object it belongs to."""
    number = f"20761128{ASIDE}2088101117955611"
    payment = replace(samples.payment(), channel_number=number)
    top_up, withdrawal = (
        replace(samples.transfer(purpose), channel_number=number)
        for purpose in (Purpose.TOP_UP, Purpose.WITHDRAWAL)
    )
    refund = replace(samples.operation(), channel_number=number)
    told = (
        encode.get_payment(payment).payment,
        encode_wallet.top_up(PaymentAnswer(top_up, replayed=False)).top_up,
        encode_wallet.withdraw(PaymentAnswer(withdrawal, replayed=False)).withdrawal,
        encode_refund.get_refund(refund).refund,
    )
    assert {message.channel_number for message in told} == {"20761128"}


def test_what_a_payment_has_not_stays_unset() -> None:
    """Absent parts are absent, not empty; amounts of zero are amounts."""
    bare = replace(
        samples.payment(),
        captured=0,
        refunded=0,
        next_action=None,
        failure=None,
        authorize_time=None,
        capture_time=None,
        capture_before_time=None,
    )
    written = encode.pay(PaymentAnswer(bare, replayed=False)).payment
    for field in (
        "next_action",
        "failure",
        "authorize_time",
        "capture_time",
        "capture_before_time",
    ):
        assert not written.HasField(field), field
    assert (written.captured.currency_code, written.captured.minor_units) == ("CNY", 0)
    assert (written.refunded.currency_code, written.refunded.minor_units) == ("CNY", 0)
