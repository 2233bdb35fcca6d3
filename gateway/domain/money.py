"""Money is one integer of minor units with its currency, so that it cannot disagree with itself.

Amounts of different currencies never meet: adding them is a bug and raises. The list of currencies
is closed per release and equals the one in the contract; exponents are those of ISO 4217.
"""

from gateway.domain.value import value

MINOR_UNITS_MAX = 1_000_000_000_000
"""Largest amount of one payment; times a rate of 1,000,000 millionths it still fits 64 bits."""

CURRENCY_EXPONENTS = {
    "AED": 2, "AUD": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CNY": 2, "CZK": 2, "DKK": 2,
    "EUR": 2, "GBP": 2, "HKD": 2, "HUF": 2, "IDR": 2, "INR": 2, "JOD": 3, "JPY": 0, "KRW": 0,
    "KWD": 3, "MOP": 2, "MXN": 2, "MYR": 2, "NOK": 2, "NZD": 2, "PHP": 2, "PLN": 2, "SAR": 2,
    "SEK": 2, "SGD": 2, "THB": 2, "TRY": 2, "TWD": 2, "USD": 2, "VND": 0, "ZAR": 2,
}  # fmt: skip


@value(frozen=True, slots=True)
class Money:
    """Amount in one currency.

    Raises:
        ValueError: the currency is not in the list.
    """

    currency: str
    minor_units: int

    def __post_init__(self) -> None:
        """Refuse a currency that is not in the list."""
        if self.currency not in CURRENCY_EXPONENTS:
            message = f"unknown currency {self.currency!r}"
            raise ValueError(message)

    def __add__(self, other: "Money") -> "Money":
        """Add an amount of the same currency."""
        return Money(self.currency, self.minor_units + self._same(other))

    def __sub__(self, other: "Money") -> "Money":
        """Subtract an amount of the same currency."""
        return Money(self.currency, self.minor_units - self._same(other))

    def __str__(self) -> str:
        """Show it as people write it: `12.50 CNY`."""
        exponent = CURRENCY_EXPONENTS[self.currency]
        digits = f"{abs(self.minor_units):0{exponent + 1}d}"
        whole, fraction = digits[: len(digits) - exponent], digits[len(digits) - exponent :]
        sign = "-" if self.minor_units < 0 else ""
        return f"{sign}{whole}{'.' if exponent else ''}{fraction} {self.currency}"

    def _same(self, other: "Money") -> int:
        if self.currency != other.currency:
            message = f"{self.currency} and {other.currency} cannot be added"
            raise ValueError(message)
        return other.minor_units
