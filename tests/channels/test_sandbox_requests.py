"""What leaves for the sandbox: golden bytes, so that no change of them goes unnoticed."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.channels.connector import Action
from gateway.domain.channel import AttemptKind
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode
from tests.channels.wire import CHARGE_NUMBER, CONNECTOR, NOW, NUMBER, call

CHARGE_SCRIPT = {
    "charge": {
        "outcome": "SANDBOX_OUTCOME_DECLINE",
        "decline_code": "PAYER_REFUSED",
        "fault": "SANDBOX_FAULT_DROP_REPLY",
        "fault_count": 2,
    }
}
CHARGE_BODY = (
    b'{"number":"0000010123456789ABCDEFGHIJKL","amount":1250,"currency":"CNY","capture":"MANUAL",'
    b'"scene":"MINI_PROGRAM","expire_time":1767225600123,"description":"tea \\u8336","payer":"p-1",'
    b'"notify_url":"http://127.0.0.1:7071/notify/sandbox","script":{"outcome":"DECLINE",'
    b'"fault":"DROP_REPLY","decline_code":"PAYER_REFUSED","fault_count":2}}'
)


def test_charge_golden_bytes() -> None:
    """A charge is these bytes with this signature, which the openssl command made."""
    made = CONNECTOR.build(
        call(capture_mode=CaptureMode.MANUAL, details=CHARGE_SCRIPT),
    )
    assert (made.method, made.path, made.body) == ("POST", "/v1/charges", CHARGE_BODY)
    assert made.headers == {
        "Content-Type": "application/json",
        "Sandbox-Account": "gateway",
        "Sandbox-Timestamp": "1767222000",
        "Sandbox-Nonce": "00112233445566778899aabbccddeeff",
        "Sandbox-Signature": "9882c93a094fdc7d0e8596e1e43c87d7fd3ca9193525a7338f8fe7f3c5653d50",
    }


def test_query_golden_signature() -> None:
    """A question has no body and the signature that the openssl command made."""
    made = CONNECTOR.build(call(Action.ASK))
    signature = "c5106c9ee2a149a9c95edfbe129a36210b4bf9671acdbfda366fd6f0c3f4c0f1"
    assert (made.method, made.path, made.body) == ("GET", f"/v1/charges/{NUMBER}", b"")
    assert made.headers["Sandbox-Signature"] == signature


def test_capture_golden_bytes() -> None:
    """A capture stands below its charge, under its own number."""
    money = Money("JPY", 7)
    made = CONNECTOR.build(call(kind=AttemptKind.CAPTURE, money=money, final=True))
    assert made.path == f"/v1/charges/{CHARGE_NUMBER}/captures"
    assert made.body == (
        b'{"number":"0000010123456789ABCDEFGHIJKL","amount":7,"currency":"JPY","final":true,'
        b'"notify_url":"http://127.0.0.1:7071/notify/sandbox"}'
    )


def test_refund_golden_bytes() -> None:
    """A refund names its charge and the reason."""
    made = CONNECTOR.build(call(kind=AttemptKind.REFUND))
    assert made.path == "/v1/refunds"
    assert made.body == (
        b'{"number":"0000010123456789ABCDEFGHIJKL","amount":1250,"currency":"CNY",'
        b'"charge_number":"000001ZYXWVUTSRQPONMLKJIHGFE","reason":"tea \\u8336",'
        b'"notify_url":"http://127.0.0.1:7071/notify/sandbox"}'
    )


def test_payout_golden_bytes() -> None:
    """A payout names its payee by pseudonym and why, and nothing that only a charge has."""
    made = CONNECTOR.build(call(kind=AttemptKind.PAYOUT, details=CHARGE_SCRIPT))
    assert (made.method, made.path) == ("POST", "/v1/payouts")
    assert made.body == (
        b'{"number":"0000010123456789ABCDEFGHIJKL","amount":1250,"currency":"CNY",'
        b'"payee":"p-1","description":"tea \\u8336",'
        b'"notify_url":"http://127.0.0.1:7071/notify/sandbox","script":{"outcome":"DECLINE",'
        b'"fault":"DROP_REPLY","decline_code":"PAYER_REFUSED","fault_count":2}}'
    )


@pytest.mark.parametrize(
    ("action", "kind", "method", "path"),
    [
        (Action.ASK, AttemptKind.PAYOUT, "GET", f"/v1/payouts/{NUMBER}"),
        (Action.FENCE, AttemptKind.PAYOUT, "POST", f"/v1/payouts/{NUMBER}/close"),
        (Action.ASK, AttemptKind.CAPTURE, "GET", f"/v1/captures/{NUMBER}"),
        (Action.ASK, AttemptKind.REFUND, "GET", f"/v1/refunds/{NUMBER}"),
        (Action.SEND, AttemptKind.CANCEL, "POST", f"/v1/charges/{CHARGE_NUMBER}/close"),
        (Action.ASK, AttemptKind.CANCEL, "POST", f"/v1/charges/{CHARGE_NUMBER}/close"),
        (Action.FENCE, AttemptKind.CANCEL, "POST", f"/v1/charges/{CHARGE_NUMBER}/close"),
        (Action.FENCE, AttemptKind.CHARGE, "POST", f"/v1/charges/{NUMBER}/close"),
    ],
)
def test_paths(action: Action, kind: AttemptKind, method: str, path: str) -> None:
    """Each question and each closing has its own line."""
    made = CONNECTOR.build(call(action, kind))
    assert (made.method, made.path) == (method, path)
    assert made.body == (b"{}" if method == "POST" else b"")


@pytest.mark.parametrize("kind", [AttemptKind.CAPTURE, AttemptKind.REFUND])
def test_captures_and_refunds_are_not_fenced(kind: AttemptKind) -> None:
    """A fence around a capture or refund is refused: their numbers cannot be closed."""
    with pytest.raises(ValueError, match="no number that can be closed"):
        CONNECTOR.build(call(Action.FENCE, kind))


@pytest.mark.parametrize("kind", [kind for kind in AttemptKind if kind is not AttemptKind.CANCEL])
def test_a_resend_repeats_the_body(kind: AttemptKind) -> None:
    """Hours later and under another nonce, the body is the same to the byte."""
    first = call(kind=kind)
    later = replace(first, moment=NOW + timedelta(hours=5), nonce="f" * 32)
    assert CONNECTOR.build(first).body == CONNECTOR.build(later).body
    assert CONNECTOR.build(first).headers != CONNECTOR.build(later).headers


def test_empty_fields_are_left_out() -> None:
    """Without description, payer and script the body says nothing of them."""
    sent = json.loads(CONNECTOR.build(call(description="", payer_pseudonym="")).body)
    assert not {"description", "payer", "script"} & sent.keys()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"outcome": "SANDBOX_OUTCOME_UNSPECIFIED"}, None),
        ({"outcome": "SANDBOX_OUTCOME_REQUIRE_ACTION"}, {"outcome": "REQUIRE_ACTION"}),
        ({"action": "SANDBOX_ACTION_REDIRECT"}, {"action_type": "REDIRECT"}),
        ({"fault": "SANDBOX_FAULT_BUSY"}, {"fault": "BUSY"}),
        ({"fault": "SANDBOX_FAULT_BUSY", "fault_count": 0}, {"fault": "BUSY"}),
        ({"fault": "SANDBOX_FAULT_BUSY", "fault_count": 1}, {"fault": "BUSY", "fault_count": 1}),
        (
            {"fault": "SANDBOX_FAULT_BUSY", "fault_count": 3, "fault_always": True},
            {"fault": "BUSY", "fault_count": 0},
        ),
        ({"fault": "SANDBOX_FAULT_UNSPECIFIED", "fault_count": 3}, None),
        (
            {"notify": "SANDBOX_NOTIFY_STORM", "notify_count": 7},
            {"notify": "STORM", "notify_count": 7},
        ),
        ({"notify": "SANDBOX_NOTIFY_STORM", "notify_count": 0}, {"notify": "STORM"}),
        ({"settle_delay_ms": 0, "settle_declined": False}, None),
        (
            {"settle_delay_ms": 50, "settle_declined": True},
            {"settle_delay_ms": 50, "settle_outcome": "DECLINE"},
        ),
        ({"reply_delay_ms": 5, "forget_count": 2}, {"reply_delay_ms": 5, "forget_count": 2}),
        ({"pay_after_close": True}, {"pay_after_close": True}),
    ],
)
def test_script_of_a_charge(ours: dict[str, object], theirs: dict[str, object] | None) -> None:
    """Each field of the contract's script becomes the sandbox's own, and defaults are left out."""
    sent = json.loads(CONNECTOR.build(call(details={"charge": ours})).body)
    assert sent.get("script") == theirs


def test_each_kind_has_its_own_script() -> None:
    """Captures and refunds take their scripts, never to pay late; payouts take the charge's."""
    details = {
        "charge": {"outcome": "SANDBOX_OUTCOME_DECLINE", "pay_after_close": True},
        "capture": {"outcome": "SANDBOX_OUTCOME_ANSWER_LATER", "pay_after_close": True},
        "refund": {"outcome": "SANDBOX_OUTCOME_ABNORMAL"},
    }
    sent = {
        kind: json.loads(CONNECTOR.build(call(kind=kind, details=details)).body)["script"]
        for kind in AttemptKind
        if kind is not AttemptKind.CANCEL
    }
    assert sent == {
        AttemptKind.CHARGE: {"outcome": "DECLINE", "pay_after_close": True},
        AttemptKind.PAYOUT: {"outcome": "DECLINE", "pay_after_close": True},
        AttemptKind.CAPTURE: {"outcome": "ANSWER_LATER"},
        AttemptKind.REFUND: {"outcome": "ABNORMAL"},
    }


def test_capabilities() -> None:
    """The sandbox says what it can do as data."""
    can = CONNECTOR.capabilities
    assert (can.channel, can.amount_max, can.manual_capture) == ("sandbox", 2**53 - 1, True)
    assert (can.send_timeout, can.authorization_lifetime) == (timedelta(seconds=10), timedelta(7))
    assert {"CNY", "JPY", "KWD"} <= can.currencies
    assert can.fenceable == {AttemptKind.CHARGE, AttemptKind.PAYOUT}
    assert can.payouts
