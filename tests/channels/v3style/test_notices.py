"""What the channel tells unasked: believed only if signed, sealed and about this merchant."""

import json
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.channel import AttemptKind, Notice, NotificationRefused, OutcomeClass
from gateway.domain.money import Money
from tests.channels.v3style.wire import (
    CHARGE_NUMBER,
    NOW,
    NUMBER,
    Side,
    flipped,
    refund,
    sealed,
    transaction,
)

PATH = "/notify/any"


def _read(side: Side, body: bytes, **late: float) -> Notice:
    headers = side.signed(body)
    return side.connector.read_notification(PATH, headers, body, NOW + timedelta(**late))


def _told(side: Side, event: str, resource: dict[str, Any]) -> Notice:
    return _read(side, side.notification(event, resource))


def _notified_refund(state: str, **changes: Any) -> dict[str, Any]:
    """As notifications show it: the state has another name, and amounts no currency."""
    amount = {"total": 2000, "refund": 1250, "payer_total": 2000, "payer_refund": 1250}
    told = {"status": None, "refund_status": state, "mchid": "1900000109", "amount": amount}
    return refund(state, **{**told, **changes})


@pytest.mark.parametrize("state", ["SUCCESS", "REFUND"])
def test_paid(side: Side, state: str) -> None:
    """A payment that succeeded is told by our number, with the channel's own and the money."""
    notice = _told(side, "TRANSACTION.SUCCESS", transaction(state))
    assert (notice.kind, notice.number) == (AttemptKind.CHARGE, NUMBER)
    assert notice.outcome.outcome is OutcomeClass.SUCCESS
    assert notice.outcome.money == Money("CNY", 1250)
    assert notice.outcome.channel_number == "4200001234202603011234567890"


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("PAYERROR", OutcomeClass.FAILED),
        ("CLOSED", OutcomeClass.FAILED),
        ("NOTPAY", OutcomeClass.PENDING),
    ],
)
def test_deduction_that_failed(side: Side, state: str, outcome: OutcomeClass) -> None:
    """A deduction that failed is told by what the transaction shows, not by the event's name."""
    notice = _told(side, "TRANSACTION.FAIL", transaction(state, transaction_id=None))
    assert notice.outcome.outcome is outcome


@pytest.mark.parametrize(
    ("state", "outcome", "abnormal"),
    [
        ("SUCCESS", OutcomeClass.SUCCESS, False),
        ("CLOSED", OutcomeClass.FAILED, False),
        ("ABNORMAL", OutcomeClass.PENDING, True),
    ],
)
def test_refund(side: Side, state: str, outcome: OutcomeClass, *, abnormal: bool) -> None:
    """A refund's end is told by our number of it."""
    notice = _told(side, f"REFUND.{state}", _notified_refund(state))
    assert (notice.kind, notice.number) == (AttemptKind.REFUND, NUMBER)
    assert (notice.outcome.outcome, notice.outcome.abnormal) == (outcome, abnormal)
    assert notice.outcome.money == Money("CNY", 1250)
    assert CHARGE_NUMBER in notice.outcome.evidence


@pytest.mark.parametrize(
    ("event", "resource"),
    [
        ("TRANSACTION.SUCCESS", transaction("PAYERROR")),
        ("TRANSACTION.SUCCESS", transaction("NOTPAY")),
        ("TRANSACTION.FAIL", transaction("SUCCESS")),
        ("TRANSACTION.OTHER", transaction("SUCCESS")),
        ("REFUND.SUCCESS", _notified_refund("CLOSED")),
        ("REFUND.CLOSED", _notified_refund("SUCCESS")),
        ("REFUND.SUCCESS", transaction("SUCCESS")),
        ("TRANSACTION.SUCCESS", _notified_refund("SUCCESS")),
        ("PAYSCORE.USER_PAID", transaction("SUCCESS")),
        ("SUCCESS", transaction("SUCCESS")),
        ("", transaction("SUCCESS")),
        ("TRANSACTION.SUCCESS", transaction("SUCCESS", mchid="1900000110")),
        ("TRANSACTION.SUCCESS", transaction("SUCCESS", appid="wx0000000000000000")),
        ("TRANSACTION.SUCCESS", transaction("SUCCESS", amount=None)),
        ("TRANSACTION.SUCCESS", transaction("SUCCESS", out_trade_no="../../x")),
        ("REFUND.SUCCESS", _notified_refund("SUCCESS", mchid="1900000110")),
        ("REFUND.SUCCESS", _notified_refund("SUCCESS", status="PROCESSING")),
    ],
)
def test_what_does_not_fit_is_refused(side: Side, event: str, resource: dict[str, Any]) -> None:
    """An event that contradicts its state, or is of another kind or merchant, is refused."""
    with pytest.raises(NotificationRefused):
        _told(side, event, resource)


