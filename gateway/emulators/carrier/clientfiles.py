"""Clients as files: made at the first start, read at every start, readable by their owner alone.

clients/<label>/client_id        what the client is called
clients/<label>/client_secret    what it proves itself with
"""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from gateway.emulators.carrier.oauth import Client

SECRET_BYTES: Final = 32
_ID, _SECRET = "client_id", "client_secret"


def open_clients(folder: Path, labels: Iterable[str]) -> dict[str, Client]:
    """Every client by its id, making first what is missing for these labels."""
    for label in labels:
        _make(folder / label)
    found = (_read(path) for path in sorted(folder.iterdir()))
    return {client.client_id: client for client in found}


def secret_file(folder: Path, client: Client) -> Path:
    """Where a client's secret is."""
    return folder / client.label / _SECRET


def _make(folder: Path) -> None:
    if not (folder / _ID).exists():
        _write(folder / _ID, f"cb-{secrets.token_hex(8)}\n".encode())
    if not (folder / _SECRET).exists():
        _write(folder / _SECRET, secrets.token_urlsafe(SECRET_BYTES).encode())


def _read(folder: Path) -> Client:
    client_id, secret = (folder / name for name in (_ID, _SECRET))
    return Client(folder.name, client_id.read_text().strip(), secret.read_text().strip())


def _write(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    draft.replace(path)
