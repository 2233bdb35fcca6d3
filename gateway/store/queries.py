"""The statements in sql/*.sql, by name.

A statement begins at `-- name: <name>`; the next line says in one sentence what it is for. All are
read when this module is, and whoever uses one asks for it when it is imported itself, so a wrong
name stops the start and not a payment.
"""

import re
from pathlib import Path

FOLDER = Path(__file__).parent / "sql"
_HEAD = re.compile(r"^-- name: (\w+)\n-- (\S.*)\n", re.MULTILINE)


def parse(text: str) -> dict[str, str]:
    """Split the text of a file into its statements by name.

    Raises:
        ValueError: a name stands twice, or has no line that says what the statement is for.
    """
    heads = list(_HEAD.finditer(text))
    if len(heads) != text.count("-- name:"):
        raise ValueError("each `-- name:` needs a next line that says what the statement is for")
    ends = [head.start() for head in heads[1:]] + [len(text)]
    found = {
        head[1]: text[head.end() : end].strip().removesuffix(";")
        for head, end in zip(heads, ends, strict=True)
    }
    if len(found) != len(heads):
        raise ValueError("a name stands twice in one file")
    return found


def load(folder: Path = FOLDER) -> dict[str, str]:
    """Read every statement of a folder. Raises ValueError where a name stands twice."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.sql")):
        statements = parse(path.read_text("utf-8"))
        twice = found.keys() & statements.keys()
        if twice:
            raise ValueError(f"{path.name} defines again: {sorted(twice)}")
        found |= statements
    return found


_STATEMENTS = load()


def sql(name: str) -> str:
    """Give a statement by its name. Raises KeyError for a name that is in no file."""
    return _STATEMENTS[name]
