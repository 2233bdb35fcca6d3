"""Alipay's certificate, fetched when an answer names one that we do not hold.

The answer that brings it is signed by the very key that it brings, so the signature alone says
nothing: what is trusted is the chain, up to one of the roots that we were given. Below them are the
certificates of merchants too, so it must be issued to whom the one that we were given was. Then the
answer must be signed by its key as well, and its name must be the one that was asked for.
"""

import base64
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from gateway.channels.alipay.account import HTTP_OK, Account
from gateway.channels.alipay.envelope import read_envelope
from gateway.channels.alipay.keys import CertifiedKey, load_alipay_certificate, read_certificates
from gateway.channels.connector import HttpReply, HttpRequest
from gateway.channels.fields import Malformed
from gateway.channels.keys import PlatformKey, SignatureRefused

METHOD = "alipay.open.app.alipaycert.download"

CHAIN_MAX = 4
"""Certificates from Alipay's own up to the one below a root."""

CONTENT_LENGTH_MAX = 32 * 1_024
"""Characters of a chain in base64."""


class CertificateRefused(Exception):
    """The certificate cannot be trusted. What was trusted before stays so. Names no secret."""


def certificate_request(account: Account, sn: str, moment: datetime) -> HttpRequest:
    """Ask for the certificate of this name."""
    return account.request(METHOD, {"alipay_cert_sn": sn}, moment)


def read_current(reply: HttpReply) -> str:
    """Read by what name an answer to the request calls the certificate that signed it.

    It is not believed, and need not be: it only says which certificate to ask for.

    Raises:
        CertificateRefused: it names none.
    """
    try:
        named = read_envelope(reply.body, METHOD).certificate_sn
    except Malformed as error:
        raise CertificateRefused(f"The answer for a certificate is none: {error}") from error
    if not named:
        raise CertificateRefused("Alipay named no certificate of its own.")
    return named


def read_certificate(
    account: Account, roots: Sequence[x509.Certificate], sn: str, reply: HttpReply, now: datetime
) -> PlatformKey:
    """Give the key to trust from now on beside the others.

    Raises:
        CertificateRefused: it may not be trusted.
    """
    if reply.status != HTTP_OK:
        raise CertificateRefused(f"Alipay answered {reply.status} for its certificate.")
    try:
        envelope = read_envelope(reply.body, METHOD)
        content = envelope.node.text("alipay_cert_content", most=CONTENT_LENGTH_MAX)
        pem = base64.b64decode(content, validate=True)
        key = load_alipay_certificate(pem)
        _check_chain(read_certificates(pem), roots, now)
        account.trusting(key).verify(envelope, now)
    except (Malformed, SignatureRefused, ValueError, UnsupportedAlgorithm) as error:
        raise CertificateRefused(f"Alipay's certificate was refused: {error}") from error
    if key.key_id != sn:
        raise CertificateRefused("Alipay sent another certificate than was asked for.")
    if key.owner not in _owners(account):
        raise CertificateRefused("The certificate was issued to somebody else than Alipay's own.")
    return key


def _owners(account: Account) -> set[str]:
    """Tell to whom the certificates that are trusted were issued."""
    keys = account.settings.alipay_keys
    return {key.owner for key in keys if isinstance(key, CertifiedKey)}


def _check_chain(
    chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], now: datetime
) -> None:
    """Walk from the first certificate to a root. Raises Malformed where that is not possible."""
    certificate = chain[0]
    for _ in range(CHAIN_MAX):
        if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
            raise Malformed("a certificate of its chain is not valid now")
        if _issuer(certificate, roots):
            return
        issuer = _issuer(certificate, chain[1:])
        if issuer is None:
            break
        certificate = issuer
    raise Malformed("its chain leads to no root that is trusted")


def _issuer(
    certificate: x509.Certificate, candidates: Sequence[x509.Certificate]
) -> x509.Certificate | None:
    return next((each for each in candidates if _issued(each, certificate)), None)


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether a certificate that may certify others certified this one."""
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints)
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, ValueError, x509.ExtensionNotFound):
        return False
    return constraints.value.ca
