"""A request as the routes see it: an authenticated merchant, a path, a query, a body.

Everything the bytes alone decide is decided here and in the shapes, before the book is asked. A
path that nobody serves is refused with a code of its own, so that a wrong URL is never mistaken for
a number that is not known.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from gateway.emulators.core import seen
from gateway.emulators.core.fields import Fields, InvalidField, read_json
from gateway.emulators.core.shapes import Shape, Value, read_shape
from gateway.emulators.v3style.commands import Command
from gateway.emulators.v3style.errors import OTHER_MERCHANT, Refusal

_JSON: Final = re.compile(r'application/json(; ?charset="?utf-8"?)?', re.IGNORECASE)
QUERY_FIELDS_MAX: Final = 32


@dataclass(frozen=True)
class Incoming:
    """An authenticated request; `target` is the raw path with query."""

    mchid: str
    method: str
    target: str
    headers: Mapping[str, str]
    raw: bytes
    path: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def json(self) -> Any:
        """The decoded body. Raises InvalidField."""
        return read_json(self.raw)

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        """The parameters of the query in their order. Raises InvalidField."""
        text = self.target.partition("?")[2]
        try:
            return parse_qsl(
                text,
                keep_blank_values=True,
                strict_parsing=bool(text),
                errors="strict",
                max_num_fields=QUERY_FIELDS_MAX,
            )
        except ValueError as error:
            raise InvalidField("query", "cannot be read") from error

    def read_body(self, shape: Shape) -> Value:
        """The body of a POST by its shape. Raises InvalidField."""
        if not _JSON.fullmatch(self.headers.get("content-type", "")):
            raise InvalidField("Content-Type", "must be application/json")
        if self.query:
            raise InvalidField(self.query[0][0], "is not a known parameter")
        return read_shape(Fields(self.json), shape)

    def read_query(self, shape: Shape) -> Value:
        """The parameters of a GET by their shape. Raises InvalidField."""
        if self.raw:
            raise InvalidField("body", "must be empty")
        parameters = dict(self.query)
        if len(parameters) != len(self.query):
            raise InvalidField("query", "has a parameter twice")
        return read_shape(Fields(parameters), shape)

    def flat(self) -> dict[str, str]:
        """Every value by its path, for rules to match; as much of it as can be read."""
        found = dict(self.path)
        try:
            found |= dict(self.query)
            found |= dict(seen.flatten(self.json)) if self.raw else {}
        except InvalidField:
            pass
        return found


def own(value: Value, mchid: str) -> None:
    """Refuse a merchant that is not the one who signed. Raises Refusal."""
    if value.get("mchid", mchid) != mchid:
        message = "mchid is not the merchant that signed the request."
        raise Refusal("INVALID_REQUEST", message, number=OTHER_MERCHANT, field="mchid")


@dataclass(frozen=True)
class Route:
    """What is served under a path; `{name}` in the template stands for one segment."""

    operation: str
    method: str
    template: str
    read: Callable[[Incoming], Command] = field(repr=False)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template))

    def match(self, method: str, path: str) -> Mapping[str, str] | None:
        """The values in a raw path when it is one of this route's, decoded."""
        found = self._pattern.fullmatch(path) if method == self.method else None
        if found is None:
            return None
        return {name: unquote(text) for name, text in found.groupdict().items()}


def find_route(
    routes: Sequence[Route], method: str, target: str
) -> tuple[Route, Mapping[str, str]]:
    """The route of a request and the values in its path. Raises Refusal."""
    path = target.partition("?")[0]
    for route in routes:
        values = route.match(method, path)
        if values is not None:
            return route, values
    raise Refusal("NOT_FOUND", f"Nothing is served here with {method}.")
