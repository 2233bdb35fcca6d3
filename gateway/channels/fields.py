"""Strict reading of JSON: a message is understood as a whole or not at all.

Only bytes whose signature was verified come here, and still nothing is guessed: a number that is
not an integer or a name given twice make the message malformed. Fields that we do not ask for are
left alone, so that a channel may add some.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from gateway.channels.connector import evidence

TEXT_LENGTH_MAX = 4_096
"""Characters of one text field, QR codes and redirects included."""


class Malformed(Exception):
    """The message is not what the protocol says. Names the place, not the content."""


class Fields:
    """One JSON object, read field by field. Null is the same as absent.

    Raises:
        Malformed: it is no object; in each method, the field is absent, of another type or range.
    """

    def __init__(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise Malformed("not an object")
        self._value = value

    def has(self, name: str) -> bool:
        """Whether the field says anything."""
        return self._value.get(name) is not None

    def inner(self, name: str) -> "Fields":
        """Read an object."""
        return Fields(self._value.get(name))

    def each(self, name: str, most: int) -> Iterator["Fields"]:
        """Read a list of at most so many objects."""
        value = self._value.get(name)
        if not isinstance(value, list) or len(value) > most:
            raise Malformed(f"{name} is not a list of at most {most}")
        return map(Fields, value)

    def integer(self, name: str, least: int, most: int) -> int:
        """Read an integer; true and 1.0 are none."""
        value = self._value.get(name)
        if type(value) is not int or not least <= value <= most:
            raise Malformed(f"{name} is not an integer from {least} to {most}")
        return value

    def text(
        self, name: str, pattern: re.Pattern[str] | None = None, *, most: int = TEXT_LENGTH_MAX
    ) -> str:
        """Read a printable text of at most so many characters, all of which match the pattern."""
        value = self._value.get(name)
        if not isinstance(value, str) or len(value) > most or not value.isprintable():
            raise Malformed(f"{name} is not a text that can be shown")
        if pattern is not None and not pattern.fullmatch(value):
            raise Malformed(f"{name} is not what the protocol says")
        return value

    def optional(self, name: str, pattern: re.Pattern[str] | None = None) -> str:
        """Read a text that may be absent or empty."""
        return "" if self._value.get(name) in (None, "") else self.text(name, pattern)

    def one_of(self, name: str, known: Sequence[str]) -> str:
        """Read one of the texts that are known."""
        value = self._value.get(name)
        if value not in known:
            raise Malformed(f"{name} is not one of the protocol")
        return str(value)

    def message(self, name: str) -> str:
        """Read a sentence for people; what cannot be shown is blanked, and absent is empty."""
        value = self._value.get(name)
        return evidence(value) if isinstance(value, str) else ""


def read_object(body: bytes) -> Fields:
    """Read a JSON object in UTF-8.

    Raises:
        Malformed: the bytes are none.
    """
    try:
        value = json.loads(body.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON of the protocol") from error
    return Fields(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name stands twice")
    return fields


def same(fields: Fields, name: str, number: str) -> None:
    """Check that a message names the number that was asked about. Raises Malformed."""
    if fields.text(name) != number:
        raise Malformed(f"{name} is not what was asked about")
