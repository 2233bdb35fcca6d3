"""What UnionPay's settings say beside what a stand-in prints: PKCS#12, voids, the test system."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import NameOID

from gateway.app.channels import unionpay
from gateway.app.errors import StartError
from gateway.channels.unionpay.account import UnionPaySettings
from gateway.channels.unionpay.certificates import UNIONPAY
from gateway.channels.unionpay.connector import UnionPayConnector
from gateway.config import ConfigError, load_settings

PASSWORD = "a secret"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A merchant's key in both forms, and a certificate to believe."""
    path: Path = tmp_path_factory.mktemp("keys")
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Nobody")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(0xABC)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, SHA256())
    )
    encrypted = BestAvailableEncryption(PASSWORD.encode())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (path / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (path / "key.pem").write_bytes(private)
    packed = serialize_key_and_certificates(b"merchant", key, certificate, None, encrypted)
    (path / "key.pfx").write_bytes(packed)
    (path / "password").write_text(PASSWORD + "\n")
    (path / "wrong").write_text("another secret\n")
    return path


PEM = {
    "MERCHANT_KEY_FILE": "{}/key.pem",
    "MERCHANT_CERTIFICATE_FILE": "{}/certificate.pem",
}
PFX = {"MERCHANT_KEY_FILE": "{}/key.pfx", "MERCHANT_KEY_PASSWORD_FILE": "{}/password"}


def given(folder: Path, **changes: str) -> dict[str, str]:
    """Right variables, and what changes; `{}` in a value is the folder."""
    right = {
        "URL": "http://127.0.0.1:7084",
        "MERCHANT_ID": "700000000000001",
        "ROOT_CERTIFICATE_FILE": "{}/certificate.pem",
        **changes,
    }
    return {f"GATEWAY_UNIONPAY_{k}": v.replace("{}", str(folder)) for k, v in right.items()}


def told(environ: dict[str, str]) -> UnionPaySettings:
    setup = unionpay.set_up(load_settings(environ))
    assert setup is not None
    assert isinstance(setup.connector, UnionPayConnector)
    return setup.connector.account.settings


@pytest.mark.parametrize("keys", [PEM, PFX])
def test_a_key_comes_in_either_form(folder: Path, keys: dict[str, str]) -> None:
    """PEM with its certificate beside it, or PKCS#12 with its password: the same key signs."""
    settings = told(given(folder, **keys, MERCHANT_CERTIFICATE_ID="2748"))
    assert [key.serial for key in settings.merchant_keys] == ["ABC"]
    assert PASSWORD not in f"{settings!r}"


def test_voids_and_old_hashes_only_where_asked_for(folder: Path) -> None:
    """By default all is refunded, SHA-1 is not believed, and the name is that of production."""
    plain = told(given(folder, **PEM))
    assert (plain.void_until, plain.trust.sha1, plain.trust.name) == (None, False, UNIONPAY)
    chosen = {"VOID_UNTIL": "22:30", "SHA1_CERTIFICATES": "true", "SIGNER_NAME": "测试"}
    other = told(given(folder, **PEM, **chosen))
    assert (other.void_until, other.trust.sha1, other.trust.name) == (time(22, 30), True, "测试")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"MERCHANT_KEY_FILE": "{}/key.pem"}, "MERCHANT_KEY_FILE is set: set GATEWAY_UNIONPAY_"),
        (PFX | {"MERCHANT_KEY_PASSWORD_FILE": "{}/wrong"}, "/key.pfx: The merchant's PFX file or"),
        (PFX | {"MERCHANT_KEY_FILE": "{}/key.pem"}, "/key.pem: The merchant's PFX file or"),
        (PFX | {"MERCHANT_KEY_PASSWORD_FILE": "{}/a,{}/b"}, "PASSWORD_FILE 2: name as many"),
        (PFX | {"MERCHANT_CERTIFICATE_ID": "7"}, "CERTIFICATE_ID says 7, but the file is that of"),
        (PEM | {"ROOT_CERTIFICATE_FILE": "{}/key.pem"}, "/key.pem: The channel's root or"),
        (PEM | {"VOID_UNTIL": "23:01"}, "UnionPay's day ends at 23:00"),
        (PEM | {"VOID_UNTIL": "late"}, "VOID_UNTIL is 'late': write hours and minutes"),
        (PEM | {"TOKEN_REQUESTER_ID": "7"}, "token requester's number at UnionPay has 11 digits"),
    ],
)
def test_what_is_wrong_is_named(folder: Path, changes: dict[str, Any], words: str) -> None:
    """One sentence says which variable or file is wrong; no content is shown."""
    with pytest.raises((ConfigError, StartError)) as caught:
        told(given(folder, **changes))
    sentence = str(caught.value)
    assert words in sentence
    assert sentence.startswith("GATEWAY_UNIONPAY_")
    assert "secret" not in f"{caught.value!r}"
