"""What is sent for each step: nothing but the fields that it needs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.channels.connector import Action, Call
from gateway.domain.channel import EPOCH, AttemptKind
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode
from tests.channels.unionpay.wire import (
    CAPTURE_ID,
    CHARGE_MADE_THERE,
    CHARGE_NUMBER,
    EXPIRY_THERE,
    MADE_THERE,
    MERCHANT,
    NOW,
    NUMBER,
    QUERY_ID,
    REQUESTER,
    TOKEN,
    VOIDS,
    call,
    connector,
    digest,
    request,
    sent,
)

CHARGE, CAPTURE, CANCEL, REFUND = (
    *(AttemptKind.CHARGE, AttemptKind.CAPTURE),
    *(AttemptKind.CANCEL, AttemptKind.REFUND),
)
MANUAL = CaptureMode.MANUAL
SIGNED = {
    "version": "5.1.0",
    "encoding": "utf-8",
    "signMethod": "01",
    "certId": "69903319369",
    "accessType": "0",
    "merId": MERCHANT,
    "orderId": NUMBER,
    "txnTime": MADE_THERE,
}
MONEY = {
    "txnAmt": "1250",
    "currencyCode": "156",
    "backUrl": "https://pay.example.com/notify/unionpay",
}
APP = {"bizType": "000201", "channelType": "08"}
BACK = {"bizType": "000902", "channelType": "07"}
WHOLE: dict[str, Any] = {"money": Money("CNY", 2000)}


def _sent(asked: Call, **settings: Any) -> tuple[str, dict[str, str]]:
    """Path and fields, less certificate and signature, which are checked here."""
    made = connector(**settings).build(asked)
    fields = sent(made)
    assert made.method == "POST"
    assert made.headers["Content-Type"] == "application/x-www-form-urlencoded;charset=UTF-8"
    assert len(fields.pop("signature")) == 344
    return made.path, fields


@pytest.mark.parametrize(
    ("mode", "kind"), [(CaptureMode.AUTOMATIC, "01"), (CaptureMode.MANUAL, "02")]
)
def test_charge_in_the_app(mode: CaptureMode, kind: str) -> None:
    """An order is sent with its end; of the payer and the goods nothing is told."""
    path, fields = _sent(call(mode=mode))
    assert path == "/gateway/api/appTransReq.do"
    assert fields == SIGNED | MONEY | APP | {
        "txnType": kind,
        "txnSubType": "01",
        "payTimeout": EXPIRY_THERE,
    }


@pytest.mark.parametrize(
    ("mode", "kind"), [(CaptureMode.AUTOMATIC, "01"), (CaptureMode.MANUAL, "02")]
)
def test_charge_by_token(mode: CaptureMode, kind: str) -> None:
    """The token, and who asked for it, is all that is told of the payer."""
    path, fields = _sent(call(method="back", mode=mode))
    assert path == "/gateway/api/backTransReq.do"
    assert fields == SIGNED | MONEY | BACK | {
        "txnType": kind,
        "txnSubType": "01",
        "payTimeout": EXPIRY_THERE,
        "tokenPayData": f"{{token={TOKEN}&trId={REQUESTER}}}",
    }


@pytest.mark.parametrize(
    ("kind", "mode", "changes", "settings", "expected"),
    [
        (CAPTURE, MANUAL, {}, {}, ("03", QUERY_ID)),
        (CANCEL, MANUAL, {}, {}, ("32", QUERY_ID)),
        (REFUND, CaptureMode.AUTOMATIC, {}, {}, ("04", QUERY_ID)),
        (REFUND, CaptureMode.AUTOMATIC, {}, VOIDS, ("04", QUERY_ID)),
        (REFUND, CaptureMode.AUTOMATIC, WHOLE, {}, ("04", QUERY_ID)),
        (REFUND, CaptureMode.AUTOMATIC, WHOLE, VOIDS, ("31", QUERY_ID)),
        (REFUND, MANUAL, {}, {}, ("04", CAPTURE_ID)),
        (REFUND, MANUAL, WHOLE, VOIDS, ("33", CAPTURE_ID)),
    ],
)
def test_what_follows_a_charge(
    kind: AttemptKind,
    mode: CaptureMode,
    changes: dict[str, Any],
    settings: dict[str, Any],
    expected: tuple[str, str],
) -> None:
    """Each is a transaction of its own that names the one before by the channel's number."""
    path, fields = _sent(call(kind=kind, mode=mode, **changes), **settings)
    amount = str(changes.get("money", Money("CNY", 1250)).minor_units)
    assert path == "/gateway/api/backTransReq.do"
    assert fields == SIGNED | MONEY | APP | {
        "txnType": expected[0],
        "txnSubType": "00",
        "txnAmt": amount,
        "origQryId": expected[1],
    }