def test_each_byte_counts(side: Side) -> None:
    """A bit of any byte of the body or of the signature headers refuses the notification."""
    body = side.notification("TRANSACTION.SUCCESS", transaction("SUCCESS", attach="x"))
    headers = side.signed(body)
    side.connector.read_notification(PATH, headers, body, NOW)
    for altered in flipped(body):
        with pytest.raises(NotificationRefused):
            side.connector.read_notification(PATH, headers, altered, NOW)
    for name, value in headers.items():
        for altered in flipped(value.encode()) if name != "request-id" else ():
            changed = {**headers, name: altered.decode("latin-1")}
            with pytest.raises(NotificationRefused):
                side.connector.read_notification(PATH, changed, body, NOW)


@pytest.mark.parametrize("seconds", [300, -300])
def test_stale_notification_is_refused(side: Side, seconds: int) -> None:
    """A notification of five minutes ago, or of five minutes hence, is refused."""
    body = side.notification("TRANSACTION.SUCCESS", transaction("SUCCESS"))
    with pytest.raises(NotificationRefused, match="stale"):
        _read(side, body, seconds=seconds)


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "AEAD_AES_128_GCM"},
        {"algorithm": None},
        {"nonce": "short"},
        {"nonce": None},
        {"associated_data": "refund"},
        {"associated_data": 1},
        {"ciphertext": "AAAA"},
        {"ciphertext": None},
        {"ciphertext": "A" * 300_000},
    ],
)
def test_broken_seal_is_refused(side: Side, change: dict[str, Any]) -> None:
    """A signed notification whose seal does not open is refused, and nothing worse."""
    fields = json.loads(side.notification("TRANSACTION.SUCCESS", transaction("SUCCESS")))
    fields["resource"] |= change
    with pytest.raises(NotificationRefused):
        _read(side, json.dumps(fields).encode())


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b'{"event_type":1}', b"\xff"])
def test_what_is_no_notification_is_refused(side: Side, body: bytes) -> None:
    """Signed bytes that are no notification are refused."""
    with pytest.raises(NotificationRefused):
        _read(side, body)


def test_label_of_the_other_channel_is_refused(side: Side) -> None:
    """Each channel's own name of the seal is needed, hyphens and underscores included."""
    other = side.names.seal.translate(str.maketrans("-_", "_-"))
    fields = json.loads(side.notification("TRANSACTION.SUCCESS", transaction("SUCCESS")))
    fields["resource"]["algorithm"] = other
    with pytest.raises(NotificationRefused, match="algorithm"):
        _read(side, json.dumps(fields).encode())


@pytest.mark.parametrize("told", [{"associated_data": ""}, {}])
def test_seal_without_additional_data_opens(side: Side, told: dict[str, str]) -> None:
    """Additional data may be empty or absent, where it was so when the envelope was sealed."""
    fields = json.loads(side.notification("TRANSACTION.SUCCESS", transaction("SUCCESS")))
    nonce, ciphertext = sealed(json.dumps(transaction("SUCCESS")).encode(), "")
    resource = {"algorithm": side.names.seal, "nonce": nonce, "ciphertext": ciphertext}
    fields["resource"] = resource | told
    assert _read(side, json.dumps(fields).encode()).number == NUMBER


def test_acknowledgement(side: Side) -> None:
    """What is kept is answered 200; anything else is answered so that it is told again."""
    accepted = side.connector.acknowledge(accepted=True)
    assert (accepted.status, json.loads(accepted.body)["code"]) == (200, "SUCCESS")
    refused = side.connector.acknowledge(accepted=False)
    assert (refused.status, json.loads(refused.body)["code"]) == (401, "FAIL")
    assert accepted.content_type == refused.content_type == "application/json"
