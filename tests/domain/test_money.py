"""Money is one integer with its currency."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.money import CURRENCY_EXPONENTS, Money
from paymentgateway.v1 import money_pb2


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
def test_adding_and_subtracting_are_exact(one: int, other: int) -> None:
    """Amounts of one currency add like integers, and subtracting undoes adding."""
    total = Money("CNY", one) + Money("CNY", other)

    assert total == Money("CNY", one + other)
    assert total - Money("CNY", other) == Money("CNY", one)


def test_currencies_never_meet() -> None:
    """Adding two currencies is a bug and raises."""
    with pytest.raises(ValueError, match="CNY and USD"):
        Money("CNY", 1) + Money("USD", 1)


@pytest.mark.parametrize("code", ["cny", " CNY", "CN¥", "СNY", "XXX", ""])
def test_unknown_currencies_are_refused(code: str) -> None:
    """Lower case, padding, homoglyphs and unknown codes are no currency."""
    with pytest.raises(ValueError, match="unknown currency"):
        Money(code, 1)


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money("CNY", 1), "0.01 CNY"),
        (Money("CNY", 1250), "12.50 CNY"),
        (Money("JPY", 1250), "1250 JPY"),
        (Money("KWD", 1), "0.001 KWD"),
        (Money("CNY", -5), "-0.05 CNY"),
    ],
)
def test_money_reads_as_people_write_it(money: Money, text: str) -> None:
    """The text has as many decimals as the currency."""
    assert str(money) == text


def test_the_contract_lists_the_same_currencies() -> None:
    """The proto's closed list and the exponents table name the same currencies."""
    options = money_pb2.Money.DESCRIPTOR.fields_by_name["currency_code"].GetOptions()
    listed = options.SerializeToString()

    assert all(code.encode() in listed for code in CURRENCY_EXPONENTS)
    assert listed.count(b"\x52\x03") == len(CURRENCY_EXPONENTS)
