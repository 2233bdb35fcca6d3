"""Single values of the command line: moments, durations, enum names, and messages as key=value.

Names and fields are read from the descriptors of the generated messages, so that payctl takes what
the contract has and nothing needs to be listed twice. Each function raises ArgumentTypeError with a
sentence that says what to type instead; argparse shows it and exits with 2.
"""

import re
import textwrap
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar, cast

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

MessageT = TypeVar("MessageT", bound=Message)


class BadInput(Exception):
    """What was typed makes no sense; the message says what to type. Nothing was sent."""


HELP_COLUMNS: Final = 100

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd])")
_WHOLE: Final = re.compile(r"-?[0-9]{1,20}")
_TRUTH: Final = {"true": True, "false": False}
_INTEGERS: Final = {FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64}


def moment(text: str) -> datetime:
    """Read an ISO 8601 moment with its zone, such as 2026-01-31T12:00:00Z."""
    try:
        read = datetime.fromisoformat(text)
        if read.tzinfo is not None:
            return read.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ArgumentTypeError(f"{text!r} is no moment; write it like 2026-01-31T12:00:00Z.")


def moment_text(read: datetime) -> str:
    """Write a moment so that `moment` reads it again, to the second."""
    return read.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def expiry(text: str) -> datetime:
    """Read a moment, or a time from now such as 90s, 15m, 2h or 7d, to the second."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return moment(text).replace(microsecond=0)
    ahead = timedelta(seconds=int(match[1]) * _UNITS_S[match[2]])
    try:
        return datetime.now(UTC).replace(microsecond=0) + ahead
    except OverflowError:
        raise ArgumentTypeError(f"{text!r} is too far ahead.") from None


def label(text: str) -> tuple[str, str]:
    """Read one key=value."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise ArgumentTypeError(f"{text!r} is not of the form key=value.")
    return key, value


def enum_names(enum: EnumDescriptor) -> list[str]:
    """Names of an enum as typed: SCENE_MINI_PROGRAM is mini_program. The zero has no name."""
    return list(_numbers(enum))


def enum_value(enum: EnumDescriptor) -> Callable[[str], int]:
    """Make the reader of an enum's names, in capitals or not, with _ or -."""
    numbers = _numbers(enum)

    def read(text: str) -> int:
        number = numbers.get(text.lower().replace("-", "_"))
        if number is None:
            raise ArgumentTypeError(f"{text!r} is not one of {', '.join(numbers)}.")
        return number

    return read


def enum_text(enum: EnumDescriptor, number: int) -> str:
    """Name of a number as shown: SUCCEEDED. A number that this release does not know stays one."""
    value = enum.values_by_number.get(number)
    return f"UNKNOWN({number})" if value is None else value.name.removeprefix(_prefix(enum))


def message(kind: type[MessageT], text: str) -> MessageT:
    """Read `field=value,field=value` into a message; fields are named as in its proto."""
    made = kind()
    for part in filter(None, text.split(",")):
        name, value = label(part)
        if name not in kind.DESCRIPTOR.fields_by_name:
            known = ", ".join(kind.DESCRIPTOR.fields_by_name)
            raise ArgumentTypeError(f"{name!r} is no field; use {known}.")
        try:
            _set(made, name, value)
        except (ArgumentTypeError, ValueError) as error:
            raise ArgumentTypeError(f"{part}: {error}") from None
    return made


def fields_help(kind: type[Message]) -> str:
    """List the fields that `message` reads, a line each, with what may be typed."""
    fields = kind.DESCRIPTOR.fields
    width = max(len(field.name) for field in fields) + 4
    lines = (
        textwrap.fill(
            _domain(kind, field.name),
            width=HELP_COLUMNS,
            initial_indent=f"  {field.name}".ljust(width),
            subsequent_indent=" " * width,
        )
        for field in fields
    )
    return "\n".join(lines)


def _domain(kind: type[Message], name: str) -> str:
    field, enum = kind.DESCRIPTOR.fields_by_name[name], _enum(kind, name)
    if enum is not None:
        return ", ".join(enum_names(enum))
    if field.message_type is not None:
        return "moment, such as 2026-01-31T12:00:00Z"
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return "true or false"
    return "whole number" if field.cpp_type in _INTEGERS else "text"


def _set(made: Message, name: str, text: str) -> None:
    field, enum = made.DESCRIPTOR.fields_by_name[name], _enum(type(made), name)
    if field.message_type is not None:  # the only one in what people type is a moment
        getattr(made, name).FromDatetime(moment(text))
    elif enum is not None:
        setattr(made, name, enum_value(enum)(text))
    elif field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        setattr(made, name, _truth(text))
    elif field.cpp_type in _INTEGERS:
        setattr(made, name, _whole(text))
    else:
        setattr(made, name, text)


def _enum(kind: type[Message], name: str) -> EnumDescriptor | None:
    """The enum of a field; the cast leaves out a private twin that protobuf's stubs name too."""
    return cast("EnumDescriptor | None", kind.DESCRIPTOR.fields_by_name[name].enum_type)


def _truth(text: str) -> bool:
    if text not in _TRUTH:
        raise ArgumentTypeError("write true or false.")
    return _TRUTH[text]


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ArgumentTypeError("write a whole number.")
    return int(text)


def _numbers(enum: EnumDescriptor) -> dict[str, int]:
    prefix = _prefix(enum)
    return {
        value.name.removeprefix(prefix).lower(): value.number
        for value in enum.values
        if value.number != 0
    }


def _prefix(enum: EnumDescriptor) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", enum.name).upper() + "_"
