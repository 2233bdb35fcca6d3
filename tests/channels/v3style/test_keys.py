"""Loading keys: each wrong file gives one clear sentence, and no secret is shown."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from gateway.channels.keys import (
    MerchantKey,
    PlatformKey,
    PlatformKeys,
    load_merchant_key,
    load_platform_certificate,
    load_platform_key,
)
from gateway.channels.v3style.account import Settings
from tests.channels.v3style.wire import (
    CERTIFICATE_ID,
    NOW,
    Side,
    certificate_pem,
    private_key,
    private_pem,
    public_pem,
)

ELLIPTIC = ec.generate_private_key(ec.SECP256R1())


def _pem(key, encryption=None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def test_merchant_key_from_its_certificate() -> None:
    """Serial and time of our key come from its certificate."""
    key = load_merchant_key(private_pem("merchant"), certificate_pem=certificate_pem("merchant"))
    assert key.serial == CERTIFICATE_ID
    assert key.validity.start == NOW - timedelta(days=1)
    assert key.validity.end == NOW + timedelta(days=30)


def test_merchant_key_by_its_serial() -> None:
    """Without a certificate the serial is told, and the key is good at any time."""
    key = load_merchant_key(private_pem("merchant"), serial="AB12")
    assert key.serial == "AB12"
    assert key.validity.covers(NOW + timedelta(days=36_500))
    assert repr(key) == "MerchantKey('AB12', ***)"


@pytest.mark.parametrize(
    ("private", "certificate", "words"),
    [
        (b"", None, "not an unencrypted PEM file"),
        (public_pem("merchant"), None, "not an unencrypted PEM file"),
        (
            _pem(private_key("merchant"), BestAvailableEncryption(b"secret")),
            None,
            "not an unencrypted PEM file",
        ),
        (_pem(ELLIPTIC), None, "not an RSA key"),
        (private_pem("merchant"), None, "Name the serial number"),
        (private_pem("merchant"), b"", "certificate is not a PEM file"),
        (private_pem("merchant"), certificate_pem("stranger"), "does not belong"),
    ],
)
def test_wrong_merchant_key(private: bytes, certificate: bytes | None, words: str) -> None:
    """A wrong key of ours is refused with what is wrong."""
    with pytest.raises(ValueError, match=words):
        load_merchant_key(private, certificate_pem=certificate)


def test_short_key_is_refused() -> None:
    """A key that could be broken neither signs nor is believed."""
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    with pytest.raises(ValueError, match="merchant's private key is too short"):
        MerchantKey("1", short)
    with pytest.raises(ValueError, match="channel's public key is too short"):
        PlatformKey("1", short.public_key())


def test_platform_certificate() -> None:
    """A certificate is known by its serial, or by the id that the channel gives it."""
    pem = certificate_pem("platform")
    assert load_platform_certificate(pem).key_id == CERTIFICATE_ID
    named = load_platform_certificate(pem, "2026-1")
    assert (named.key_id, named.key) == ("2026-1", private_key("platform").public_key())
    assert named.validity.end == NOW + timedelta(days=30)


@pytest.mark.parametrize("pem", [b"", b"nonsense", private_pem("platform")])
def test_wrong_platform_key(pem: bytes) -> None:
    """A wrong key of the channel is refused with what is wrong."""
    with pytest.raises(ValueError, match="PUB_KEY_ID_1 is not a PEM file"):
        load_platform_key(pem, "PUB_KEY_ID_1")
    with pytest.raises(ValueError, match="not a PEM file"):
        load_platform_certificate(pem)


def test_platform_key_is_rsa() -> None:
    """A key of another kind is refused."""
    pem = ELLIPTIC.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(ValueError, match="not an RSA key"):
        load_platform_key(pem, "1")


def test_joined_keys_forget_the_old() -> None:
    """A newer set holds both, less those whose time is over; the older set stays as it was."""
    old = load_platform_certificate(certificate_pem("platform", end=NOW), "1")
    new = load_platform_certificate(certificate_pem("older"), "2")
    first = PlatformKeys([old])
    joined = first.joined([new], NOW)
    before = NOW - timedelta(hours=1)
    assert (joined.find("1", before), joined.find("2", NOW)) == (None, new)
    assert first.find("1", before) is old
    assert repr(joined) == "PlatformKeys(['2'])"
    assert not PlatformKeys()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mchid": ""}, "merchant number"),
        ({"appid": 'wx"'}, "merchant number"),
        ({"merchant_keys": ()}, "merchant key is needed"),
        ({"seal_keys": ()}, "API key is needed"),
        ({"notify_base_url": "https://pay.example.com/?a=1"}, "no query"),
        ({"notify_base_url": "pay.example.com"}, "no query"),
    ],
)
def test_wrong_settings(side: Side, change: dict[str, object], words: str) -> None:
    """Settings with which every call would be refused are refused at once, in one sentence."""
    good = side.connector.account.settings
    fields = {name: getattr(good, name) for name in Settings.__dataclass_fields__}
    with pytest.raises(ValueError, match=words):
        Settings(**{**fields, **change})


def test_settings_show_no_key(side: Side) -> None:
    """Settings can be shown: no key is in what they show."""
    shown = repr(side.connector.account.settings)
    assert "key" not in shown
    assert "mchid='1900000109'" in shown
