"""The sandbox's signatures: HMAC-SHA256 in lower-case hex, over bytes as received or sent.

Every message carries a timestamp and a nonce of its sender. A reply also signs the nonce of the
request it answers, so no recorded reply can be passed off as the answer to another request. Whoever
sent a request is answered under the key that the request was signed with; notifications are signed
with the first key of the ring.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

KEY_BYTES_MIN = 16
SKEW_S_MAX = 300
STALE_S = 86_400  # how old a notification of the script's STALE claims to be

ACCOUNT, TIMESTAMP = "Sandbox-Account", "Sandbox-Timestamp"
NONCE, SIGNATURE = "Sandbox-Nonce", "Sandbox-Signature"

_RULES = {
    ACCOUNT: re.compile("[!-~]{1,64}"),
    TIMESTAMP: re.compile("[0-9]{1,12}"),
    NONCE: re.compile("[0-9A-Za-z]{16,64}"),
    SIGNATURE: re.compile("[0-9a-f]{64}"),
}


Headers = Callable[[str], Sequence[str]]  # every value that a header name came with


class Unauthenticated(Exception):
    """The request is not proven to come from the account; the message says what is wrong."""


@dataclass(frozen=True)
class Caller:
    """Who is to be answered, and until when the nonce must not return (seconds, real time)."""

    key: bytes = field(repr=False)
    nonce: str
    nonce_expire_time_s: int


def _mac(key: bytes, parts: Sequence[str], body: bytes) -> str:
    text = "".join(f"{part}\n" for part in parts).encode("utf-8", "surrogateescape") + body
    return hmac.new(key, text, hashlib.sha256).hexdigest()


class Keyring:
    """The account and the keys under which its messages are accepted."""

    def __init__(self, keys: Sequence[bytes], account: str) -> None:
        """ValueError when there is no key, a key is short, or the account cannot be a header."""
        if not keys or any(len(key) < KEY_BYTES_MIN for key in keys):
            raise ValueError(f"The sandbox needs a key of at least {KEY_BYTES_MIN} bytes.")
        if not _RULES[ACCOUNT].fullmatch(account):
            raise ValueError("The sandbox's account must be 1 to 64 printable ASCII characters.")
        self._keys = tuple(keys)
        self._account = account

    def authenticate(
        self,
        method: str,
        target: str,
        headers: Headers,
        body: bytes,
        *,
        now_s: int,
    ) -> Caller:
        """Who signed a request. `target` is the raw path with query. Raises Unauthenticated."""
        account, timestamp, nonce, signature = (_single(headers, name) for name in _RULES)
        if account != self._account:
            raise Unauthenticated("The account is not known.")
        if abs(now_s - int(timestamp)) > SKEW_S_MAX:
            raise Unauthenticated(f"The timestamp is more than {SKEW_S_MAX} seconds away.")
        parts = ("REQUEST", method, target, timestamp, nonce)
        for key in self._keys:
            if hmac.compare_digest(_mac(key, parts, body), signature):
                return Caller(key, nonce, int(timestamp) + SKEW_S_MAX)
        raise Unauthenticated("The signature does not match.")

    def sign_notification(
        self, target: str, body: bytes, *, now_s: int, forged: bool = False
    ) -> Mapping[str, str]:
        """The headers of a notification to `target`, the raw path with query."""
        key = forged_key(self._keys[0]) if forged else self._keys[0]
        return _sign(key, ("NOTIFY", target), body, now_s)


def sign_reply(
    key: bytes, status: int, request_nonce: str, body: bytes, *, now_s: int
) -> Mapping[str, str]:
    """The headers of a reply to the request that carried `request_nonce`."""
    return _sign(key, ("REPLY", str(status), request_nonce), body, now_s)


def forged_key(key: bytes) -> bytes:
    """A key that nobody holds: what it signs has the right form and is wrong."""
    return hashlib.sha256(b"forged" + key).digest()


def _sign(key: bytes, parts: Sequence[str], body: bytes, now_s: int) -> Mapping[str, str]:
    timestamp, nonce = str(now_s), secrets.token_hex(16)
    return {
        TIMESTAMP: timestamp,
        NONCE: nonce,
        SIGNATURE: _mac(key, (*parts, timestamp, nonce), body),
    }


def _single(headers: Headers, name: str) -> str:
    values = headers(name)
    if len(values) != 1:
        raise Unauthenticated(f"{name} must be there exactly once.")
    if not _RULES[name].fullmatch(values[0]):
        raise Unauthenticated(f"{name} has not the right form.")
    return values[0]
