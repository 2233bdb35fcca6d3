"""The keys as files: made once, read at every start, readable by their owner alone (0600).

    merchants/<mchid>/app_id                   apps of the merchant, one a line
    merchants/<mchid>/api_v3_key               32 characters
    merchants/<mchid>/<n>-<serial>.key.pem     private key, for the gateway
    merchants/<mchid>/<n>-<serial>.cert.pem    its certificate; <n> counts up, the highest is newest
    platform/<n>-<serial>.key.pem, .cert.pem   platform certificates
    platform/<n>-<id>.key.pem, .pub.pem        platform public keys

A key is complete when its public half is there, which is written last; so a start that is broken
off leaves nothing that a later one would trip over.
"""

import os
import secrets
import string
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from gateway.emulators.v3style.keys import API_V3_KEY_BYTES, Keys, Merchant, SigningKey

RSA_BITS: Final = 2048
VALID_FOR: Final = timedelta(days=5 * 365)
BACKDATED_BY: Final = timedelta(days=1)
PUBLIC_KEY_PREFIX: Final = "PUB_KEY_ID_"
PUBLIC_KEY_ID_DIGITS: Final = 34
ALPHANUMERIC: Final = string.ascii_letters + string.digits

_KEY, _CERTIFICATE, _PUBLIC = ".key.pem", ".cert.pem", ".pub.pem"


class KeyFiles:
    """A folder of keys. `appid_prefix` is how the ids of this channel's apps begin."""

    def __init__(self, folder: Path, organization: str, appid_prefix: str) -> None:
        self._folder = folder
        self._organization = organization
        self._appid_prefix = appid_prefix

    def open(self, mchids: Iterable[str]) -> Keys:
        """Read everything, making first what is missing for these merchants to connect."""
        for mchid in mchids:
            self._make_merchant(mchid)
        if not _newest_first(self.platform, _CERTIFICATE):
            self.add_certificate(self.platform)
        if not _newest_first(self.platform, _PUBLIC):
            self.add_public_key()
        return self.read()

    def read(self) -> Keys:
        """Read everything that is there."""
        merchants = (_read_merchant(path) for path in sorted(self._merchants.iterdir()))
        return Keys(
            {merchant.mchid: merchant for merchant in merchants},
            [_read_certificate(path) for path in _newest_first(self.platform, _CERTIFICATE)[::-1]],
            [_read_public_key(path) for path in _newest_first(self.platform, _PUBLIC)[::-1]],
        )

    @property
    def platform(self) -> Path:
        """Where the channel's own keys are."""
        return self._folder / "platform"

    def merchant(self, mchid: str) -> Path:
        """Where a merchant's keys are."""
        return self._merchants / mchid

    def newest(self, folder: Path, kind: str) -> Path:
        """The newest file of a kind (`key`, `cert`, `pub`) in a folder."""
        return _newest_first(folder, f".{kind}.pem")[0]

    def add_certificate(self, folder: Path) -> str:
        """Make a key and a certificate for it; its serial."""
        private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        certificate = _certify(private, f"{self._organization} {folder.name}")
        serial = _serial(certificate)
        stem = f"{_next_place(folder)}-{serial}"
        _write(folder / (stem + _KEY), _private_pem(private))
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        _write(folder / (stem + _CERTIFICATE), pem)
        return serial

    def add_public_key(self) -> str:
        """Make a platform key that is named by an id; the id."""
        private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        digits = secrets.randbelow(10**PUBLIC_KEY_ID_DIGITS)
        name = f"{PUBLIC_KEY_PREFIX}{digits:0{PUBLIC_KEY_ID_DIGITS}d}"
        stem = f"{_next_place(self.platform)}-{name}"
        _write(self.platform / (stem + _KEY), _private_pem(private))
        _write(self.platform / (stem + _PUBLIC), _public_pem(private))
        return name

    def retire(self, folder: Path, kind: str) -> int:
        """Forget all keys of a kind but the newest; how many they were."""
        older = _newest_first(folder, f".{kind}.pem")[1:]
        for path in older:
            path.unlink()
            Path(str(path).removesuffix(f".{kind}.pem") + _KEY).unlink(missing_ok=True)
        return len(older)

    @property
    def _merchants(self) -> Path:
        return self._folder / "merchants"

    def _make_merchant(self, mchid: str) -> None:
        folder = self.merchant(mchid)
        if not (folder / "app_id").exists():
            appid = self._appid_prefix + secrets.token_hex(8)
            _write(folder / "app_id", f"{appid}\n".encode())
        if not (folder / "api_v3_key").exists():
            key = "".join(secrets.choice(ALPHANUMERIC) for _ in range(API_V3_KEY_BYTES))
            _write(folder / "api_v3_key", key.encode())
        if not _newest_first(folder, _CERTIFICATE):
            self.add_certificate(folder)


def _read_merchant(folder: Path) -> Merchant:
    certificates = {}
    for path in _newest_first(folder, _CERTIFICATE):
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        key = certificate.public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        certificates[_serial(certificate)] = key.public_numbers()
    appids = frozenset((folder / "app_id").read_text().split())
    return Merchant(folder.name, appids, (folder / "api_v3_key").read_bytes(), certificates)


def _read_certificate(path: Path) -> SigningKey:
    pem = path.read_text()
    certificate = x509.load_pem_x509_certificate(pem.encode())
    return SigningKey(
        _serial(certificate),
        _read_private(path, _CERTIFICATE),
        pem,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
    )


def _read_public_key(path: Path) -> SigningKey:
    name = path.name.removesuffix(_PUBLIC).partition("-")[2]
    return SigningKey(name, _read_private(path, _PUBLIC), path.read_text())


def _read_private(path: Path, kind: str) -> rsa.RSAPrivateKey:
    pem = Path(str(path).removesuffix(kind) + _KEY).read_bytes()
    # We made it: to prove anew that its numbers fit one another would cost more than it is worth.
    key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _certify(private: rsa.RSAPrivateKey, name: str) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED_BY)
        .not_valid_after(now + VALID_FOR)
        .sign(private, hashes.SHA256())
    )


def _serial(certificate: x509.Certificate) -> str:
    return f"{certificate.serial_number:040X}"


def _private_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _public_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _newest_first(folder: Path, suffix: str) -> list[Path]:
    found = folder.glob(f"*{suffix}") if folder.is_dir() else iter(())
    return sorted(found, key=_place, reverse=True)


def _next_place(folder: Path) -> int:
    places = [_place(path) for path in folder.glob("[0-9]*-*")] if folder.is_dir() else []
    return max(places, default=0) + 1


def _place(path: Path) -> int:
    return int(path.name.partition("-")[0])


def _write(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    draft.replace(path)
