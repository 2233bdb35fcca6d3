"""Alipay, UnionPay and carrier billing from settings: what is printed is enough, wrong is named.

The stand-ins make the keys, so that each is of the form that its channel gives out.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gateway.app.channels import alipay, carrier, unionpay
from gateway.app.channels.setup import Setup
from gateway.app.errors import StartError
from gateway.channels.alipay.connector import AlipayConnector
from gateway.channels.carrier.connector import CarrierConnector
from gateway.channels.unionpay.connector import UnionPayConnector
from gateway.config import ConfigError, load_settings
from tests.e2e.channels.emulator import Emulator

CHANNELS: dict[str, ModuleType] = {"alipay": alipay, "unionpay": unionpay, "carrier": carrier}

Printed = Mapping[str, dict[str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("stand-ins")
    return path


@pytest.fixture(scope="module")
def printed(folder: Path) -> Printed:
    """What each stand-in prints at its first start."""

    async def start(name: str) -> dict[str, str]:
        emulator = Emulator(name, folder)
        await emulator.service.start()
        found = emulator.settings()
        assert await emulator.service.stop() == 0
        return found

    async def start_all() -> Printed:
        return dict(zip(CHANNELS, await asyncio.gather(*map(start, CHANNELS)), strict=True))

    return asyncio.run(start_all())


def set_up(name: str, environ: dict[str, str]) -> Setup:
    setup = CHANNELS[name].set_up(load_settings(environ))
    assert isinstance(setup, Setup)
    return setup


@pytest.mark.parametrize("name", CHANNELS)
def test_what_is_printed_can_be_pasted(printed: Printed, name: str) -> None:
    """Every name that is printed is a setting behind our prefix, and all of them are enough."""
    setup = set_up(name, printed[name])
    assert setup.url == printed[name][f"GATEWAY_{name.upper()}_URL"]
    settings = load_settings(printed[name])
    assert setup.connector.capabilities == CHANNELS[name].describe(settings)
    assert CHANNELS[name].set_up(load_settings({})) is None


def test_alipay_has_two_modes(printed: Printed) -> None:
    """With a certificate of ours Alipay's certificates count; without one its public key does."""
    given = printed["alipay"]
    certified = set_up("alipay", given).connector
    assert isinstance(certified, AlipayConnector)
    assert certified.account.settings.root_sn == given["GATEWAY_ALIPAY_ROOT_CERT_SN"]
    named = [key.key_id for key in certified.account.settings.alipay_keys]
    assert named == [given["GATEWAY_ALIPAY_CERT_SN"]]
    bare = {name: value for name, value in given.items() if "CERT" not in name}
    keyed = set_up("alipay", bare).connector
    assert isinstance(keyed, AlipayConnector)
    assert keyed.account.settings.root_sn == ""
    assert [key.key_id for key in keyed.account.settings.alipay_keys] == ["public key"]


def test_what_alipay_agreed_to_is_the_contracts(printed: Printed) -> None:
    """Windows, products and who pays for instalments are settings, seen in what the channel can."""
    told = {
        "GATEWAY_ALIPAY_REFUND_WINDOW_S": str(90 * 86_400),
        "GATEWAY_ALIPAY_SELLER_BEARS_INSTALMENTS": "true",
        "GATEWAY_ALIPAY_AGREEMENT_PRODUCT": "CYCLE_PAY_AUTH",
        "GATEWAY_AUTHORIZATION_LIFETIME_S": "3600",
    }
    setup = set_up("alipay", printed["alipay"] | told)
    assert setup.connector.capabilities.refund_window == timedelta(days=90)
    assert setup.connector.capabilities.authorization_lifetime == timedelta(hours=1)
    assert isinstance(setup.connector, AlipayConnector)
    settings = setup.connector.account.settings
    assert (settings.agreement_product, settings.seller_bears_instalments) == (
        "CYCLE_PAY_AUTH",
        True,
    )


