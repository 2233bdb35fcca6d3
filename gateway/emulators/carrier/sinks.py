"""Where events go and with which credential: members with refusals of their own.

The published rule is https only. A stand-in must also reach receivers on the same machine, which
have no certificates, so plain http is taken for loopback and private addresses and for no others.
"""

from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from gateway.emulators.carrier import times
from gateway.emulators.carrier.errors import Refusal
from gateway.emulators.core.fields import Fields, InvalidField
from gateway.emulators.core.shapes import Shape, Value, must, read_shape

URL_LENGTH_MAX: Final = 2_048
TOKEN_LENGTH_MAX: Final = 4_096
CREDENTIAL_TYPES: Final = ("PLAIN", "ACCESSTOKEN", "REFRESHTOKEN")


def read_sink(fields: Fields, name: str) -> str:
    """The URL of a receiver. Raises InvalidField, and Refusal INVALID_SINK."""
    url = fields.text(name, URL_LENGTH_MAX)
    if not _is_reachable(url):
        raise Refusal("INVALID_SINK", "sink not valid for the specified protocol")
    return url


def read_credential(fields: Fields, name: str) -> Value:
    """An access token of type bearer. Raises InvalidField and Refusal."""
    members = Fields(fields.take(name), fields.path(name))
    if members.choice("credentialType", CREDENTIAL_TYPES) != "ACCESSTOKEN":
        raise Refusal("INVALID_CREDENTIAL", "Only Access token is supported")
    shape: Shape = {
        "accessToken": must(_token),
        "accessTokenExpiresUtc": must(_expiry),
        "accessTokenType": must(_bearer),
    }
    return read_shape(members, shape)


def _is_reachable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or not url.isascii() or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_near(host))


def _is_near(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_private
    except ValueError:
        return False


def _token(fields: Fields, name: str) -> str:
    token = fields.text(name, TOKEN_LENGTH_MAX, length_min=1)
    if not token.isascii() or " " in token:
        raise InvalidField(fields.path(name), "must be a token of visible ASCII characters")
    return token


def _expiry(fields: Fields, name: str) -> int:
    return times.moment(fields, name) // 1_000


def _bearer(fields: Fields, name: str) -> Any:
    if fields.take(name) != "bearer":
        raise Refusal("INVALID_TOKEN", "Only bearer token is supported")
    return "bearer"
