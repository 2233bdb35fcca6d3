"""Identifiers: UUIDv7 inside, sortable prefixed text outside, and our number for a channel.

A UUIDv7 (RFC 9562) begins with its millisecond, so rows and texts sort by creation. Outside it is
written as 22 characters of base 62 behind a prefix that says what it names. A channel knows an
attempt by 28 characters `[0-9A-Za-z]`, which fits every channel: six for the merchant's serial
number and 22 for the attempt, so a notification finds its merchant without a search. Numbers are
made from our rows, so they are the same on every re-send.
"""

import re
from uuid import UUID

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_PAIRS_COUNT = len(_PAIRS)
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_UUID_LENGTH = 22
_SERIAL_LENGTH = 6
_NUMBER = re.compile(r"[0-9A-Za-z]{28}")

SERIAL_MAX = 62**_SERIAL_LENGTH - 1
"""Largest serial number of a merchant."""


def to_text(prefix: str, identifier: UUID) -> str:
    """Write an identifier as people and callers see it, such as `pay_0LOq...`."""
    return f"{prefix}_{_encode(identifier.int, _UUID_LENGTH)}"


def from_text(prefix: str, text: str) -> UUID | None:
    """Read what `to_text` wrote; None for anything else."""
    head, _, tail = text.partition("_")
    if head != prefix or len(tail) != _UUID_LENGTH:
        return None
    value = _decode(tail)
    return UUID(int=value) if value is not None and value < 1 << 128 else None


def channel_number(serial: int, attempt_id: UUID) -> str:
    """Make our number for an attempt at a channel: 28 characters `[0-9A-Za-z]`.

    Raises:
        ValueError: the serial number is outside 0 to SERIAL_MAX.
    """
    if not 0 <= serial <= SERIAL_MAX:
        message = f"merchant serial {serial} is outside 0 to {SERIAL_MAX}"
        raise ValueError(message)
    return _encode(serial, _SERIAL_LENGTH) + _encode(attempt_id.int, _UUID_LENGTH)


def parse_channel_number(number: str) -> tuple[int, UUID] | None:
    """Read the merchant's serial and the attempt out of our number; None if it is not ours."""
    if not _NUMBER.fullmatch(number):
        return None
    serial, attempt = _decode(number[:_SERIAL_LENGTH]), _decode(number[_SERIAL_LENGTH:])
    if serial is None or attempt is None or attempt >= 1 << 128:
        return None
    return serial, UUID(int=attempt)


def _encode(value: int, length: int) -> str:
    """Write a number with an even count of digits, two at a time: every payment passes here."""
    pairs = []
    for _ in range(length // 2):
        value, rest = divmod(value, _PAIRS_COUNT)
        pairs.append(_PAIRS[rest])
    pairs.reverse()
    return "".join(pairs)


def _decode(text: str) -> int | None:
    value = 0
    for character in text:
        digit = _VALUES.get(character)
        if digit is None:
            return None
        value = value * 62 + digit
    return value
