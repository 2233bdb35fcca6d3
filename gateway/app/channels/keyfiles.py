"""Keys and other credentials read from files; what is wrong is told by the name of the variable.

What stands in the file is never told, whatever is wrong with it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gateway.app.errors import StartError
from gateway.config import variable

FILE_BYTES_MAX: Final = 65_536


def read_key_file(name: str, path: Path) -> bytes:
    """Read a file that the setting of this name points to. Raises StartError."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise _wrong(name, path, f"it cannot be read ({error.strerror})") from error
    if len(content) > FILE_BYTES_MAX:
        raise _wrong(name, path, f"it is larger than {FILE_BYTES_MAX} bytes")
    return content


def read_text_file(name: str, path: Path) -> str:
    """Read a file of text, without the line end that editors leave. Raises StartError."""
    try:
        return read_key_file(name, path).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise _wrong(name, path, "it is not text in UTF-8") from None


@contextmanager
def blaming(name: str, path: Path | None = None) -> Iterator[None]:
    """Tell what a connector refuses in the name of the setting, and of the file if it has one."""
    try:
        yield
    except ValueError as error:
        where = f" is {path}" if path else ""
        raise StartError(f"{variable(name)}{where}: {error}") from None


def expect(name: str, said: Sequence[str], number: int, found: str) -> None:
    """Hold what a file is against what the setting of this name says it is, where it says so.

    Raises StartError.
    """
    if said and said[number].upper().lstrip("0") != found.upper().lstrip("0"):
        words = f"{variable(name)} says {said[number]}, but the file is that of {found or 'none'}."
        raise StartError(words)


def _wrong(name: str, path: Path, what: str) -> StartError:
    return StartError(f"{variable(name)} is {path}: {what}.")
