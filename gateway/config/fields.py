"""How a field of the settings is written down: its default, its bounds, what it means.

A field is the variable `GATEWAY_` plus its name in upper case.
"""

from typing import Any, Final

from pydantic import Field

from gateway.config.address import Address

PREFIX: Final = "GATEWAY_"


def variable(name: str) -> str:
    """Name the environment variable of a setting."""
    return PREFIX + name.upper()


def listen(default: str, description: str) -> Any:
    """Declare where a listener stands."""
    return Field(Address.parse(default), description=description)


def number(default: int, least: int, greatest: int, description: str) -> Any:
    """Declare a whole number and its range, both ends included."""
    return Field(default, ge=least, le=greatest, description=description)


def text(default: Any, description: str) -> Any:
    """Declare whatever its own type checks."""
    return Field(default, description=description)
