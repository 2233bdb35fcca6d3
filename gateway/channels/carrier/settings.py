"""What the connector must be told, and what follows from it: where requests go, how they look."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.channels.carrier.client_auth import Client
from gateway.channels.carrier.encoding import Value, write_json
from gateway.channels.carrier.limits import AUTHORIZATION_LIFETIME
from gateway.channels.carrier.sink import SinkKey, expiry_of
from gateway.channels.carrier.tokens import SCOPES, TokenHolder
from gateway.channels.connector import HttpReply, HttpRequest
from gateway.channels.fields import Malformed
from gateway.domain.channel import ChannelRequest
from gateway.domain.money import CURRENCY_EXPONENTS

NAME = "carrier"
JSON = "application/json"
CORRELATOR = "x-correlator"

PAYMENTS = "/carrier-billing/v0.5/payments"
REFUNDS = "/carrier-billing-refund/v0.3/payments"

_ROOT = re.compile(r"(/[0-9A-Za-z._~-]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierSettings:
    """What the connector must be told. Keys are loaded once, by whoever makes this.

    Attributes:
        client: how we prove who we are.
        sink_keys: keys for the tokens of notifications: the first makes, every one checks.
        notify_base_url: where the operator reaches us, without a query; it wants https. Empty: it
            does not notify, and is asked until it has decided.
        api_root: path before the API's own on the operator's host; empty, or like `/camara`.
        token_path: path of the token server, which is on the same host.
        scopes: what the token is for.
        currencies: what the operator bills in.
        send_timeout: how long one exchange may take.
        authorization_lifetime: how long the operator keeps a reservation.
        refund_window: how long after the payment it refunds; None: for ever, or nobody knows.

    Raises:
        ValueError: one of them cannot be right; the sentence says which.
    """

    client: Client
    sink_keys: tuple[SinkKey, ...] = ()
    notify_base_url: str = ""
    api_root: str = ""
    token_path: str = "/oauth2/token"  # noqa: S105 - a path
    scopes: tuple[str, ...] = SCOPES
    currencies: frozenset[str] = frozenset(CURRENCY_EXPONENTS)
    send_timeout: timedelta = timedelta(seconds=10)
    authorization_lifetime: timedelta = AUTHORIZATION_LIFETIME
    refund_window: timedelta | None = None

    def __post_init__(self) -> None:
        """Refuse what could not work with any single call."""
        if not _ROOT.fullmatch(self.api_root) or not _ROOT.fullmatch(self.token_path):
            raise ValueError("A path at the carrier begins with a slash and ends without one.")
        if self.notify_base_url and not re.fullmatch(r"https?://[^?#\s]+", self.notify_base_url):
            raise ValueError("The URL for notifications must be http(s) and have no query.")
        if self.notify_base_url and not self.sink_keys:
            raise ValueError("Carrier notifications need a key that makes their tokens: set one.")


@dataclass(frozen=True, slots=True)
class Account:
    """One client at one operator: its settings, and the token that it holds at present."""

    settings: CarrierSettings
    tokens: TokenHolder = field(default_factory=TokenHolder)

    def get(self, path: str, moment: datetime, nonce: str) -> HttpRequest:
        """Build a GET of a path with its query, below the API's root. Raises TokenRefused."""
        return HttpRequest("GET", self._path(path), self._headers(moment, nonce), b"")

    def post(
        self, path: str, fields: Mapping[str, Value], moment: datetime, nonce: str
    ) -> HttpRequest:
        """Build a POST. Raises TokenRefused."""
        headers = self._headers(moment, nonce) | {"Content-Type": JSON}
        return HttpRequest("POST", self._path(path), headers, write_json(fields))

    def sink(self, request: ChannelRequest) -> dict[str, Value]:
        """Say where and with which token the operator shall notify us of this attempt, if at all.

        The same request always gives the same fields.
        """
        settings = self.settings
        if not settings.notify_base_url:
            return {}
        expire_time = expiry_of(request)
        return {
            "sink": f"{settings.notify_base_url.rstrip('/')}/notify/{NAME}",
            "sinkCredential": {
                "credentialType": "ACCESSTOKEN",
                "accessToken": settings.sink_keys[0].token(request.number, expire_time),
                "accessTokenExpiresUtc": rfc3339(expire_time),
                "accessTokenType": "bearer",
            },
        }

    def _path(self, path: str) -> str:
        return self.settings.api_root + path

    def _headers(self, moment: datetime, nonce: str) -> dict[str, str]:
        return {
            "Accept": JSON,
            "Authorization": f"Bearer {self.tokens.bearer(moment)}",
            CORRELATOR: nonce,
        }


def answered(reply: HttpReply, nonce: str) -> None:
    """Check that a reply is the answer to the request with this nonce: it must echo it.

    Raises:
        Malformed: it does not.
    """
    if reply.headers.get(CORRELATOR) != nonce:
        raise Malformed(f"{CORRELATOR} is not that of the request")


def rfc3339(moment: datetime) -> str:
    """Write a time, which is in UTC, with milliseconds."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
