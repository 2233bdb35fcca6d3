"""Strict reading of JSON: every field has a type and a range, and nothing else may be there.

A stand-in that forgives teaches its callers to be sloppy where the real channel will not be. So a
number in quotes, `1.0`, `true` for 1, a field sent twice, a field nobody knows, NaN, a control
character or half a surrogate pair are all refused, and the refusal names the field.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

INTEGER_MAX = 2**53 - 1  # what every JSON implementation holds exactly
NAME_LENGTH_MAX = 128  # of a name that is not ours, when an error repeats it

_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
C = TypeVar("C", bound=str)


class InvalidField(Exception):
    """A field breaks its rule: `field` is its path, the message says the rule."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class UnknownField(InvalidField):
    """A field that nobody knows."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidField(twice[:NAME_LENGTH_MAX], "appears more than once")
    return members


def _no_constant(name: str) -> NoReturn:
    raise InvalidField("body", f"must not contain {name}")


def read_json(body: bytes, parse_float: Callable[[str], Any] = float) -> Any:
    """Decode a body of UTF-8 JSON; InvalidField `body` when it is not that.

    `parse_float` makes what a number with a fraction or an exponent becomes: Decimal for money.
    """
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_once,
            parse_constant=_no_constant,
            parse_float=parse_float,
        )
    except (ValueError, RecursionError) as error:
        raise InvalidField("body", "must be JSON in UTF-8") from error


class Fields:
    """The members of one JSON object, each taken once; `finish` refuses what is left."""

    def __init__(self, value: Any, path: str = "") -> None:
        if type(value) is not dict:
            raise InvalidField(path or "body", "must be a JSON object")
        self._members: dict[str, Any] = dict(value)
        self._path = path

    def path(self, name: str) -> str:
        """The full path of a member, as errors name it."""
        return f"{self._path}.{name}" if self._path else name

    def has(self, name: str) -> bool:
        """Whether the member is there and not yet taken."""
        return name in self._members

    def take(self, name: str) -> Any:
        """The raw member; InvalidField when it is missing."""
        if name not in self._members:
            raise InvalidField(self.path(name), "is required")
        return self._members.pop(name)

    def integer(self, name: str, lowest: int, highest: int) -> int:
        """An integer from `lowest` to `highest`, both included."""
        value = self.take(name)
        if type(value) is not int or not lowest <= value <= highest:
            raise InvalidField(self.path(name), f"must be an integer from {lowest} to {highest}")
        return value

    def text(self, name: str, length_max: int, *, length_min: int = 0) -> str:
        """Text of so many characters, none of them a control character."""
        value = self.take(name)
        fits = type(value) is str and length_min <= len(value) <= length_max
        if not fits or _INVISIBLE.search(value):
            raise InvalidField(
                self.path(name),
                f"must be text of {length_min} to {length_max} characters without control "
                "characters",
            )
        return str(value)

    def matching(self, name: str, pattern: re.Pattern[str], rule: str) -> str:
        """Text that matches `pattern` as a whole; `rule` tells people what it wants."""
        value = self.take(name)
        if type(value) is not str or not pattern.fullmatch(value):
            raise InvalidField(self.path(name), f"must be {rule}")
        return value

    def choice(self, name: str, choices: Sequence[C]) -> C:
        """One of the given words."""
        value = self.take(name)
        for word in choices:
            if type(value) is str and value == word:
                return word
        raise InvalidField(self.path(name), f"must be one of {', '.join(choices)}")

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self.take(name)
        if type(value) is not bool:
            raise InvalidField(self.path(name), "must be true or false")
        return value

    def finish(self) -> None:
        """Refuse any member that nobody took."""
        for name in self._members:
            raise UnknownField(self.path(name)[:NAME_LENGTH_MAX], "is not a known field")
