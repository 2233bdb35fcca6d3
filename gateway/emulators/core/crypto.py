"""RSA and AES as these channels use them, by a code path of its own.

A stand-in that verified with the same library call as the connector would share its mistakes. So a
signature is verified here from the definition (RFC 8017, 8.2.2): raise it to the public exponent
and compare, byte by byte, with the padded digest that must come out. Signing hands over a digest
made by hashlib, and AES-256-GCM is put together from the cipher's parts. Nothing here knows a clock
or an error: it is true or it is not.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

TAG_BYTES: Final = 16
NONCE_BYTES: Final = 12
_SHA256_INFO: Final = bytes.fromhex("3031300d060960864801650304020105000420")


def verify(key: RSAPublicNumbers, message: bytes, signature: str) -> bool:
    """Whether base64 text is the RSASSA-PKCS1-v1_5 signature with SHA-256 over the message."""
    size = (key.n.bit_length() + 7) // 8
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    value = int.from_bytes(raw, "big")
    if len(raw) != size or value >= key.n:
        return False
    opened = pow(value, key.e, key.n).to_bytes(size, "big")
    return hmac.compare_digest(opened, _padded(message, size))


def sign(key: RSAPrivateKey, message: bytes) -> str:
    """The signature of a message in base64."""
    digest = hashlib.sha256(message).digest()
    return base64.b64encode(key.sign(digest, PKCS1v15(), Prehashed(hashes.SHA256()))).decode()


def seal(key: bytes, nonce: str, associated_data: str, plain: bytes) -> str:
    """Encrypt with AES-GCM; base64 of ciphertext and tag."""
    encryptor = Cipher(AES(key), GCM(nonce.encode())).encryptor()
    encryptor.authenticate_additional_data(associated_data.encode())
    sealed = encryptor.update(plain) + encryptor.finalize() + encryptor.tag
    return base64.b64encode(sealed).decode()


def unseal(key: bytes, nonce: str, associated_data: str, ciphertext: str) -> bytes | None:
    """Decrypt what `seal` made; None when anything was changed or the key is another."""
    sealed = base64.b64decode(ciphertext)
    body, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
    decryptor = Cipher(AES(key), GCM(nonce.encode(), tag)).decryptor()
    decryptor.authenticate_additional_data(associated_data.encode())
    try:
        return decryptor.update(body) + decryptor.finalize()
    except InvalidTag:
        return None


def _padded(message: bytes, size: int) -> bytes:
    tail = _SHA256_INFO + hashlib.sha256(message).digest()
    return b"\x00\x01" + b"\xff" * (size - len(tail) - 3) + b"\x00" + tail
