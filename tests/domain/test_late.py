"""Late: what comes for a payment that is over changes no state, goes back once, and is told."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.domain.change import Aggregate
from gateway.domain.channel import AttemptKind, AttemptState, Outcome
from gateway.domain.operation import Operation, OperationKind, OperationState
from gateway.domain.payment import PaymentState
from tests.domain.lives import (
    CLOSED,
    DECLINED,
    DONE,
    HELD,
    HOUR,
    PAID,
    SILENT,
    WAITING,
    attempt_for,
    canceling,
    capturing,
    charge_of,
    in_state,
    latest,
    of_kind,
    refunding,
    said,
    told,
)
from tests.domain.samples import applied, id_maker, moment

S = PaymentState
NEW_ID = id_maker()
OVER = [S.FAILED, S.CANCELED, S.EXPIRED]
KINDS = [
    (PAID, OperationKind.RETURN, AttemptKind.REFUND),
    (HELD, OperationKind.RELEASE, AttemptKind.CANCEL),
]


@pytest.mark.parametrize(("outcome", "kind", "asked"), KINDS)
@pytest.mark.parametrize("state", OVER)
def test_what_came_late_goes_back(
    state: PaymentState, outcome: Outcome, kind: OperationKind, asked: AttemptKind
) -> None:
    """Money is returned and a hold released, at once, under a number of its own."""
    aggregate = in_state(state, NEW_ID)

    change = said(aggregate, outcome, NEW_ID)

    assert change
    (operation,), (attempt,) = change.operations, change.attempts[-1:]
    assert change.payment == replace(
        aggregate.payment,
        version=aggregate.payment.version + 1,
        update_time=moment(NEW_ID).now,
        channel_number="ch-1",
    )
    assert (operation.kind, operation.state) == (kind, OperationState.PROCESSING)
    assert operation.amount == attempt.money == aggregate.payment.amount
    assert operation.idempotency_key == ""
    assert (attempt.kind, attempt.due_time) == (asked, moment(NEW_ID).now)
    assert attempt.number == operation.attempt_number != aggregate.payment.attempt_number
    assert attempt.charge_number == aggregate.payment.attempt_number


@pytest.mark.parametrize(("outcome", "kind", "asked"), KINDS)
@pytest.mark.parametrize("state", OVER)
def test_a_person_is_told(
    state: PaymentState, outcome: Outcome, kind: OperationKind, asked: AttemptKind
) -> None:
    """A review case says what came and when, and the event is no change of state."""
    aggregate = in_state(state, NEW_ID)

    change = said(aggregate, outcome, NEW_ID)

    assert change
    (case,) = change.reviews
    assert (case.kind, case.subject) == ("LATE_SUCCESS", aggregate.payment.attempt_number)
    assert case.payment_id == aggregate.payment.payment_id
    assert str(state) in case.detail
    assert change.event.type == "LATE_SUCCESS"
    assert change.event.payment.state is state
    assert kind in {operation.kind for operation in change.operations}
    assert asked in {attempt.kind for attempt in change.attempts}


@pytest.mark.parametrize("ending", [None, DONE, DECLINED])
@pytest.mark.parametrize(("outcome", "kind", "asked"), KINDS)
def test_it_goes_back_once(
    outcome: Outcome, kind: OperationKind, asked: AttemptKind, ending: Outcome | None
) -> None:
    """Told again, it is no news, whether what gives it back runs, is done or was refused."""
    aggregate = told(in_state(S.FAILED, NEW_ID), outcome, NEW_ID)
    if ending:
        aggregate = told(aggregate, ending, NEW_ID, latest(aggregate))

    assert said(aggregate, outcome, NEW_ID) is None
    assert [item.kind for item in of_kind(aggregate, kind)] == [kind]
    assert len([item for item in aggregate.attempts.values() if item.kind == asked]) == 1


def test_a_refused_return_stays_with_nobody() -> None:
    """A person has to decide about late money that the channel does not take back."""
    aggregate = told(in_state(S.FAILED, NEW_ID), PAID, NEW_ID)

    change = said(aggregate, DECLINED, NEW_ID, latest(aggregate))

    assert change
    assert [case.kind for case in change.reviews] == ["RETURN_REFUSED"]
    assert [entry.event for entry in change.entries] == ["return_failed"]
    assert change.payment.state is S.FAILED


def _canceled_hold() -> Aggregate:
    running = canceling(in_state(S.AUTHORIZED, NEW_ID), NEW_ID)
    return told(running, DONE, NEW_ID, latest(running))


def _ended_hold() -> Aggregate:
    return told(in_state(S.AUTHORIZED, NEW_ID), CLOSED, NEW_ID, after=HOUR)


@pytest.mark.parametrize("before", [_canceled_hold, _ended_hold])
def test_a_hold_that_was_known_is_not_late(before: Callable[[], Aggregate]) -> None:
    """The success of an authorisation, told again after its end, is an old one, not a late one."""
    aggregate = before()
    assert charge_of(aggregate).state is AttemptState.SUCCEEDED

    assert said(aggregate, HELD, NEW_ID) is None


@pytest.mark.parametrize("before", [_canceled_hold, _ended_hold])
def test_money_after_a_hold_had_ended_is_late(before: Callable[[], Aggregate]) -> None:
    """Money that was taken although the hold had ended goes back like any other."""
    change = said(before(), PAID, NEW_ID)

    assert change
    assert [item.kind for item in change.operations] == [OperationKind.RETURN]


def _refused(running: Aggregate) -> tuple[Aggregate, Operation]:
    """What is after the channel refused an operation, and the operation."""
    operation = latest(running)
    return told(running, DECLINED, NEW_ID, operation), operation


def test_a_capture_that_succeeded_after_all_goes_back() -> None:
    """Its amount is returned at once, a person is told, and what had ended stays so."""
    running = capturing(in_state(S.AUTHORIZED, NEW_ID), NEW_ID, 1_000)
    aggregate, capture = _refused(running)

    change = said(aggregate, DONE, NEW_ID, capture)

    assert change
    (known, operation), (case,) = change.operations, change.reviews
    assert known == replace(
        capture, state=known.state, failure=DECLINED.failure, channel_number="ch-2"
    )
    assert (operation.kind, operation.amount) == (OperationKind.RETURN, capture.amount)
    assert (case.kind, case.subject) == ("LATE_SUCCESS", capture.attempt_number)
    assert (change.payment.state, change.payment.captured) == (S.AUTHORIZED, 0)
    after = applied(aggregate, change)
    attempt = attempt_for(after, operation)
    assert (attempt.kind, attempt.due_time) == (AttemptKind.REFUND, moment(NEW_ID).now)
    assert attempt.money == capture.amount
    assert after.operations[capture.operation_id].state is OperationState.FAILED
    assert change.event.type == "LATE_SUCCESS"


@pytest.mark.parametrize("kind", [OperationKind.REFUND, OperationKind.RETURN])
def test_money_that_was_given_back_after_all_is_told(kind: OperationKind) -> None:
    """A refund or return that succeeded after its refusal is booked, and a person is told."""
    given = kind is OperationKind.RETURN
    running = (
        told(in_state(S.FAILED, NEW_ID), PAID, NEW_ID)
        if given
        else refunding(in_state(S.SUCCEEDED, NEW_ID), NEW_ID, 1_000)
    )
    aggregate, operation = _refused(running)

    change = said(aggregate, DONE, NEW_ID, operation)

    assert change
    assert change.operations == ()
    assert [case.kind for case in change.reviews] == ["LATE_SUCCESS"]
    assert [entry.event for entry in change.entries] == ["late_refund"]
    assert change.payment.refunded == 0


def test_a_cancel_that_undid_a_booked_charge_is_told_once() -> None:
    """That the channel reversed what is booked as paid moves no money; a person decides, once."""
    running = canceling(in_state(S.PROCESSING, NEW_ID), NEW_ID)
    cancel = latest(running)
    after = told(running, PAID, NEW_ID)

    change = said(after, DONE, NEW_ID, cancel)

    assert change
    (case,) = change.reviews
    assert (case.kind, case.subject) == ("MISMATCH", cancel.attempt_number)
    assert "reversed" in case.detail
    assert (change.payment.state, change.operations, change.entries) == (S.SUCCEEDED, (), ())
    assert said(applied(after, change), DONE, NEW_ID, cancel) is None


@pytest.mark.parametrize("outcome", [DECLINED, WAITING, SILENT])
def test_a_cancel_that_ended_with_its_charge_is_over(outcome: Outcome) -> None:
    """Whatever else the channel says of the cancel after the charge was paid is no news."""
    running = canceling(in_state(S.PROCESSING, NEW_ID), NEW_ID)
    after = told(running, PAID, NEW_ID)

    assert said(after, outcome, NEW_ID, latest(running)) is None


def test_a_cancel_that_succeeds_after_the_charge_had_failed_is_no_news() -> None:
    """Nothing was booked, so nothing disagrees."""
    running = canceling(in_state(S.PROCESSING, NEW_ID), NEW_ID)
    after = told(running, DECLINED, NEW_ID)

    assert said(after, DONE, NEW_ID, latest(running)) is None
