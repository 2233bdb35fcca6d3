"""Redaction: no card-like number and no secret survives in anything that is logged."""

import re
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from gateway.telemetry.redaction import (
    CUT_MARK,
    DEPTH_MAX,
    ITEMS_MAX,
    MASK,
    TEXT_LENGTH_MAX,
    TRACEBACK_LENGTH_MAX,
    redact,
    redact_text,
)

CARD = "4111111111111111"
SEPARATORS = " -\u00a0\u2010\u2011\u2012\u2013\u2014\u2015"
CLASS = re.escape(SEPARATORS)


def luhn_digit(body: str) -> str:
    """The check digit by the schoolbook: double every second digit from the right, add digits."""
    total = 0
    for position, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if position % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return str(-total % 10)


def has_card(text: str) -> bool:
    """Whether some succession of whole groups of digits makes a card-like number."""
    for run in re.findall(rf"\d+(?:[{CLASS}]\d+)*", text):
        groups = re.findall(r"\d+", run)
        for start, end in combinations(range(len(groups) + 1), 2):
            digits = "".join(groups[start:end])
            if 13 <= len(digits) <= 19 and luhn_digit(digits[:-1]) == str(int(digits[-1])):
                return True
    return False


@st.composite
def cards(draw: st.DrawFn) -> str:
    """A number with a right check digit, in groups as people write them, or in one piece."""
    body = draw(st.text("0123456789", min_size=12, max_size=18))
    digits = body + luhn_digit(body)
    separator = draw(st.sampled_from(["", *SEPARATORS]))
    size = draw(st.integers(1, 19))
    return separator.join(digits[i : i + size] for i in range(0, len(digits), size))


texts = st.lists(
    st.one_of(cards(), st.text(max_size=8), st.text("0123456789 -", max_size=24)), max_size=8
).map("".join)
values = st.recursive(
    st.one_of(texts, cards().filter(str.isdigit).map(int), st.none(), st.booleans(), st.floats()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4), st.tuples(inner)
    ),
    max_leaves=8,
)


def strings(value: Any) -> list[str]:
    """Every text in a value, keys and whole numbers included."""
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [str(value)] if isinstance(value, str | int) else []


@given(texts)
@example("4111-1111-1111-1111")
@example("4111 1111 1111 1111 2025")
@example("12 4111111111111111 34")
@example("５４１２７５１２３４１２３４５６")
def test_no_card_like_number_survives(text: str) -> None:
    """No card-like number is left in a text, whatever stands around it, however it is grouped."""
    assert not has_card(redact_text(text))


@given(st.text("0123456789 ", max_size=200), st.integers(1, 60))
def test_no_card_like_number_survives_a_cut(text: str, length_max: int) -> None:
    """Where a text is cut, no rest of a card number stands before the cut."""
    cut = redact_text(text, length_max)
    assert not has_card(cut)
    assert cut == redact_text(text) or cut == redact_text(text)[:length_max] + CUT_MARK


@given(st.dictionaries(texts, values, max_size=4))
def test_no_card_like_number_survives_anywhere(event: dict[str, Any]) -> None:
    """No key and no value of an event, nested ones too, holds a card-like number."""
    assert not [text for text in strings(redact(None, "info", event)) if has_card(text)]


@given(st.text(max_size=300))
def test_other_text_is_left_alone(text: str) -> None:
    """A text without long numbers and URL passwords is not changed at all."""
    phone = re.search(r"\+[1-9][0-9]{6}", text)
    if not phone and "://" not in text and not re.search(rf"\d([{CLASS}]?\d){{12}}", text):
        assert redact_text(text) == text


@given(st.uuids())
def test_identifiers_are_left_alone(identifier: UUID) -> None:
    """A UUID can always be read in a log, whatever its digits."""
    event = {"id": identifier, "text": f"attempt {identifier} is due"}
    assert redact(None, "info", event) == {
        "id": str(identifier),
        "text": f"attempt {identifier} is due",
    }


