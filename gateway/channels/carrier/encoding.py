"""JSON with decimal numbers: the standard library writes them as floats or not at all."""

import json
from collections.abc import Mapping
from decimal import Decimal

from gateway.domain.money import CURRENCY_EXPONENTS, Money

Value = str | bool | Decimal | Mapping[str, "Value"]
"""What our messages are made of."""


def write_json(value: Value) -> bytes:
    """Write a message in UTF-8; the same value always gives the same bytes."""
    return _text(value).encode()


def decimal_amount(money: Money) -> Decimal:
    """Give an amount in units of its currency, with exactly the currency's decimals."""
    return Decimal(money.minor_units).scaleb(-CURRENCY_EXPONENTS[money.currency])


def _text(value: Value) -> str:
    match value:
        case Decimal():
            return f"{value:f}"
        case Mapping():
            pairs = (f"{_text(name)}:{_text(inner)}" for name, inner in value.items())
            return "{" + ",".join(pairs) + "}"
        case _:
            return json.dumps(value, ensure_ascii=False)
