"""The sandbox's side of the wire, for tests: requests of ours, and messages signed as its own.

Signatures are made here by plain hashlib from the protocol's words, not by the code under test; the
golden ones in the tests come from the openssl command.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gateway.channels.connector import Action, Call, HttpReply
from gateway.channels.sandbox.connector import SandboxConnector, SandboxSettings
from gateway.channels.sandbox.signing import SecretKey
from gateway.domain.channel import AttemptKind, ChannelRequest
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, Scene

KEY = b"an example key of 32 bytes......"
NUMBER = "0000010123456789ABCDEFGHIJKL"
CHARGE_NUMBER = "000001ZYXWVUTSRQPONMLKJIHGFE"
NONCE = "00112233445566778899aabbccddeeff"
SANDBOX_NONCE = "SANDBOXNONCE0001"
NOW = datetime.fromtimestamp(1767222000, UTC)
NOTIFY_PATH = "/notify/sandbox"

CONNECTOR = SandboxConnector(SandboxSettings(SecretKey(KEY), "http://127.0.0.1:7071"))


def request(kind: AttemptKind = AttemptKind.CHARGE, **changes: Any) -> ChannelRequest:
    """A request of 12.50 CNY; those about a charge have another number than their charge."""
    own = kind in {AttemptKind.CHARGE, AttemptKind.PAYOUT}
    plain = ChannelRequest(
        kind=kind,
        number=NUMBER,
        charge_number=NUMBER if own else CHARGE_NUMBER,
        money=Money("CNY", 1250),
        capture_mode=CaptureMode.AUTOMATIC,
        scene=Scene.MINI_PROGRAM,
        payer_pseudonym="p-1",
        description="tea \u8336",
        expire_time=datetime.fromtimestamp(1767225600.123, UTC),
    )
    return replace(plain, **changes)


def call(
    action: Action = Action.SEND, kind: AttemptKind = AttemptKind.CHARGE, **changes: Any
) -> Call:
    """A call about such a request."""
    return Call(action, request(kind, **changes), NOW, NONCE)


def resource(asked: ChannelRequest, state: str, /, **changes: Any) -> dict[str, Any]:
    """What the sandbox shows of the charge, capture, refund or payout that was asked for."""
    shown = {
        "number": asked.number,
        "channel_number": "CH1",
        "state": state,
        "amount": asked.money.minor_units,
        "currency": asked.money.currency,
        "decline_code": None,
        "decline_message": None,
        "create_time": 1767222000000,
        "update_time": 1767222000000,
        "version": 2,
    }
    if asked.kind in {AttemptKind.CHARGE, AttemptKind.CANCEL}:
        capture = {"captured": 0, "refunded": 0, "capture": asked.capture_mode.value}
        shown |= {"number": asked.charge_number, "action": None, **capture}
    elif asked.kind is not AttemptKind.PAYOUT:
        shown |= {"charge_number": asked.charge_number}
    return shown | changes


def reply_to(made: Call, shown: Mapping[str, Any] | bytes, status: int = 200) -> HttpReply:
    """A signed reply to a call."""
    body = shown if isinstance(shown, bytes) else json.dumps(shown).encode()
    text = f"REPLY\n{status}\n{made.nonce}\n1767222001\n{SANDBOX_NONCE}\n"
    return HttpReply(status, signed_headers(text, body), body)


def error_to(made: Call, status: int, code: str) -> HttpReply:
    """A signed error."""
    return reply_to(made, {"error": {"code": code, "message": "The sandbox says no."}}, status)


def notification(
    kind: str, shown: Mapping[str, Any], timestamp: int = 1767222001
) -> tuple[dict[str, str], bytes]:
    """Headers and body of a signed notification to NOTIFY_PATH."""
    body = json.dumps({"kind": kind, kind: shown}).encode()
    text = f"NOTIFY\n{NOTIFY_PATH}\n{timestamp}\n{SANDBOX_NONCE}\n"
    return signed_headers(text, body, timestamp), body


def signed_headers(text: str, body: bytes, timestamp: int = 1767222001) -> dict[str, str]:
    """Headers that carry the signature of the text and the body."""
    return {
        "sandbox-timestamp": str(timestamp),
        "sandbox-nonce": SANDBOX_NONCE,
        "sandbox-signature": hmac.new(KEY, text.encode() + body, hashlib.sha256).hexdigest(),
    }
