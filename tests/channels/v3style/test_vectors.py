"""Held to what others published: signatures, seals and key ids that nobody here wrote."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.keys import (
    PlatformKeys,
    SignatureRefused,
    load_platform_certificate,
    load_platform_key,
)
from gateway.channels.v3style.sealing import open_sealed
from gateway.channels.v3style.signing import front_end_text, request_text, verify_message
from gateway.channels.wechat.names import WECHAT
from tests.channels.v3style.wire import flipped

PATH = Path(__file__).parent.parent / "vectors.json"
VECTORS = {vector["id"]: vector for vector in json.loads(PATH.read_text("utf-8"))["vectors"]}


def _vector(name: str) -> dict[str, Any]:
    vector: dict[str, Any] = VECTORS[name]
    return vector


def test_request_is_signed_as_published() -> None:
    """The five lines are those of the documentation, and its signature is good under them."""
    vector = _vector("wx.v3.request_sign.jsapi")
    text = request_text(
        vector["method"],
        vector["url"],
        vector["timestamp"],
        vector["nonce_str"],
        vector["body"].encode(),
    )
    assert text == vector["sign_string"].encode()
    key = load_platform_key(vector["public_key"].encode(), "test")
    assert key.signed(text, vector["signature"])
    assert not key.signed(text[:-1], vector["signature"])


def test_front_end_is_signed_as_published() -> None:
    """The four lines of the front end are those of the documentation, and so is its signature."""
    vector = _vector("wx.v3.pay_sign.jsapi")
    appid, timestamp, nonce, package, _ = vector["sign_string"].split("\n")
    text = front_end_text(appid, timestamp, nonce, package)
    assert text == vector["sign_string"].encode()
    assert load_platform_key(vector["public_key"].encode(), "test").signed(
        text, vector["signature"]
    )


def _answer() -> tuple[PlatformKeys, dict[str, str], bytes, datetime]:
    vector = _vector("wx.v3.response_verify.native")
    headers = vector["headers"]
    key = load_platform_key(vector["public_key"].encode(), headers["Wechatpay-Serial"])
    now = datetime.fromtimestamp(int(headers["Wechatpay-Timestamp"]), UTC)
    return PlatformKeys([key]), headers, vector["body"].encode(), now


def test_answer_is_verified_as_published() -> None:
    """The documentation's answer in public-key mode is believed at its time."""
    keys, headers, body, now = _answer()
    verify_message(WECHAT, keys, headers, body, now)


def test_each_byte_of_the_published_answer_counts() -> None:
    """A bit of any byte of its body, or of the headers that make the signature, breaks it."""
    keys, headers, body, now = _answer()
    for altered in flipped(body):
        with pytest.raises(SignatureRefused):
            verify_message(WECHAT, keys, headers, altered, now)
    for name, value in headers.items():
        for altered in flipped(value.encode()):
            changed = {**headers, name: altered.decode("latin-1")}
            with pytest.raises(SignatureRefused):
                verify_message(WECHAT, keys, changed, body, now)


def test_seal_opens_as_published() -> None:
    """The sealed text of the official library opens to what it says."""
    vector = _vector("wx.v3.aead.hello")
    sealed = (vector["nonce"], vector["associated_data"], vector["ciphertext"])
    assert open_sealed(vector["apiv3_key"].encode(), *sealed) == vector["plaintext"].encode()


def test_certificates_of_other_kinds_are_told_apart() -> None:
    """Of published root certificates for SM2 and RSA only the latter are keys of ours."""
    sm2, rsa_4096, _, rsa_2048 = _vector("ali.root_cert_sn")["certificates"]
    assert load_platform_certificate(rsa_4096.encode()).key_id == "1FCFA18D6A480D11"
    assert load_platform_certificate(rsa_2048.encode()).key.key_size == 2048
    with pytest.raises(ValueError, match="not for an RSA key"):
        load_platform_certificate(sm2.encode())
