"""What a channel says about a capture, cancel, release, refund or return, and what it may say."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.domain.change import Aggregate, ReviewKind
from gateway.domain.channel import Attempt, AttemptState, Outcome
from gateway.domain.decisions.accept import release_authorization
from gateway.domain.decisions.conclude import disagreement
from gateway.domain.decisions.late import gateway_operation
from gateway.domain.fees import MILLION, FeeTerms
from gateway.domain.money import Money
from gateway.domain.operation import Operation, OperationKind, OperationState
from gateway.domain.payment import FailureReason, PaymentState
from tests.domain.lives import (
    ABNORMAL,
    ACTING,
    CLOSED,
    DECLINED,
    DONE,
    HELD,
    NOT_FOUND,
    NOT_SENT,
    PAID,
    REFUSED,
    SILENT,
    TOO_LITTLE,
    WAITING,
    attempt_for,
    canceling,
    capturing,
    charge_of,
    in_state,
    latest,
    refunding,
    said,
    told,
)
from tests.domain.samples import LIFETIME, applied, id_maker, moment

S, Op, A = PaymentState, OperationState, AttemptState
NEW_ID = id_maker()


def releasing(aggregate: Aggregate) -> Aggregate:
    """A hold that a worker lets go because its time is over."""
    now = moment(NEW_ID, LIFETIME)
    operation = gateway_operation(aggregate.payment, OperationKind.RELEASE, now)
    change = release_authorization(aggregate, operation, now)
    assert change
    return applied(aggregate, change)


def part_captured() -> Aggregate:
    """A hold of which a part was captured."""
    running = capturing(in_state(S.AUTHORIZED, NEW_ID), NEW_ID, 1_000)
    return told(running, DONE, NEW_ID, latest(running))


RUNNING: dict[str, Callable[[], Aggregate]] = {
    "capture": lambda: capturing(in_state(S.AUTHORIZED, NEW_ID), NEW_ID),
    "part": lambda: capturing(in_state(S.AUTHORIZED, NEW_ID), NEW_ID, 1_000),
    "rest": lambda: capturing(part_captured(), NEW_ID),
    "cancel": lambda: canceling(in_state(S.AUTHORIZED, NEW_ID), NEW_ID),
    "early cancel": lambda: canceling(in_state(S.REQUIRES_ACTION, NEW_ID), NEW_ID),
    "release": lambda: releasing(in_state(S.AUTHORIZED, NEW_ID)),
    "rest's release": lambda: releasing(part_captured()),
    "late release": lambda: told(in_state(S.FAILED, NEW_ID), HELD, NEW_ID),
    "refund": lambda: refunding(in_state(S.SUCCEEDED, NEW_ID), NEW_ID, 1_000),
    "return": lambda: told(in_state(S.FAILED, NEW_ID), PAID, NEW_ID),
}
"""Every operation that can run, by a name."""

DONE_WELL: dict[str, tuple[PaymentState, int, int, tuple[str, ...], str]] = {
    "capture": (S.SUCCEEDED, 3_000, 0, ("payment_captured",), "CAPTURE_ENDED"),
    "part": (S.AUTHORIZED, 1_000, 0, ("payment_captured",), "CAPTURE_ENDED"),
    "rest": (S.SUCCEEDED, 3_000, 0, ("payment_captured",), "CAPTURE_ENDED"),
    "cancel": (S.CANCELED, 0, 0, (), "CANCEL_ENDED"),
    "early cancel": (S.CANCELED, 0, 0, (), "CANCEL_ENDED"),
    "release": (S.EXPIRED, 0, 0, (), "CHANGED"),
    "rest's release": (S.SUCCEEDED, 1_000, 0, (), "CHANGED"),
    "late release": (S.FAILED, 0, 0, (), "CHANGED"),
    "refund": (S.SUCCEEDED, 3_000, 1_000, ("refund_succeeded",), "REFUND_ENDED"),
    "return": (S.FAILED, 0, 0, ("return_succeeded",), "CHANGED"),
}
"""State, captured, refunded, entries and event after a success."""

DONE_ILL: dict[str, tuple[PaymentState, int, int, tuple[str, ...], str]] = {
    "capture": (S.AUTHORIZED, 0, 0, (), "CAPTURE_ENDED"),
    "part": (S.AUTHORIZED, 0, 0, (), "CAPTURE_ENDED"),
    "rest": (S.AUTHORIZED, 1_000, 0, (), "CAPTURE_ENDED"),
    "cancel": (S.AUTHORIZED, 0, 0, (), "CANCEL_ENDED"),
    "early cancel": (S.REQUIRES_ACTION, 0, 0, (), "CANCEL_ENDED"),
    "release": (S.AUTHORIZED, 0, 0, (), "CHANGED"),
    "rest's release": (S.AUTHORIZED, 1_000, 0, (), "CHANGED"),
    "late release": (S.FAILED, 0, 0, (), "CHANGED"),
    "refund": (S.SUCCEEDED, 3_000, 0, ("refund_failed",), "REFUND_ENDED"),
    "return": (S.FAILED, 0, 0, ("return_failed",), "CHANGED"),
}
"""The same after a definite refusal."""


def _check(
    name: str, outcome: Outcome, row: tuple[PaymentState, int, int, tuple[str, ...], str]
) -> Operation:
    before = RUNNING[name]()
    change = said(before, outcome, NEW_ID, latest(before))
    assert change
    payment = change.payment
    entries = tuple(entry.event for entry in change.entries)
    result = (payment.state, payment.captured, payment.refunded, entries, change.event.type.value)
    assert result == row
    assert payment.version == before.payment.version + 1
    (operation,) = change.operations
    keyed = bool(operation.idempotency_key)
    assert change.event.operation_id == (operation.operation_id if keyed else None)
    return operation


@pytest.mark.parametrize("name", RUNNING)
def test_what_a_success_means(name: str) -> None:
    """An operation that was done has succeeded, moves the payment and is booked, by its kind."""
    operation = _check(name, DONE, DONE_WELL[name])

    assert (operation.state, operation.failure) == (Op.SUCCEEDED, None)
    assert operation.channel_number == "ch-2"


@pytest.mark.parametrize("name", RUNNING)
def test_what_a_refusal_means(name: str) -> None:
    """An operation that was refused has failed, always for a reason, and undoes itself."""
    operation, bare = (_check(name, outcome, DONE_ILL[name]) for outcome in (DECLINED, REFUSED))

    assert (operation.state, operation.failure) == (Op.FAILED, TOO_LITTLE)
    assert bare.failure
    assert bare.failure.reason is FailureReason.DECLINED


LATE = {
    OperationKind.CAPTURE: [("channel_receivable", "suspense"), ("suspense", "refund_in_transit")],
    OperationKind.REFUND: [("suspense", "channel_receivable")],
    OperationKind.RETURN: [("suspense", "channel_receivable")],
}


def test_what_is_not_definite_changes_nothing() -> None:
    """An operation runs on until the channel has said what became of it, even if unsent."""
    for running in RUNNING.values():
        before = running()
        for outcome in (WAITING, ACTING, SILENT, NOT_FOUND, NOT_SENT):
            assert said(before, outcome, NEW_ID, latest(before)) is None


def test_the_number_of_what_runs_is_kept_as_soon_as_it_is_told() -> None:
    """A number that comes with a pending answer is news once; the operation runs on."""
    named = replace(WAITING, channel_number="ch-7")
    for name, running in RUNNING.items():
        before = running()
        change = said(before, named, NEW_ID, latest(before))
        assert change
        after = applied(before, change)
        now = latest(after).update_time
        assert latest(after) == replace(latest(before), channel_number="ch-7", update_time=now)
        assert (change.payment.state, change.entries) == (before.payment.state, ()), name
        assert said(after, named, NEW_ID, latest(after)) is None
        ended = told(after, replace(DONE, channel_number=""), NEW_ID, latest(after))
        assert ended.operations[latest(after).operation_id].channel_number == "ch-7"


@pytest.mark.parametrize("end", [DONE, DECLINED], ids=["done", "declined"])
@pytest.mark.parametrize("name", RUNNING)
def test_an_end_is_final(name: str, end: Outcome) -> None:
    """Once an operation has ended nothing that is said about it changes its state."""
    before = RUNNING[name]()
    operation = latest(before)
    after = told(before, end, NEW_ID, operation)

    for outcome in (DONE, DECLINED, REFUSED, ABNORMAL, WAITING):
        change = said(after, outcome, NEW_ID, operation)
        late = (outcome, end) == (DONE, DECLINED) and operation.kind in LATE
        assert (change is not None) == late
        ended = after.operations[operation.operation_id]
        after_all = applied(after, change) if change else after
        number = after_all.operations[operation.operation_id].channel_number
        assert number in ((ended.channel_number, "ch-2") if late else (ended.channel_number,))
        assert after_all.operations[operation.operation_id] == replace(ended, channel_number=number)


@pytest.mark.parametrize("name", RUNNING)
def test_money_that_moved_after_a_failure_is_booked_once(name: str) -> None:
    """A success after a definite refusal is booked to suspense and shown to a person, once."""
    before = RUNNING[name]()
    operation = latest(before)
    failed = told(before, DECLINED, NEW_ID, operation)
    change = said(failed, DONE, NEW_ID, operation)
    if operation.kind not in LATE:
        assert change is None
        return
    assert change is not None

    pairs = [(t.debit.code, t.credit.code) for e in change.entries for t in e.transfers]
    assert pairs == LATE[operation.kind]
    assert [case.kind for case in change.reviews] == [ReviewKind.LATE_SUCCESS]
    assert change.payment.state is failed.payment.state
    assert said(applied(failed, change), DONE, NEW_ID, operation) is None


@pytest.mark.parametrize(
    ("outcome", "state"), [(DONE, A.SUCCEEDED), (DECLINED, A.FAILED)], ids=["done", "declined"]
)
def test_the_attempt_ends_with_its_operation(outcome: Outcome, state: AttemptState) -> None:
    """The attempt is closed, is due no more, and keeps what proves it."""
    for running in RUNNING.values():
        before = running()
        operation = latest(before)

        attempt = attempt_for(told(before, outcome, NEW_ID, operation), operation)

        assert (attempt.state, attempt.due_time) == (state, None)
        assert attempt.evidence == outcome.evidence


def test_a_final_capture_takes_the_last_of_it() -> None:
    """A final capture ends the payment with the part it took."""
    held = in_state(S.AUTHORIZED, NEW_ID)
    running = capturing(held, NEW_ID, 1_000)
    final = replace(latest(running), final=True)
    running = replace(running, operations={final.operation_id: final})

    payment = told(running, DONE, NEW_ID, final).payment

    assert (payment.state, payment.captured) == (S.SUCCEEDED, 1_000)


def test_the_first_capture_is_the_time_of_capture() -> None:
    """Later parts do not move the time at which money was first taken."""
    first = part_captured()
    running = capturing(first, NEW_ID)

    after = told(running, DONE, NEW_ID, latest(running), after=LIFETIME)

    assert after.payment.capture_time == first.payment.capture_time
    assert after.payment.fee_millionths == 18 * MILLION


def test_a_cancel_closes_the_charge_too() -> None:
    """When the number is closed nothing is left to ask the channel about."""
    before = RUNNING["early cancel"]()

    after = told(before, DONE, NEW_ID, latest(before))

    assert charge_of(after).state is A.FAILED
    assert after.payment.next_action is None
    assert after.open_attempts(None) == ()


def test_a_refused_cancel_sends_for_the_charge() -> None:
    """When the channel does not cancel, the charge's own attempt is asked about at once."""
    before = RUNNING["early cancel"]()

    after = told(before, DECLINED, NEW_ID, latest(before))

    (charge,) = after.open_attempts(None)
    assert charge.due_time == moment(NEW_ID).now


