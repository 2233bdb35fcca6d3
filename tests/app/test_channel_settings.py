"""Channels from settings: what an emulator prints is enough, and what is wrong is named."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from gateway.app import capabilities
from gateway.app.capabilities import TITLES, describe, fields, table
from gateway.app.channels import douyin, wechat
from gateway.app.channels.opening import open_channels
from gateway.app.channels.registry import CHANNELS
from gateway.app.errors import StartError
from gateway.channels.v3style.connector import V3Connector
from gateway.config import ConfigError, Settings, load_settings, settings_listing
from gateway.domain.channel import Capabilities
from gateway.emulators.v3style.keyfiles import KeyFiles
from gateway.emulators.v3style.settings import describe as describe_emulator
from gateway.emulators.wechat.names import WECHAT

SEAL_KEY = "an-api-key-that-is-a-secret-of-32"[:32]
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key files: two of ours, one of the channel's, its certificate, the symmetric key, rubbish."""
    path: Path = tmp_path_factory.mktemp("keys")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (path / "key.pem").write_bytes(pem)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (path / "public.pem").write_bytes(public)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a channel")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(0xABCDEF)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, SHA256())
    )
    (path / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (path / "api_key").write_text(SEAL_KEY + "\n")
    (path / "short").write_text("too short, and secret")
    (path / "bytes").write_bytes(b"\xff" * 32)
    (path / "long").write_bytes(b"x" * 70_000)
    return path


def given(folder: Path, channel: str = "wechat", **changes: object) -> dict[str, str]:
    """Right variables of one channel, less what is None; `{}` in a value is the folder."""
    right = {
        "url": "http://127.0.0.1:7081",
        "merchant_id": "1900000109",
        "app_id": "wx1",
        "merchant_key_file": "{}/key.pem",
        "merchant_serial": "AB12",
        "api_v3_key_file": "{}/api_key",
        "platform_certificate_file": "{}/certificate.pem",
    } | changes
    return {
        f"GATEWAY_{channel}_{name}".upper(): str(value).replace("{}", str(folder))
        for name, value in right.items()
        if value is not None
    }


def start(environ: dict[str, str]) -> str:
    """The sentence that keeps a gateway with these variables from starting."""
    with pytest.raises((ConfigError, StartError)) as caught:
        capabilities.describe(load_settings(environ), all_known=False)
    shown = f"{caught.value!r} {caught.value}"
    assert "secret" not in shown
    return str(caught.value)


def connector(environ: dict[str, str], channel: Any = wechat) -> V3Connector:
    """The connector that a gateway with these variables has."""
    setup = channel.set_up(load_settings(environ))
    assert setup is not None
    assert isinstance(setup.connector, V3Connector)
    return setup.connector


@pytest.mark.parametrize("channel", ["wechat", "douyin"])
def test_what_is_set_is_what_the_connector_is_told(folder: Path, channel: str) -> None:
    """Each channel is set up from its own variables, with its keys loaded."""
    made = connector(given(folder, channel), {"wechat": wechat, "douyin": douyin}[channel])
    told = made.account.settings
    assert (told.mchid, told.appid) == ("1900000109", "wx1")
    assert [key.serial for key in told.merchant_keys] == ["AB12"]
    assert told.platform_keys.find("ABCDEF", NOW) is not None
    assert told.notify_base_url == "http://127.0.0.1:7071"


def test_what_an_emulator_prints_can_be_pasted(tmp_path: Path) -> None:
    """Every name that `gateway emulate` prints is a setting behind our prefix, and is enough."""
    files = KeyFiles(tmp_path / "keys", WECHAT.title, WECHAT.appid_prefix)
    printed = describe_emulator(WECHAT, files, files.open(["1900000109"]), "1900000109")
    for channel, names in (("wechat", set(printed)), ("douyin", set(printed))):
        values = {
            f"GATEWAY_{channel}_{name}".upper(): printed[name]
            for name in names
            if channel == "wechat" or "public_key" not in name
        }
        made = connector(
            values | {f"GATEWAY_{channel.upper()}_URL": "http://127.0.0.1:1"},
            {"wechat": wechat, "douyin": douyin}[channel],
        )
        serial = printed["platform_certificate_serial"]
        assert made.account.settings.platform_keys.find(serial, NOW) is not None


def test_keys_are_rotated_by_naming_two(folder: Path) -> None:
    """Of several keys of our own the first signs; several of each other kind are all trusted."""
    environ = given(
        folder,
        merchant_key_file="{}/key.pem, {}/key.pem",
        merchant_serial="NEW,OLD",
        api_v3_key_file="{}/api_key,{}/api_key",
        platform_public_key_file="{}/public.pem,{}/public.pem",
        platform_public_key_id="PUB_KEY_ID_1,PUB_KEY_ID_2",
    )
    account = connector(environ).account
    sent = account.get("/v3/certificates", NOW, "0" * 32)
    assert 'serial_no="NEW"' in sent.headers["Authorization"]
    assert [key.serial for key in account.settings.merchant_keys] == ["NEW", "OLD"]
    assert len(account.settings.seal_keys) == 2
    for key_id in ("PUB_KEY_ID_1", "PUB_KEY_ID_2", "ABCDEF"):
        assert account.settings.platform_keys.find(key_id, NOW) is not None


@pytest.mark.parametrize(
    ("changes", "refreshed"),
    [
        ({}, True),
        ({"platform_certificate_file": None}, True),
        (
            {
                "platform_certificate_file": None,
                "platform_public_key_file": "{}/public.pem",
                "platform_public_key_id": "PUB_KEY_ID_1",
            },
            False,
        ),
    ],
)
def test_who_has_public_keys_only_is_not_asked_for_certificates(
    folder: Path, changes: dict[str, Any], refreshed: bool
) -> None:
    """Certificates are fetched where they are used, or where nothing else is there to begin."""
    setup = wechat.set_up(load_settings(given(folder, **changes)))
    assert setup is not None
    assert (setup.refresh_keys is not None) == refreshed


@pytest.mark.parametrize(
    "name", ["merchant_id", "app_id", "merchant_key_file", "merchant_serial", "api_v3_key_file"]
)
@pytest.mark.parametrize("channel", ["wechat", "douyin"])
def test_what_lacks_is_named(folder: Path, channel: str, name: str) -> None:
    """A URL without what the channel needs besides stops the start, and names it."""
    sentence = start(given(folder, channel, **{name: None})).splitlines()[0]
    prefix = f"GATEWAY_{channel.upper()}"
    assert sentence == f"{prefix}_URL is set: set {prefix}_{name.upper()} too."


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"merchant_serial": "A,B"}, "MERCHANT_KEY_FILE names 1 and"),
        ({"platform_public_key_file": "{}/public.pem"}, "PLATFORM_PUBLIC_KEY_ID 0: name as many"),
        ({"platform_certificate_serial": "A,B"}, "PLATFORM_CERTIFICATE_SERIAL 2: name as many"),
        ({"platform_certificate_serial": "AB"}, "SERIAL says AB, but the file is that of ABCDEF."),
        ({"merchant_key_file": "{}/away"}, "KEY_FILE is {}/away: it cannot be read (No such file"),
        ({"merchant_key_file": "{}"}, "KEY_FILE is {}: it cannot be read (Is a directory)"),
        ({"merchant_key_file": "{}/long"}, "KEY_FILE is {}/long: it is larger than 65536 bytes."),
        ({"merchant_key_file": "{}/short"}, "{}/short: The merchant's private key is not"),
        ({"api_v3_key_file": "{}/short"}, "V3_KEY_FILE is {}/short: The merchant's API key must"),
        ({"api_v3_key_file": "{}/bytes"}, "V3_KEY_FILE is {}/bytes: it is not text in UTF-8."),
        ({"platform_certificate_file": "{}/short"}, "{}/short: A certificate is not a PEM file."),
        ({"merchant_id": "a/b"}, "URL: The merchant number and the app id are letters"),
        ({"merchant_serial": "a b"}, "MERCHANT_SERIAL is 'a b': write 1 to 8 texts"),
        ({"api_v3_key_file": "{}/api_key," * 9}, "write 1 to 8 paths of files"),
    ],
)
def test_what_is_wrong_is_named(folder: Path, changes: dict[str, Any], words: str) -> None:
    """A wrong key or file is one sentence that names the variable; no content is shown."""
    sentence = start(given(folder, **changes))
    assert words.replace("{}", str(folder)) in sentence
    assert sentence.startswith("GATEWAY_WECHAT_")
    assert "\n" not in sentence


