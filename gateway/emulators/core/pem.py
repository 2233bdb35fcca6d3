"""RSA keys as files that only their owner reads: made, written whole or not at all, read back."""

import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

RSA_BITS: Final = 2048


def new_key() -> rsa.RSAPrivateKey:
    """A private key of RSA_BITS."""
    return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read; a start that breaks off leaves none of it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    draft.replace(path)


def write_key(path: Path, key: rsa.RSAPrivateKey) -> None:
    """Write a private key as PKCS#8."""
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_private(path, pem)


def read_key(path: Path) -> rsa.RSAPrivateKey:
    """Read back what `write_key` wrote."""
    # We made it: to prove anew that its numbers fit one another would cost more than it is worth.
    key = serialization.load_pem_private_key(
        path.read_bytes(), None, unsafe_skip_rsa_key_validation=True
    )
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    """The public half as SubjectPublicKeyInfo."""
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
