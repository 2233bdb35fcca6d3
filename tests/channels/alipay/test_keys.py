"""Keys and settings: what is accepted, and one clear sentence for what is not."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from gateway.channels.alipay.connector import AlipayConnector
from gateway.channels.alipay.keys import (
    load_alipay_certificate,
    load_alipay_key,
    load_app_key,
    load_roots,
    roots_sn,
)
from tests.channels.alipay.wire import (
    call,
    certificate,
    pem_of,
    private_key,
    private_pem,
    public_pem,
    sent,
    settings,
    sn_of,
)

EC_KEY = ec.generate_private_key(ec.SECP256R1())
SHORT_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)


def _bare(pem: bytes, width: int = 0) -> bytes:
    """A key as Alipay's own tool writes it: without the lines around it, on one line or many."""
    text = b"".join(pem.splitlines()[1:-1])
    return (
        text
        if not width
        else b"\r\n".join(text[place : place + width] for place in range(0, len(text), width))
    )


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("width", [None, 0, 64])
def test_our_key(form: PrivateFormat, width: int | None) -> None:
    """Our key is read from PEM or bare, in either of the two forms of RSA keys."""
    pem = private_pem("app", form)
    key = load_app_key(pem if width is None else _bare(pem, width))
    by = AlipayConnector(settings(app_keys=(key,)))
    assert sent(call(), by)[0]["sign"] == sent(call())[0]["sign"]


@pytest.mark.parametrize("width", [None, 0, 64])
def test_alipay_s_key(width: int | None) -> None:
    """Alipay's key is read from PEM or bare."""
    pem = public_pem("alipay")
    key = load_alipay_key(pem if width is None else _bare(pem, width))
    assert key.key == private_key("alipay").public_key()


def _private(key: Any, encryption: Any = None) -> bytes:
    made: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    return made


@pytest.mark.parametrize(
    ("private", "words"),
    [
        (b"", "not an unencrypted PEM"),
        (b"nonsense", "not an unencrypted PEM"),
        (public_pem("app"), "not an unencrypted PEM"),
        (_private(private_key("app"), BestAvailableEncryption(b"x")), "not an unencrypted PEM"),
        (_private(EC_KEY), "not an RSA key"),
        (_private(SHORT_KEY), "too short"),
    ],
)
def test_wrong_key_of_ours(private: bytes, words: str) -> None:
    """What is no key of ours is refused in one sentence that shows nothing of it."""
    with pytest.raises(ValueError, match=words) as refused:
        load_app_key(private)
    assert base64.b64encode(b"x").decode() not in str(refused.value)
    assert "nonsense" not in str(refused.value)


@pytest.mark.parametrize(
    ("public", "words"),
    [
        (b"", "not a PEM"),
        (private_pem("alipay"), "not a PEM"),
        (EC_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "RSA"),
        (
            SHORT_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "too short",
        ),
    ],
)
def test_wrong_key_of_alipay_s(public: bytes, words: str) -> None:
    """What is no key of Alipay's is refused in one sentence."""
    with pytest.raises(ValueError, match=words):
        load_alipay_key(public)


def test_certificates_name_their_keys() -> None:
    """A key is named by its certificate, also where those of its issuers follow in the file."""
    root, issuer = certificate("root", authority=True), certificate("ca", "root", authority=True)
    ours = certificate("app", "ca")
    assert load_app_key(private_pem("app"), pem_of(ours, issuer)).certificate_sn == sn_of(ours)
    key = load_alipay_certificate(pem_of(certificate("alipay", "ca"), issuer, root))
    assert key.key_id == sn_of(certificate("alipay", "ca"))
    assert key.validity.end == certificate("alipay", "ca").not_valid_after_utc


def test_certificate_of_another_key() -> None:
    """A certificate that does not belong to our key is refused."""
    with pytest.raises(ValueError, match="does not belong"):
        load_app_key(private_pem("app"), pem_of(certificate("alipay")))
    with pytest.raises(ValueError, match="not a PEM"):
        load_app_key(private_pem("app"), b"nonsense")
    with pytest.raises(ValueError, match="not a PEM"):
        load_alipay_certificate(b"nonsense")


def test_roots() -> None:
    """What cannot be read in the file of roots is passed over, but something must be left."""
    one, two = certificate("root", authority=True), certificate("other", authority=True)
    broken = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    assert roots_sn(load_roots(pem_of(one) + broken + pem_of(two))) == (
        f"{sn_of(one)}_{sn_of(two)}"
    )
    for nothing in (b"", broken, public_pem("app")):
        with pytest.raises(ValueError, match="holds none"):
            load_roots(nothing)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"app_id": ""}, "app id"),
        ({"app_id": "wx1234567890"}, "app id"),
        ({"seller_id": "1088102146225135"}, "seller id"),
        ({"seller_id": "208810214622513"}, "seller id"),
        ({"app_keys": ()}, "key of our own"),
        ({"alipay_keys": ()}, "key of our own"),
        ({"root_sn": "0" * 32}, "certificate mode"),
        ({"notify_base_url": "pay.example.com"}, "http"),
        ({"notify_base_url": "https://pay.example.com?a=1"}, "no query"),
    ],
)
def test_wrong_settings(change: dict[str, Any], words: str) -> None:
    """Settings that cannot be right are refused at the start, in one sentence."""
    with pytest.raises(ValueError, match=words):
        settings(**change)


def test_certificate_without_roots() -> None:
    """A key with a certificate needs the roots as well."""
    keys = (load_app_key(private_pem("app"), pem_of(certificate("app"))),)
    with pytest.raises(ValueError, match="root certificates are needed"):
        settings(app_keys=keys)


def test_keys_never_show_themselves() -> None:
    """Neither settings nor keys show a private key when they are printed."""
    key = load_app_key(private_pem("app"))
    shown = f"{settings()!r} {key!r} {AlipayConnector(settings()).account!r}"
    assert "***" in shown
    assert _bare(private_pem("app"))[40:60].decode() not in shown
