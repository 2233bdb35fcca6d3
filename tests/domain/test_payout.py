"""What a channel says about a withdrawal: the money goes out, comes back, or waits."""

from dataclasses import replace

import pytest

from gateway.domain.change import Aggregate
from gateway.domain.channel import AttemptKind, AttemptState, Outcome
from gateway.domain.decisions.opening import open_top_up, open_withdrawal
from gateway.domain.ids import parse_channel_number
from gateway.domain.payment import FailureReason, PaymentState, Purpose
from tests.domain.lives import (
    ABNORMAL,
    ACTING,
    CLOSED,
    DECLINED,
    DONE,
    HOUR,
    NOT_FOUND,
    NOT_SENT,
    OWNER_SERIAL,
    REFUSED,
    SILENT,
    WAITING,
    said,
    told,
    withdrawing,
)
from tests.domain.samples import START, id_maker, moment, transfer

S, A, F = PaymentState, AttemptState, FailureReason
NEW_ID = id_maker()

Written = tuple[PaymentState, AttemptState, int, FailureReason | None]
ENDS: dict[str, tuple[Outcome, Written]] = {
    "paid": (DONE, (S.SUCCEEDED, A.SUCCEEDED, 3_000, None)),
    "declined": (DECLINED, (S.FAILED, A.FAILED, 0, F.INSUFFICIENT_FUNDS)),
    "refused": (REFUSED, (S.FAILED, A.FAILED, 0, F.DECLINED)),
    "closed": (CLOSED, (S.FAILED, A.FAILED, 0, F.DECLINED)),
}
"""What is said; state, the attempt's state, what was paid out, and why it failed."""


@pytest.mark.parametrize("row", ENDS)
def test_a_definite_word_ends_a_withdrawal(row: str) -> None:
    """It was paid out or it failed, in one version, with what proves it, however late that is."""
    outcome, written = ENDS[row]
    before = withdrawing(NEW_ID)

    change = said(before, outcome, NEW_ID, after=HOUR)

    assert change
    payment, (attempt,) = change.payment, change.attempts
    reason = payment.failure.reason if payment.failure else None
    assert (payment.state, attempt.state, payment.captured, reason) == written
    assert payment.version == before.payment.version + 1
    assert (payment.capture_time is not None) is (payment.state is S.SUCCEEDED)
    assert (attempt.due_time, attempt.evidence) == (None, outcome.evidence)
    assert change.event.type == "CHANGED"
    assert change.event.payment == payment
    assert (change.operations, change.reviews) == ((), ())


def test_the_channels_number_is_kept() -> None:
    """A withdrawal that was paid out shows under which number the channel did it."""
    assert told(withdrawing(NEW_ID), DONE, NEW_ID).payment.channel_number == "ch-2"


def test_the_channels_number_is_kept_as_soon_as_it_is_told() -> None:
    """A number that comes with a pending answer is news once; the withdrawal runs on."""
    named = replace(WAITING, channel_number="ch-7")
    before = withdrawing(NEW_ID)

    after = told(before, named, NEW_ID)

    assert (after.payment.state, after.payment.channel_number) == (S.PROCESSING, "ch-7")
    assert after.attempts == before.attempts
    assert said(after, named, NEW_ID) is None


@pytest.mark.parametrize("outcome", [WAITING, ACTING, SILENT, NOT_FOUND, NOT_SENT, ABNORMAL])
def test_what_is_not_definite_changes_nothing(outcome: Outcome) -> None:
    """It was accepted and has to happen, so it runs on, even if nothing was sent yet."""
    assert said(withdrawing(NEW_ID), outcome, NEW_ID, after=HOUR) is None


@pytest.mark.parametrize("row", ENDS)
def test_an_end_is_final(row: str) -> None:
    """Whatever is said afterwards, the state stays, and the wallet is not moved again."""
    outcome, _ = ENDS[row]
    ended = told(withdrawing(NEW_ID), outcome, NEW_ID)

    for later in (DECLINED, REFUSED, CLOSED, WAITING, SILENT, NOT_SENT):
        assert said(ended, later, NEW_ID) is None
    again = said(ended, DONE, NEW_ID)
    assert (again is None) is (outcome is DONE)
    if again:
        assert again.payment.state is S.FAILED
        assert again.wallet_moves == ()


def test_a_late_payout_is_told_once() -> None:
    """The wallet has the money already, so a person must decide; told again it is no news."""
    failed = told(withdrawing(NEW_ID), DECLINED, NEW_ID)

    change = said(failed, DONE, NEW_ID)

    assert change
    (case,), (attempt,) = change.reviews, change.attempts
    assert (case.kind, case.subject) == ("LATE_SUCCESS", attempt.number)
    assert (case.owner_id, case.payment_id) == ("@p-1", failed.payment.payment_id)
    assert change.event.type == "LATE_SUCCESS"
    assert attempt.state is A.SUCCEEDED
    assert change.operations == ()
    assert said(told(failed, DONE, NEW_ID), DONE, NEW_ID) is None


def test_an_accepted_withdrawal_has_a_payout() -> None:
    """Its attempt names the wallet's owner, is about no charge but itself, and is leased."""
    wanted = transfer(NEW_ID, Purpose.WITHDRAWAL)
    now = moment(NEW_ID)

    change = open_withdrawal(wanted, OWNER_SERIAL, now, available=3_000)

    (attempt,) = change.attempts
    assert (attempt.kind, attempt.state, attempt.operation_id) == (AttemptKind.PAYOUT, A.OPEN, None)
    assert attempt.merchant_id == wanted.merchant_id == "@p-1"
    assert parse_channel_number(attempt.number) == (OWNER_SERIAL, attempt.attempt_id)
    assert change.payment == replace(wanted, attempt_number=attempt.number)
    assert (attempt.money, attempt.charge_number) == (wanted.amount, attempt.number)
    assert attempt.due_time == now.now + now.lease
    assert (change.event.type, change.event.payment) == ("CREATED", change.payment)


def test_a_withdrawal_that_is_not_covered_is_kept_as_failed() -> None:
    """Nothing leaves the wallet, and nobody is asked."""
    aggregate: Aggregate = withdrawing(NEW_ID, available=2_999)

    assert aggregate.payment.state is S.FAILED
    assert aggregate.payment.failure
    assert aggregate.payment.failure.reason is F.INSUFFICIENT_FUNDS
    assert aggregate.attempts == {}


def test_a_top_up_is_opened_like_any_payment() -> None:
    """It waits for its channel under a number of the wallet's owner, unless its time is over."""
    wanted = transfer(NEW_ID, Purpose.TOP_UP)

    change = open_top_up(wanted, OWNER_SERIAL, moment(NEW_ID))
    late = open_top_up(replace(wanted, expire_time=START), OWNER_SERIAL, moment(NEW_ID))

    (attempt,) = change.attempts
    assert (attempt.kind, change.payment.state) == (AttemptKind.CHARGE, S.PROCESSING)
    assert parse_channel_number(attempt.number) == (OWNER_SERIAL, attempt.attempt_id)
    assert (change.entries, change.wallet_moves) == ((), ())
    assert late.payment.failure
    assert late.payment.failure.reason is F.EXPIRED
    assert late.attempts == ()
