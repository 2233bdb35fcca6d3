"""The digest proves what a receipt states: every field of it counts, and nothing else does."""

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from gateway.domain.digest import DIGEST_VERSION, state_digest
from gateway.domain.fees import FeeTerms
from gateway.domain.money import Money
from gateway.domain.payment import (
    CaptureMode,
    Failure,
    FailureReason,
    Payer,
    Payment,
    PaymentMethod,
    PaymentState,
    Purpose,
    Scene,
)
from tests.domain.lives import QR
from tests.domain.samples import START, id_maker, payment

COVERED: dict[str, list[Any]] = {
    "merchant_id": ["m_2"],
    "payment_id": [UUID(int=9)],
    "version": [2],
    "order_id": ["o-2", ""],
    "payer": [Payer("p-2")],
    "amount": [Money("CNY", 3_001), Money("USD", 3_000)],
    "captured": [1],
    "refunded": [1],
    "fee_millionths": [1],
    "fee_returned_millionths": [1],
    "state": [state for state in PaymentState if state is not PaymentState.PROCESSING],
    "failure": [Failure(FailureReason.DECLINED, ""), Failure(FailureReason.EXPIRED, "")],
    "method": [PaymentMethod("other")],
    "attempt_number": ["1"],
    "channel_number": ["1"],
    "create_time": [START + timedelta.resolution],
    "purpose": [Purpose.TOP_UP, Purpose.WITHDRAWAL],
}
NOT_COVERED: dict[str, Any] = {
    "idempotency_key": "key-2",
    "capture_mode": CaptureMode.MANUAL,
    "scene": Scene.APP,
    "description": "Tea",
    "attributes": {"a": "b"},
    "update_time": START + timedelta(days=1),
    "expire_time": START + timedelta(days=1),
    "one_per_order": True,
    "fee_terms": FeeTerms(1),
    "next_action": QR,
    "authorize_time": START,
    "capture_time": START,
    "capture_before_time": START,
    "funding_source": "PCREDIT",
    "caller_id": "shop",
}


def _sample(**changes: Any) -> Payment:
    return payment(id_maker(), **changes)


def test_every_field_is_named_here() -> None:
    """A field that joins the payment has to be covered or left out on purpose."""
    assert {item.name for item in fields(Payment)} == COVERED.keys() | NOT_COVERED.keys()


def test_whatever_a_receipt_states_counts() -> None:
    """Any other value of any field that is covered gives another digest."""
    values = [(name, value) for name, row in COVERED.items() for value in row]
    digests = {state_digest(_sample(**{name: value})) for name, value in values}

    assert len(digests | {state_digest(_sample())}) == len(values) + 1


def test_nothing_else_counts() -> None:
    """What a receipt does not state may change without changing its proof."""
    assert state_digest(_sample(**NOT_COVERED)) == state_digest(_sample())


def test_context_and_words_do_not_count() -> None:
    """Of payer, method and failure only what identifies them is stated."""
    one = _sample(failure=Failure(FailureReason.DECLINED, "One.", "1"))
    other = replace(
        one,
        payer=Payer("p-1", "device", "203.0.113.1", "CN"),
        method=PaymentMethod("sandbox", {"a": 1}),
        failure=Failure(FailureReason.DECLINED, "Other.", "2"),
    )

    assert state_digest(one) == state_digest(other)


def test_version_one_stays_as_it_is() -> None:
    """Digests kept with events of years ago are still what that state digests to."""
    assert DIGEST_VERSION == 1
    pinned = "f380b902637c353d7484d2ee565204393b5b0bc7b2a64ee0ad11156b877b4e0c"
    assert state_digest(_sample()).hex() == pinned
