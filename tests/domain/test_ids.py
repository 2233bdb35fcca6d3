"""Identifiers outside, numbers for channels."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import Clock
from gateway.domain.ids import SERIAL_MAX, channel_number, from_text, parse_channel_number, to_text

uuids = st.uuids()


@given(uuids)
def test_text_reads_back(identifier: UUID) -> None:
    """What is written for callers is read back as the same identifier."""
    assert from_text("pay", to_text("pay", identifier)) == identifier


@given(uuids, uuids)
def test_text_sorts_like_the_identifier(one: UUID, other: UUID) -> None:
    """Sorting texts sorts by creation."""
    assert (to_text("pay", one) < to_text("pay", other)) == (one < other)


@given(st.integers(0, SERIAL_MAX), uuids)
def test_numbers_read_back(serial: int, attempt: UUID) -> None:
    """Our number has 28 characters and carries merchant and attempt."""
    number = channel_number(serial, attempt)

    assert len(number) == 28
    assert number.isalnum()
    assert number.isascii()
    assert parse_channel_number(number) == (serial, attempt)


@pytest.mark.parametrize(
    "text", ["", "pay_", "ref_" + "0" * 22, "pay_" + "z" * 22, "pay_" + "-" * 22]
)
def test_what_is_not_ours_is_no_identifier(text: str) -> None:
    """Another prefix, length, alphabet or a value beyond 128 bits is nothing."""
    assert from_text("pay", text) is None


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_as_a_number(text: str) -> None:
    """No text makes reading a number fail."""
    assert parse_channel_number(text) is None or len(text) == 28


def test_a_serial_beyond_six_characters_is_refused() -> None:
    """Numbers stay 28 characters for ever."""
    with pytest.raises(ValueError, match="outside"):
        channel_number(SERIAL_MAX + 1, UUID(int=0))


def test_fresh_identifiers_are_version_7_and_differ() -> None:
    """The clock makes UUIDv7 of the RFC variant, all different, sorting by time."""
    made = [Clock().new_id() for _ in range(1_000)]

    assert len(set(made)) == 1_000
    assert {item.version for item in made} == {7}
    assert [item.int >> 80 for item in made] == sorted(item.int >> 80 for item in made)
