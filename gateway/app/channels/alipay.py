"""Alipay, in certificate mode where certificates of ours are named, else in key mode."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from itertools import zip_longest

from gateway.app.channels.keyfiles import blaming, expect, read_key_file
from gateway.app.channels.setup import Entry, Setup
from gateway.channels.alipay.account import AlipaySettings
from gateway.channels.alipay.bill import parse_bill
from gateway.channels.alipay.bills import bill_request, download_request, read_address, read_file
from gateway.channels.alipay.connector import AlipayConnector
from gateway.channels.alipay.keys import (
    AppKey,
    load_alipay_certificate,
    load_alipay_key,
    load_app_key,
    load_roots,
    roots_sn,
)
from gateway.channels.bill import Bill
from gateway.channels.client import HttpChannel
from gateway.channels.connector import HttpRequest
from gateway.channels.v3style.keys import PlatformKey
from gateway.config import Settings
from gateway.domain.channel import Capabilities

NAME = "alipay"


def set_up(settings: Settings) -> Setup | None:
    """Set it up, if it is enabled. Raises StartError."""
    if settings.alipay_url is None:
        return None
    app_keys, root_sn = tuple(_app_keys(settings)), _root_sn(settings)
    alipay_keys = tuple(_certificates(settings) if root_sn else _public_keys(settings))
    with blaming("alipay_url"):
        told = AlipaySettings(
            app_id=settings.alipay_app_id or "",
            seller_id=settings.alipay_seller_id or "",
            app_keys=app_keys,
            alipay_keys=alipay_keys,
            root_sn=root_sn,
            notify_base_url=settings.notify_url or f"http://{settings.notify_listen}",
            send_timeout=_send_timeout(settings),
        )
    connector = AlipayConnector(told)
    return Setup(
        url=settings.alipay_url,
        connector=connector,
        signs_slowly=True,
        fetch_bill=partial(_fetch_bill, connector),
    )


class _Unchecked(AlipaySettings):
    def __post_init__(self) -> None:
        """Check nothing: nobody calls with it."""


def describe(settings: Settings) -> Capabilities:
    """Tell what it can do."""
    told = _Unchecked(
        app_id="",
        seller_id="",
        app_keys=(),
        alipay_keys=(),
        notify_base_url="",
        send_timeout=_send_timeout(settings),
    )
    return AlipayConnector(told).capabilities


async def _fetch_bill(connector: AlipayConnector, channel: HttpChannel, day: date) -> Bill | None:
    account = connector.account

    def ask(moment: datetime, _nonce: str) -> HttpRequest:
        return bill_request(account, day, moment)

    address = read_address(account, *await channel.exchange(ask))
    if address is None:
        return None
    file, _ = await channel.download(lambda *_: download_request(address), address.origin)
    return parse_bill(read_file(file))


def _app_keys(settings: Settings) -> Iterator[AppKey]:
    name, certificate_name = "alipay_app_key_file", "alipay_app_certificate_file"
    files = zip_longest(settings.alipay_app_key_file, settings.alipay_app_certificate_file)
    for number, (path, certificate) in enumerate(files):
        pem = read_key_file(certificate_name, certificate) if certificate else None
        with blaming(name, path):
            key = load_app_key(read_key_file(name, path), pem)
        expect("alipay_app_cert_sn", settings.alipay_app_cert_sn, number, key.certificate_sn)
        yield key


def _certificates(settings: Settings) -> Iterator[PlatformKey]:
    name = "alipay_certificate_file"
    for number, path in enumerate(settings.alipay_certificate_file):
        with blaming(name, path):
            key = load_alipay_certificate(read_key_file(name, path))
        expect("alipay_cert_sn", settings.alipay_cert_sn, number, key.key_id)
        yield key


def _public_keys(settings: Settings) -> Iterator[PlatformKey]:
    name = "alipay_public_key_file"
    for path in settings.alipay_public_key_file:
        with blaming(name, path):
            yield load_alipay_key(read_key_file(name, path))


def _root_sn(settings: Settings) -> str:
    """Name the roots that we trust; empty in key mode."""
    name = "alipay_root_certificate_file"
    if not settings.alipay_app_certificate_file:
        return ""
    for number, path in enumerate(settings.alipay_root_certificate_file[:1]):
        with blaming(name, path):
            found = roots_sn(load_roots(read_key_file(name, path)))
        expect("alipay_root_cert_sn", settings.alipay_root_cert_sn, number, found)
        return found
    return ""


def _send_timeout(settings: Settings) -> timedelta:
    return timedelta(milliseconds=settings.channel_timeout_ms)


ENTRY = Entry(NAME, set_up, describe)