def test_the_carrier_notifies_only_where_its_tokens_can_be_made(
    printed: Printed, tmp_path: Path
) -> None:
    """Without a key for tokens the operator is not told where we are; with one it is."""
    silent = set_up("carrier", printed["carrier"]).connector
    assert isinstance(silent, CarrierConnector)
    assert silent.account.settings.notify_base_url == ""
    key = tmp_path / "key"
    key.write_text("k" * 32 + "\n")
    environ = printed["carrier"] | {"GATEWAY_CARRIER_NOTIFY_KEY_FILE": str(key)}
    told = set_up("carrier", environ).connector
    assert isinstance(told, CarrierConnector)
    assert told.account.settings.notify_base_url == "http://127.0.0.1:7071"


def test_unionpays_day_ends_before_midnight(printed: Printed) -> None:
    """Its day begins at 23:00, and who is believed is found through the roots that were named."""
    setup = set_up("unionpay", printed["unionpay"])
    assert setup.day_start.total_seconds() == -3_600
    assert isinstance(setup.connector, UnionPayConnector)
    assert len(setup.connector.account.settings.trust.roots) == 1


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("alipay", {"SELLER_ID": ""}, "_ALIPAY_URL is set: set GATEWAY_ALIPAY_SELLER_ID too."),
        ("alipay", {"SELLER_ID": "1"}, "seller id is 16 digits"),
        ("alipay", {"CERT_SN": "ab"}, "GATEWAY_ALIPAY_CERT_SN says ab, but the file is that of"),
        (
            "alipay",
            {"ROOT_CERTIFICATE_FILE": "", "ROOT_CERT_SN": ""},
            "CERTIFICATE_FILE is set: set GATEWAY_ALIPAY_ROOT_CERTIFICATE_FILE too.",
        ),
        (
            "alipay",
            {"APP_CERTIFICATE_FILE": "", "APP_CERT_SN": "", "PUBLIC_KEY_FILE": ""},
            "CERTIFICATE_FILE is not set: set GATEWAY_ALIPAY_PUBLIC_KEY_FILE too.",
        ),
        ("alipay", {"AGREEMENT_PRODUCT": "ANY"}, "write GENERAL_WITHHOLDING or CYCLE_PAY_AUTH."),
        ("alipay", {"APP_KEY_FILE": "/away"}, "GATEWAY_ALIPAY_APP_KEY_FILE is /away: it cannot"),
        ("unionpay", {"ROOT_CERTIFICATE_FILE": ""}, "set GATEWAY_UNIONPAY_ROOT_CERTIFICATE_FILE"),
        ("unionpay", {"MERCHANT_CERTIFICATE_ID": "7"}, "CERTIFICATE_ID says 7, but the file is"),
        ("unionpay", {"MERCHANT_ID": "7"}, "GATEWAY_UNIONPAY_URL: The merchant number at"),
        ("unionpay", {"MIDDLE_CERTIFICATE_FILE": "/away"}, "MIDDLE_CERTIFICATE_FILE is /away"),
        ("carrier", {"CLIENT_SECRET_FILE": ""}, "set either GATEWAY_CARRIER_CLIENT_SECRET_FILE or"),
        ("carrier", {"CLIENT_SECRET_FILE": "/dev/null"}, "is /dev/null: Carrier billing needs"),
        ("carrier", {"API_ROOT": "http://other"}, "API_ROOT is http://other, which is not on the"),
        ("carrier", {"NOTIFY_KEY_FILE": "/dev/null"}, "/dev/null: The key for carrier notific"),
    ],
)
def test_what_is_wrong_is_named(
    printed: Printed, name: str, changes: dict[str, Any], words: str
) -> None:
    """A missing setting, a wrong key or another's certificate is one sentence naming it."""
    prefix = f"GATEWAY_{name.upper()}_"
    environ = printed[name] | {prefix + key: value for key, value in changes.items()}
    with pytest.raises((ConfigError, StartError)) as caught:
        set_up(name, environ)
    sentence = str(caught.value)
    assert words in sentence
    assert sentence.startswith("GATEWAY_")
