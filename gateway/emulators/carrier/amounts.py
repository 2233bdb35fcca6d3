"""Amounts: thousandths of the currency's unit as integers inside, JSON numbers at the edge.

The protocol writes money as a decimal number, a multiple of 0.001. It is read from the digits as
they arrived, never through binary floating point. What leaves is small enough (AMOUNT_MAX) for a
double to carry each thousandth exactly, so `12.345` goes out as the digits `12.345`.
"""

from decimal import Decimal
from typing import Any, Final

from gateway.emulators.core.fields import Fields, InvalidField
from gateway.emulators.core.shapes import Read

UNIT: Final = 1_000
AMOUNT_MAX: Final = 999_999_999_999  # in thousandths
_DIGITS_MAX: Final = 9  # before the point
_THOUSANDTH: Final = Decimal("0.001")


def amount(lowest: int = 1) -> Read:
    """A multiple of 0.001, at least `lowest` thousandths, as the number that goes out again."""

    def read(fields: Fields, name: str) -> int | float:
        thousandths = _thousandths(fields.take(name))
        if thousandths is None or thousandths < lowest:
            rule = f"must be a number from {lowest / UNIT} in steps of 0.001"
            raise InvalidField(fields.path(name), rule)
        return to_number(thousandths)

    return read


def percentage(fields: Fields, name: str) -> int | float:
    """A multiple of 0.01 from 0 to 100."""
    thousandths = _thousandths(fields.take(name))
    if thousandths is None or not 0 <= thousandths <= 100 * UNIT or thousandths % 10:
        raise InvalidField(fields.path(name), "must be a percentage in steps of 0.01")
    return to_number(thousandths)


def to_number(thousandths: int) -> int | float:
    """The JSON number of an amount; equal amounts are equal numbers."""
    whole, rest = divmod(thousandths, UNIT)
    return thousandths / UNIT if rest else whole


def to_thousandths(number: float) -> int:
    """The amount that a number made by `to_number` stands for."""
    return round(Decimal(str(number)) * UNIT)


def to_text(thousandths: int) -> str:
    """As control endpoints say it: `12.345`, always with three decimals."""
    return f"{Decimal(thousandths) / UNIT:.3f}"


def _thousandths(value: Any) -> int | None:
    if type(value) is int:
        return value * UNIT if 0 <= value <= AMOUNT_MAX // UNIT else None
    if not isinstance(value, Decimal) or value < 0 or value.adjusted() >= _DIGITS_MAX:
        return None
    rounded = value.quantize(_THOUSANDTH)
    return int(rounded * UNIT) if rounded == value else None
