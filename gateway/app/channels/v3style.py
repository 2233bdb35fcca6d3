"""What WeChat Pay and Douyin Pay share: their keys, the refresh of certificates, the daily bill."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from gateway.app.channels.keyfiles import blaming, expect, read_key_file, read_text_file
from gateway.app.channels.setup import KeysRefused
from gateway.channels.bill import Bill
from gateway.channels.client import HttpChannel
from gateway.channels.keys import (
    MerchantKey,
    PlatformKey,
    PlatformKeys,
    load_merchant_key,
    load_platform_certificate,
    load_platform_key,
)
from gateway.channels.v3style.bills import bill_request, download_request, read_file, read_ticket
from gateway.channels.v3style.certificates import (
    CertificatesRefused,
    certificates_request,
    read_certificates,
)
from gateway.channels.v3style.connector import V3Connector
from gateway.channels.v3style.sealing import SealKey
from gateway.config import Settings


@dataclass(frozen=True, slots=True)
class Given:
    """What is set for one channel, by names without the channel's."""

    settings: Settings
    channel: str

    def name(self, name: str) -> str:
        """Give the full name of a setting."""
        return f"{self.channel}_{name}"

    def __getitem__(self, name: str) -> Any:
        return getattr(self.settings, self.name(name))

    def several(self, name: str) -> tuple[Any, ...]:
        """Give the values of a setting that may have many, or none; one channel has it not."""
        found: tuple[Any, ...] = getattr(self.settings, self.name(name), ())
        return found

    def pairs(self, files: str, names: str) -> Iterator[tuple[Path, str]]:
        """Give the files with what is said beside each."""
        yield from zip(self.several(files), self.several(names), strict=True)


def account_settings(given: Given) -> dict[str, Any]:
    """Give what every connector of the style must be told. Raises StartError."""
    settings = given.settings
    return {
        "mchid": given["merchant_id"],
        "appid": given["app_id"],
        "merchant_keys": tuple(_merchant_keys(given)),
        "platform_keys": PlatformKeys((*_public_keys(given), *_certificates(given))),
        "seal_keys": tuple(_seal_keys(given)),
        "notify_base_url": settings.notify_url or f"http://{settings.notify_listen}",
        "send_timeout": timedelta(milliseconds=settings.channel_timeout_ms),
    }


def refreshes(given: Given) -> bool:
    """Whether the channel's certificates are fetched: not for who has a public key in their place.

    Who has neither begins with the certificates that come sealed under the merchant's key.
    """
    has_certificate = bool(given.several("platform_certificate_file"))
    return has_certificate or not given.several("platform_public_key_file")


async def refresh_keys(connector: V3Connector, channel: HttpChannel) -> datetime:
    """Fetch the certificates and trust them; give when the newest ends.

    Raises KeysRefused, NotSent, Lost.
    """
    account = connector.account
    reply, moment = await channel.exchange(partial(certificates_request, account))
    try:
        keys = read_certificates(account, reply, moment)
    except CertificatesRefused as error:
        raise KeysRefused(str(error)) from error
    connector.trust(keys)
    newest = keys.newest("", moment)
    return newest.validity.end if newest else moment


async def fetch_bill(
    connector: V3Connector,
    parse: Callable[[bytes], Bill],
    channel: HttpChannel,
    day: date,
) -> Bill | None:
    """Apply for a bill, fetch it at once, and check it. Raises BillRefused, NotSent, Lost."""
    account = connector.account
    reply, moment = await channel.exchange(partial(bill_request, account, day))
    ticket = read_ticket(account, reply, moment)
    if ticket is None:
        return None
    file, _ = await channel.download(partial(download_request, account, ticket))
    return parse(read_file(ticket, file))


def look_at(settings: Settings) -> dict[str, Any]:
    """Give what a connector is told that is only looked at: nobody's account, without keys."""
    return {
        "mchid": "",
        "appid": "",
        "merchant_keys": (),
        "platform_keys": PlatformKeys(),
        "seal_keys": (),
        "notify_base_url": "",
        "send_timeout": timedelta(milliseconds=settings.channel_timeout_ms),
    }


def _merchant_keys(given: Given) -> Iterator[MerchantKey]:
    for path, serial in given.pairs("merchant_key_file", "merchant_serial"):
        name = given.name("merchant_key_file")
        with blaming(name, path):
            yield load_merchant_key(read_key_file(name, path), serial=serial)


def _seal_keys(given: Given) -> Iterator[SealKey]:
    for path in given.several("api_v3_key_file"):
        name = given.name("api_v3_key_file")
        with blaming(name, path):
            yield SealKey(read_text_file(name, path))


def _public_keys(given: Given) -> Iterator[PlatformKey]:
    for path, key_id in given.pairs("platform_public_key_file", "platform_public_key_id"):
        name = given.name("platform_public_key_file")
        with blaming(name, path):
            yield load_platform_key(read_key_file(name, path), key_id)


def _certificates(given: Given) -> Iterator[PlatformKey]:
    name, serials = given.name("platform_certificate_file"), "platform_certificate_serial"
    for number, path in enumerate(given.several("platform_certificate_file")):
        with blaming(name, path):
            key = load_platform_certificate(read_key_file(name, path))
        expect(given.name(serials), given.several(serials), number, key.key_id)
        yield key
