"""What a body may hold, as data: for each member whether it must be there and what it must be.

One table per request is its allow-list, readable as documentation; whatever stands in no table is
refused by name. Reading gives plain values back, with the defaults filled in, so two requests ask
the same exactly when what was read of them is equal.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.emulators.core.fields import INTEGER_MAX, Fields, InvalidField

Read = Callable[[Fields, str], Any]
Value = dict[str, Any]


@dataclass(frozen=True)
class Member:
    """One member: how it is read, whether it must be there, what its absence means."""

    read: Read
    required: bool
    default: Any = None


Shape = Mapping[str, Member]


def must(read: Read) -> Member:
    """A member that must be there."""
    return Member(read, required=True)


def may(read: Read, default: Any = None) -> Member:
    """A member that may be there; without a default its absence stays an absence."""
    return Member(read, required=False, default=default)


def read_shape(fields: Fields, shape: Shape) -> Value:
    """Read all of an object. Raises InvalidField."""
    value: Value = {}
    for name, member in shape.items():
        if member.required or fields.has(name):
            value[name] = member.read(fields, name)
        elif member.default is not None:
            value[name] = member.default
    fields.finish()
    return value


def canonical(value: Value) -> str:
    """The text that is equal for two values exactly when they are."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def text(length_max: int, length_min: int = 1) -> Read:
    """Text of so many characters, none of them a control character."""
    return lambda fields, name: fields.text(name, length_max, length_min=length_min)


def matching(pattern: str, rule: str) -> Read:
    """Text that matches a pattern as a whole; `rule` tells people what it wants."""
    compiled = re.compile(pattern)
    return lambda fields, name: fields.matching(name, compiled, rule)


def integer(lowest: int = 1, highest: int = INTEGER_MAX) -> Read:
    """An integer in a range."""
    return lambda fields, name: fields.integer(name, lowest, highest)


def choice(*words: str) -> Read:
    """One of the given words."""
    return lambda fields, name: fields.choice(name, words)


def flag(fields: Fields, name: str) -> bool:
    """True or false."""
    return fields.flag(name)


def group(shape: Shape) -> Read:
    """An object of a shape of its own."""
    return lambda fields, name: read_shape(Fields(fields.take(name), fields.path(name)), shape)


def array(shape: Shape, count_max: int) -> Read:
    """An array of objects of one shape, at least one."""

    def read(fields: Fields, name: str) -> list[Value]:
        members, path = fields.take(name), fields.path(name)
        if type(members) is not list or not 1 <= len(members) <= count_max:
            raise InvalidField(path, f"must be an array of 1 to {count_max} objects")
        return [
            read_shape(Fields(member, f"{path}[{index}]"), shape)
            for index, member in enumerate(members)
        ]

    return read


def words(count_max: int, *allowed: str) -> Read:
    """An array of some of the given words."""

    def read(fields: Fields, name: str) -> list[str]:
        members = fields.take(name)
        good = type(members) is list and 1 <= len(members) <= count_max
        if not good or any(member not in allowed for member in members):
            raise InvalidField(fields.path(name), f"must be an array of {', '.join(allowed)}")
        return list(members)

    return read
