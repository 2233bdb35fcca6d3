"""Who may ask and with whose keys the channel answers: merchants, platform keys, their rotation.

A merchant has one or more API certificates (several at once while they are exchanged) and an APIv3
key. The platform signs in one of two modes: with a bare public key that is named by an id, or with
a platform certificate that is named by its serial. A request may name the one it wants to be
answered with, and is; while merchants move from one mode to the other, notifications come in both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicNumbers

API_V3_KEY_BYTES = 32

KeyMode = Literal["PUBLIC_KEY", "CERTIFICATE", "MIXED"]
KEY_MODES: tuple[KeyMode, ...] = get_args(KeyMode)


class UnknownSerial(Exception):
    """No key of the platform has this serial or id."""


@dataclass(frozen=True)
class SigningKey:
    """A key that the platform signs with; `pem` is its certificate, or its public key."""

    serial: str
    private: RSAPrivateKey = field(repr=False)
    pem: str
    effective_time: datetime | None = None  # None: a bare public key
    expire_time: datetime | None = None


@dataclass(frozen=True)
class Merchant:
    """A merchant: its apps, its APIv3 key, and the public keys of its certificates by serial."""

    mchid: str
    appids: frozenset[str]
    api_v3_key: bytes = field(repr=False)
    certificates: Mapping[str, RSAPublicNumbers] = field(repr=False)


@dataclass
class Keys:
    """All keys. `certificates` are in order of age, the newest last; `mode` may be switched."""

    merchants: Mapping[str, Merchant]
    certificates: Sequence[SigningKey]
    public_keys: Sequence[SigningKey]
    mode: KeyMode = "CERTIFICATE"

    def signer(self, wanted: str | None = None, turn: int = 0) -> SigningKey:
        """The key to sign with: the one that is wanted, else that of the mode.

        `turn` counts notifications: in the mode MIXED every second one has the public key.
        Raises UnknownSerial.
        """
        if wanted is None:
            by_id = self.mode == "PUBLIC_KEY" or (self.mode == "MIXED" and turn % 2 == 1)
            return self.public_keys[-1] if by_id else self.certificates[-1]
        for key in (*self.certificates, *self.public_keys):
            if key.serial == wanted:
                return key
        raise UnknownSerial(wanted)
