"""Held to what others published: a signature that nobody here made."""

import json
from pathlib import Path
from typing import Any

from gateway.channels.keys import MerchantKey, load_platform_key
from gateway.channels.unionpay.messages import signed_text
from gateway.channels.unionpay.signing import cert_id, digest_of
from tests.channels.unionpay.wire import private_key

PATH = Path(__file__).parent.parent / "vectors.json"
VECTORS = {vector["id"]: vector for vector in json.loads(PATH.read_text("utf-8"))["vectors"]}
FRONT: dict[str, Any] = VECTORS["up.5.1.0.request_sign.frontTrans"]


def test_request_is_signed_as_published() -> None:
    """Sorted text, its hash and the signature are those of a published request."""
    key = load_platform_key(FRONT["public_key"].encode(), "test")
    assert signed_text(FRONT["params"]) == FRONT["sign_string"]
    assert digest_of(FRONT["params"]) == FRONT["sha256_hex"].encode()
    assert key.signed(digest_of(FRONT["params"]), FRONT["signature"])
    assert not key.signed(FRONT["sign_string"].encode(), FRONT["signature"])


def test_our_certificate_is_named_as_published() -> None:
    """A serial number, hexadecimal elsewhere, is decimal here."""
    key = MerchantKey(f"{int(FRONT['cert_id']):X}", private_key("merchant"))
    assert cert_id(key) == FRONT["cert_id"]


def test_each_byte_of_the_published_request_counts() -> None:
    """A changed name or value of any field breaks the published signature."""
    key = load_platform_key(FRONT["public_key"].encode(), "test")
    for name, value in FRONT["params"].items():
        less = {other: kept for other, kept in FRONT["params"].items() if other != name}
        for changed in (less, less | {f"{name}x": value}, less | {name: f"{value}0"}):
            assert not key.signed(digest_of(changed), FRONT["signature"])
