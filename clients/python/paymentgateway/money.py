"""Amounts of money as people write them, to and from the integer that goes over the wire.

The wire carries minor units only. The one place where a decimal point means something is here, and
it refuses whatever the currency cannot hold instead of rounding it: a rounded amount is a wrong
amount.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

from paymentgateway.v1.money_pb2 import Money

MINOR_UNITS_MAX: Final = 1_000_000_000_000
"""Largest amount of one request, in minor units."""

EXPONENTS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("AED", "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP"), 2),
    **dict.fromkeys(("HKD", "HUF", "IDR", "INR", "MOP", "MXN", "MYR", "NOK", "NZD", "PHP"), 2),
    **dict.fromkeys(("PLN", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "USD", "ZAR"), 2),
    **dict.fromkeys(("JPY", "KRW", "VND"), 0),
    **dict.fromkeys(("BHD", "JOD", "KWD"), 3),
}
"""Decimal places of every currency that the gateway takes, from ISO 4217."""

_DIGITS_MAX: Final = 32
_PLAIN_DECIMAL: Final = re.compile(rf"[0-9]{{1,{_DIGITS_MAX}}}(\.[0-9]{{1,{_DIGITS_MAX}}})?")


def money(amount: str | Decimal, currency_code: str) -> Money:
    """Make an amount: `money("12.50", "CNY")` is 1,250 fen.

    A whole number is not taken, because 12 could be twelve yuan or twelve fen; nor a float, because
    it is not exact.

    Raises:
        TypeError: the amount is neither text nor a Decimal.
        ValueError: the text is not a plain decimal, the currency is unknown, the currency has no
            such fraction, or the amount is not between 1 and 1,000,000,000,000 minor units.
    """
    exponent = EXPONENTS.get(currency_code)
    if exponent is None:
        known = ", ".join(sorted(EXPONENTS))
        raise ValueError(f"currency {currency_code!r} is not known; use one of {known}.")
    minor_units = _exact(amount) * 10**exponent
    if minor_units.denominator != 1:
        raise ValueError(f"{amount} {currency_code} is too fine: {_places(currency_code)}.")
    if not 1 <= minor_units <= MINOR_UNITS_MAX:
        bounds = f"{_text(1, exponent)} to {_text(MINOR_UNITS_MAX, exponent)}"
        raise ValueError(f"{amount} {currency_code} is out of range; use {bounds}.")
    return Money(currency_code=currency_code, minor_units=int(minor_units))


def money_text(amount: Money) -> str:
    """Write an amount as people do: 1,250 fen is "12.50 CNY".

    A currency unknown to this release is written in minor units.
    """
    exponent = EXPONENTS.get(amount.currency_code)
    if exponent is None:
        return f"{amount.minor_units} minor units of {amount.currency_code or 'no currency'}"
    return f"{_text(amount.minor_units, exponent)} {amount.currency_code}"


def _exact(amount: str | Decimal) -> Fraction:
    """The amount without rounding; zero, which is refused, for what is far out of range."""
    if isinstance(amount, str):
        if not _PLAIN_DECIMAL.fullmatch(amount):
            raise ValueError(f"{amount!r} is not an amount; write it like 12.50.")
        return Fraction(amount)
    if not isinstance(amount, Decimal):
        raise TypeError("an amount is text or a Decimal, so that it is exact: '12.50'.")
    if not amount.is_finite():
        raise ValueError(f"{amount} is not an amount.")
    # A Decimal of a few bytes can stand for an integer of gigabytes.
    return Fraction(amount) if abs(amount.adjusted()) <= _DIGITS_MAX else Fraction(0)


def _places(currency_code: str) -> str:
    exponent = EXPONENTS[currency_code]
    return f"{currency_code} has {exponent or 'no'} decimal places"


def _text(minor_units: int, exponent: int) -> str:
    if exponent == 0:
        return str(minor_units)
    whole, fraction = divmod(abs(minor_units), 10**exponent)
    return f"{'-' if minor_units < 0 else ''}{whole}.{fraction:0{exponent}d}"
