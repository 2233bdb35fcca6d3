"""Signed headers and sealed resources, good ones and every kind of bad one.

Spoiled is always just one thing: the key, the serial, the time, the body that was signed, or a
header that is missing. So a receiver that overlooks one check is found out by exactly one fault.
"""

import secrets
from typing import Final

from gateway.emulators.core import crypto
from gateway.emulators.core.outbox import GOOD
from gateway.emulators.v3style.authorization import reply_message
from gateway.emulators.v3style.keys import SigningKey
from gateway.emulators.v3style.names import Channel, Sealed

STALE_S: Final = 600
NONCE_LENGTH: Final = 32
_STRANGER: Final = "7132D72A03E93CDDF8C03BBD1F37EEDF00000000"


def new_token(length: int) -> str:
    """So many letters and digits that nobody can guess; an even number of them."""
    return secrets.token_hex(length // 2)


def signed_headers(
    channel: Channel,
    body: bytes,
    *,
    now_s: int,
    wanted: str | None = None,
    turn: int = 0,
    seal: str = GOOD,
) -> dict[str, str]:
    """The headers that sign a body, spoiled as `seal` says. Raises UnknownSerial."""
    if seal == "UNSIGNED":
        return {}
    key = channel.keys.signer(wanted, turn)
    timestamp = str(now_s - STALE_S if seal == "STALE" else now_s)
    nonce = new_token(NONCE_LENGTH)
    signature = _sign(channel, key, reply_message(timestamp, nonce, _signed_body(body, seal)), seal)
    prefix = channel.names.header
    headers = {
        f"{prefix}-Timestamp": timestamp,
        f"{prefix}-Nonce": nonce,
        f"{prefix}-Signature": signature,
        f"{prefix}-Serial": _STRANGER if seal == "UNKNOWN_SERIAL" else key.serial,
    }
    if channel.names.sends_signature_type:
        headers[f"{prefix}-Signature-Type"] = channel.names.scheme
    if seal == "PARTLY_SIGNED":
        del headers[f"{prefix}-Nonce"]
    return headers


def seal_resource(channel: Channel, key: bytes, plain: bytes, associated_data: str) -> Sealed:
    """Seal a resource for the one who has the APIv3 key."""
    nonce = new_token(crypto.NONCE_BYTES)
    ciphertext = crypto.seal(key, nonce, associated_data, plain)
    return Sealed(channel.names.aead_label, nonce, associated_data, ciphertext)


def _signed_body(body: bytes, seal: str) -> bytes:
    """What is signed; for ALTERED something that the sent body is a change of."""
    return body + b" " if seal == "ALTERED" else body


def _sign(channel: Channel, key: SigningKey, message: bytes, seal: str) -> str:
    if seal == "SIGNTEST":
        assert channel.names.probe is not None, "this channel sends no probes"
        return channel.names.probe + crypto.sign(key.private, message)
    if seal == "WRONG_KEY":
        others = (*channel.keys.certificates, *channel.keys.public_keys)
        key = next(other for other in others if other.serial != key.serial)
    return crypto.sign(key.private, message)
