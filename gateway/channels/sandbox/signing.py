"""Signatures of the sandbox's protocol: hex HMAC-SHA256, one shared key, bytes as they travel.

A reply is bound to its request by the request's nonce, so no other reply fits, however well signed.
A notification has no request: it is bound to our path and to the time, within SKEW_MAX_S.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway.channels.connector import Call, HttpReply, HttpRequest

ACCOUNT_HEADER = "Sandbox-Account"
TIMESTAMP_HEADER = "Sandbox-Timestamp"
NONCE_HEADER = "Sandbox-Nonce"
SIGNATURE_HEADER = "Sandbox-Signature"

KEY_LENGTH_MIN = 16
"""Bytes."""

SKEW_MAX_S = 300
"""How far a notification's time may be from ours, in either direction, in seconds."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_NONCE = re.compile(r"[0-9A-Za-z]{16,64}")


class SignatureRefused(Exception):
    """The signature is missing, wrong or out of time. The message names no secret."""


class SecretKey:
    """A key that can sign but never shows itself.

    Raises:
        ValueError: it is shorter than KEY_LENGTH_MIN bytes.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_LENGTH_MIN:
            raise ValueError(f"The sandbox key is too short: give at least {KEY_LENGTH_MIN} bytes.")
        self._key = key

    def __repr__(self) -> str:
        return "SecretKey(***)"

    def sign(self, *lines: str, body: bytes) -> str:
        """Sign the lines, each ended by a line feed, and the body after them."""
        head = "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape")
        return hmac.new(self._key, head + body, hashlib.sha256).hexdigest()

    def check(self, signature: str, *lines: str, body: bytes) -> None:
        """Compare in constant time.

        Raises:
            SignatureRefused: the signature is not that of the lines and the body.
        """
        expected = self.sign(*lines, body=body)
        if not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
            raise SignatureRefused("wrong signature")


def unix_seconds(moment: datetime) -> int:
    """Give whole seconds since 1970-01-01 UTC."""
    return (moment - EPOCH) // timedelta(seconds=1)


def sign_request(key: SecretKey, account: str, call: Call, request: HttpRequest) -> HttpRequest:
    """Add the signature of a request to its headers."""
    timestamp = str(unix_seconds(call.moment))
    lines = ("REQUEST", request.method, request.path, timestamp, call.nonce)
    headers = {
        ACCOUNT_HEADER: account,
        TIMESTAMP_HEADER: timestamp,
        NONCE_HEADER: call.nonce,
        SIGNATURE_HEADER: key.sign(*lines, body=request.body),
    }
    return replace(request, headers={**request.headers, **headers})


def verify_reply(key: SecretKey, request_nonce: str, reply: HttpReply) -> None:
    """Check that the reply is the sandbox's answer to the request with this nonce.

    Raises:
        SignatureRefused: it is not, or cannot be shown to be.
    """
    timestamp, nonce, signature = _signed(reply.headers)
    lines = ("REPLY", str(reply.status), request_nonce, timestamp, nonce)
    key.check(signature, *lines, body=reply.body)


def verify_notification(
    key: SecretKey, path: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> None:
    """Check that the sandbox sent the notification to this path, and lately.

    Raises:
        SignatureRefused: it did not, or that cannot be shown.
    """
    timestamp, nonce, signature = _signed(headers)
    key.check(signature, "NOTIFY", path, timestamp, nonce, body=body)
    age_s = unix_seconds(now) - int(timestamp)
    if abs(age_s) > SKEW_MAX_S:
        raise SignatureRefused(f"stale: {age_s} s old by our clock")


def _signed(headers: Mapping[str, str]) -> tuple[str, str, str]:
    """Take timestamp, nonce and signature; a header given twice was joined and does not match."""
    timestamp = headers.get(TIMESTAMP_HEADER.lower(), "")
    nonce = headers.get(NONCE_HEADER.lower(), "")
    if not _TIMESTAMP.fullmatch(timestamp) or not _NONCE.fullmatch(nonce):
        raise SignatureRefused("not signed")
    return timestamp, nonce, headers.get(SIGNATURE_HEADER.lower(), "")
