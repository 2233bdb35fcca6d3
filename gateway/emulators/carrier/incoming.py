"""A request as the routes see it: a path, a query, a body, not yet known from whom.

Everything the bytes alone decide is decided here and in the bodies, before the book is asked. JSON
numbers with a fraction stay the decimals that they are.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from gateway.emulators.carrier.commands import Command
from gateway.emulators.core import seen
from gateway.emulators.core.fields import Fields, InvalidField, read_json
from gateway.emulators.core.shapes import Shape, Value, read_shape

QUERY_FIELDS_MAX: Final = 32
FORM_TYPE: Final = "application/x-www-form-urlencoded"
_JSON: Final = re.compile(r'application/json(; ?charset="?utf-8"?)?', re.IGNORECASE)
_FORM: Final = re.compile(rf'{FORM_TYPE}(; ?charset="?utf-8"?)?', re.IGNORECASE)


@dataclass(frozen=True)
class Incoming:
    """A request; `target` is the raw path with query, names of headers are lower case."""

    method: str
    target: str
    headers: Mapping[str, tuple[str, ...]]
    raw: bytes
    path: Mapping[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str | None:
        """The header of a lower-case name; None when it is missing or there twice."""
        values = self.headers.get(name, ())
        return values[0] if len(values) == 1 else None

    @property
    def is_form(self) -> bool:
        """Whether the body is a form."""
        return bool(_FORM.fullmatch(self.header("content-type") or ""))

    @cached_property
    def json(self) -> Any:
        """The decoded body. Raises InvalidField."""
        return read_json(self.raw, Decimal)

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        """The parameters of the query in their order. Raises InvalidField."""
        return _pairs(self.target.partition("?")[2], "query")

    @cached_property
    def form(self) -> list[tuple[str, str]]:
        """The parameters of a form in the body. Raises InvalidField."""
        return _pairs(self.raw.decode("ascii", "replace"), "body")

    def require_json(self) -> None:
        """Refuse a body that does not say it is JSON, and a query. Raises InvalidField."""
        if not _JSON.fullmatch(self.header("content-type") or ""):
            raise InvalidField("Content-Type", "must be application/json")
        if self.query:
            raise InvalidField(self.query[0][0], "is not a known parameter")

    def read_body(self, shape: Shape) -> Value:
        """The body of a POST by its shape. Raises InvalidField."""
        self.require_json()
        return read_shape(Fields(self.json), shape)

    def read_query(self, shape: Shape, *, several: frozenset[str] = frozenset()) -> Value:
        """The parameters of a GET; those in `several` as arrays. Raises InvalidField."""
        if self.raw:
            raise InvalidField("body", "must be empty")
        found: dict[str, Any] = {}
        for name, text in self.query:
            if name in several:
                found.setdefault(name, []).append(text)
            elif name in found:
                raise InvalidField(name, "appears more than once")
            else:
                found[name] = text
        return read_shape(Fields(found), shape)

    def flat(self) -> dict[str, str]:
        """Every value by its path, for rules to match; as much of it as can be read."""
        found = dict(self.path)
        try:
            found |= dict(self.query)
            found |= dict(seen.flatten(self.json)) if self.raw and not self.is_form else {}
        except InvalidField:
            pass
        return found

    def names(self) -> dict[seen.Place, frozenset[str]]:
        """Every name that the request carries, as far as it can be read."""
        found: dict[seen.Place, frozenset[str]] = {"header": frozenset(self.headers)}
        try:
            found["query"] = frozenset(name for name, _ in self.query)
            if self.is_form:
                found["body"] = frozenset(name for name, _ in self.form)
            elif self.raw:
                found["body"] = frozenset(path for path, _ in seen.flatten(self.json))
        except InvalidField:
            pass
        return found


@dataclass(frozen=True)
class Route:
    """What is served under a path, for whom; `{name}` stands for one segment."""

    operation: str
    method: str
    template: str
    read: Callable[[Incoming], Command] = field(repr=False)
    scope: str | None = None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        template = re.escape(self.template)
        return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", template))

    def match(self, method: str, path: str) -> Mapping[str, str] | None:
        """The values in a raw path when it is one of this route's, decoded."""
        found = self._pattern.fullmatch(path) if method == self.method else None
        if found is None:
            return None
        return {name: unquote(text) for name, text in found.groupdict().items()}


def find_route(
    routes: Sequence[Route], method: str, target: str
) -> tuple[Route, Mapping[str, str]] | None:
    """The route of a request and the values in its path."""
    path = target.partition("?")[0]
    for route in routes:
        values = route.match(method, path)
        if values is not None:
            return route, values
    return None


def _pairs(text: str, place: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            text,
            keep_blank_values=True,
            strict_parsing=bool(text),
            errors="strict",
            max_num_fields=QUERY_FIELDS_MAX,
        )
    except ValueError as error:
        raise InvalidField(place, "cannot be read") from error
