"""Strict reading of CAMARA's JSON, whose amounts are decimal numbers and never become floats."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NoReturn

from gateway.channels.fields import Fields, Malformed
from gateway.domain.money import CURRENCY_EXPONENTS, MINOR_UNITS_MAX, Money

NUMBER_LENGTH_MAX = 24
"""Characters of a number that is not whole; so many digits are added up without rounding."""


class Record(Fields):
    """One JSON object, read field by field, decimal numbers and times included."""

    def inner(self, name: str) -> "Record":
        """Read an object."""
        return Record(self._value.get(name))

    def money(self) -> Money:
        """Read `amount` and `currency`: more than 0, and no finer than the currency.

        Raises:
            Malformed: they are not, or the gateway does not know the currency.
        """
        currency = self.text("currency", most=3)
        exponent = CURRENCY_EXPONENTS.get(currency)
        if exponent is None:
            raise Malformed("currency is not one of the contract")
        scaled = _small(self._value.get("amount")).scaleb(exponent)
        if not 0 < scaled <= MINOR_UNITS_MAX or scaled != scaled.to_integral_value():
            raise Malformed("amount is out of range or finer than its currency")
        return Money(currency, int(scaled))

    def time(self, name: str) -> datetime:
        """Read a time of RFC 3339, which names its zone; give it in UTC."""
        try:
            moment = datetime.fromisoformat(self.text(name))
            if moment.tzinfo is None:
                raise Malformed(f"{name} names no time zone")
            return moment.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise Malformed(f"{name} is no time") from error


def read_record(body: bytes) -> Record:
    """Read a JSON object in UTF-8. Raises Malformed."""
    return Record(_read(body))


def read_records(body: bytes, most: int) -> Iterator[Record]:
    """Read a JSON array of at most so many objects. Raises Malformed, also while it is read."""
    value = _read(body)
    if not isinstance(value, list) or len(value) > most:
        raise Malformed(f"not a list of at most {most}")
    return map(Record, value)


def _read(body: bytes) -> Any:
    try:
        return json.loads(
            body.decode(),
            object_pairs_hook=_unique,
            parse_float=_decimal,
            parse_constant=_refuse,
        )
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise Malformed("not JSON of the protocol") from error


def _decimal(text: str) -> Decimal:
    if len(text) > NUMBER_LENGTH_MAX:
        raise ValueError("a number has too many digits")
    return Decimal(text)


def _small(value: Any) -> Decimal:
    """Take a number that may be worked with: 1E999999 is short, and all memory as an integer."""
    if type(value) not in (int, Decimal) or abs(Decimal(value).adjusted()) > NUMBER_LENGTH_MAX:
        raise Malformed("amount is no number of a sensible size")
    return Decimal(value)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name stands twice")
    return fields
