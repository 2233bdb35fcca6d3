"""Carrier billing: one operator. Its API and its token server are paths on the same host."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Final

from gateway.app.channels.carrier_statement import fetch_statement
from gateway.app.channels.keyfiles import blaming, read_key_file, read_text_file
from gateway.app.channels.setup import Entry, Setup
from gateway.app.errors import StartError
from gateway.channels.carrier.client_auth import Client, ClientKey, ClientSecret
from gateway.channels.carrier.connector import CarrierConnector
from gateway.channels.carrier.settings import CarrierSettings
from gateway.channels.carrier.sink import SinkKey
from gateway.channels.keys import MerchantKey, load_merchant_key
from gateway.config import Settings, variable
from gateway.domain.channel import Capabilities
from gateway.domain.money import CURRENCY_EXPONENTS

NAME = "carrier"
TOKEN_PATH: Final = "/oauth2/token"  # noqa: S105 - a path
SECRET_FILE, KEY_FILE = "carrier_client_secret_file", "carrier_client_key_file"


def set_up(settings: Settings) -> Setup | None:
    """Set it up, if it is enabled. Raises StartError."""
    if settings.carrier_url is None:
        return None
    client, sink_keys = _client(settings), tuple(_sink_keys(settings))
    notify = settings.notify_url or f"http://{settings.notify_listen}"
    with blaming("carrier_url"):
        told = CarrierSettings(
            client=client,
            sink_keys=sink_keys,
            notify_base_url=notify if sink_keys else "",
            api_root=_path(settings, "carrier_api_root", ""),
            token_path=_path(settings, "carrier_token_url", TOKEN_PATH),
            **_contract(settings),
        )
    connector = CarrierConnector(told)
    return Setup(
        settings.carrier_url,
        connector,
        fetch_bill=partial(fetch_statement, connector),
        captures_numbered=False,
    )


def describe(settings: Settings) -> Capabilities:
    """Tell what it can do."""
    nobody = ClientSecret("nobody", "nothing")
    return CarrierConnector(CarrierSettings(client=nobody, **_contract(settings))).capabilities


def _contract(settings: Settings) -> dict[str, Any]:
    """Give what the operator's contract says. Raises StartError."""
    return {
        "currencies": frozenset(_currencies(settings)),
        "send_timeout": timedelta(milliseconds=settings.channel_timeout_ms),
        "authorization_lifetime": timedelta(seconds=settings.carrier_authorization_lifetime_s),
        "refund_window": timedelta(days=settings.carrier_refund_window_days),
    }


def _currencies(settings: Settings) -> Iterator[str]:
    for code in settings.carrier_currencies or CURRENCY_EXPONENTS:
        if code not in CURRENCY_EXPONENTS:
            known = ", ".join(sorted(CURRENCY_EXPONENTS))
            raise StartError(
                f"{variable('carrier_currencies')} names {code}: write some of {known}."
            )
        yield code


def _client(settings: Settings) -> Client:
    """Give what proves who we are: the secret, or else the keys. Raises StartError."""
    client_id, path = settings.carrier_client_id or "", settings.carrier_client_secret_file
    if bool(path) == bool(settings.carrier_client_key_file):
        both = f"{variable(SECRET_FILE)} or {variable(KEY_FILE)}"
        raise StartError(f"{variable('carrier_url')} is set: set either {both} too, and not both.")
    if path:
        secret = read_text_file(SECRET_FILE, path)
        with blaming(SECRET_FILE, path):
            return ClientSecret(client_id, secret)
    audience = settings.carrier_token_url or f"{settings.carrier_url}{TOKEN_PATH}"
    return ClientKey(client_id, audience, tuple(_client_keys(settings)))


def _client_keys(settings: Settings) -> Iterator[MerchantKey]:
    pairs = zip(settings.carrier_client_key_file, settings.carrier_client_key_id, strict=True)
    for path, key_id in pairs:
        with blaming(KEY_FILE, path):
            yield load_merchant_key(read_key_file(KEY_FILE, path), serial=key_id)


def _sink_keys(settings: Settings) -> Iterator[SinkKey]:
    name = "carrier_notify_key_file"
    for path in settings.carrier_notify_key_file:
        with blaming(name, path):
            yield SinkKey(read_key_file(name, path).rstrip(b"\r\n"))


def _path(settings: Settings, name: str, default: str) -> str:
    """Give the path of a URL, which must be on the operator's host. Raises StartError."""
    url: str | None = getattr(settings, name)
    if url is None:
        return default
    base = settings.carrier_url or ""
    path = url.removeprefix(base)
    if path == url or path[:1] not in {"", "/"}:
        raise StartError(f"{variable(name)} is {url}, which is not on the host {base}.")
    return path


ENTRY = Entry(NAME, set_up, describe)
