"""Named statements: found by name, each with its purpose, each used."""

import re
from pathlib import Path

import pytest

from gateway.store import queries
from gateway.store.queries import load, parse, sql

STORE = Path(queries.__file__).parent


def test_a_statement_is_found_by_its_name():
    """A name gives its statement without the lines that name it and without a semicolon."""
    found = parse(
        "-- About.\n\n-- name: one\n-- The first.\nselect 1;\n\n-- name: two\n-- B.\nselect 2"
    )
    assert found == {"one": "select 1", "two": "select 2"}


def test_an_unknown_name_stops_the_import():
    """Asking for a statement that is in no file raises at once."""
    with pytest.raises(KeyError):
        sql("nothing")


@pytest.mark.parametrize(
    "text",
    [
        "-- name: one\nselect 1",
        "-- name: one\n-- A.\nselect 1;\n-- name: one\n-- B.\nselect 2;",
    ],
)
def test_a_careless_file_is_refused(text):
    """A statement without its purpose, and a name that stands twice, are mistakes."""
    with pytest.raises(ValueError, match=r"next line|twice"):
        parse(text)


def test_a_name_stands_in_one_file(tmp_path):
    """A name that a second file defines again is a mistake."""
    for name in ("a.sql", "b.sql"):
        (tmp_path / name).write_text("-- name: one\n-- A.\nselect 1;")
    with pytest.raises(ValueError, match="defines again"):
        load(tmp_path)


def test_every_statement_is_used():
    """No statement is left that nothing asks for, and nothing asks for one that is not there."""
    code = "".join(path.read_text() for path in STORE.rglob("*.py"))
    assert set(re.findall(r'sql\("(\w+)"\)', code)) == load().keys()
