"""How certificates are named on the wire: an SN, and what the SN of a file of roots is.

The SN is the MD5 of the issuer, its names in reverse order, followed by the decimal serial. A file
of roots is named by the SNs of those that are signed with RSA, joined by underscores; the rest (SM2
roots among them) is passed over, also what cannot be read at all.
"""

import hashlib
import re
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID, ObjectIdentifier

RSA_SIGNATURES: Final = "1.2.840.113549.1.1."

_PEM: Final = re.compile(b"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_SHORT: Final[dict[ObjectIdentifier, str]] = {
    NameOID.COMMON_NAME: "CN",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.LOCALITY_NAME: "L",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.COUNTRY_NAME: "C",
}


def certificate_sn(certificate: x509.Certificate) -> str:
    """The SN of one certificate."""
    names = [
        f"{_SHORT.get(part.oid, part.oid.dotted_string)}={part.value!s}"
        for part in certificate.issuer
    ]
    text = ",".join(reversed(names)) + str(certificate.serial_number)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def roots_sn(pem: bytes) -> str:
    """The SN of a file of root certificates."""
    found = []
    for block in _PEM.findall(pem):
        try:
            certificate = x509.load_pem_x509_certificate(block)
            is_rsa = certificate.signature_algorithm_oid.dotted_string.startswith(RSA_SIGNATURES)
        except (ValueError, UnsupportedAlgorithm):
            continue
        if is_rsa:
            found.append(certificate_sn(certificate))
    return "_".join(found)


def first_certificate(pem: bytes) -> x509.Certificate:
    """The certificate that a file is about; those of its issuers follow it."""
    return x509.load_pem_x509_certificate(_PEM.findall(pem)[0])
