"""Who signed a request: the Authorization header against the bytes as they came over the wire.

The five-line string is built from the raw request target and the raw body, never from anything
parsed, so a caller that signs one spelling and sends another is refused. Each part must be there
exactly once and have its form; the serial must be a certificate of the very merchant that is named.
Whether the nonce is fresh only the book can say.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.emulators.core import crypto
from gateway.emulators.v3style.errors import Unauthenticated
from gateway.emulators.v3style.keys import Keys, Merchant

SKEW_S_MAX: Final = 300

_PART: Final = re.compile('([a-z_]+)="([^"]*)"')
_RULES: Final = {
    "mchid": re.compile("[0-9]{1,32}"),
    "serial_no": re.compile("[0-9A-F]{1,40}"),
    "timestamp": re.compile("[0-9]{1,12}"),
    "nonce_str": re.compile("[0-9A-Za-z]{1,32}"),
    "signature": re.compile("[0-9A-Za-z+/=]{1,1024}"),
}

Headers = Callable[[str], Sequence[str]]  # every value that a header name came with


@dataclass(frozen=True)
class Caller:
    """A merchant that is proven to have asked, and until when its nonce must not return (s)."""

    merchant: Merchant
    nonce: str
    nonce_expire_time_s: int


def authenticate(
    keys: Keys,
    scheme: str,
    *,
    method: str,
    target: str,
    headers: Headers,
    body: bytes,
    now_s: int,
) -> Caller:
    """Who signed a request. `target` is the raw path with query. Raises Unauthenticated."""
    parts = read_authorization(headers("Authorization"), scheme)
    merchant = keys.merchants.get(parts["mchid"])
    if merchant is None:
        raise Unauthenticated("The merchant is not known.")
    certificate = merchant.certificates.get(parts["serial_no"])
    if certificate is None:
        raise Unauthenticated("The serial is not that of a certificate of this merchant.")
    if abs(now_s - int(parts["timestamp"])) > SKEW_S_MAX:
        raise Unauthenticated(f"The timestamp is more than {SKEW_S_MAX} seconds away.")
    message = request_message(method, target, parts["timestamp"], parts["nonce_str"], body)
    if not crypto.verify(certificate, message, parts["signature"]):
        raise Unauthenticated("The signature does not match.")
    return Caller(merchant, parts["nonce_str"], int(parts["timestamp"]) + SKEW_S_MAX)


def read_authorization(values: Sequence[str], scheme: str) -> dict[str, str]:
    """The five parts of the header, in whatever order they came. Raises Unauthenticated."""
    if len(values) != 1:
        raise Unauthenticated("Authorization must be there exactly once.")
    found_scheme, _, text = values[0].partition(" ")
    if found_scheme != scheme:
        raise Unauthenticated(f"Authorization must begin with {scheme}.")
    matches = [_PART.fullmatch(piece) for piece in text.split(",")]
    parts = {match[1]: match[2] for match in matches if match}
    if None in matches or len(matches) != len(_RULES) or parts.keys() != _RULES.keys():
        raise Unauthenticated(f"Authorization must have {', '.join(_RULES)}, each once.")
    for name, rule in _RULES.items():
        if not rule.fullmatch(parts[name]):
            raise Unauthenticated(f"{name} has not the right form.")
    return parts


def request_message(method: str, target: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """The five lines that a request signs."""
    lines = (method, target, timestamp, nonce)
    head = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    return head + body + b"\n"


def reply_message(timestamp: str, nonce: str, body: bytes) -> bytes:
    """The three lines that a reply and a notification sign."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def call_up_message(*lines: str) -> bytes:
    """The four lines that a front end's call to the cashier signs."""
    return "".join(f"{line}\n" for line in lines).encode()
