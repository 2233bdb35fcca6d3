"""Idempotency: what a key stands for, and how two requests are told apart.

The first request under a key claims it, in the same commit that creates what it asks for. The claim
keeps a fingerprint of every economically significant field; the same key with another fingerprint
or another method is a mismatch. The fingerprint is a SHA-256 over an encoding of our own (a
version, then each field with its name and length), because neither protobuf nor JSON promises the
same bytes for the same message for years. A later version of the encoding still recognises old
keys: the version stands beside the digest.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

from gateway.domain.errors import Reason
from gateway.domain.value import value

FINGERPRINT_VERSION = 1

NAMES_REMEMBERED = 1_000
"""Names of fields that are kept as they are encoded."""

Field: TypeAlias = "str | int | bool | datetime | Mapping[str, Field] | None"


class ClaimKind(StrEnum):
    """Method that a key was used for."""

    PAY = "PAY"
    CAPTURE = "CAPTURE"
    CANCEL = "CANCEL"
    REFUND = "REFUND"
    TOP_UP = "TOP_UP"
    WITHDRAW = "WITHDRAW"


@value(frozen=True, slots=True)
class Claim:
    """What one key of one owner stands for.

    `object_id` is what the request made: a payment, or an operation on one. `refusal` is set where
    the request was refused for ever, and nothing was made.
    """

    owner_id: str
    idempotency_key: str
    kind: ClaimKind
    fingerprint: bytes
    object_id: UUID
    create_time: datetime
    fingerprint_version: int = FINGERPRINT_VERSION
    refusal: Reason | None = None
    refusal_message: str = ""
    caller_id: str = ""

    def same_request(self, other: "Claim") -> bool:
        """Tell whether two claims stand for the same request."""
        return (
            self.kind == other.kind
            and self.fingerprint_version == other.fingerprint_version
            and self.fingerprint == other.fingerprint
        )


def fingerprint(kind: ClaimKind, fields: Mapping[str, Field]) -> bytes:
    """Digest the significant fields of a request: 32 bytes."""
    text = f"{_prefixed(_VERSION)}{_prefixed(kind.value)}{_encoded(fields)}"
    return hashlib.sha256(text.encode()).digest()


def canonical(field: Field) -> bytes:
    """Encode a value: a letter for its type, its length in bytes of UTF-8, its content.

    Different values never give the same bytes.
    """
    return _encoded(field).encode()


def _encoded(field: Field) -> str:
    """Encode as text, which becomes bytes once, at the end: every payment is digested twice."""
    encode = _ENCODINGS.get(type(field))
    return encode(field) if encode else _mapping(field)  # type: ignore[arg-type]


def _mapping(field: Mapping[str, Field]) -> str:
    if not field:
        return "m0:"
    encodings = _ENCODINGS
    parts: list[str] = []
    for name in sorted(field):
        item = field[name]
        encode = encodings.get(type(item), _mapping)
        parts += (_name(name), encode(item))
    return f"m{_prefixed(''.join(parts))}"


def _text(field: str) -> str:
    return f"s{len(field) if field.isascii() else len(field.encode())}:{field}"


_name = lru_cache(maxsize=NAMES_REMEMBERED)(_text)
"""The same few names stand in every request; what callers call their attributes goes by."""


def _integer(field: int) -> str:
    digits = str(field)
    return f"i{len(digits)}:{digits}"


def _moment(field: datetime) -> str:
    return f"t{_prefixed(str(int(field.timestamp()) * 1_000_000 + field.microsecond))}"


def _prefixed(text: str) -> str:
    return f"{len(text) if text.isascii() else len(text.encode())}:{text}"


_ENCODINGS: Mapping[type, Callable[[Any], str]] = {
    str: _text,
    int: _integer,
    bool: lambda field: "b1:1" if field else "b1:0",
    datetime: _moment,
    type(None): lambda _field: "n0:",
}
"""How a value of exactly this type is encoded; anything else is a mapping."""

_VERSION = f"v{FINGERPRINT_VERSION}"
