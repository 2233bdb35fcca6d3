"""Opening: a new payment is accepted with an attempt at its channel, or kept as FAILED."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.channel import AttemptKind, AttemptState
from gateway.domain.decisions.opening import open_payment
from gateway.domain.digest import state_digest
from gateway.domain.ids import parse_channel_number
from gateway.domain.merchant import PaymentLimit
from gateway.domain.money import Money
from gateway.domain.payment import FailureReason, PaymentState
from tests.domain.samples import START, id_maker, merchant, moment, payment

NEW_ID = id_maker()
NOW = moment(NEW_ID)


def test_an_accepted_payment_has_an_attempt() -> None:
    """It is PROCESSING, and its attempt has a number that names merchant and attempt."""
    wanted = payment(NEW_ID)

    change = open_payment(wanted, merchant(), NOW)

    (attempt,) = change.attempts
    assert change.payment.state is PaymentState.PROCESSING
    assert change.payment.attempt_number == attempt.number == attempt.charge_number
    assert parse_channel_number(attempt.number) == (merchant().serial, attempt.attempt_id)
    assert (attempt.kind, attempt.state) == (AttemptKind.CHARGE, AttemptState.OPEN)
    assert (attempt.money, attempt.channel) == (wanted.amount, "sandbox")
    assert attempt.operation_id is None
    assert attempt.due_time == NOW.now + NOW.lease
    assert (change.entries, change.operations, change.reviews) == ((), (), ())


def test_a_payment_begins_with_its_first_event() -> None:
    """The event holds the payment as it was opened, at version one, with the digest of that."""
    change = open_payment(payment(NEW_ID), merchant(), NOW)

    assert change.payment.version == 1
    assert change.event.type == "CREATED"
    assert change.event.payment == change.payment
    assert change.event.digest == state_digest(change.payment)
    assert change.event.operation_id is None


LIMIT = PaymentLimit("CNY", minimum=100, maximum=5_000)
REFUSALS: dict[str, tuple[dict[str, Any], FailureReason | None]] = {
    "below the minimum": ({"amount": Money("CNY", 99)}, FailureReason.LIMIT_EXCEEDED),
    "the minimum": ({"amount": Money("CNY", 100)}, None),
    "the maximum": ({"amount": Money("CNY", 5_000)}, None),
    "above the maximum": ({"amount": Money("CNY", 5_001)}, FailureReason.LIMIT_EXCEEDED),
    "another currency": ({"amount": Money("USD", 5_001)}, None),
    "a moment left": ({"expire_time": START + timedelta.resolution}, None),
    "expired now": ({"expire_time": START}, FailureReason.EXPIRED),
    "expired before": ({"expire_time": START - timedelta(days=1)}, FailureReason.EXPIRED),
    "expired and too much": (
        {"expire_time": START, "amount": Money("CNY", 5_001)},
        FailureReason.EXPIRED,
    ),
}


@pytest.mark.parametrize("row", REFUSALS)
def test_time_and_limits_decide(row: str) -> None:
    """A payment out of time or limits is kept as FAILED with its reason, and nothing is sent."""
    fields, reason = REFUSALS[row]

    change = open_payment(payment(NEW_ID, **fields), merchant(payment_limits=(LIMIT,)), NOW)

    failure = change.payment.failure
    assert (failure.reason if failure else None) is reason
    assert (change.payment.state is PaymentState.FAILED) is (reason is not None)
    assert (change.attempts == ()) is (reason is not None)
    assert change.event.payment == change.payment


@pytest.mark.parametrize(
    ("limit", "amount", "allowed"),
    [
        (PaymentLimit("CNY"), 10**12, True),
        (PaymentLimit("CNY", minimum=5), 4, False),
        (PaymentLimit("CNY", maximum=5), 6, False),
        (PaymentLimit("USD", maximum=5), 6, True),
    ],
)
def test_a_limit_of_zero_is_none(limit: PaymentLimit, amount: int, *, allowed: bool) -> None:
    """Zero bounds nothing, and a limit in one currency says nothing about another."""
    assert merchant(payment_limits=(limit,)).allows_amount("CNY", amount) is allowed
