"""The access token: one for every scope, fetched with client credentials, renewed before it ends.

The client asks `needs` before each try, so a token that the operator took back is only marked: what
is being built goes out with the old one, is answered 401, and is asked about like anything else.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from gateway.channels.carrier.client_auth import Client
from gateway.channels.carrier.fields import Record, read_record
from gateway.channels.connector import HttpReply, HttpRequest, TokenRefused
from gateway.channels.fields import Malformed

SCOPES = (
    "carrier-billing:payments:create",
    "carrier-billing:payments:read",
    "carrier-billing:payments:write",
    "carrier-billing-refund:refunds:create",
    "carrier-billing-refund:refunds:read",
)
"""What our calls need. An operator may want a purpose besides, such as `dpv:ServiceProvision`."""

LIFETIME_DEFAULT = timedelta(minutes=5)
"""How long a token is used whose lifetime was not told."""

LIFETIME_MAX_S = 30 * 24 * 3_600
"""Seconds; a token is renewed at least so often."""

RENEWAL_MARGIN = timedelta(minutes=1)
"""How long before its end a token is renewed, but not before half of its life."""

TOKEN_LENGTH_MAX = 8_192
HTTP_OK = 200

_BEARER = re.compile(r"[0-9A-Za-z._~+/-]+=*")
_TYPE = re.compile("bearer", re.IGNORECASE)
_ERROR = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it was given. `asked_time` is when; from `renew_time` on there should be another.

    Attributes:
        expire_time: from then on it is worth nothing.
    """

    value: str = field(repr=False)
    asked_time: datetime
    renew_time: datetime
    expire_time: datetime


class TokenHolder:
    """Keeps the newest token: the only thing about this connector that changes."""

    __slots__ = ("_revoked", "_token")

    def __init__(self) -> None:
        self._token: Token | None = None
        self._revoked = False

    def needs(self, moment: datetime) -> bool:
        """Whether another token should be fetched before a request is made at this moment."""
        return self._token is None or self._revoked or moment >= self._token.renew_time

    def keep(self, token: Token) -> None:
        """Use this token from now on."""
        self._token, self._revoked = token, False

    def bearer(self, moment: datetime) -> str:
        """Give the token for a request made at this moment.

        Raises:
            TokenRefused: there is none; it was to be fetched first.
        """
        if self._token is None or moment >= self._token.expire_time:
            raise TokenRefused("no valid token was fetched before a request was built")
        return self._token.value

    def revoked(self, moment: datetime) -> None:
        """Note that the token of a request made then was not accepted; a later one still may be."""
        if self._token is not None and self._token.asked_time <= moment:
            self._revoked = True


def token_request(
    client: Client, path: str, scopes: Sequence[str], moment: datetime, nonce: str
) -> HttpRequest:
    """Ask for a token: RFC 6749 §4.4. Raises ValueError where no key of ours is valid now."""
    fields = {"grant_type": "client_credentials", "scope": " ".join(scopes)}
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode(fields | client.fields(moment, nonce)).encode()
    return HttpRequest("POST", path, headers | client.headers(), body)


def read_token(reply: HttpReply, moment: datetime) -> Token:
    """Read the token of a reply, which was asked for at this moment.

    Raises:
        TokenRefused: it holds none.
    """
    try:
        fields = read_record(reply.body)
        if reply.status != HTTP_OK:
            raise TokenRefused(f"the token server answered {reply.status} {_error(fields)}")
        fields.text("token_type", _TYPE)
        return _token(fields.text("access_token", _BEARER, most=TOKEN_LENGTH_MAX), fields, moment)
    except Malformed as error:
        raise TokenRefused(f"the token server answered {reply.status}: {error}") from error


def _token(value: str, fields: Record, moment: datetime) -> Token:
    lifetime = LIFETIME_DEFAULT
    if fields.has("expires_in"):
        lifetime = timedelta(seconds=fields.integer("expires_in", 1, LIFETIME_MAX_S))
    expire_time = moment + lifetime
    renew_time = expire_time - min(RENEWAL_MARGIN, lifetime / 2)
    return Token(value, moment, renew_time, expire_time)


def _error(fields: Record) -> str:
    """Give the error of RFC 6749 §5.2; its description is for the log of the other side."""
    return fields.text("error", _ERROR, most=64) if fields.has("error") else "without a reason"
