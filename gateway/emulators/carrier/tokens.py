"""Access tokens: issued, kept by their digest, looked up for every request.

Their life is real time, like that of everything on the wire: virtual time may jump by months and a
caller that knows nothing of it goes on. Whoever wants them dead says so at a control endpoint.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.emulators.carrier import rows
from gateway.emulators.carrier.errors import Refusal
from gateway.emulators.core.book import Transaction, Value

TOKENS_MAX: Final = 10_000  # the oldest give way
TOKEN_BYTES: Final = 32


@dataclass(frozen=True)
class Caller:
    """Who asks, and what for; with `phone` the token was given by that subscriber (3-legged)."""

    client_id: str
    scopes: frozenset[str]
    phone: str | None = None

    def subject(self, phone: str | None) -> str:
        """Whose account is meant, the token's or the body's. Raises Refusal."""
        if self.phone is None and phone is None:
            raise Refusal("MISSING_IDENTIFIER", "The phone number cannot be identified.")
        if self.phone is not None and phone is not None:
            message = "The phone number is already identified by the access token."
            raise Refusal("UNNECESSARY_IDENTIFIER", message)
        return self.phone or phone or ""

    def may_see(self, client: str, phone: str) -> bool:
        """Whether a payment of that client and subscriber is its own."""
        return self.client_id == client and self.phone in (None, phone)


def issue(
    txn: Transaction, client_id: str, scopes: Iterable[str], phone: str | None, expire_s: int
) -> str:
    """A new token."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    values: dict[str, Value] = {
        "digest": _digest(token),
        "client": client_id,
        "scopes": " ".join(sorted(scopes)),
        "phone": phone,
        "expire_s": expire_s,
    }
    txn.write(rows.SQL["insert_token"], values)
    txn.write(rows.SQL["bound_tokens"], {"count_max": TOKENS_MAX})
    return token


def authenticate(txn: Transaction, header: str | None, now_s: int) -> Caller:
    """Who shows a token that is still good. Raises Refusal UNAUTHENTICATED."""
    scheme, _, token = (header or "").partition(" ")
    row = None
    if scheme.lower() == "bearer" and token:
        values: dict[str, Value] = {"digest": _digest(token), "now_s": now_s}
        row = txn.one(rows.SQL["read_token"], values)
    if row is None:
        message = "Request not authenticated due to missing, invalid, or expired credentials."
        raise Refusal("UNAUTHENTICATED", message)
    return Caller(row["client"], frozenset(row["scopes"].split()), row["phone"])


def expire_all(txn: Transaction) -> int:
    """Let every token be dead; how many there were."""
    return txn.write(rows.SQL["expire_tokens"], {})


def forget_expired(txn: Transaction, now_s: int) -> None:
    """Drop tokens that nobody can use any more."""
    txn.write(rows.SQL["forget_tokens"], {"now_s": now_s})


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
