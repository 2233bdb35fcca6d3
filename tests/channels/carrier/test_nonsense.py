"""Nonsense raises nothing but the errors that are declared, and never is a success or a failure."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.channels.bill import BillRefused
from gateway.channels.carrier.bill import read_payments
from gateway.channels.carrier.encoding import decimal_amount, write_json
from gateway.channels.carrier.fields import read_record, read_records
from gateway.channels.carrier.validation import Validation, read_validation
from gateway.channels.connector import HttpReply, TokenRefused
from gateway.channels.fields import Malformed
from gateway.domain.channel import NotificationRefused, OutcomeClass
from gateway.domain.money import CURRENCY_EXPONENTS, MINOR_UNITS_MAX, Money
from tests.channels.carrier.wire import (
    ASK,
    CANCEL,
    CAPTURE,
    CHARGE,
    FENCE,
    NONCE,
    NOW,
    REFUND,
    SEND,
    call,
    carrier,
    event,
    payment,
    refund,
    reply,
    sink_token,
)

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)
NAMES = sorted({*payment("succeeded"), *refund("succeeded"), "validationInfo", "code", "status"})
OBJECTS = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=9), JSON, max_size=9)
MADE = [
    call(),
    call(manual=True),
    call(ASK),
    call(ASK, CHARGE, known=False),
    call(FENCE, manual=True),
    call(SEND, CAPTURE, manual=True),
    call(ASK, CANCEL, manual=True),
    call(SEND, REFUND),
    call(ASK, REFUND),
]
CONNECTOR = carrier()


@FEW
@given(st.sampled_from(MADE), st.integers(100, 599), st.binary(max_size=100))
def test_bytes_as_an_answer(made: Any, status: int, body: bytes) -> None:
    """Bytes that are no answer prove nothing; an accepted second step has no body."""
    outcome = CONNECTOR.parse(made, reply(status, body)).outcome
    assert outcome is OutcomeClass.UNKNOWN or (outcome is OutcomeClass.PENDING and status == 202)


@FEW
@given(
    st.sampled_from(MADE),
    st.sampled_from([200, 201, 400, 403, 404, 422]),
    OBJECTS.map(json.dumps) | st.lists(OBJECTS, max_size=3).map(json.dumps),
)
def test_objects_as_an_answer(made: Any, status: int, body: str) -> None:
    """Objects with the protocol's names and any values raise nothing and never are a success."""
    outcome = CONNECTOR.parse(made, reply(status, body.encode()))
    assert outcome.outcome is not OutcomeClass.SUCCESS


@FEW
@given(
    st.sampled_from([payment("succeeded"), refund("succeeded")]),
    st.sampled_from(NAMES),
    JSON,
    st.sampled_from(MADE),
    st.sampled_from([200, 201]),
)
def test_answer_with_one_odd_field(
    shown: dict[str, Any], name: str, value: Any, made: Any, status: int
) -> None:
    """A good answer with one field of any value raises nothing, alone or in a list."""
    CONNECTOR.parse(made, reply(status, shown | {name: value}))
    CONNECTOR.parse(made, reply(status, [shown | {name: value}]))


@FEW
@given(st.binary(max_size=200) | OBJECTS.map(lambda fields: json.dumps(fields).encode()))
def test_notification(body: bytes) -> None:
    """No body of a notification does worse than being refused, whatever its token."""
    for token in ("", f"Bearer {sink_token()}"):
        with pytest.raises(NotificationRefused):
            CONNECTOR.read_notification("/", {"authorization": token}, body, NOW)


@FEW
@given(st.sampled_from(["id", "source", "time", "type", "data", "specversion"]), JSON)
def test_event_with_one_odd_field(name: str, value: Any) -> None:
    """A good event with one field of any value is read or refused."""
    headers = {"authorization": f"Bearer {sink_token()}"}
    with contextlib.suppress(NotificationRefused):
        notice = CONNECTOR.read_notification("/", headers, event(**{name: value}), NOW)
        assert notice.outcome.outcome is OutcomeClass.PENDING


@FEW
@given(st.text(max_size=120))
def test_authorization(text: str) -> None:
    """No text passes for a token that was not made with our key."""
    with pytest.raises(NotificationRefused):
        CONNECTOR.read_notification("/", {"authorization": f"Bearer {text}"}, event(), NOW)


@FEW
@given(OBJECTS, st.sampled_from([200, 400, 401, 500]))
def test_answers_beside_the_port(fields: dict[str, Any], status: int) -> None:
    """Tokens, statements and validations of any shape are read or refused."""
    body = json.dumps(fields).encode()
    with pytest.raises(TokenRefused):
        carrier().accept_token(HttpReply(status, {}, body), NOW)
    with contextlib.suppress(BillRefused):
        read_payments(reply(status, [fields]), NONCE, NOW)
    assert read_validation(reply(status, body), NONCE) in Validation


@FEW
@given(st.binary(max_size=300))
def test_json(body: bytes) -> None:
    """Any bytes are an object, a list or malformed."""
    for read in (read_record, lambda data: list(read_records(data, 3))):
        with contextlib.suppress(Malformed):
            read(body)


@pytest.mark.parametrize(
    "amount",
    [
        "1E999999",
        "1e-999999",
        "1E9999999999999999999",
        "9" * 5_000,
        "0." + "0" * 100 + "1",
        "1E30",
        "-0",
        "1e400",
    ],
)
def test_amounts_that_would_exhaust(amount: str) -> None:
    """A number of any size is refused before anybody reckons with it."""
    body = reply(201, payment("succeeded")).body.replace(b"12.5", amount.encode())
    assert CONNECTOR.parse(call(), reply(201, body)).outcome is OutcomeClass.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"9" * 9_999,
        b'{"a":1E9999999999999999999}',
        b'{"a":1E-9999999999999999999}',
    ],
)
def test_json_that_would_exhaust(body: bytes) -> None:
    """Depth and length that a reader could choke on are malformed."""
    with pytest.raises(Malformed):
        read_record(body)


@FEW
@given(st.sampled_from(sorted(CURRENCY_EXPONENTS)), st.integers(1, MINOR_UNITS_MAX))
def test_amounts_come_back(currency: str, minor_units: int) -> None:
    """Every amount is written and read without losing a unit."""
    money = Money(currency, minor_units)
    written = write_json({"amount": decimal_amount(money), "currency": currency})
    assert read_record(written).money() == money
