"""Amounts as people write them become the integer they mean, or are refused."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.money import CURRENCY_EXPONENTS
from paymentgateway.money import EXPONENTS, MINOR_UNITS_MAX, money, money_text
from paymentgateway.v1.money_pb2 import Money

CONTRACT = Path(__file__).parents[2] / "protos" / "paymentgateway" / "v1" / "money.proto"
CURRENCIES = st.sampled_from(sorted(EXPONENTS))


@given(units=st.integers(1, MINOR_UNITS_MAX), currency=CURRENCIES)
def test_round_trip(units: int, currency: str) -> None:
    """Every amount that the contract allows is written and read again without a difference."""
    amount = Money(currency_code=currency, minor_units=units)
    text, code = money_text(amount).split(" ")
    assert money(text, code) == money(Decimal(text), code) == amount


@given(units=st.integers(1, MINOR_UNITS_MAX // 1000), currency=CURRENCIES)
def test_a_finer_amount_is_refused(units: int, currency: str) -> None:
    """One decimal place more than the currency has is refused, not rounded, unless it is zero."""
    exponent = EXPONENTS[currency]
    whole = Decimal(units).scaleb(-exponent)
    finer = whole + Decimal(1).scaleb(-exponent - 1)
    with pytest.raises(ValueError, match="too fine"):
        money(f"{finer:f}", currency)
    assert money(f"{whole:.{exponent + 1}f}", currency).minor_units == units


@given(text=st.text("0123456789.,eE+-_ \n１٣x", max_size=6))
def test_other_text_is_refused(text: str) -> None:
    """Any text is either a plain decimal in ASCII or refused with a ValueError."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text, re.ASCII):
        return
    with pytest.raises(ValueError, match="is not an amount"):
        money(text, "CNY")


@pytest.mark.parametrize(
    ("text", "currency", "units"),
    [
        ("12.50", "CNY", 1250),
        ("12.5", "CNY", 1250),
        ("12", "CNY", 1200),
        ("0012.500", "CNY", 1250),
        ("100", "JPY", 100),
        ("100.0", "JPY", 100),
        ("1.234", "KWD", 1234),
        ("10000000000.00", "CNY", MINOR_UNITS_MAX),
    ],
)
def test_examples(text: str, currency: str, units: int) -> None:
    """An amount is what its value says, however many zeros it is written with."""
    assert money(text, currency) == Money(currency_code=currency, minor_units=units)


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        ("0", "CNY", "0.01 to 10000000000.00"),
        ("0.00", "CNY", "out of range"),
        ("10000000000.01", "CNY", "out of range"),
        ("0.5", "JPY", "JPY has no decimal places"),
        ("1.2345", "KWD", "KWD has 3 decimal places"),
        ("1e3", "CNY", "write it like 12.50"),
        ("-1", "CNY", "write it like 12.50"),
        ("1,000", "CNY", "write it like 12.50"),
        (" 1", "CNY", "write it like 12.50"),
        ("１", "CNY", "write it like 12.50"),
        ("9" * 400, "CNY", "write it like 12.50"),
        (Decimal(-1), "CNY", "out of range"),
        (Decimal("NaN"), "CNY", "is not an amount"),
        (Decimal("Infinity"), "CNY", "is not an amount"),
        (Decimal("1e999999"), "CNY", "out of range"),
        (Decimal("1e-999999"), "CNY", "out of range"),
        ("1", "cny", "'cny' is not known; use one of AED"),
        ("1", " CNY", "is not known"),
        ("1", "СNY", "is not known"),
        ("1", "XAU", "is not known"),
        ("1", "", "is not known"),
    ],
)
def test_refusals_say_what_to_write(amount: str | Decimal, currency: str, told: str) -> None:
    """An amount that cannot be is refused in a sentence that helps."""
    with pytest.raises(ValueError, match=re.escape(told)):
        money(amount, currency)


@pytest.mark.parametrize("amount", [12, 12.5, True, None, b"12"])
def test_ambiguous_types_are_refused(amount: Any) -> None:
    """A bare number could be units or minor units, and a float is not exact: neither is taken."""
    with pytest.raises(TypeError, match=r"text or a Decimal"):
        money(amount, "CNY")


@pytest.mark.parametrize(
    ("units", "currency", "text"),
    [
        (0, "CNY", "0.00 CNY"),
        (-5, "CNY", "-0.05 CNY"),
        (-1250, "KWD", "-1.250 KWD"),
        (7, "JPY", "7 JPY"),
        (7, "XAU", "7 minor units of XAU"),
        (0, "", "0 minor units of no currency"),
    ],
)
def test_what_the_gateway_says_is_shown(units: int, currency: str, text: str) -> None:
    """Zero, negative balances and currencies of a later release can be written too."""
    assert money_text(Money(currency_code=currency, minor_units=units)) == text


def test_the_currencies_are_those_of_the_contract() -> None:
    """The table has the contract's closed list, with the decimal places that the server counts."""
    listed = CONTRACT.read_text("utf-8").partition("in: [")[2].partition("]")[0]
    assert set(re.findall(r'"([A-Z]{3})"', listed)) == set(EXPONENTS)
    assert dict(EXPONENTS) == dict(CURRENCY_EXPONENTS)
