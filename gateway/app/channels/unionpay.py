"""UnionPay. Its days end at 23:00, and its settlement files lie on a host of their own."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

from gateway.app.channels.keyfiles import blaming, expect, read_key_file, read_text_file
from gateway.app.channels.setup import Entry, Setup
from gateway.app.errors import StartError
from gateway.channels.bill import Bill
from gateway.channels.client import HttpChannel
from gateway.channels.connector import HttpRequest
from gateway.channels.keys import MerchantKey, load_merchant_key
from gateway.channels.unionpay.account import UnionPaySettings
from gateway.channels.unionpay.bill import parse_bill
from gateway.channels.unionpay.bills import file_request, read_file
from gateway.channels.unionpay.certificates import (
    UNIONPAY,
    Certificates,
    Trust,
    load_certificates,
)
from gateway.channels.unionpay.connector import UnionPayConnector
from gateway.channels.unionpay.keys import load_merchant_pfx
from gateway.channels.unionpay.signing import cert_id
from gateway.config import Settings, variable
from gateway.domain.channel import Capabilities

NAME = "unionpay"
DAY_START = timedelta(hours=-1)


def set_up(settings: Settings) -> Setup | None:
    """Set it up, if it is enabled. Raises StartError."""
    if settings.unionpay_url is None:
        return None
    keys, trust = tuple(_merchant_keys(settings)), _trust(settings)
    with blaming("unionpay_url"):
        told = UnionPaySettings(
            merchant_id=settings.unionpay_merchant_id or "",
            merchant_keys=keys,
            trust=trust,
            notify_base_url=settings.notify_url or f"http://{settings.notify_listen}",
            token_requester_id=settings.unionpay_token_requester_id or "",
            void_until=settings.unionpay_void_until,
            send_timeout=_send_timeout(settings),
        )
    connector = UnionPayConnector(told)
    return Setup(
        url=settings.unionpay_url,
        connector=connector,
        signs_slowly=True,
        fetch_bill=partial(_fetch_bill, connector, settings.unionpay_file_url or ""),
        day_start=DAY_START,
    )


class _Nobody(Trust):
    def __post_init__(self) -> None:
        """Believe nobody: nobody calls with it."""


class _Unchecked(UnionPaySettings):
    def __post_init__(self) -> None:
        """Check nothing: nobody calls with it."""


def describe(settings: Settings) -> Capabilities:
    """Tell what it can do."""
    told = _Unchecked(
        merchant_id="",
        merchant_keys=(),
        trust=_Nobody(()),
        notify_base_url="",
        send_timeout=_send_timeout(settings),
    )
    return UnionPayConnector(told).capabilities


async def _fetch_bill(
    connector: UnionPayConnector, origin: str, channel: HttpChannel, day: date
) -> Bill | None:
    account = connector.account

    def ask(moment: datetime, _nonce: str) -> HttpRequest:
        return file_request(account, day, moment)

    data = read_file(account, day, *await channel.download(ask, origin))
    return None if data is None else parse_bill(data)


def _merchant_keys(settings: Settings) -> Iterator[MerchantKey]:
    told, name = "unionpay_merchant_certificate_id", "unionpay_merchant_key_file"
    for number, path in enumerate(settings.unionpay_merchant_key_file):
        key = _merchant_key(settings, number, name, path)
        found = cert_id(key)
        expect(told, settings.unionpay_merchant_certificate_id, number, found)
        yield key


def _merchant_key(settings: Settings, number: int, name: str, path: Path) -> MerchantKey:
    """Load a key with its certificate, from one file or from two. Raises StartError."""
    data, second = read_key_file(name, path), f"{NAME}_merchant_key_password_file"
    if settings.unionpay_merchant_key_password_file:
        password = read_text_file(second, settings.unionpay_merchant_key_password_file[number])
        with blaming(name, path):
            return load_merchant_pfx(data, password)
    third = f"{NAME}_merchant_certificate_file"
    if not settings.unionpay_merchant_certificate_file:
        ways = f"{variable(third)}, or for PKCS#12 {variable(second)}"
        raise StartError(f"{variable(name)} is set: set {ways} too.")
    pem = read_key_file(third, settings.unionpay_merchant_certificate_file[number])
    with blaming(name, path):
        return load_merchant_key(data, certificate_pem=pem)


def _trust(settings: Settings) -> Trust:
    roots = _certificates("unionpay_root_certificate_file", settings.unionpay_root_certificate_file)
    middle = _certificates(
        "unionpay_middle_certificate_file", settings.unionpay_middle_certificate_file
    )
    return Trust(
        roots,
        middle,
        name=settings.unionpay_signer_name or UNIONPAY,
        sha1=settings.unionpay_sha1_certificates,
    )


def _certificates(name: str, paths: Iterable[Path]) -> Certificates:
    found: Certificates = ()
    for path in paths:
        with blaming(name, path):
            found += load_certificates(read_key_file(name, path))
    return found


def _send_timeout(settings: Settings) -> timedelta:
    return timedelta(milliseconds=settings.channel_timeout_ms)


ENTRY = Entry(NAME, set_up, describe)