def test_a_refusal_that_nobody_hears_is_told() -> None:
    """Callers learn of what they asked for; of the gateway's own operations a person does."""
    told_of = {}
    for name, running in RUNNING.items():
        before = running()
        change = said(before, DECLINED, NEW_ID, latest(before))
        assert change
        if change.reviews:
            told_of[name] = [case.kind for case in change.reviews]

    assert told_of == {
        "release": [ReviewKind.RELEASE_REFUSED],
        "rest's release": [ReviewKind.RELEASE_REFUSED],
        "late release": [ReviewKind.RELEASE_REFUSED],
        "return": [ReviewKind.RETURN_REFUSED],
    }


FEES = {True: [6 * MILLION, 18 * MILLION], False: [0, 0]}


@pytest.mark.parametrize("returned", FEES)
def test_refunds_return_fees_where_agreed(*, returned: bool) -> None:
    """Each refund gives back its share of the fee, where the schedule returns fees at all."""
    terms = FeeTerms(rate_millionths=6_000, returned_on_refund=returned)
    aggregate = in_state(S.SUCCEEDED, NEW_ID, fee_terms=terms)
    given_back = []
    for amount in (1_000, 2_000):
        running = refunding(aggregate, NEW_ID, amount)
        aggregate = told(running, DONE, NEW_ID, latest(running))
        given_back.append(aggregate.payment.fee_returned_millionths)

    assert given_back == FEES[returned]