async def test_a_url_with_a_path_is_named(folder: Path) -> None:
    """Where a channel is says nothing but scheme, host and port."""
    settings = load_settings(given(folder, url="http://127.0.0.1:1/base"))
    with pytest.raises(StartError, match="GATEWAY_WECHAT_URL: A channel's URL must look like"):
        async with open_channels(settings):
            pass


async def test_nothing_is_open_that_is_not_configured(folder: Path) -> None:
    """Without a URL a channel is not there, whatever else is set."""
    async with open_channels(load_settings({})) as channels:
        assert not channels
    async with open_channels(load_settings(given(folder, url=None))) as channels:
        assert not channels
    async with open_channels(load_settings(given(folder))) as channels:
        assert list(channels) == ["wechat"]


def test_secrets_are_in_no_text(folder: Path) -> None:
    """Neither settings nor connector show a key, however they are printed."""
    settings = load_settings(given(folder))
    made = connector(given(folder))
    shown = f"{settings!r} {settings_listing(settings)} {made.account!r} {vars(made)!r}"
    assert SEAL_KEY not in shown
    assert "PRIVATE KEY" not in shown
    assert f"GATEWAY_WECHAT_API_V3_KEY_FILE={folder}/api_key" in settings_listing(settings)


def _capability_fields() -> Iterator[str]:
    yield from Capabilities.__dataclass_fields__


def test_the_table_has_every_capability(folder: Path) -> None:
    """A capability that joins has its row from the first day; notes stand below."""
    assert {"channel", "notes", *TITLES} == set(_capability_fields())
    settings = load_settings(given(folder))
    lines = table(describe(settings, all_known=True)).splitlines()
    assert lines[0].split() == ["|", "|", *_between([entry.name for entry in CHANNELS])]
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1
    assert [item["channel"] for item in fields(describe(settings, all_known=False))] == ["wechat"]
    json.dumps(fields(describe(settings, all_known=True)))


def _between(names: list[str]) -> Iterator[str]:
    for name in names:
        yield from (name, "|")


def test_what_is_described_is_what_is_set_up(folder: Path) -> None:
    """A channel can do the same whether it is looked at or configured."""
    settings: Settings = load_settings(given(folder) | given(folder, "douyin"))
    for entry in CHANNELS:
        setup = entry.set_up(settings)
        if setup:
            assert entry.describe(settings) == setup.connector.capabilities
