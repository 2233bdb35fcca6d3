"""Keys of one purpose in a folder: `<n>-<name>.key.pem` and `.cert.pem`, the highest n is newest.

The public half is written last and makes a key complete, so a start that is broken off leaves
nothing that a later one would trip over. Several keys at once, as rotation needs them, are only
several stems.
"""

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from gateway.emulators.core import pem

KEY: Final = ".key.pem"
CERTIFICATE: Final = ".cert.pem"


def write(folder: Path, stem: str, private: RSAPrivateKey, certificate: bytes) -> None:
    """Write a key and its certificate."""
    pem.write_key(folder / (stem + KEY), private)
    pem.write_private(folder / (stem + CERTIFICATE), certificate)


def key_file(certificate: Path) -> Path:
    """The private half that belongs to a certificate."""
    return certificate.with_name(certificate.name.removesuffix(CERTIFICATE) + KEY)


def newest_first(folder: Path) -> list[Path]:
    """The complete keys of a folder by their certificates."""
    found = folder.glob(f"[0-9]*-*{CERTIFICATE}") if folder.is_dir() else iter(())
    return sorted(found, key=_place, reverse=True)


def next_stem(folder: Path, name: str) -> str:
    """The stem of a key that is newer than all others in the folder."""
    places = [_place(path) for path in folder.glob("[0-9]*-*")] if folder.is_dir() else []
    return f"{max(places, default=0) + 1}-{name}"


def retire_older(folder: Path) -> None:
    """Forget all keys but the newest."""
    for certificate in newest_first(folder)[1:]:
        certificate.unlink()
        key_file(certificate).unlink(missing_ok=True)


def _place(path: Path) -> int:
    return int(path.name.partition("-")[0])
