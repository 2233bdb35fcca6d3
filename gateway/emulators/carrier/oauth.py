"""The token endpoint's request (RFC 6749, client credentials), and how clients prove themselves.

A client shows its secret either in an Authorization header (basic) or in the form, never in both.
Members that the RFC does not know are ignored, as it demands; those it knows come once.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_plus

from gateway.emulators.carrier.commands import AskToken, Command
from gateway.emulators.carrier.errors import OAuthRefusal
from gateway.emulators.carrier.incoming import FORM_TYPE, Incoming
from gateway.emulators.core.fields import InvalidField

GRANT: Final = "client_credentials"
_KNOWN: Final = frozenset(("grant_type", "scope", "client_id", "client_secret"))


@dataclass(frozen=True)
class Client:
    """A client of the operator; `label` is what its folder is called."""

    label: str
    client_id: str
    client_secret: str = field(repr=False)


def ask_token(incoming: Incoming) -> Command:
    """Read a request for a token. Raises OAuthRefusal."""
    if not incoming.is_form:
        raise OAuthRefusal("invalid_request", f"Content-Type must be {FORM_TYPE}.")
    form = _form(incoming)
    client_id, secret = _credentials(incoming, form)
    if "grant_type" not in form:
        raise OAuthRefusal("invalid_request", "grant_type is missing.")
    if form["grant_type"] != GRANT:
        raise OAuthRefusal("unsupported_grant_type", f"Only {GRANT} is supported.")
    scopes = frozenset(form["scope"].split()) if form.get("scope") else None
    return AskToken(client_id=client_id, client_secret=secret, scopes=scopes)


def prove(clients: Mapping[str, Client], asked: AskToken) -> Client:
    """The client that shows its own secret. Raises OAuthRefusal."""
    client = clients.get(asked.client_id)
    expected = "" if client is None else client.client_secret
    shown = hmac.compare_digest(expected.encode(), asked.client_secret.encode())
    if client is None or not shown:
        raise OAuthRefusal("invalid_client", "The client is unknown or its secret is wrong.")
    return client


def _form(incoming: Incoming) -> dict[str, str]:
    try:
        pairs = [(name, value) for name, value in incoming.form if name in _KNOWN]
    except InvalidField as error:
        raise OAuthRefusal("invalid_request", "The form cannot be read.") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise OAuthRefusal("invalid_request", "A parameter appears more than once.")
    return form


def _credentials(incoming: Incoming, form: Mapping[str, str]) -> tuple[str, str]:
    if "authorization" not in incoming.headers:
        if "client_id" not in form or "client_secret" not in form:
            raise OAuthRefusal("invalid_client", "The client does not prove who it is.")
        return form["client_id"], form["client_secret"]
    if "client_secret" in form:
        raise OAuthRefusal("invalid_request", "The client proves itself in two ways at once.")
    return _read_basic(incoming.header("authorization") or "")


def _read_basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        decoded = ""
    client_id, colon, secret = decoded.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise OAuthRefusal("invalid_client", "Authorization must be Basic, with id and secret.")
    return unquote_plus(client_id), unquote_plus(secret)
