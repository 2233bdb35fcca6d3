"""Our own key and settings: each mistake gives one clear sentence, and no secret is shown."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from gateway.channels.keys import MerchantKey, load_merchant_key
from gateway.channels.unionpay.keys import load_merchant_pfx
from gateway.channels.unionpay.signing import cert_id
from tests.channels.unionpay.wire import (
    NOW,
    call,
    certificate,
    connector,
    private_key,
    private_pem,
    sent,
    settings,
)


def _pfx(key: bool = True, shown: bool = True) -> bytes:
    return pkcs12.serialize_key_and_certificates(
        b"merchant",
        private_key("merchant") if key else None,
        certificate("merchant", "merchant") if shown else None,
        None,
        BestAvailableEncryption(b"000000"),
    )


def test_key_out_of_the_channels_file() -> None:
    """Key, number and time come out of the PFX file as out of two PEM files."""
    key = load_merchant_pfx(_pfx(), "000000")
    shown = certificate("merchant", "merchant").public_bytes(Encoding.PEM)
    plain = load_merchant_key(private_pem("merchant"), certificate_pem=shown)
    assert (key.serial, key.validity) == (plain.serial, plain.validity)
    assert cert_id(key) == "69903319369"
    assert key.validity.end == NOW + timedelta(days=30)
    assert key.sign(b"text") == plain.sign(b"text")


@pytest.mark.parametrize(
    ("data", "password", "words"),
    [
        (_pfx(), "111111", "file or its password is wrong"),
        (b"nonsense", "000000", "file or its password is wrong"),
        (_pfx(key=False), "000000", "must hold a private key and its certificate"),
        (_pfx(shown=False), "000000", "must hold a private key and its certificate"),
    ],
)
def test_wrong_file(data: bytes, password: str, words: str) -> None:
    """A wrong file or password is refused with what is wrong."""
    with pytest.raises(ValueError, match=words):
        load_merchant_pfx(data, password)


def test_renewed_key_signs_from_its_time() -> None:
    """Of several keys the newest that is valid signs, and is named."""
    old = load_merchant_pfx(_pfx(), "000000")
    shown = certificate("renewed", "renewed", start=NOW, serial=7).public_bytes(Encoding.PEM)
    new = load_merchant_key(private_pem("renewed"), certificate_pem=shown)
    both = connector(merchant_keys=(old, new))
    before = call(moment=NOW - timedelta(seconds=1))
    assert sent(both.build(before))["certId"] == "69903319369"
    assert sent(both.build(call()))["certId"] == "7"
    with pytest.raises(ValueError, match="No merchant key is valid now"):
        both.build(call(moment=NOW + timedelta(days=31)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"merchant_id": ""}, "15 digits"),
        ({"merchant_id": "77729005816715-"}, "15 digits"),
        ({"token_requester_id": "1&2"}, "11 digits"),
        ({"merchant_keys": ()}, "merchant key is needed"),
        ({"notify_base_url": "https://pay.example.com/?a=1"}, "no query"),
        ({"notify_base_url": "pay.example.com"}, "no query"),
    ],
)
def test_wrong_settings(change: dict[str, object], words: str) -> None:
    """Settings with which every call would be refused are refused at once, in one sentence."""
    with pytest.raises(ValueError, match=words):
        settings(**change)


def test_settings_show_no_key() -> None:
    """Settings can be shown: no key is in what they show."""
    shown = repr(settings())
    assert "merchant_id='777290058167151'" in shown
    assert "key" not in shown
    assert repr(MerchantKey("1", private_key("merchant"))) == "MerchantKey('1', ***)"
