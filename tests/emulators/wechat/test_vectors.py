"""Published messages that nobody of this project made verify by the stand-in's own code path."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.emulators.core import crypto
from gateway.emulators.v3style.authorization import (
    call_up_message,
    read_authorization,
    reply_message,
    request_message,
)
from gateway.emulators.wechat.names import WECHAT

VECTORS = Path(__file__).parents[2] / "channels" / "vectors.json"


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    """The published vectors by their ids."""
    return {vector["id"]: vector for vector in json.loads(VECTORS.read_text("utf-8"))["vectors"]}


def numbers(pem: str) -> RSAPublicNumbers:
    """The public numbers of a key."""
    key = load_pem_public_key(pem.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    return key.public_numbers()


def flips(message: bytes) -> list[bytes]:
    """The message with each of its bytes changed in turn."""
    return [message[:i] + bytes((b ^ 1,)) + message[i + 1 :] for i, b in enumerate(message)]


def test_a_published_request_is_read_and_verified(vectors: dict[str, Any]) -> None:
    """The header is taken apart, the five lines are rebuilt, the signature holds; no other does."""
    vector = vectors["wx.v3.request_sign.jsapi"]
    header = (
        f'{WECHAT.scheme} mchid="{vector["mchid"]}",nonce_str="{vector["nonce_str"]}",'
        f'signature="{vector["signature"]}",timestamp="{vector["timestamp"]}",'
        f'serial_no="{vector["serial_no"]}"'
    )
    parts = read_authorization([header], WECHAT.scheme)
    message = request_message(
        vector["method"],
        vector["url"],
        parts["timestamp"],
        parts["nonce_str"],
        vector["body"].encode(),
    )
    assert message == vector["sign_string"].encode()
    key = numbers(vector["public_key"])
    assert crypto.verify(key, message, parts["signature"])
    assert not any(crypto.verify(key, changed, parts["signature"]) for changed in flips(message))


def test_a_published_call_up_verifies(vectors: dict[str, Any]) -> None:
    """The four lines of a call to the cashier are those that were published."""
    vector = vectors["wx.v3.pay_sign.jsapi"]
    message = call_up_message(*vector["sign_string"].splitlines())
    assert message == vector["sign_string"].encode()
    assert crypto.verify(numbers(vector["public_key"]), message, vector["signature"])


def test_a_published_reply_verifies(vectors: dict[str, Any]) -> None:
    """The three lines of a reply are those that were published."""
    vector = vectors["wx.v3.response_verify.native"]
    headers = vector["headers"]
    message = reply_message(
        headers["Wechatpay-Timestamp"], headers["Wechatpay-Nonce"], vector["body"].encode()
    )
    assert message == vector["sign_string"].encode()
    assert crypto.verify(numbers(vector["public_key"]), message, headers["Wechatpay-Signature"])


def test_a_published_resource_opens_and_is_sealed_the_same(vectors: dict[str, Any]) -> None:
    """It opens with its key, nonce and label, and with no other; sealed again it is the same."""
    vector = vectors["wx.v3.aead.hello"]
    key, nonce = vector["apiv3_key"].encode(), vector["nonce"]
    label, sealed = vector["associated_data"], vector["ciphertext"]
    plain = vector["plaintext"].encode()
    assert crypto.unseal(key, nonce, label, sealed) == plain
    assert crypto.seal(key, nonce, label, plain) == sealed
    assert crypto.unseal(key, nonce, label + "x", sealed) is None
    assert crypto.unseal(key, "x" * 12, label, sealed) is None
    assert crypto.unseal(b"x" * len(key), nonce, label, sealed) is None


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64!", "A" * 344, "/" * 342 + "=="])
def test_what_is_no_signature_is_none(vectors: dict[str, Any], signature: str) -> None:
    """Text that is no base64, or of another length, or larger than the key, is simply wrong."""
    key = numbers(vectors["wx.v3.request_sign.jsapi"]["public_key"])
    assert not crypto.verify(key, b"", signature)
