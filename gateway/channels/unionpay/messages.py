"""How a message travels, and the one text that is signed of it.

A message is a flat set of named texts. Requests and notifications are forms; an answer is the same
`name=value&…` without any encoding, in which only a value in brackets may hold an ampersand. Signed
is neither of these bytes but the fields sorted by name, so that what is read must have one reading:
a name given twice, or a value that could be taken for two fields, is refused.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlencode

from gateway.channels.fields import Malformed

Message = Mapping[str, str]

FIELDS_MAX = 128
"""Fields of one message; the longest have about forty."""

SIGNATURE = "signature"

_NAME = r"[A-Za-z][0-9A-Za-z]{0,39}"
_VALUE = r"(?:\{[^{}]*+\}|\[[^\[\]]*+\]|[^&{\[]++)*+"
_FIELD = re.compile(f"({_NAME})=({_VALUE})")
_ESCAPES = re.compile(r"(?:[^%]|%[0-9A-F]{2})++|(?:[^%]|%[0-9a-f]{2})++")
"""Escapes are all in capitals or all not: one that was altered in this alone is found."""


def write_form(message: Message) -> bytes:
    """Write a message as a form."""
    return urlencode(message).encode()


def read_form(body: bytes) -> Message:
    """Read a notification.

    Raises:
        Malformed: it is no form of the protocol.
    """
    try:
        text = body.decode("ascii")
        if not _ESCAPES.fullmatch(text):
            raise Malformed("an escape is not of the protocol")
        pairs = parse_qsl(
            text,
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=FIELDS_MAX,
        )
    except ValueError as error:
        raise Malformed("not a form of the protocol") from error
    if not all(_is_one_field(name, value) for name, value in pairs):
        raise Malformed("a field could be read in two ways")
    return _message(pairs)


def read_answer(body: bytes) -> Message:
    """Read an answer.

    Raises:
        Malformed: it is none of the protocol.
    """
    try:
        text = body.decode()
    except ValueError as error:
        raise Malformed("not in the encoding of the protocol") from error
    pairs = []
    place = 0
    for _ in range(FIELDS_MAX):
        field = _FIELD.match(text, place)
        if field is None:
            raise Malformed("not fields of the protocol")
        pairs.append((field[1], field[2]))
        place = field.end() + 1
        if place > len(text):
            return _message(pairs)
        if text[place - 1] != "&":
            break
    raise Malformed("not fields of the protocol")


def signed_text(message: Message) -> str:
    """Put together what is signed: every field that says something, sorted, but the signature."""
    said = sorted((name, value) for name, value in message.items() if value and name != SIGNATURE)
    return "&".join(f"{name}={value}" for name, value in said)


def _is_one_field(name: str, value: str) -> bool:
    field = _FIELD.fullmatch(f"{name}={value}")
    return field is not None and field[1] == name


def _message(pairs: Iterable[tuple[str, str]]) -> Message:
    """Make a message. An empty field says nothing and is not signed: it is not part of it."""
    pairs = list(pairs)
    message = dict(pairs)
    if len(message) != len(pairs):
        raise Malformed("a name stands twice")
    return {name: value for name, value in message.items() if value}
