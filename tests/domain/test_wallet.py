"""Payments from a wallet and what is done to them: accepted and done in one version, one event."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.change import Aggregate, Change
from gateway.domain.decisions.accept import accept_cancel, accept_capture, accept_refund
from gateway.domain.decisions.wallet import pay_from_wallet
from gateway.domain.digest import state_digest
from gateway.domain.errors import Reason, Refused
from gateway.domain.fees import MILLION, FeeTerms
from gateway.domain.merchant import PaymentLimit, RefundPolicy
from gateway.domain.money import Money
from gateway.domain.operation import OperationKind, OperationState
from gateway.domain.payment import CaptureMode, FailureReason, PaymentState
from tests.domain.lives import capturing, held, latest, refunding, releasing, spent
from tests.domain.samples import (
    LIFETIME,
    START,
    applied,
    ask,
    funded,
    id_maker,
    merchant,
    moment,
    wallet_payment,
)

S, F, Op = PaymentState, FailureReason, OperationState
NEW_ID = id_maker()
LIMIT = PaymentLimit("CNY", minimum=100, maximum=5_000)


def cny(minor_units: int) -> Money:
    return Money("CNY", minor_units)


FUNDS: dict[str, tuple[dict[str, Any], int, FailureReason | None]] = {
    "more than enough": ({}, 10**12, None),
    "exactly enough": ({}, 3_000, None),
    "one too little": ({}, 2_999, F.INSUFFICIENT_FUNDS),
    "nothing": ({}, 0, F.INSUFFICIENT_FUNDS),
    "one of nothing": ({"amount": cny(100)}, 0, F.INSUFFICIENT_FUNDS),
    "below the minimum": ({"amount": cny(99)}, 9_000, F.LIMIT_EXCEEDED),
    "above the maximum": ({"amount": cny(5_001)}, 9_000, F.LIMIT_EXCEEDED),
    "above the maximum and the funds": ({"amount": cny(5_001)}, 0, F.LIMIT_EXCEEDED),
    "expired": ({"expire_time": START}, 9_000, F.EXPIRED),
    "expired and too little": ({"expire_time": START}, 0, F.EXPIRED),
}
"""What is asked, what is available, and why it fails; None where it does not."""


@pytest.mark.parametrize("mode", CaptureMode)
@pytest.mark.parametrize("row", FUNDS)
def test_time_limits_and_funds_decide(row: str, mode: CaptureMode) -> None:
    """A payment from a wallet succeeds or is held at once, or is kept as FAILED with its reason."""
    fields, available, reason = FUNDS[row]
    wanted = wallet_payment(NEW_ID, capture_mode=mode, **fields)
    limited = merchant(payment_limits=(LIMIT,))

    change = pay_from_wallet(wanted, limited, moment(NEW_ID), available)

    done = S.AUTHORIZED if mode is CaptureMode.MANUAL else S.SUCCEEDED
    assert change.payment.state is (S.FAILED if reason else done)
    assert (change.payment.failure.reason if change.payment.failure else None) is reason
    assert bool(change.entries) is bool(change.wallet_moves) is (reason is None)
    assert change.attempts == change.operations == change.reviews == ()


@pytest.mark.parametrize("available", [0, 5_000])
@pytest.mark.parametrize("mode", CaptureMode)
def test_a_payment_begins_as_it_ends(mode: CaptureMode, available: int) -> None:
    """Its first version is its last word: one event shows it, with the digest of that."""
    wanted = wallet_payment(NEW_ID, capture_mode=mode)

    change = pay_from_wallet(wanted, merchant(), moment(NEW_ID), available)

    assert change.payment.version == 1
    assert change.payment.attempt_number == ""
    assert change.event.type == "CREATED"
    assert change.event.payment == change.payment
    assert change.event.digest == state_digest(change.payment)


def test_what_is_paid_is_captured_with_its_fee() -> None:
    """A paid payment knows its whole amount, its exact fee and when it was taken."""
    payment = spent(NEW_ID).payment

    assert (payment.captured, payment.refunded) == (3_000, 0)
    assert payment.fee_millionths == 18 * MILLION
    assert payment.capture_time == START
    assert spent(NEW_ID, fee_terms=None).payment.fee_millionths == 0


def test_what_is_held_can_be_captured_for_its_lifetime() -> None:
    """A hold costs nothing yet, and knows since when and until when it is one."""
    payment = held(NEW_ID).payment

    assert (payment.captured, payment.fee_millionths, payment.capture_time) == (0, 0, None)
    assert (payment.authorize_time, payment.capture_before_time) == (START, START + LIFETIME)


def _capture(aggregate: Aggregate, amount: int | None = None, **fields: Any) -> Change:
    return accept_capture(aggregate, ask(NEW_ID, amount, **fields), moment(NEW_ID))


def _cancel(aggregate: Aggregate) -> Change:
    return accept_cancel(aggregate, ask(NEW_ID), moment(NEW_ID))


def _refund(aggregate: Aggregate, amount: int | None = None, balance: int = 9_000) -> Change:
    asked = ask(NEW_ID, amount)
    return accept_refund(funded(aggregate, balance), asked, RefundPolicy.REFUSE, moment(NEW_ID))


def _release(aggregate: Aggregate) -> Change:
    change = releasing(aggregate, NEW_ID)
    assert change
    return change


def _partly() -> Aggregate:
    return capturing(held(NEW_ID), NEW_ID, 1_000)


Row = tuple[Callable[[], Aggregate], Callable[[Aggregate], Change], PaymentState, int, int, str]
DONE_AT_ONCE: dict[str, Row] = {
    "capture": (lambda: held(NEW_ID), _capture, S.SUCCEEDED, 3_000, 0, "CAPTURE_ENDED"),
    "part": (
        lambda: held(NEW_ID),
        lambda it: _capture(it, 1_000),
        S.AUTHORIZED,
        1_000,
        0,
        "CAPTURE_ENDED",
    ),
    "rest": (_partly, _capture, S.SUCCEEDED, 3_000, 0, "CAPTURE_ENDED"),
    "last": (
        _partly,
        lambda it: _capture(it, 500, final=True),
        S.SUCCEEDED,
        1_500,
        0,
        "CAPTURE_ENDED",
    ),
    "cancel": (lambda: held(NEW_ID), _cancel, S.CANCELED, 0, 0, "CANCEL_ENDED"),
    "release": (lambda: held(NEW_ID), _release, S.EXPIRED, 0, 0, "CHANGED"),
    "rest's release": (_partly, _release, S.SUCCEEDED, 1_000, 0, "CHANGED"),
    "refund": (lambda: spent(NEW_ID), _refund, S.SUCCEEDED, 3_000, 3_000, "REFUND_ENDED"),
    "part's refund": (
        lambda: spent(NEW_ID),
        lambda it: _refund(it, 1_000),
        S.SUCCEEDED,
        3_000,
        1_000,
        "REFUND_ENDED",
    ),
}
"""What there is, what is asked; state, captured, refunded and event after it."""


@pytest.mark.parametrize("row", DONE_AT_ONCE)
def test_an_operation_is_done_at_once(row: str) -> None:
    """It has succeeded in the change that accepts it, and leaves nothing to ask anybody about."""
    before, decide, *after = DONE_AT_ONCE[row]
    aggregate = before()

    change = decide(aggregate)

    payment, (operation,) = change.payment, change.operations
    assert [payment.state, payment.captured, payment.refunded, change.event.type] == after
    assert payment.version == aggregate.payment.version + 1
    assert change.event.payment == payment
    assert change.event.digest == state_digest(payment)
    assert (operation.state, operation.failure, operation.attempt_number) == (
        Op.SUCCEEDED,
        None,
        "",
    )
    assert change.attempts == change.reviews == ()
    assert applied(aggregate, change).running_exclusive is None
    assert change.event.operation_id == (operation.operation_id if operation.keyed else None)


REFUSED: dict[str, tuple[Callable[[], Change], FailureReason]] = {
    "capture of too much": (lambda: _capture(held(NEW_ID), 3_001), F.CAPTURE_EXCEEDS_AUTHORIZED),
    "capture of too much of the rest": (
        lambda: _capture(_partly(), 2_001),
        F.CAPTURE_EXCEEDS_AUTHORIZED,
    ),
    "capture after its time": (
        lambda: accept_capture(held(NEW_ID), ask(NEW_ID), moment(NEW_ID, LIFETIME)),
        F.AUTHORIZATION_EXPIRED,
    ),
    "refund of too much": (lambda: _refund(spent(NEW_ID), 3_001), F.REFUND_EXCEEDS_CAPTURED),
    "refund of too much of the rest": (
        lambda: _refund(refunding(spent(NEW_ID), NEW_ID, 1_000), 2_001),
        F.REFUND_EXCEEDS_CAPTURED,
    ),
    "refund above the balance": (
        lambda: _refund(spent(NEW_ID), 501, balance=500),
        F.INSUFFICIENT_MERCHANT_BALANCE,
    ),
}


@pytest.mark.parametrize("row", REFUSED)
def test_a_refused_operation_moves_nothing(row: str) -> None:
    """The rules are those of every payment: it is kept as FAILED, and the wallet stays as it is."""
    decide, reason = REFUSED[row]

    change = decide()

    (operation,) = change.operations
    assert operation.state is Op.FAILED
    assert operation.failure
    assert operation.failure.reason is reason
    assert change.entries == change.wallet_moves == change.attempts == ()


@pytest.mark.parametrize("verb", [_capture, _cancel, _refund])
def test_what_failed_allows_nothing(verb: Callable[[Aggregate], Change]) -> None:
    """A payment that the wallet did not cover refuses every operation for good."""
    with pytest.raises(Refused) as refused:
        verb(spent(NEW_ID, available=0))

    assert (refused.value.reason, refused.value.key_bound) == (Reason.ILLEGAL_TRANSITION, True)


def test_what_was_captured_in_part_is_not_canceled() -> None:
    """After a first capture the rest goes back by a last capture or by time, not by a cancel."""
    with pytest.raises(Refused) as refused:
        _cancel(_partly())

    assert refused.value.reason is Reason.ILLEGAL_TRANSITION


def test_a_hold_is_released_once_its_time_has_passed() -> None:
    """A moment earlier there is nothing to do; afterwards there is nothing left to do."""
    aggregate = held(NEW_ID)
    early = moment(NEW_ID, LIFETIME - timedelta.resolution)
    assert aggregate.payment.capture_before_time
    assert aggregate.payment.capture_before_time > early.now

    released = applied(aggregate, _release(aggregate))

    assert latest(released).kind is OperationKind.RELEASE
    assert latest(released).amount == cny(3_000)
    assert releasing(released, NEW_ID) is None
    assert releasing(spent(NEW_ID), NEW_ID) is None


def test_refunds_return_fees_as_for_every_payment() -> None:
    """Each refund gives back its exact share of the fee."""
    terms = FeeTerms(rate_millionths=6_000, returned_on_refund=True)
    aggregate = spent(NEW_ID, fee_terms=terms)
    given_back = []
    for amount in (1_000, 2_000):
        aggregate = refunding(aggregate, NEW_ID, amount)
        given_back.append(aggregate.payment.fee_returned_millionths)

    assert given_back == [6 * MILLION, 18 * MILLION]
