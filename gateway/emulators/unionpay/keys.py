"""Who may ask and with which key UnionPay answers, and the keys and certificates of impostors.

A merchant is known by its certificates, named by their serial in decimal; several are in force at
once while they are exchanged. UnionPay's own certificate travels in every message, so its exchange
needs nobody's consent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicNumbers


@dataclass(frozen=True)
class Signer:
    """A key, and the certificate that goes with what it signs, as messages carry it."""

    private: RSAPrivateKey = field(repr=False)
    certificate: str


@dataclass(frozen=True)
class Signers:
    """UnionPay's signer, and the same message as others would sign it."""

    good: Signer
    expired: Signer  # the right key, a certificate that has run out
    other: Signer  # certified by the same authority, for somebody else
    forged: Signer  # certified by nobody, in the authority's name


@dataclass(frozen=True)
class Merchant:
    """A merchant, and the public keys of its certificates by certId."""

    mer_id: str
    certificates: Mapping[str, RSAPublicNumbers] = field(repr=False)


@dataclass
class Keys:
    """All keys; they change while the service runs."""

    merchants: Mapping[str, Merchant]
    signers: Signers
