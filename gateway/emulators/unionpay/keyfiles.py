"""The keys as files: made at the first start, read at every start, readable by their owner alone.

authority/root.cert.pem, middle.cert.pem   the two that a merchant must know, with their keys
signing/<n>-<certId>.key.pem, .cert.pem    what UnionPay signs with; the highest n is in force
stranger.key.pem                           what an impostor signs with
merchants/<merId>/<n>-<certId>.key.pem, .cert.pem
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from gateway.emulators.core import pem
from gateway.emulators.unionpay import certificates, keyfolder
from gateway.emulators.unionpay.certificates import (
    MIDDLE_COMMON_NAME,
    OTHER_COMMON_NAME,
    ROOT_COMMON_NAME,
    SIGNER_COMMON_NAME,
    Authority,
)
from gateway.emulators.unionpay.keyfolder import CERTIFICATE, KEY
from gateway.emulators.unionpay.keys import Keys, Merchant, Signer, Signers

_ROOT: Final = "root"
_MIDDLE: Final = "middle"


class KeyFiles:
    """A folder of keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = folder / "authority"
        self._signing = folder / "signing"
        self._stranger = folder / f"stranger{KEY}"

    def open(self, mer_ids: Iterable[str]) -> Keys:
        """Read everything, making first what is missing for these merchants to connect."""
        if not self.middle_certificate.exists():
            self._make_authority()
        if not self._stranger.exists():
            pem.write_key(self._stranger, pem.new_key())
        if not keyfolder.newest_first(self._signing):
            self.add_signing()
        for mer_id in mer_ids:
            if not keyfolder.newest_first(self.merchant(mer_id)):
                self.add_merchant(mer_id)
        return self.read()

    def read(self) -> Keys:
        """Read everything that is there."""
        folders = sorted((self._folder / "merchants").iterdir())
        merchants = (_read_merchant(folder) for folder in folders)
        return Keys({merchant.mer_id: merchant for merchant in merchants}, self._read_signers())

    @property
    def root_certificate(self) -> Path:
        """The certificate that everything rests on."""
        return self._authority / f"{_ROOT}{CERTIFICATE}"

    @property
    def middle_certificate(self) -> Path:
        """The certificate of the one who certified UnionPay."""
        return self._authority / f"{_MIDDLE}{CERTIFICATE}"

    def merchant(self, mer_id: str) -> Path:
        """Where a merchant's keys are."""
        return self._folder / "merchants" / mer_id

    def add_signing(self, *, retires: bool = False) -> str:
        """Make a new key for UnionPay to sign with; its certId."""
        return self._add(self._signing, SIGNER_COMMON_NAME, retires=retires)

    def add_merchant(self, mer_id: str, *, retires: bool = False) -> str:
        """Make a new key for a merchant; its certId."""
        common_name = f"051@{mer_id}@Stand-in merchant"
        return self._add(self.merchant(mer_id), common_name, retires=retires)

    def _add(self, folder: Path, common_name: str, *, retires: bool) -> str:
        private = pem.new_key()
        certificate = certificates.certify(self._middle(), common_name, private.public_key())
        cert_id = _cert_id(certificate)
        keyfolder.write(folder, keyfolder.next_stem(folder, cert_id), private, certificate)
        if retires:
            keyfolder.retire_older(folder)
        return cert_id

    def _make_authority(self) -> None:
        root, middle = (
            certificates.authority(name, pem.new_key())
            for name in (ROOT_COMMON_NAME, MIDDLE_COMMON_NAME)
        )
        root_pem = certificates.certify_authority(root, root, 1)
        middle_pem = certificates.certify_authority(root, middle, 0)
        keyfolder.write(self._authority, _ROOT, root.private, root_pem)
        keyfolder.write(self._authority, _MIDDLE, middle.private, middle_pem)

    def _middle(self) -> Authority:
        private = pem.read_key(keyfolder.key_file(self.middle_certificate))
        return certificates.authority(MIDDLE_COMMON_NAME, private)

    def _read_signers(self) -> Signers:
        path = keyfolder.newest_first(self._signing)[0]
        private = pem.read_key(keyfolder.key_file(path))
        stranger = pem.read_key(self._stranger)
        middle, public = self._middle(), private.public_key()
        forger = certificates.authority(MIDDLE_COMMON_NAME, stranger)
        expired = certificates.certify_long_ago(middle, SIGNER_COMMON_NAME, public)
        other = certificates.certify(middle, OTHER_COMMON_NAME, stranger.public_key())
        forged = certificates.certify(forger, SIGNER_COMMON_NAME, stranger.public_key())
        return Signers(
            good=_signer(private, path.read_bytes()),
            expired=_signer(private, expired),
            other=_signer(stranger, other),
            forged=_signer(stranger, forged),
        )


def _signer(private: RSAPrivateKey, certificate: bytes) -> Signer:
    """A signer whose certificate has the line ends of the real service."""
    return Signer(private, certificate.decode().replace("\n", "\r\n"))


def _read_merchant(folder: Path) -> Merchant:
    found = {}
    for path in keyfolder.newest_first(folder):
        certificate = path.read_bytes()
        key = x509.load_pem_x509_certificate(certificate).public_key()
        assert isinstance(key, RSAPublicKey)
        found[_cert_id(certificate)] = key.public_numbers()
    return Merchant(folder.name, found)


def _cert_id(certificate: bytes) -> str:
    """The serial in decimal, as ACP names certificates."""
    return str(x509.load_pem_x509_certificate(certificate).serial_number)
