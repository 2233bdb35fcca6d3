"""Strict reading: a message says exactly what the protocol says, or it is malformed."""

import re
from collections.abc import Callable

import pytest

from gateway.channels.fields import Fields, Malformed, read_object

READERS: dict[str, Callable[[Fields], object]] = {
    "integer": lambda fields: fields.integer("a", 1, 9),
    "text": lambda fields: fields.text("a"),
    "pattern": lambda fields: fields.text("a", re.compile("[a-z]+")),
    "inner": lambda fields: fields.inner("a"),
    "each": lambda fields: list(fields.each("a", 2)),
    "one_of": lambda fields: fields.one_of("a", ("x", "y")),
}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"a"',
        b"{",
        b'{"a":1,"a":1}',
        b'{"b":{"a":1,"a":2}}',
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_no_object(body: bytes) -> None:
    """Anything but one JSON object in UTF-8, each name once, is malformed."""
    with pytest.raises(Malformed):
        read_object(body)


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        ("integer", b"0"),
        ("integer", b"10"),
        ("integer", b"1.0"),
        ("integer", b'"1"'),
        ("integer", b"true"),
        ("text", b"1"),
        ("text", b'"a\\nb"'),
        ("text", b'"\\ud800"'),
        ("text", b'"' + b"x" * 4_097 + b'"'),
        ("pattern", b'"a1"'),
        ("pattern", b'""'),
        ("inner", b"[]"),
        ("each", b"{}"),
        ("each", b"[1]"),
        ("each", b"[{},{},{}]"),
        ("one_of", b'"z"'),
        ("one_of", b'["x"]'),
        *((reader, b"null") for reader in READERS),
    ],
)
def test_what_is_malformed(reader: str, value: bytes) -> None:
    """A field of another type, range or shape, or none, is malformed."""
    with pytest.raises(Malformed, match=r"a is not|not an object"):
        READERS[reader](read_object(b'{"a":' + value + b"}"))


def test_what_is_read() -> None:
    """What the protocol says is read as it says it."""
    fields = read_object('{"n":9,"t":"茶","o":{"n":1},"l":[{"n":2}],"e":"","z":null}'.encode())
    assert fields.integer("n", 1, 9) == 9
    assert fields.text("t") == fields.optional("t") == "茶"
    assert fields.optional("e") == fields.optional("z") == fields.optional("absent") == ""
    assert fields.inner("o").integer("n", 1, 1) == 1
    assert [entry.integer("n", 2, 2) for entry in fields.each("l", 1)] == [2]
    assert fields.has("n")
    assert not fields.has("z")
    assert fields.message("t") == "茶"
    assert fields.message("n") == ""
