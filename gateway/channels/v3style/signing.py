"""Signatures of the v3 style: five lines under a request, three under an answer or notification.

Each line ends with a line feed, the last one too, and the body is the very bytes that travel. An
answer is bound to its time but to no request, so whoever reads it must find his own numbers in it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from gateway.channels.connector import HttpRequest
from gateway.channels.keys import MerchantKey, PlatformKeys, SignatureRefused
from gateway.channels.v3style.names import Names

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SKEW_MAX = timedelta(minutes=5)
"""From this distance on, in either direction, a message is stale for both sides."""

PROBE = "WECHATPAY/SIGNTEST/"
"""How the signature of a probe begins, by which the channel tests whether we verify at all."""

_TIMESTAMP = re.compile(r"[0-9]{1,11}")
_NONCE = re.compile(r"[!-~]{1,128}")


@dataclass(frozen=True, slots=True)
class Signed:
    """What the headers of an answer or notification say about its signature."""

    timestamp: str
    nonce: str
    signature: str
    key_id: str


def request_text(method: str, path: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """Put together what is signed of a request; `path` is raw, with its query."""
    return f"{method}\n{path}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def message_text(timestamp: str, nonce: str, body: bytes) -> bytes:
    """Put together what is signed of an answer or notification."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def front_end_text(appid: str, timestamp: str, nonce: str, package: str) -> bytes:
    """Put together what is signed of the parameters with which a front end opens the cashier."""
    return f"{appid}\n{timestamp}\n{nonce}\n{package}\n".encode()


def unix_seconds(moment: datetime) -> str:
    """Write whole seconds since 1970-01-01 UTC."""
    return str((moment - EPOCH) // timedelta(seconds=1))


def sign_request(
    request: HttpRequest,
    *,
    names: Names,
    mchid: str,
    key: MerchantKey,
    moment: datetime,
    nonce: str,
) -> HttpRequest:
    """Add the header that says who asks, and proves it."""
    timestamp = unix_seconds(moment)
    text = request_text(request.method, request.path, timestamp, nonce, request.body)
    said = {
        "mchid": mchid,
        "nonce_str": nonce,
        "signature": key.sign(text),
        "timestamp": timestamp,
        "serial_no": key.serial,
    }
    fields = ",".join(f'{name}="{value}"' for name, value in said.items())
    headers = {**request.headers, "Authorization": f"{names.scheme} {fields}"}
    return replace(request, headers=headers)


def verify_message(
    names: Names, keys: PlatformKeys, headers: Mapping[str, str], body: bytes, now: datetime
) -> None:
    """Check that a key of the channel that is good now signed these bytes, and lately.

    Raises:
        SignatureRefused: none did, or that cannot be shown.
    """
    signed = read_signature(names, headers)
    if signed.signature.startswith(PROBE):
        raise SignatureRefused("a probe, signed to be refused")
    if abs(now - (EPOCH + timedelta(seconds=int(signed.timestamp)))) >= SKEW_MAX:
        raise SignatureRefused(f"stale: made at {signed.timestamp}, read at {unix_seconds(now)}")
    key = keys.find(signed.key_id, now)
    if key is None:
        raise SignatureRefused("signed with a key that is not trusted, or not now")
    if not key.signed(message_text(signed.timestamp, signed.nonce, body), signed.signature):
        raise SignatureRefused("wrong signature")


def read_signature(names: Names, headers: Mapping[str, str]) -> Signed:
    """Take what the headers say; in their names, case does not matter.

    Raises:
        SignatureRefused: one is missing, malformed, or stands there twice.
    """
    prefix = f"{names.header}-".lower()
    said = [(name.lower(), value) for name, value in headers.items()]
    ours = {name.removeprefix(prefix): value for name, value in said if name.startswith(prefix)}
    if len(ours) != sum(name.startswith(prefix) for name, _ in said):
        raise SignatureRefused("a header stands twice")
    if ours.get("signature-type", names.scheme) != names.scheme:
        raise SignatureRefused("signed in a way that is not ours")
    timestamp, nonce = ours.get("timestamp", ""), ours.get("nonce", "")
    if not _TIMESTAMP.fullmatch(timestamp) or not _NONCE.fullmatch(nonce):
        raise SignatureRefused("not signed")
    return Signed(timestamp, nonce, ours.get("signature", ""), ours.get("serial", ""))


def is_signed(names: Names, headers: Mapping[str, str]) -> bool:
    """Whether there is anything that claims to be a signature."""
    return any(name.lower() == f"{names.header}-signature".lower() for name in headers)
