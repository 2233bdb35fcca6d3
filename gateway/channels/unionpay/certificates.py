"""Whose signature is believed: a certificate travels in each message, and is held against ours.

Anyone can make a certificate with any name, so it counts only if a chain leads from it to a root
that was configured, every link good at this moment; and only if it names the channel, because the
same roots certify many others. So the channel may renew its certificate unannounced. Several roots
and intermediates at once are the change of those: a file with the old and the new.
"""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512
from cryptography.x509.oid import NameOID

from gateway.channels.keys import PlatformKey, SignatureRefused, serial_of

Certificates = tuple[x509.Certificate, ...]

UNIONPAY = "中国银联股份有限公司"
"""Name of the channel, as one of the parts between the `@` of a certificate's common name."""

CERTIFICATE_LENGTH_MAX = 8_192
"""Characters of a certificate in a message."""

INTERMEDIATES_MAX = 3
"""Longest chain between a certificate and its root."""

UNREADABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What a certificate that anyone may have sent can do to its reader."""

HASHES = (SHA256, SHA384, SHA512)


@dataclass(frozen=True, slots=True)
class Trust:
    """What makes a certificate one of the channel.

    Attributes:
        roots: certificates that are believed as they are.
        intermediates: those that may stand between a root and the channel's.
        name: what must be a part of the common name; the channel's test system has others.
        sha1: believe certificates that were signed over a SHA-1 hash, as the test system's are.
            It is broken: never where money is real.

    Raises:
        ValueError: there is no root.
    """

    roots: Certificates = field(repr=False)
    intermediates: Certificates = field(default=(), repr=False)
    name: str = UNIONPAY
    sha1: bool = False

    def __post_init__(self) -> None:
        """Refuse to believe nobody."""
        if not self.roots or not self.name:
            raise ValueError("Give the channel's root certificate and the name in its own.")

    def key_of(self, pem: str, moment: datetime) -> PlatformKey:
        """Give the key of a certificate that came in a message.

        Raises:
            SignatureRefused: it is not the channel's, or not now.
        """
        if len(pem) > CERTIFICATE_LENGTH_MAX:
            raise SignatureRefused("the certificate is too long")
        try:
            certificate = x509.load_pem_x509_certificate(pem.encode())
            self._check(certificate, moment)
            return PlatformKey(serial_of(certificate), _rsa(certificate))
        except UNREADABLE as error:
            raise SignatureRefused("the certificate is not one of the protocol") from error

    def _check(self, certificate: x509.Certificate, moment: datetime) -> None:
        if not self._leads_to_root(certificate, moment, INTERMEDIATES_MAX):
            raise SignatureRefused("no chain leads from the certificate to a root, at this time")
        usage = _usage(certificate)
        if usage is not None and not usage.digital_signature:
            raise SignatureRefused("the certificate is not for signatures")
        if not any(self.name in name.split("@") for name in _common_names(certificate)):
            raise SignatureRefused("the certificate is another's")

    def _leads_to_root(self, certificate: x509.Certificate, moment: datetime, links: int) -> bool:
        if not _is_current(certificate, moment) or not self._hashed_well(certificate):
            return False
        if any(_issued(certificate, root) and _is_current(root, moment) for root in self.roots):
            return True
        return links > 0 and any(
            _issued(certificate, issuer)
            and _may_issue(issuer)
            and self._leads_to_root(issuer, moment, links - 1)
            for issuer in self.intermediates
        )

    def _hashed_well(self, certificate: x509.Certificate) -> bool:
        algorithm = certificate.signature_hash_algorithm
        return isinstance(algorithm, HASHES) or (self.sha1 and isinstance(algorithm, SHA1))


def load_certificates(pem: bytes) -> Certificates:
    """Load root or intermediate certificates from PEM; the file may hold several.

    Raises:
        ValueError: it holds none.
    """
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise ValueError(
            "The channel's root or intermediate certificate is no PEM file."
        ) from error


def _is_current(certificate: x509.Certificate, moment: datetime) -> bool:
    return certificate.not_valid_before_utc <= moment < certificate.not_valid_after_utc


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer's name stands in the certificate, and its key signed it."""
    try:
        if isinstance(certificate.signature_hash_algorithm, SHA1):
            _verify_sha1(certificate, issuer)
        else:
            certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _verify_sha1(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    """Do what the library refuses to do for this hash; only where that was asked for."""
    if certificate.issuer != issuer.subject:
        raise ValueError("another issuer")
    signed = certificate.tbs_certificate_bytes
    _rsa(issuer).verify(certificate.signature, signed, PKCS1v15(), SHA1())  # noqa: S303


def _may_issue(certificate: x509.Certificate) -> bool:
    usage = _usage(certificate)
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    return basic.ca and (usage is None or usage.key_cert_sign)


def _usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def _common_names(certificate: x509.Certificate) -> list[str]:
    attributes = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return [str(attribute.value) for attribute in attributes]


def _rsa(certificate: x509.Certificate) -> RSAPublicKey:
    key = certificate.public_key()
    if isinstance(key, RSAPublicKey):
        return key
    raise ValueError("not an RSA key")
