"""What the variables may hold: types that check themselves and say in words what they take."""

import re
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import NoDecode

from gateway.config.address import Address

KEY_BYTES_MIN: Final = 16
KEY_BYTES_MAX: Final = 1_024

_ACCOUNT = re.compile(r"[!-~]{1,64}")
_WORD = re.compile(r"[!-+\--~]{1,128}")

NAME_LENGTH_MAX: Final = 64
SEVERAL_MAX: Final = 8
"""Things that one variable may name at once, separated by commas."""


@dataclass(frozen=True, slots=True)
class Takes:
    """What a variable takes, in words that follow 'write'."""

    words: str


def _database_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in {"postgres", "postgresql"} or not (parts.netloc or parts.path):
        raise ValueError("not a Postgres URL")
    return value


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
        raise ValueError("not a base URL")
    if parts.query or parts.fragment or parts.username is not None or not value.isprintable():
        raise ValueError("not a base URL")
    return value.rstrip("/")


def _key(value: SecretStr) -> SecretStr:
    if not KEY_BYTES_MIN <= len(value.get_secret_value().encode()) <= KEY_BYTES_MAX:
        raise ValueError("the key's length is out of range")
    return value


def _account(value: str) -> str:
    if not _ACCOUNT.fullmatch(value):
        raise ValueError("not an account")
    return value


def _several(value: Any) -> Any:
    """Take a list apart; what is a list already stays one."""
    parts = value.split(",") if isinstance(value, str) else value
    if len(parts) > SEVERAL_MAX:
        raise ValueError("too many at once")
    return tuple(part.strip() if isinstance(part, str) else part for part in parts)


def _words(value: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_WORD.fullmatch(word) for word in value):
        raise ValueError("not words")
    return value


def _paths(value: tuple[Path, ...]) -> tuple[Path, ...]:
    if not all(path.name for path in value):
        raise ValueError("not paths of files")
    return value


def _name(value: str) -> str:
    if not 0 < len(value) <= NAME_LENGTH_MAX or not value.isprintable():
        raise ValueError("not a name")
    return value


def _time_of_day(value: Any) -> Any:
    """Read hours and minutes; what is a time already stays one."""
    return datetime.strptime(value, "%H:%M").time() if isinstance(value, str) else value  # noqa: DTZ007


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Listen = Annotated[
    Address,
    NoDecode,
    BeforeValidator(Address.parse),
    Takes("an address host:port, such as 127.0.0.1:7070; port 0 takes a free one"),
]
DatabaseUrl = Annotated[
    SecretStr,
    AfterValidator(_database_url),
    Takes("a Postgres URL, such as postgresql://user:password@host:5432/name"),
]
BaseUrl = Annotated[
    str,
    AfterValidator(_base_url),
    Takes("a base URL without user, query or fragment, such as http://127.0.0.1:7080"),
]
Key = Annotated[
    SecretStr, AfterValidator(_key), Takes(f"{KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes of text")
]
Account = Annotated[
    str, AfterValidator(_account), Takes("1 to 64 printable ASCII characters without spaces")
]
Paths = Annotated[
    tuple[Path, ...],
    NoDecode,
    BeforeValidator(_several),
    AfterValidator(_paths),
    Takes(f"1 to {SEVERAL_MAX} paths of files, separated by commas"),
]
Words = Annotated[
    tuple[str, ...],
    NoDecode,
    BeforeValidator(_several),
    AfterValidator(_words),
    Takes(f"1 to {SEVERAL_MAX} texts of printable ASCII without spaces, separated by commas"),
]
Name = Annotated[str, AfterValidator(_name), Takes(f"1 to {NAME_LENGTH_MAX} printable characters")]
TimeOfDay = Annotated[
    time, BeforeValidator(_time_of_day), Takes("hours and minutes, such as 22:30")
]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]
LogFormat = Annotated[Literal["json", "console"], BeforeValidator(_lower)]


def range_of(field: FieldInfo) -> tuple[int, int] | None:
    """Give the least and the greatest value of a numeric setting; None for other kinds."""
    least = [mark.ge for mark in field.metadata if hasattr(mark, "ge")]
    greatest = [mark.le for mark in field.metadata if hasattr(mark, "le")]
    return (least[0], greatest[0]) if least and greatest else None


def takes(field: FieldInfo) -> str:
    """Say what a setting takes, in words that follow 'write'."""
    if bounds := range_of(field):
        return f"a whole number from {bounds[0]} to {bounds[1]}"
    kinds, marks = _parts(field.annotation)
    for mark in (*field.metadata, *marks):
        if isinstance(mark, Takes):
            return mark.words
    if bool in kinds:
        return "true or false"
    if Path in kinds:
        return "a path"
    return " or ".join(str(kind) for kind in kinds)


def is_secret(field: FieldInfo) -> bool:
    """Tell whether the value must never be shown."""
    return SecretStr in _parts(field.annotation)[0]


def _parts(annotation: Any) -> tuple[list[Any], list[Any]]:
    """Take an annotation apart: its plain types or choices, and what `Annotated` adds to them."""
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        return _parts(inner)[0], marks
    kinds: list[Any] = []
    found: list[Any] = []
    for item in get_args(annotation):
        below = _parts(item) if get_origin(annotation) is not Literal else ([item], [])
        kinds.extend(below[0])
        found.extend(below[1])
    return kinds or [annotation], found
