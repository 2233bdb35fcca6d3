"""The channel's certificates, fetched anew before they end (every REFRESH_INTERVAL).

They come sealed under the merchant's key, so only the channel can have made them; the list is
signed by one of them or by one trusted before. The very first list may come unsigned, while there
is nothing yet to verify it with: then the seal alone stands for it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gateway.channels.connector import HttpReply, HttpRequest
from gateway.channels.fields import Fields, Malformed, read_object
from gateway.channels.keys import (
    PlatformKey,
    PlatformKeys,
    SignatureRefused,
    load_platform_certificate,
)
from gateway.channels.v3style.account import Account
from gateway.channels.v3style.sealing import SealBroken
from gateway.channels.v3style.signing import is_signed

REFRESH_INTERVAL = timedelta(hours=12)
CERTIFICATES_MAX = 32
HTTP_OK = 200


class CertificatesRefused(Exception):
    """The list cannot be trusted. What was trusted before stays so. Names no secret."""


def certificates_request(account: Account, moment: datetime, nonce: str) -> HttpRequest:
    """Ask for the certificates."""
    return account.get(account.names.certificates, moment, nonce)


def read_certificates(account: Account, reply: HttpReply, now: datetime) -> PlatformKeys:
    """Give the keys to trust from now on: those of the list, and the older ones not yet over.

    Raises:
        CertificatesRefused: nothing of the list may be trusted.
    """
    if reply.status != HTTP_OK:
        raise CertificatesRefused(f"The channel answered {reply.status} for its certificates.")
    try:
        keys = _opened(account, read_object(reply.body))
        trusted = account.settings.platform_keys
        joined = trusted.joined(keys, now)
        if trusted or is_signed(account.names, reply.headers):
            account.trusting(joined).verify(reply.headers, reply.body, now)
    except (Malformed, SealBroken, SignatureRefused, ValueError) as error:
        raise CertificatesRefused(f"The channel's certificates were refused: {error}") from error
    if not joined:
        raise CertificatesRefused("None of the channel's certificates is valid now.")
    return joined


def _opened(account: Account, listed: Fields) -> Sequence[PlatformKey]:
    """Open those that are sealed in our way; others are for other kinds of signatures."""
    entries = listed.each(account.names.certificate_list, CERTIFICATES_MAX)
    return [_certificate(account, entry) for entry in entries if _for_us(account, entry)]


def _for_us(account: Account, entry: Fields) -> bool:
    return entry.inner("encrypt_certificate").text("algorithm") == account.names.seal


def _certificate(account: Account, entry: Fields) -> PlatformKey:
    pem = account.open(entry.inner("encrypt_certificate"), account.names.certificate_text)
    return load_platform_certificate(pem, entry.text(account.names.certificate_id))
