"""What is sealed: AES-256-GCM under the merchant's key, and RSA for single personal fields.

The nonce is 12 bytes of text, the additional data is text and may be empty, and the tag is the last
16 bytes of the ciphertext. Only who knows the merchant's key can make what opens.
"""

from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.channels.encoding import decode_base64, encode_base64
from gateway.channels.keys import MerchantKey, PlatformKey

SEAL_KEY_BYTES = 32
NONCE_BYTES = 12


class SealBroken(Exception):
    """What should open does not: it was changed, or sealed under another key."""


class SealKey:
    """The merchant's symmetric key, which both sides know; never shows itself.

    Raises:
        ValueError: it has not SEAL_KEY_BYTES bytes.
    """

    __slots__ = ("_key",)

    def __init__(self, key: str) -> None:
        if len(key.encode()) != SEAL_KEY_BYTES:
            raise ValueError(f"The merchant's API key must have {SEAL_KEY_BYTES} bytes.")
        self._key = key.encode()

    def __repr__(self) -> str:
        return "SealKey(***)"

    def open(self, nonce: str, associated_data: str, ciphertext: str) -> bytes:
        """Open what was sealed under this key. Raises SealBroken."""
        return open_sealed(self._key, nonce, associated_data, ciphertext)


def open_sealed(key: bytes, nonce: str, associated_data: str, ciphertext: str) -> bytes:
    """Decrypt and authenticate.

    Args:
        key: 16, 24 or 32 bytes.
        nonce: NONCE_BYTES bytes as text.
        associated_data: may be empty.
        ciphertext: base64, with the tag at its end.

    Raises:
        SealBroken: a part has not the right form, or they do not belong together.
    """
    if len(nonce.encode(errors="replace")) != NONCE_BYTES:
        raise SealBroken(f"the nonce has not {NONCE_BYTES} bytes")
    try:
        sealed = decode_base64(ciphertext)
        return AESGCM(key).decrypt(nonce.encode(), sealed, associated_data.encode())
    except (InvalidTag, ValueError) as error:
        raise SealBroken("the seal is broken") from error


def open_with_any(
    keys: Iterable[SealKey], nonce: str, associated_data: str, ciphertext: str
) -> bytes:
    """Open with whichever key fits, so that a change of the key loses nothing.

    Raises:
        SealBroken: none fits.
    """
    broken = SealBroken("there is no key")
    for key in keys:
        try:
            return key.open(nonce, associated_data, ciphertext)
        except SealBroken as error:
            broken = error
    raise broken


def encrypt_field(key: PlatformKey, text: str, padding: AsymmetricPadding) -> str:
    """Encrypt a personal field for the channel, in base64; the request names the key's id.

    Raises:
        ValueError: the text is too long for the key.
    """
    return encode_base64(key.key.encrypt(text.encode(), padding))


def decrypt_field(keys: Iterable[MerchantKey], text: str, padding: AsymmetricPadding) -> str:
    """Decrypt a personal field that the channel encrypted for one of our keys.

    Raises:
        SealBroken: it was encrypted for none of them.
    """
    for key in keys:
        try:
            return key.decrypt(decode_base64(text), padding).decode()
        except ValueError:
            continue
    raise SealBroken("the field was not encrypted for any key of ours")
