"""Held to what others published: a signature and names of certificates that nobody here wrote."""

import json
from pathlib import Path
from typing import Any

from cryptography import x509

from gateway.channels.alipay.keys import load_alipay_key, load_roots, roots_sn
from gateway.channels.alipay.signing import OF_NOTIFICATION, OF_REQUEST, parameters_text

PATH = Path(__file__).parent.parent / "vectors.json"
VECTORS = {vector["id"]: vector for vector in json.loads(PATH.read_text("utf-8"))["vectors"]}


def _vector(name: str) -> dict[str, Any]:
    vector: dict[str, Any] = VECTORS[name]
    return vector


def test_request_is_signed_as_published() -> None:
    """The text of a request in certificate mode is the published one, and so is its signature."""
    vector = _vector("ali.v1.request_sign.trade_query")
    text = parameters_text(vector["params"], OF_REQUEST)
    assert text == vector["sign_string"].encode()
    key = load_alipay_key(vector["public_key"].encode())
    assert key.signed(text, vector["signature"])


def test_each_byte_of_the_published_request_counts() -> None:
    """A bit of any byte of its text or of its signature breaks it."""
    vector = _vector("ali.v1.request_sign.trade_query")
    key = load_alipay_key(vector["public_key"].encode())
    text, signature = vector["sign_string"].encode(), vector["signature"].encode()
    for place in range(len(text)):
        altered = text[:place] + bytes([text[place] ^ 0x01]) + text[place + 1 :]
        assert not key.signed(altered, vector["signature"])
    for place in range(len(signature)):
        altered = signature[:place] + bytes([signature[place] ^ 0x01]) + signature[place + 1 :]
        assert not key.signed(text, altered.decode("latin-1"))


def test_kind_of_signature_is_signed_in_requests_only() -> None:
    """A request signs that it is signed by RSA2; a notification does not."""
    parameters = _vector("ali.v1.request_sign.trade_query")["params"] | {"sign": "x"}
    assert b"&sign_type=RSA2&" in parameters_text(parameters, OF_REQUEST)
    assert b"sign_type" not in parameters_text(parameters, OF_NOTIFICATION)
    assert b"sign=" not in parameters_text(parameters, OF_REQUEST)


def test_roots_are_named_as_published() -> None:
    """Of Alipay's own file of roots those that are signed by RSA make its name."""
    vector = _vector("ali.root_cert_sn")
    roots = load_roots("".join(vector["certificates"]).encode())
    assert roots_sn(roots) == vector["sn"]
    assert all(isinstance(root, x509.Certificate) for root in roots)
    assert len(roots) == 2