@pytest.mark.parametrize(
    ("made", "given", "kind"),
    [
        ((1, 0, 0), (1, 0, 1), "31"),
        ((1, 0, 0), (1, 22, 29), "31"),
        ((1, 0, 0), (1, 22, 30), "04"),
        ((1, 22, 50), (1, 23, 30), "04"),
        ((1, 22, 0), (2, 10, 0), "04"),
        ((1, 23, 30), (2, 10, 0), "04"),
    ],
)
def test_void_only_within_the_channels_day(
    made: tuple[int, int, int], given: tuple[int, int, int], kind: str
) -> None:
    """A void is tried only where it certainly falls on the day of its charge, in Beijing."""
    times = [
        datetime(2026, 3, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)
        for day, hour, minute in (made, given)
    ]
    asked = call(kind=REFUND, charge_create_time=times[0], create_time=times[1], **WHOLE)
    assert _sent(asked, **VOIDS)[1]["txnType"] == kind


@pytest.mark.parametrize(
    ("kind", "mode"), [(CHARGE, MANUAL), (CAPTURE, MANUAL), (CANCEL, MANUAL), (REFUND, MANUAL)]
)
def test_questions(kind: AttemptKind, mode: CaptureMode) -> None:
    """A transaction is asked about by its own number and the time that it was sent with."""
    path, fields = _sent(call(Action.ASK, kind, mode=mode))
    assert path == "/gateway/api/queryTrans.do"
    assert fields == SIGNED | {"txnType": "00", "txnSubType": "00", "bizType": "000000"}


@pytest.mark.parametrize("action", [Action.SEND, Action.ASK])
@pytest.mark.parametrize(
    ("mode", "held"), [(CaptureMode.AUTOMATIC, QUERY_ID), (CaptureMode.MANUAL, "")]
)
def test_cancel_of_what_is_not_held_asks(action: Action, mode: CaptureMode, held: str) -> None:
    """Where there is nothing to void, a cancel asks about its charge, by the charge's time."""
    path, fields = _sent(call(action, CANCEL, mode=mode, charge_channel_number=held))
    assert path == "/gateway/api/queryTrans.do"
    assert (fields["orderId"], fields["txnTime"]) == (CHARGE_NUMBER, CHARGE_MADE_THERE)


@pytest.mark.parametrize("kind", [CHARGE, CAPTURE, REFUND])
def test_resend_repeats_its_bytes(kind: AttemptKind) -> None:
    """A re-send is byte for byte what was sent: time and nonce of the call leave no trace."""
    ours = connector()
    first, later = (
        ours.build(call(kind=kind, mode=MANUAL, moment=NOW + timedelta(days=days)))
        for days in (0, 3)
    )
    assert first == later


def test_signature_is_over_the_fields_sent() -> None:
    """What is signed is what arrives, whatever characters it holds."""
    key = connector().account.settings.merchant_keys[0]
    fields = sent(connector().build(call(method="back")))
    signature = fields.pop("signature")
    assert signature == key.sign(digest(fields))


@pytest.mark.parametrize(
    ("asked", "settings", "words"),
    [
        (call(Action.FENCE), {}, "no FENCE of a CHARGE"),
        (call(Action.FENCE, CANCEL), {}, "no FENCE of a CANCEL"),
        (call(kind=AttemptKind.PAYOUT), {}, "no SEND of a PAYOUT"),
        (call(details={}), {}, "name one of app, back"),
        (call(details={"app": {}, "back": {}}), {}, "name one of app, back"),
        (call(details={"back": {}}), {}, "back needs account_token"),
        (call(details={"back": {"account_token": "1&x=2"}}), {}, "back needs account_token"),
        (call(method="back"), {"token_requester_id": ""}, "configure it"),
        (call(create_time=EPOCH), {}, "must name it"),
        (call(number="1234567"), {}, "8 to 32 letters"),
        (call(number="0000010123456789-BCDEFGHIJKL"), {}, "8 to 32 letters"),
        (call(kind=REFUND, charge_channel_number=""), {}, "channel's number"),
        (call(kind=REFUND, mode=MANUAL, capture_channel_number=""), {}, "channel's number"),
        (call(kind=CAPTURE, mode=MANUAL, charge_channel_number=""), {}, "channel's number"),
    ],
)
def test_what_cannot_be_sent(asked: Call, settings: dict[str, Any], words: str) -> None:
    """What the channel has not, or what lacks something, is refused in one sentence."""
    with pytest.raises(ValueError, match=words):
        connector(**settings).build(asked)


def test_nothing_of_the_payer_leaves() -> None:
    """No pseudonym, address or description is in any request."""
    asked = request()
    for kind in (CHARGE, CAPTURE, CANCEL, REFUND):
        body = connector().build(call(kind=kind, mode=MANUAL)).body.decode()
        for secret in (asked.payer_pseudonym, asked.client_ip, "tea"):
            assert secret not in body


def test_capabilities() -> None:
    """The channel says what it can do, and that it closes no number."""
    shown = connector().capabilities
    assert (shown.channel, shown.methods) == ("unionpay", ("app", "back"))
    assert shown.currencies == {"CNY"}
    assert shown.manual_capture
    assert not shown.fenceable
    assert shown.amount_max == 999_999_999_999
    assert shown.refund_window == timedelta(days=334)
    assert shown.expiry_margin == timedelta(minutes=10)
    assert shown.authorization_lifetime == timedelta(days=30)
