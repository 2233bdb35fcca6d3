"""The keys as files: made once, read at every start, readable by their owner alone (0600).

    root.cert.pem, issuer.cert.pem         the authority that certifies both sides, with keys
    alipay/<n>-public.pub.pem              Alipay's bare public key, for key mode
    alipay/<n>-certificate.cert.pem        Alipay's certificate and its issuer's
    apps/<app_id>/seller_id                whose app it is
    apps/<app_id>/<n>-app.cert.pem         the app's certificate; its key is for the gateway

Beside each `.cert.pem` or `.pub.pem` lies its `.key.pem`; `<n>` counts up, the highest is newest. A
key is complete when its public half is there, which is written last; so a start that is broken off
leaves nothing that a later one would trip over.
"""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from gateway.emulators.alipay.certificates import certificate_sn, first_certificate, roots_sn
from gateway.emulators.alipay.keys import App, Keys, SigningKey
from gateway.emulators.core.pem import new_key, public_pem, read_key, write_key, write_private

VALID_FOR: Final = timedelta(days=5 * 365)
BACKDATED_BY: Final = timedelta(days=1)
ORGANIZATION: Final = "Stand-in for Alipay"
SELLER_PREFIX: Final = "2088"

Kind = Literal["app", "certificate", "public"]

_KEY, _CERTIFICATE, _PUBLIC = ".key.pem", ".cert.pem", ".pub.pem"
_PEM = serialization.Encoding.PEM


class KeyFiles:
    """A folder of keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.root = folder / f"root{_CERTIFICATE}"
        self._issuer = folder / f"issuer{_CERTIFICATE}"
        self._alipay = folder / "alipay"
        self._apps = folder / "apps"

    def open(self, app_ids: Iterable[str]) -> Keys:
        """Read everything, making first what is missing for these apps to connect."""
        if not self.root.exists():
            _make_authority(self.root, self.root, "Root R1")
        if not self._issuer.exists():
            _make_authority(self._issuer, self.root, "Class 2 R1")
        for app_id in app_ids:
            self._make_app(app_id)
        for kind in ("certificate", "public"):
            if not _of_kind(self._alipay, kind):
                self._make(self._alipay, kind, "Alipay")
        return self.read()

    def read(self) -> Keys:
        """Read everything that is there."""
        apps = (_read_app(folder) for folder in sorted(self._apps.iterdir()))
        return Keys(
            {app.app_id: app for app in apps},
            [_read_signing_key(path) for path in _of_kind(self._alipay, "public")],
            [_read_signing_key(path) for path in _of_kind(self._alipay, "certificate")],
            roots_sn(self.root.read_bytes()),
        )

    def newest(self, kind: Kind, app_id: str = "") -> Path:
        """The newest public half of a kind; its key is `key_of` it."""
        return _of_kind(self._home(kind, app_id), kind)[-1]

    def add(self, kind: Kind, app_id: str = "", *, retires: bool) -> None:
        """Make a new key of a kind beside the older ones, or instead of them."""
        home = self._home(kind, app_id)
        older = _of_kind(home, kind)
        self._make(home, kind, app_id if kind == "app" else "Alipay")
        for path in older if retires else ():
            path.unlink()
            key_of(path).unlink(missing_ok=True)

    def _home(self, kind: Kind, app_id: str) -> Path:
        return self._apps / app_id if kind == "app" else self._alipay

    def _make_app(self, app_id: str) -> None:
        home = self._apps / app_id
        if not (home / "seller_id").exists():
            seller_id = f"{SELLER_PREFIX}{secrets.randbelow(10**12):012d}"
            write_private(home / "seller_id", seller_id.encode())
        if not _of_kind(home, "app"):
            self._make(home, "app", app_id)

    def _make(self, home: Path, kind: str, name: str) -> None:
        key = new_key()
        stem = home / f"{_next_place(home)}-{kind}"
        write_key(Path(f"{stem}{_KEY}"), key)
        if kind == "public":
            write_private(Path(f"{stem}{_PUBLIC}"), public_pem(key))
        else:
            leaf = _certify(key, name, self._issuer, is_authority=False)
            chain = leaf.public_bytes(_PEM) + self._issuer.read_bytes()
            write_private(Path(f"{stem}{_CERTIFICATE}"), chain)


def key_of(path: Path) -> Path:
    """The file of the private key beside a public half."""
    return path.with_name(path.name.removesuffix(_CERTIFICATE).removesuffix(_PUBLIC) + _KEY)


def _read_app(folder: Path) -> App:
    keys = {}
    for path in _of_kind(folder, "app"):
        certificate = first_certificate(path.read_bytes())
        key = certificate.public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        keys[certificate_sn(certificate)] = key.public_numbers()
    return App(folder.name, (folder / "seller_id").read_text(), keys)


def _read_signing_key(path: Path) -> SigningKey:
    pem = path.read_text()
    is_certificate = path.name.endswith(_CERTIFICATE)
    sn = certificate_sn(first_certificate(pem.encode())) if is_certificate else ""
    return SigningKey(sn, read_key(key_of(path)), pem)


def _make_authority(path: Path, issuer: Path, name: str) -> None:
    key = new_key()
    write_key(key_of(path), key)
    certificate = _certify(key, f"{ORGANIZATION} {name}", issuer, is_authority=True)
    write_private(path, certificate.public_bytes(_PEM))


def _certify(
    key: rsa.RSAPrivateKey, name: str, issuer: Path, *, is_authority: bool
) -> x509.Certificate:
    """A certificate by the authority in a file; by itself where there is none yet."""
    subject = _name(name)
    signer, issued_by = key, subject
    if issuer.exists():
        signer = read_key(key_of(issuer))
        issued_by = first_certificate(issuer.read_bytes()).subject
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issued_by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED_BY)
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .sign(signer, hashes.SHA256())
    )


def _name(name: str) -> x509.Name:
    parts = {
        NameOID.COUNTRY_NAME: "CN",
        NameOID.ORGANIZATION_NAME: ORGANIZATION,
        NameOID.ORGANIZATIONAL_UNIT_NAME: "Certification Authority",
        NameOID.COMMON_NAME: name,
    }
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts.items()])


def _of_kind(folder: Path, kind: str) -> list[Path]:
    """The public halves of a kind, oldest first."""
    suffix = _PUBLIC if kind == "public" else _CERTIFICATE
    return sorted(folder.glob(f"[0-9]*-{kind}{suffix}"), key=_place)


def _next_place(folder: Path) -> int:
    return max((_place(path) for path in folder.glob("[0-9]*-*")), default=0) + 1


def _place(path: Path) -> int:
    return int(path.name.partition("-")[0])