def test_a_failed_refund_gives_back_what_was_advanced() -> None:
    """The platform's budget gets back what it lent for a refund that did not happen."""
    running = refunding(in_state(S.SUCCEEDED, NEW_ID), NEW_ID, 1_000, balance=400)
    assert latest(running).advanced == 600

    change = said(running, DECLINED, NEW_ID, latest(running))

    assert change
    assert change.advanced == -600


def test_an_abnormal_refund_is_held_for_a_person() -> None:
    """Its amount stays reserved, a person is told once, and the channel is asked on."""
    running = RUNNING["refund"]()
    change = said(running, ABNORMAL, NEW_ID, latest(running))

    assert change
    (operation,), (case,) = change.operations, change.reviews
    assert (operation.state, operation.under_review) == (Op.PROCESSING, True)
    assert change.payment.refunded == 1_000
    assert (case.kind, case.subject) == ("ABNORMAL_REFUND", operation.attempt_number)
    assert ABNORMAL.evidence in case.detail
    assert (change.entries, change.attempts) == ((), ())

    after = applied(running, change)
    assert said(after, ABNORMAL, NEW_ID, operation) is None
    assert said(after, WAITING, NEW_ID, operation) is None
    ended = latest(told(after, DONE, NEW_ID, operation))
    assert (ended.state, ended.under_review) == (Op.SUCCEEDED, False)


