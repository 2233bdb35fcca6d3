"""What arrived, as parameters: the query and the form body taken apart byte by byte.

Nothing is forgiven that a signature could hide behind: a name that comes twice, in one place or in
both, a broken escape, bytes that are no UTF-8. The text to verify is put together from what was
decoded here, sorted by the bytes of the names; values that are empty are no part of it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.emulators.core.seen import Place

PARAMETERS_MAX: Final = 64

_TOKEN: Final = re.compile(rb"%([0-9A-Fa-f]{2})|([^%])", re.DOTALL)
_FORM: Final = re.compile(
    r"application/x-www-form-urlencoded(; ?charset=\"?utf-8\"?)?", re.IGNORECASE
)


class Unreadable(Exception):
    """The query or the body is no form; the message says why."""


@dataclass(frozen=True)
class Form:
    """The parameters by name, and where each stood."""

    values: Mapping[str, str]
    places: Mapping[str, Place]

    def get(self, name: str) -> str:
        """A value; empty when it is not there."""
        return self.values.get(name, "")


def read_form(target: str, body: bytes, content_type: str) -> Form:
    """Take a request apart; `target` is the raw path with query. Raises Unreadable."""
    if body and not _FORM.fullmatch(content_type):
        raise Unreadable("The body must be application/x-www-form-urlencoded in UTF-8.")
    raw_query = target.partition("?")[2].encode("utf-8", "surrogateescape")
    values: dict[str, str] = {}
    places: dict[str, Place] = {}
    for place, raw in (("query", raw_query), ("body", body)):
        for name, value in _pairs(raw):
            if name in values:
                raise Unreadable(f"{name[:64]} comes twice.")
            values[name] = value
            places[name] = "query" if place == "query" else "body"
            if len(values) > PARAMETERS_MAX:
                raise Unreadable(f"There are more than {PARAMETERS_MAX} parameters.")
    return Form(values, places)


def signed_text(values: Mapping[str, str], *, without: frozenset[str]) -> bytes:
    """The text that is signed: all that is not empty, in order, as it reads when decoded."""
    kept = {
        name.encode(): value.encode()
        for name, value in values.items()
        if value and name not in without
    }
    return b"&".join(name + b"=" + kept[name] for name in sorted(kept))


def _pairs(raw: bytes) -> Iterator[tuple[str, str]]:
    for piece in raw.split(b"&") if raw else ():
        name, separator, value = piece.partition(b"=")
        if not name or not separator:
            raise Unreadable("A parameter is not name=value.")
        yield _decode(name), _decode(value)


def _decode(raw: bytes) -> str:
    """Form decoding: `+` is a space, `%41` is A, and a `%` that is neither is refused."""
    found, end = bytearray(), 0
    for token in _TOKEN.finditer(raw.replace(b"+", b" ")):
        if token.start() != end:
            break
        end = token.end()
        found += bytes.fromhex(token[1].decode()) if token[1] else token[2]
    if end != len(raw):
        raise Unreadable("A parameter has a broken escape.")
    try:
        return found.decode()
    except UnicodeDecodeError:
        raise Unreadable("A parameter is not UTF-8.") from None
