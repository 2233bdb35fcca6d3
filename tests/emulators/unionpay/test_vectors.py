"""A published message that nobody of this project made verifies by the stand-in's own code path."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.emulators.unionpay.authentication import authenticate
from gateway.emulators.unionpay.codes import Unauthenticated
from gateway.emulators.unionpay.form import FormError, read_form, signed_text
from gateway.emulators.unionpay.keys import Keys, Merchant
from gateway.emulators.unionpay.signing import digest_text, verify

VECTORS = Path(__file__).parents[2] / "channels" / "vectors.json"


@pytest.fixture(scope="module")
def vector() -> Any:
    """The published request."""
    found = json.loads(VECTORS.read_text("utf-8"))["vectors"]
    return next(each for each in found if each["id"] == "up.5.1.0.request_sign.frontTrans")


def numbers(pem: str) -> RSAPublicNumbers:
    """The public numbers of a key."""
    key = load_pem_public_key(pem.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    return key.public_numbers()


def form(fields: dict[str, str]) -> bytes:
    """The bytes of a form."""
    return "&".join(f"{name}={quote_plus(text)}" for name, text in fields.items()).encode()


def test_a_published_request_verifies(vector: Any) -> None:
    """The text, its digest and the signature are those that were published."""
    raw = form({**vector["params"], "signature": vector["signature"], "frontFailUrl": ""})
    fields = read_form(raw)
    assert signed_text(fields) == vector["sign_string"]
    assert digest_text(fields).decode() == vector["sha256_hex"]
    merchant = Merchant(fields["merId"], {vector["cert_id"]: numbers(vector["public_key"])})
    keys = Keys({merchant.mer_id: merchant}, signers=None)  # type: ignore[arg-type]
    assert authenticate(keys, fields) == merchant


def test_no_byte_of_it_may_change(vector: Any) -> None:
    """Whichever byte of the form is another, it is no form, or not authentic."""
    raw = form({**vector["params"], "signature": vector["signature"]})
    key = numbers(vector["public_key"])
    good = read_form(raw)
    for place in range(len(raw)):
        changed = raw[:place] + bytes((raw[place] ^ 1,)) + raw[place + 1 :]
        try:
            fields = read_form(changed)
        except FormError:
            continue
        if fields != good:  # an escape's letter in the other case means the same
            assert not verify(key, fields), changed


@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"",
            b"a",
            b"=1",
            b"a=1&a=2",
            b"a=1&&b=2",
            b"a=%",
            b"a=%4",
            b"a=%zz",
            b"a=1 2",
            b"a=\xe9",
        ),
        *(b"a=%E9", b"a\xc3\xa9=1", b"a=1\n", b"a%62=1"),
        b"&".join(b"a%d=1" % i for i in range(65)),
    ],
)
def test_what_is_no_form_is_refused(raw: bytes) -> None:
    """Nothing is straightened out: stray bytes, broken escapes, names twice, too many fields."""
    with pytest.raises(FormError):
        read_form(raw)


def test_a_form_is_read_as_it_was_meant() -> None:
    """Plus is a space, escapes are UTF-8, empty fields are none."""
    read = read_form(b"a=1+2%2B&b=%E4%B8%AD&c=&d=x=y{}")
    assert read == {"a": "1 2+", "b": "中", "d": "x=y{}"}


def test_refusals_are_told(vector: Any) -> None:
    """Each part that does not fit has a code of its own, and none passes."""
    merchant = Merchant("777290058167151", {vector["cert_id"]: numbers(vector["public_key"])})
    keys = Keys({merchant.mer_id: merchant}, signers=None)  # type: ignore[arg-type]
    good = {**vector["params"], "signature": vector["signature"]}
    table = [
        ({"version": "5.0.0"}, "10"),
        ({"signMethod": "02"}, "10"),
        ({"encoding": "GBK"}, "10"),
        ({"merId": "777290058167152"}, "31"),
        ({"certId": "1"}, "11"),
        ({"signature": "A" * 344}, "11"),
        ({"signature": "no base64"}, "11"),
        ({"txnAmt": "2"}, "11"),
        ({"reserved": "more"}, "11"),
    ]
    for change, code in table:
        with pytest.raises(Unauthenticated) as caught:
            authenticate(keys, good | change)
        assert caught.value.code == code, change
    for name in ("version", "certId", "merId", "signature", "signMethod", "encoding"):
        with pytest.raises(Unauthenticated) as caught:
            authenticate(keys, {k: v for k, v in good.items() if k != name})
        assert caught.value.code == "13", name
