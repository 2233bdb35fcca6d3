"""Idempotency: what a key stands for, and how two requests are told apart.

The first request under a key claims it, in the same commit that creates what it asks for. The claim
keeps a fingerprint of every economically significant field; the same key with another fingerprint
or another method is a mismatch. The fingerprint is a SHA-256 over an encoding of our own (a
version, then each field with its name and length), because neither protobuf nor JSON promises the
same bytes for the same message for years. A later version of the encoding still recognises old
keys: the version stands beside the digest.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from gateway.domain.errors import Reason

FINGERPRINT_VERSION = 1

Field: TypeAlias = "str | int | bool | datetime | Mapping[str, Field] | None"


class ClaimKind(StrEnum):
    """Method that a key was used for."""

    PAY = "PAY"
    CAPTURE = "CAPTURE"
    CANCEL = "CANCEL"
    REFUND = "REFUND"


@dataclass(frozen=True, slots=True)
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
    return hashlib.sha256(
        _prefixed(f"v{FINGERPRINT_VERSION}") + _prefixed(kind) + canonical(fields)
    ).digest()


def canonical(field: Field) -> bytes:
    """Encode a value: a letter for its type, its length, its content.

    Different values never give the same bytes.
    """
    match field:
        case None:
            return b"n0:"
        case bool():
            return b"b1:1" if field else b"b1:0"
        case int():
            return b"i" + _prefixed(str(field))
        case str():
            return b"s" + _prefixed(field)
        case datetime():
            return b"t" + _prefixed(str(int(field.timestamp()) * 1_000_000 + field.microsecond))
        case _:
            pairs = (canonical(name) + canonical(field[name]) for name in sorted(field))
            content = b"".join(pairs)
            return b"m%d:%b" % (len(content), content)


def _prefixed(text: str) -> bytes:
    content = text.encode()
    return b"%d:%b" % (len(content), content)