@pytest.mark.parametrize(
    "number",
    ["4111111111111112", "411111111111", "41111111111111111111", "4200001234202501011234567890"],
)
def test_numbers_of_other_kinds_are_left_alone(number: str) -> None:
    """A number that fails the check, or has another length, such as a channel's, can be read."""
    assert redact_text(f"number {number}") == f"number {number}"


@pytest.mark.parametrize(
    "key",
    [
        *("password", "DB_PASSWORD", "sandbox_key", "Authorization", "page_token", "dsn", "Cookie"),
        *("phone_number", "openid", "auth_code", "contract_id", "agreement_no", "account_token"),
        *("ip_address", "client_ip"),
    ],
)
def test_known_secrets_are_masked(key: str) -> None:
    """What a key calls secret is masked, whatever its type."""
    for value in ("hunter2", b"hunter2", 7, ["hunter2"], {"a": "hunter2"}):
        assert redact(None, "info", {key: value, "n": {key: value}}) == {
            key: MASK,
            "n": {key: MASK},
        }
    assert redact(None, "info", {key: None}) == {key: None}


def test_keys_for_people_are_not_secret() -> None:
    """Idempotency keys and ids stay readable: a log is searched by them."""
    event = {"idempotency_key": "order-17", "payment_id": "pay_0LOq", "key_bound": True}
    assert redact(None, "info", event) == event


def test_passwords_in_urls_are_masked() -> None:
    """The password of a URL in any text is masked, the rest stays."""
    shown = redact_text("connecting to postgresql://gateway:hunter2@db:5432/gateway failed")
    assert shown == "connecting to postgresql://gateway:*******@db:5432/gateway failed"


def test_phone_numbers_are_masked() -> None:
    """A phone number in any text is masked, whole; times, sums and plain numbers stay."""
    shown = redact_text("charged +8613800138000, (+491511234567)")
    assert shown == f"charged {'*' * 14}, ({'*' * 13})"
    for text in ("2026-01-01T00:00:00+08:00", "1+1234", "+0123456789", "13800138000", "a+b"):
        assert redact_text(text) == text


def test_values_are_bounded() -> None:
    """Long texts, long and deep collections and great integers are cut to named bounds."""
    deep: Any = "end"
    for _ in range(DEPTH_MAX + 3):
        deep = {"in": deep}
    event = {
        "text": "x" * 10_000,
        "exception": "x" * 100_000,
        "items": list(range(1_000)),
        "deep": deep,
        "great": 10**5_000,
        "bytes": b"x" * 10_000,
    }
    found = redact(None, "info", event)
    assert found["text"] == "x" * TEXT_LENGTH_MAX + CUT_MARK
    assert found["exception"] == "x" * TRACEBACK_LENGTH_MAX + CUT_MARK
    assert found["items"] == list(range(ITEMS_MAX))
    assert len(found["great"]) <= TEXT_LENGTH_MAX + len(CUT_MARK)
    assert len(found["bytes"]) <= TEXT_LENGTH_MAX + len(CUT_MARK)
    assert str(found["deep"]).count("in") == DEPTH_MAX + 3


@dataclass
class Intent:
    """An object that nobody taught to be logged."""

    description: str
    key: SecretStr


class Unprintable:
    """An object that fails when it is printed."""

    def __str__(self) -> str:
        raise RuntimeError("no")


def test_objects_are_written_safely() -> None:
    """Objects are written as their text, redacted; one that cannot be written breaks nothing."""
    event = {
        "intent": Intent(f"card {CARD}", SecretStr("hunter2")),
        "error": ValueError(f"bad card {CARD}"),
        "broken": Unprintable(),
    }
    found = redact(None, "info", event)
    assert CARD not in str(found)
    assert "hunter2" not in str(found)
    assert "bad card ****" in found["error"]
    assert found["broken"] == "<Unprintable that cannot be printed>"
