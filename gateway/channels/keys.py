"""RSA keys, ours and the channel's: loaded once, each with the id and the time it is good for.

Rotation is data. Several keys of each side are held at once; a message names the one that signed
it, and of our own the newest that is valid signs. Private keys never show themselves.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from gateway.channels.encoding import decode_base64, encode_base64

KEY_BITS_MIN = 2_048


BEGINNING = datetime.min.replace(tzinfo=UTC)
END = datetime.max.replace(tzinfo=UTC)


class SignatureRefused(Exception):
    """The signature is missing, wrong or out of time. The message names no secret."""


@dataclass(frozen=True, slots=True)
class Validity:
    """From when, inclusive, until when, exclusive, a key is good. Always, if nothing is said."""

    start: datetime = BEGINNING
    end: datetime = END

    def covers(self, moment: datetime) -> bool:
        """Whether the key is good then."""
        return self.start <= moment < self.end


ALWAYS = Validity()


class MerchantKey:
    """A key of our own: signs, and decrypts what the channel encrypted for us.

    Raises:
        ValueError: it is too short.
    """

    __slots__ = ("_key", "serial", "validity")

    def __init__(self, serial: str, key: RSAPrivateKey, validity: Validity = ALWAYS) -> None:
        _long_enough(key.key_size, "merchant's private")
        self.serial = serial
        self.validity = validity
        self._key = key

    def __repr__(self) -> str:
        return f"MerchantKey({self.serial!r}, ***)"

    def sign(self, text: bytes) -> str:
        """Sign with SHA-256 and PKCS#1 v1.5; in base64."""
        return encode_base64(self._key.sign(text, PKCS1v15(), SHA256()))

    def decrypt(self, data: bytes, padding: AsymmetricPadding) -> bytes:
        """Decrypt.

        Raises:
            ValueError: it was not encrypted for this key in this way.
        """
        return self._key.decrypt(data, padding)


@dataclass(frozen=True, slots=True)
class PlatformKey:
    """A key of the channel, by the id under which its messages name it.

    Raises:
        ValueError: it is too short.
    """

    key_id: str
    key: RSAPublicKey
    validity: Validity = ALWAYS

    def __post_init__(self) -> None:
        """Refuse a weak key."""
        _long_enough(self.key.key_size, "channel's public")

    def signed(self, text: bytes, signature: str) -> bool:
        """Whether the signature, in base64, is this key's under the text."""
        try:
            self.key.verify(decode_base64(signature), text, PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True


class PlatformKeys:
    """The keys of the channel that are trusted. Never changes; `joined` gives another set."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[PlatformKey] = ()) -> None:
        self._keys: Mapping[str, PlatformKey] = {_number(key.key_id): key for key in keys}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def __repr__(self) -> str:
        return f"PlatformKeys({sorted(self._keys)})"

    def find(self, key_id: str, moment: datetime) -> PlatformKey | None:
        """Give the key of this id, written exactly so, if it is trusted and good at this time."""
        key = self._keys.get(_number(key_id))
        return key if key and key.validity.covers(moment) else None

    def newest(self, prefix: str, moment: datetime) -> PlatformKey | None:
        """Give the key good now that became so last, of those whose ids begin with the prefix."""
        good = [
            key
            for key in self._keys.values()
            if key.key_id.startswith(prefix) and key.validity.covers(moment)
        ]
        return max(good, key=lambda key: key.validity.start, default=None)

    def joined(self, keys: Iterable[PlatformKey], moment: datetime) -> "PlatformKeys":
        """Trust these keys too, and forget those whose time is over."""
        both = (*self._keys.values(), *keys)
        return PlatformKeys(key for key in both if moment < key.validity.end)


def current(keys: Iterable[MerchantKey], moment: datetime) -> MerchantKey:
    """Choose the key that signs now: of those that are valid, the one that became so last.

    Raises:
        ValueError: none is valid.
    """
    good = [key for key in keys if key.validity.covers(moment)]
    if not good:
        raise ValueError("No merchant key is valid now: configure the renewed key and certificate.")
    return max(good, key=lambda key: key.validity.start)


def load_merchant_key(
    private_pem: bytes, *, certificate_pem: bytes | None = None, serial: str = ""
) -> MerchantKey:
    """Load our key from PEM; its serial and time come from its certificate, or serial is given.

    Raises:
        ValueError: one of them is not what it should be; the sentence says what to do.
    """
    key = _private(private_pem)
    if certificate_pem is None:
        if not serial:
            raise ValueError("Name the serial number of the merchant's certificate.")
        return MerchantKey(serial, key)
    certificate = _certificate(certificate_pem)
    if certificate.public_key() != key.public_key():
        raise ValueError("The merchant's certificate does not belong to the private key.")
    return MerchantKey(serial_of(certificate), key, _validity(certificate))


def load_platform_key(public_pem: bytes, key_id: str, validity: Validity = ALWAYS) -> PlatformKey:
    """Load a bare public key of the channel from PEM.

    Raises:
        ValueError: it is none.
    """
    try:
        key = load_pem_public_key(public_pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"The channel's public key {key_id} is not a PEM file.") from error
    return PlatformKey(key_id, _rsa(key), validity)


def load_platform_certificate(certificate_pem: bytes, key_id: str = "") -> PlatformKey:
    """Load a certificate of the channel from PEM; its id is its serial number if none is given.

    Raises:
        ValueError: it is none.
    """
    certificate = _certificate(certificate_pem)
    try:
        key = _rsa(certificate.public_key())
    except UnsupportedAlgorithm as error:
        raise ValueError("The channel's certificate is not for an RSA key.") from error
    return PlatformKey(key_id or serial_of(certificate), key, _validity(certificate))


def serial_of(certificate: x509.Certificate) -> str:
    """Write a certificate's serial number as channels do: hexadecimal, upper case."""
    return f"{certificate.serial_number:X}"


def _private(pem: bytes) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("The merchant's private key is not an unencrypted PEM file.") from error
    if isinstance(key, RSAPrivateKey):
        return key
    raise ValueError("The merchant's private key is not an RSA key.")


def _certificate(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise ValueError("A certificate is not a PEM file.") from error


def _validity(certificate: x509.Certificate) -> Validity:
    return Validity(certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def _rsa(key: object) -> RSAPublicKey:
    if isinstance(key, RSAPublicKey):
        return key
    raise ValueError("The channel's key is not an RSA key.")


def _long_enough(bits: int, whose: str) -> None:
    if bits < KEY_BITS_MIN:
        raise ValueError(f"The {whose} key is too short: it must have {KEY_BITS_MIN} bits.")


def _number(key_id: str) -> str:
    """Serial numbers are numbers: leading zeros, which some software leaves out, say nothing."""
    return key_id.lstrip("0")