ASKED = Money("CNY", 3_000)
AGREEMENTS: dict[str, tuple[Outcome, bool]] = {
    "the same": (replace(PAID, money=ASKED), True),
    "none named": (PAID, True),
    "less": (replace(PAID, money=Money("CNY", 2_999)), False),
    "more": (replace(PAID, money=Money("CNY", 3_001)), False),
    "another currency": (replace(PAID, money=Money("USD", 3_000)), False),
    "held, less": (replace(HELD, money=Money("CNY", 2_999)), False),
    "pending, less": (replace(WAITING, money=Money("CNY", 2_999)), False),
    "refused, less": (replace(DECLINED, money=Money("CNY", 2_999)), True),
    "closed, nothing": (replace(CLOSED, money=Money("CNY", 0)), True),
    "unknown, less": (replace(SILENT, money=Money("CNY", 2_999)), True),
}


@pytest.mark.parametrize("row", AGREEMENTS)
def test_an_answer_has_to_be_about_our_amount(row: str) -> None:
    """A success or a pending answer over another amount or currency disagrees, and says how."""
    outcome, agrees = AGREEMENTS[row]
    attempt: Attempt = charge_of(in_state(S.PROCESSING, NEW_ID))

    words = disagreement(attempt, outcome)

    assert (words == "") is agrees
    assert agrees or (attempt.number in words and str(outcome.money) in words)
