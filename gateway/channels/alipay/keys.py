"""Keys of both sides, bare or in certificates, and the names that Alipay gives to certificates.

In key mode each side knows the other's bare public key, and nothing on the wire names it. In
certificate mode a request names our certificate and the roots that we trust, and an answer the
certificate that signed it, each by its SN: the MD5 of the issuer's name and the decimal serial
number. Alipay's own tool writes bare keys without the lines of PEM around them, so both are read.
"""

import hashlib
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID

from gateway.channels.keys import (
    ALWAYS,
    MerchantKey,
    PlatformKey,
    Validity,
    current,
    load_merchant_key,
    load_platform_certificate,
    load_platform_key,
)

Roots = tuple[x509.Certificate, ...]
"""Certificates that chains may lead to."""

RSA_SIGNATURES = "1.2.840.113549.1.1."
"""How the identifiers of signatures by RSA begin; roots that are signed otherwise do not count."""

BARE_KEY = "public key"
"""Name of Alipay's bare keys: no message names one."""

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AppKey:
    """A key of our own; `certificate_sn` names its certificate, and is empty in key mode."""

    key: MerchantKey
    certificate_sn: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifiedKey(PlatformKey):
    """A key of Alipay's in a certificate; `owner` is to whom it was issued: O and CN."""

    owner: str


def current_key(keys: Iterable[AppKey], moment: datetime) -> AppKey:
    """Choose the key that signs now: of those that are valid, the one that became so last.

    Raises:
        ValueError: none is valid.
    """
    held = {item.key: item for item in keys}
    return held[current(held, moment)]


def load_app_key(private: bytes, certificate_pem: bytes | None = None) -> AppKey:
    """Load our private key, from PEM or bare base64; a certificate puts us in certificate mode.

    Raises:
        ValueError: one of them is not what it should be; the sentence says what to do.
    """
    label = b"RSA PRIVATE KEY" if b"IBAAKC" in private[:40] else b"PRIVATE KEY"
    pem = _armored(private, label)
    if certificate_pem is None:
        return AppKey(load_merchant_key(pem, serial="app"))
    key = load_merchant_key(pem, certificate_pem=certificate_pem)
    return AppKey(key, certificate_sn(x509.load_pem_x509_certificate(certificate_pem)))


def load_alipay_key(public: bytes, validity: Validity = ALWAYS) -> PlatformKey:
    """Load Alipay's bare public key, from PEM or bare base64. It is another than our own.

    Raises:
        ValueError: it is none.
    """
    return load_platform_key(_armored(public, b"PUBLIC KEY"), BARE_KEY, validity)


def load_alipay_certificate(certificate_pem: bytes) -> CertifiedKey:
    """Load Alipay's certificate; those of its issuers may follow in the same file.

    Raises:
        ValueError: it is none.
    """
    key = load_platform_certificate(certificate_pem)
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    sn, owner = certificate_sn(certificate), _owner(certificate.subject)
    return CertifiedKey(sn, key.key, key.validity, owner=owner)


def load_roots(roots_pem: bytes) -> Roots:
    """Load the file of roots that Alipay publishes: those of them that are signed by RSA.

    It holds others too, some of which cannot even be read here; they are passed over.

    Raises:
        ValueError: no root is left.
    """
    roots = tuple(
        certificate for pem in _CERTIFICATE.findall(roots_pem) for certificate in _by_rsa(pem)
    )
    if not roots:
        raise ValueError("The file of Alipay's root certificates holds none that is signed by RSA.")
    return roots


def certificate_sn(certificate: x509.Certificate) -> str:
    """Name a certificate as Alipay does: 32 digits [0-9a-f]."""
    text = f"{certificate.issuer.rfc4514_string()}{certificate.serial_number}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def roots_sn(roots: Iterable[x509.Certificate]) -> str:
    """Name a file of roots as Alipay does: the names of the roots, joined by underscores."""
    return "_".join(map(certificate_sn, roots))


def read_certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Read every certificate of a file, in its order.

    Raises:
        ValueError: one cannot be read.
    """
    return tuple(map(x509.load_pem_x509_certificate, _CERTIFICATE.findall(pem)))


def _owner(subject: x509.Name) -> str:
    named = (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
    return x509.Name(each for each in subject if each.oid in named).rfc4514_string()


def _by_rsa(pem: bytes) -> Iterable[x509.Certificate]:
    """Give a certificate if it is signed by RSA; that others are odd need not be warned of."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            certificate = x509.load_pem_x509_certificate(pem)
        signed_by = certificate.signature_algorithm_oid.dotted_string
    except (ValueError, UnsupportedAlgorithm):
        return ()
    return (certificate,) if signed_by.startswith(RSA_SIGNATURES) else ()


def _armored(key: bytes, label: bytes) -> bytes:
    """Put the lines of PEM around a bare key."""
    bare = b"".join(key.split())
    if bare.startswith(b"-----"):
        return key
    return b"-----BEGIN %b-----\n%b\n-----END %b-----\n" % (label, bare, label)
