"""Single values of the command line: numbers within bounds, each refused with what to type."""

import enum
import math
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import TypeVar

NameT = TypeVar("NameT", bound=enum.StrEnum)


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    """Make the reader of a whole number between two bounds, both included."""

    def read(text: str) -> int:
        plain = text.replace(",", "").replace("_", "")
        digits = plain.isascii() and plain.isdigit() and len(plain) <= len(str(highest))
        number = int(plain) if digits else lowest - 1
        if not lowest <= number <= highest:
            raise ArgumentTypeError(f"write a whole number from {lowest:,} to {highest:,}.")
        return number

    return read


def real(above: float, highest: float, unit: str) -> Callable[[str], float]:
    """Make the reader of a number above one bound and up to another."""

    def read(text: str) -> float:
        number = _number(text)
        if not above < number <= highest:
            raise ArgumentTypeError(f"write a number of {unit} above {above:g}, up to {highest:g}.")
        return number

    return read


def span(highest: float) -> Callable[[str], float]:
    """Make the reader of a number of seconds from 0 to a bound."""

    def read(text: str) -> float:
        number = _number(text)
        if not 0 <= number <= highest:
            raise ArgumentTypeError(f"write a number of seconds from 0 to {highest:g}.")
        return number

    return read


def share(text: str) -> float:
    """Read a share: 0 to 1."""
    number = _number(text)
    if not 0 <= number <= 1:
        raise ArgumentTypeError("write a share from 0 to 1, such as 0.05 for 5 %.")
    return number


def one_of(names: type[NameT]) -> Callable[[str], NameT]:
    """Make the reader of the names of an enum."""

    def read(text: str) -> NameT:
        try:
            return names(text)
        except ValueError:
            raise ArgumentTypeError(f"{text!r} is not one of {', '.join(names)}.") from None

    return read


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
