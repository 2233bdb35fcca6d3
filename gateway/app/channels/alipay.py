"""Alipay, in certificate mode where certificates of ours are named, else in key mode."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from itertools import zip_longest
from typing import Any, Final

from gateway.app.channels.alipay_keys import KEYS_INTERVAL, refresh_keys
from gateway.app.channels.keyfiles import blaming, expect, read_key_file
from gateway.app.channels.setup import Entry, Setup
from gateway.app.errors import StartError
from gateway.channels.alipay.account import AlipaySettings
from gateway.channels.alipay.bill import parse_bill
from gateway.channels.alipay.bills import bill_request, download_request, read_address, read_file
from gateway.channels.alipay.connector import AlipayConnector
from gateway.channels.alipay.keys import (
    AppKey,
    Roots,
    load_alipay_certificate,
    load_alipay_key,
    load_app_key,
    load_roots,
    roots_sn,
)
from gateway.channels.bill import Bill
from gateway.channels.client import HttpChannel
from gateway.channels.connector import HttpRequest
from gateway.channels.keys import PlatformKey
from gateway.config import Settings, variable
from gateway.domain.channel import Capabilities

NAME = "alipay"
CERTIFICATE_MODE: Final = ("alipay_certificate_file", "alipay_root_certificate_file")
KEY_MODE: Final = ("alipay_public_key_file",)


def set_up(settings: Settings) -> Setup | None:
    """Set it up, if it is enabled. Raises StartError."""
    if settings.alipay_url is None:
        return None
    certified = bool(settings.alipay_app_certificate_file)
    for name in CERTIFICATE_MODE if certified else KEY_MODE:
        _require(settings, name, certified=certified)
    roots = _roots(settings) if certified else ()
    keys = _certificates(settings) if certified else _public_keys(settings)
    with blaming("alipay_url"):
        told = AlipaySettings(
            app_id=settings.alipay_app_id or "",
            seller_id=settings.alipay_seller_id or "",
            app_keys=tuple(_app_keys(settings)),
            alipay_keys=tuple(keys),
            root_sn=roots_sn(roots),
            notify_base_url=settings.notify_url or f"http://{settings.notify_listen}",
            **_terms(settings),
        )
    connector = AlipayConnector(told)
    return Setup(
        url=settings.alipay_url,
        connector=connector,
        signs_slowly=True,
        fetch_bill=partial(_fetch_bill, connector),
        refresh_keys=partial(refresh_keys, connector, roots) if certified else None,
        keys_interval=KEYS_INTERVAL,
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
        **_terms(settings),
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


def _roots(settings: Settings) -> Roots:
    """Load the roots that we trust: one file of them, since requests name it."""
    name, path = "alipay_root_certificate_file", settings.alipay_root_certificate_file[0]
    with blaming(name, path):
        roots = load_roots(read_key_file(name, path))
    expect("alipay_root_cert_sn", settings.alipay_root_cert_sn, 0, roots_sn(roots))
    return roots


def _require(settings: Settings, name: str, *, certified: bool) -> None:
    """Refuse to start without what a key mode needs. Raises StartError."""
    if getattr(settings, name):
        return
    mode = "GATEWAY_ALIPAY_APP_CERTIFICATE_FILE is " + ("set" if certified else "not set")
    raise StartError(f"{mode}: set {variable(name)} too.")


def _terms(settings: Settings) -> dict[str, Any]:
    """Give what the contract with Alipay says, and how long we wait."""
    return {
        "agreement_product": settings.alipay_agreement_product,
        "seller_bears_instalments": settings.alipay_seller_bears_instalments,
        "refund_window": timedelta(seconds=settings.alipay_refund_window_s),
        "authorization_lifetime": timedelta(seconds=settings.authorization_lifetime_s),
        "send_timeout": timedelta(milliseconds=settings.channel_timeout_ms),
    }


ENTRY = Entry(NAME, set_up, describe)
