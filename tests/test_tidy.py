"""The house style that no linter knows, as law: sizes, names, words, and where SQL may stand.

Small functions and files keep the code readable by one person in one evening, so their limits are
tested, not recommended. SQL stands in .sql files, where it can be read, explained and run as SQL.
Nothing names a package registry's host or a folder of one machine, so the project builds anywhere.
There are no allow-lists: a rule that needs one is wrong and is changed here instead.
"""

import ast
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PYTHON_FOLDERS = ("gateway", "clients", "protos", "tests")
GENERATED = ROOT / "clients" / "python" / "paymentgateway" / "v1"
PRODUCTS = {"build", "dist", "__pycache__"}

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400
BANNED_NAMES = {"util", "utils", "common", "helper", "helpers", "manager", "misc"}
# What follows is written in pieces, so that this file keeps its own rules.
BANNED_MARKS = re.compile(r"\b(TO" + r"DO|FIX" + r"ME)\b|(#|--|//) ?XX" + r"X\b")
HOSTS = (
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("registry.npmjs", "org"),
    ("deb.debian", "org"),
    ("crates", "io"),
    ("proxy.golang", "org"),
    ("repo1", "maven.org"),
)
MACHINE_FOLDERS = (("", "work", ""), ("", "farm", ""))
FORBIDDEN = (*(".".join(host) for host in HOSTS), *("/".join(path) for path in MACHINE_FOLDERS))
SQL = re.compile(
    r"\s*(select\s.+\sfrom\s|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s|"
    r"with\s+\w+\s+as\s*\()",
    re.IGNORECASE | re.DOTALL,
)
# The embedded launcher and the migrator run before there is a schema that named SQL could rest on.
SQL_ROOMS = ("gateway/store/embedded", "gateway/store/migrat")
VARIABLE = re.compile(r"\bGATEWAY_[A-Z0-9_]+\b")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _is_product(folder: str) -> bool:
    """Whether a folder of this name is made by a tool; hidden ones are, but for the build's own."""
    hidden = folder.startswith(".") and folder != ".ci"
    return hidden or folder in PRODUCTS or folder.endswith(".egg-info")


@cache
def _text_files() -> dict[str, str]:
    """Map the path of every text file that people wrote to its text."""
    found = {}
    for folder, below, names in os.walk(ROOT):
        below[:] = sorted(name for name in below if not _is_product(name))
        for path in (Path(folder, name) for name in sorted(names)):
            if GENERATED not in path.parents and path.is_file():
                found[str(path.relative_to(ROOT))] = path.read_text("utf-8", errors="replace")
    return found


def _python_files() -> dict[str, str]:
    files = _text_files().items()
    return {
        name: text
        for name, text in files
        if name.endswith(".py") and name.startswith(PYTHON_FOLDERS)
    }


@cache
def _trees() -> dict[str, ast.Module]:
    return {name: ast.parse(text) for name, text in _python_files().items()}


def _functions(tree: ast.Module) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def _lines(function: Function) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def _sql_strings(tree: ast.Module) -> Iterator[int]:
    """Yield the line of each string that is an SQL statement; docstrings are prose."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in prose:
            continue
        if isinstance(node.value, str) and SQL.match(node.value):
            yield node.lineno


def _settings() -> set[str]:
    """Name every variable that the configuration reads: one per field, and any it spells out."""
    found: set[str] = set()
    for name, tree in _trees().items():
        if not name.startswith("gateway/config"):
            continue
        found.update(VARIABLE.findall(_text_files()[name]))
        for node in ast.walk(tree):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.add(f"GATEWAY_{node.target.id.upper()}")
    return found


def test_functions_are_short() -> None:
    """Every function fits on one screen."""
    found = [
        f"{name}:{function.lineno} {function.name} has {_lines(function)} lines"
        for name, tree in _trees().items()
        for function in _functions(tree)
        if _lines(function) > FUNCTION_LINES_MAX
    ]
    assert not found, "\n".join(found)


def test_files_are_short() -> None:
    """Every file is short enough to be read at once."""
    found = [
        f"{path} has {length} lines"
        for path, text in _python_files().items()
        if (length := len(text.splitlines())) > FILE_LINES_MAX
    ]
    assert not found, "\n".join(found)


def test_names_say_what_a_module_is_for() -> None:
    """No module or folder has a name that anything would fit into."""
    found = [path for path in _python_files() if BANNED_NAMES & {*Path(path).with_suffix("").parts}]
    assert not found, f"rename: {found}"


def test_modules_open_with_their_theory() -> None:
    """Each module that holds anything says first what it is and why."""
    found = [name for name, tree in _trees().items() if tree.body and not ast.get_docstring(tree)]
    assert not found, f"no docstring: {found}"


def test_each_test_says_its_promise() -> None:
    """Each test's docstring is the promise it checks."""
    found = [
        f"{name}:{function.lineno} {function.name}"
        for name, tree in _trees().items()
        if name.startswith("tests/")
        for function in _functions(tree)
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert not found, "\n".join(found)


def test_nothing_is_left_for_later() -> None:
    """No mark says that something is unfinished."""
    found = [
        f"{path}: {match.group()}"
        for path, text in _text_files().items()
        for match in BANNED_MARKS.finditer(text)
    ]
    assert not found, "\n".join(found)


def test_nothing_names_a_registry_or_a_machine() -> None:
    """No file names the host of a package registry or a folder of one machine."""
    found = [
        f"{path}: {word}"
        for path, text in _text_files().items()
        for word in FORBIDDEN
        if word in text
    ]
    assert not found, "\n".join(found)


def test_sql_stands_in_sql_files() -> None:
    """No statement hides in a Python string of the gateway or its clients."""
    found = [
        f"{name}:{line}"
        for name, tree in _trees().items()
        if name.startswith(("gateway/", "clients/")) and not name.startswith(SQL_ROOMS)
        for line in _sql_strings(tree)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", ["README.md", "Dockerfile", "compose.yaml"])
def test_variables_that_are_told_exist(name: str) -> None:
    """Every GATEWAY_ variable that a reader is told to set is one that the configuration reads."""
    told = set(VARIABLE.findall(_text_files()[name]))
    assert told <= _settings(), f"unknown to the configuration: {sorted(told - _settings())}"


@pytest.mark.parametrize(
    "text",
    [
        "select id from payments",
        "\n  SELECT a,\n b\n FROM t where x = $1",
        "insert into payments values ($1)",
        "update payments set state = $1",
        "delete from payments",
        "with claimed as (select 1) select 2",
    ],
)
def test_sql_is_recognised(text: str) -> None:
    """A statement is seen in whatever case and layout it is written."""
    assert list(_sql_strings(ast.parse(f"x = {text!r}"))) == [1]


@pytest.mark.parametrize(
    "text", ["Updates a payment.", "Select a channel.", "insert", "deleted from the list"]
)
def test_prose_is_not_sql(text: str) -> None:
    """Words that SQL also uses are not taken for a statement."""
    assert not list(_sql_strings(ast.parse(f"x = {text!r}")))
