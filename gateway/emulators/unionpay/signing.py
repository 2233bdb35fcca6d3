"""Messages signed, verified, and spoiled in exactly one thing each.

The signature of 5.1.0 is over the lower-case hexadecimal *text* of a SHA-256, itself hashed with
SHA-256. It is verified from the definition, not by the call that a gateway would use. A receiver
that overlooks one check is found out by exactly one of the spoils:

    UNSIGNED, PARTLY_SIGNED   no signature and certificate; no certificate
    ALTERED, WRONG_KEY        something was changed; signed with another key than the certificate's
    STALE                     the certificate has run out
    WRONG_NAME                a good certificate, but of somebody else
    FORGED                    a certificate that nobody issued
    DOWNGRADED                as in 5.0.0, with SHA-1
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from gateway.emulators.core import crypto
from gateway.emulators.core.outbox import GOOD
from gateway.emulators.unionpay.form import CERTIFICATE, SIGNATURE, Fields, signed_text
from gateway.emulators.unionpay.keys import Signer, Signers

VERSION: Final = "5.1.0"
OLD_VERSION: Final = "5.0.0"


def digest_text(fields: Mapping[str, str]) -> bytes:
    """The text that the RSA signature is over."""
    return hashlib.sha256(signed_text(fields).encode()).hexdigest().encode()


def verify(key: RSAPublicNumbers, fields: Mapping[str, str]) -> bool:
    """Whether the fields carry a signature of that key over themselves."""
    return crypto.verify(key, digest_text(fields), fields.get(SIGNATURE, ""))


def sign(signers: Signers, fields: Mapping[str, str], seal: str = GOOD) -> Fields:
    """The fields with certificate and signature, spoiled as `seal` says."""
    if seal == "UNSIGNED":
        return dict(fields)
    if seal == "DOWNGRADED":
        return _sign_as_of_old(signers.good, fields)
    signer = {"STALE": signers.expired, "WRONG_NAME": signers.other, "FORGED": signers.forged}
    signed = _sign(signer.get(seal, signers.good), fields)
    if seal == "ALTERED":
        return {**signed, "respMsg": signed.get("respMsg", "") + "."}
    if seal == "WRONG_KEY":
        return {**signed, SIGNATURE: crypto.sign(signers.other.private, digest_text(signed))}
    if seal == "PARTLY_SIGNED":
        del signed[CERTIFICATE]
    return signed


def _sign(signer: Signer, fields: Mapping[str, str]) -> Fields:
    whole = {**fields, CERTIFICATE: signer.certificate}
    return {**whole, SIGNATURE: crypto.sign(signer.private, digest_text(whole))}


def _sign_as_of_old(signer: Signer, fields: Mapping[str, str]) -> Fields:
    whole = {**fields, "version": OLD_VERSION, CERTIFICATE: signer.certificate}
    text = hashlib.sha1(signed_text(whole).encode(), usedforsecurity=False).hexdigest()
    return {**whole, SIGNATURE: _sign_sha1(signer.private, text.encode())}


def _sign_sha1(key: RSAPrivateKey, text: bytes) -> str:
    digest = hashlib.sha1(text, usedforsecurity=False).digest()
    scheme = Prehashed(hashes.SHA1())  # noqa: S303 this is the forgery that must not pass
    return base64.b64encode(key.sign(digest, PKCS1v15(), scheme)).decode()
