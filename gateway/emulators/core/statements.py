"""Named SQL: statements live in .sql files beside the code and are found by name.

A file is a list of sections. Each begins with a line `-- name: the_name` and runs to the next one.
SQL so kept can be read, explained and tested as SQL; the Python beside it carries names only.
"""

import re
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

_HEADING = re.compile(r"^-- name: ([a-z_]+)$", re.MULTILINE)


def read_sql(package: str, file: str) -> str:
    """The text of a .sql file that is packaged beside `package`'s modules."""
    return resources.files(package).joinpath(file).read_text("utf-8")


def load_statements(package: str, file: str) -> Mapping[str, str]:
    """Every statement of a .sql file by its name; ValueError for a name given twice."""
    _, *parts = _HEADING.split(read_sql(package, file))
    names = parts[0::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{file} gives one name to two statements")
    return MappingProxyType(dict(zip(names, (text.strip() for text in parts[1::2]), strict=True)))
