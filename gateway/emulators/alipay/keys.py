"""Who may ask and with whose keys Alipay answers: apps, and its own keys in two modes.

An app signs with its private key. In key mode each side knows the other's bare public key; in
certificate mode a request names the app's certificate and the roots it trusts, and the answer names
the certificate it was signed with. A request says by what it carries which of the two it speaks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicNumbers


@dataclass(frozen=True)
class SigningKey:
    """A key that Alipay signs with; `pem` is its certificate with issuers, or its public key."""

    sn: str  # empty: a bare public key
    private: RSAPrivateKey = field(repr=False)
    pem: str


@dataclass(frozen=True)
class App:
    """An app of a seller, and its public keys by the SN of the certificate each stands in."""

    app_id: str
    seller_id: str
    public_keys: Mapping[str, RSAPublicNumbers] = field(repr=False)


@dataclass
class Keys:
    """All keys; Alipay's own are in order of age, the newest last."""

    apps: Mapping[str, App]
    public_keys: Sequence[SigningKey]
    certificates: Sequence[SigningKey]
    root_sn: str

    def signer(self, *, certified: bool) -> SigningKey:
        """The key that signs in a mode."""
        return self.certificates[-1] if certified else self.public_keys[-1]

    def stranger(self, *, certified: bool) -> SigningKey:
        """A key of ours that is the wrong one in that mode."""
        return self.signer(certified=not certified)
