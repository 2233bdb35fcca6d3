"""What a channel's answer means, whatever it was asked: the one way from an outcome to a change.

Replies, answers to questions and notifications all come through here, so duplicates and any order
are normal: an attempt that is closed stays closed, and what changes nothing writes nothing.
"""

from collections.abc import Callable, Mapping
from uuid import UUID

from gateway.domain.change import Aggregate, Change, EventType, ReviewCase, ReviewKind
from gateway.domain.channel import Attempt, AttemptKind, AttemptState, Outcome, OutcomeClass
from gateway.domain.decisions.answer import Answer
from gateway.domain.decisions.bookings import Booking, book, booked, from_wallet
from gateway.domain.decisions.charge import conclude_charge
from gateway.domain.decisions.late import conclude_late_operation
from gateway.domain.decisions.moment import Moment
from gateway.domain.decisions.payout import conclude_payout
from gateway.domain.operation import OperationKind
from gateway.domain.payment import (
    OPEN_STATES,
    Failure,
    FailureReason,
    PaymentEvent,
    PaymentState,
)
from gateway.domain.value import replace


def conclude(
    aggregate: Aggregate, attempt_id: UUID, outcome: Outcome, moment: Moment
) -> Change | None:
    """Apply an outcome to what an attempt is about; None where it changes nothing."""
    answer = Answer(aggregate, aggregate.attempts[attempt_id], outcome, moment)
    of_payment = _OF_PAYMENT.get(answer.attempt.kind)
    if of_payment:
        return of_payment(answer)
    if answer.attempt.state is not AttemptState.OPEN or not answer.operation.running:
        return conclude_late_operation(answer)
    if outcome.abnormal:
        return _abnormal(answer)
    if outcome.outcome is OutcomeClass.SUCCESS:
        return _SUCCEEDED[answer.operation.kind](answer)
    if outcome.outcome is OutcomeClass.FAILED:
        words = "The channel refused."
        failure = outcome.failure or Failure(FailureReason.DECLINED, words)
        return _FAILED[answer.operation.kind](answer, failure)
    return _accepted(answer) if outcome.outcome is OutcomeClass.PENDING else None


def disagreement(attempt: Attempt, outcome: Outcome) -> str:
    """Say where a verified answer names another amount or currency than we asked for.

    Empty where it agrees.
    """
    claims = outcome.outcome in (OutcomeClass.SUCCESS, OutcomeClass.PENDING)
    if claims and outcome.money is not None and outcome.money != attempt.money:
        named, asked = outcome.money, attempt.money
        return f"The channel speaks of {named} for number {attempt.number}; we asked for {asked}."
    return ""


def _accepted(answer: Answer) -> Change | None:
    """Keep the channel's own number: some channels are asked by nothing else."""
    operation = answer.operation
    number = answer.number_of(operation)
    if number == operation.channel_number:
        return None
    known = replace(operation, channel_number=number, update_time=answer.moment.now)
    return answer.moment.change(EventType.CHANGED, answer.payment, known)


def _captured(answer: Answer) -> Change:
    payment, operation = answer.payment, answer.operation
    captured = payment.captured + operation.amount.minor_units
    last = operation.final or captured == payment.amount.minor_units
    after = replace(
        payment,
        captured=captured,
        fee_millionths=payment.fee_terms.accrued(captured) if payment.fee_terms else 0,
        capture_time=payment.capture_time or answer.moment.now,
        state=answer.state_after(PaymentEvent.CAPTURED) if last else payment.state,
        funding_source=answer.outcome.funding_source or payment.funding_source,
    )
    entry = book(Booking.PAYMENT_CAPTURED, after, answer.moment, operation)
    change = answer.change(EventType.CAPTURE_ENDED, after, None)
    return booked(replace(change, attempts=(*change.attempts, *answer.charge_funded())), entry)


def _canceled(answer: Answer) -> Change:
    """The number is closed: the charge's own attempt ends with it. A wallet's hold goes back."""
    charge = tuple(
        answer.closed(attempt, AttemptState.FAILED) for attempt in answer.still_open(None)
    )
    moved = replace(answer.payment, state=_after_cancel(answer), next_action=None)
    change = answer.change(_cancel_ended(answer), moved, None)
    change = replace(change, attempts=(*change.attempts, *charge))
    if not from_wallet(answer.payment):
        return change
    return booked(
        change, book(Booking.HOLD_RELEASED, answer.payment, answer.moment, answer.operation)
    )


def _cancel_ended(answer: Answer) -> EventType:
    return EventType.CANCEL_ENDED if answer.operation.keyed else EventType.CHANGED


def _after_cancel(answer: Answer) -> PaymentState:
    payment = answer.payment
    if payment.state not in OPEN_STATES and payment.state is not PaymentState.AUTHORIZED:
        return payment.state
    if answer.operation.kind is OperationKind.CANCEL:
        return answer.state_after(PaymentEvent.CANCELED)
    return answer.state_after(PaymentEvent.RELEASED if payment.captured else PaymentEvent.EXPIRED)


def _refunded(answer: Answer) -> Change:
    payment, operation = answer.payment, answer.operation
    given_back = operation.amount.minor_units + sum(
        other.amount.minor_units
        for other in answer.aggregate.operations.values()
        if other.kind is OperationKind.REFUND and other.succeeded
    )
    terms = payment.fee_terms
    fee = terms.returned(payment.fee_millionths, given_back, payment.captured) if terms else 0
    after = replace(payment, fee_returned_millionths=fee)
    entry = book(Booking.REFUND_SUCCEEDED, payment, answer.moment, operation)
    return booked(answer.change(EventType.REFUND_ENDED, after, None), entry)


def _returned(answer: Answer) -> Change:
    entry = book(Booking.RETURN_SUCCEEDED, answer.payment, answer.moment, answer.operation)
    return booked(answer.change(EventType.CHANGED, answer.payment, None), entry)


def _capture_failed(answer: Answer, failure: Failure) -> Change:
    return answer.change(EventType.CAPTURE_ENDED, answer.payment, failure)


def _cancel_failed(answer: Answer, failure: Failure) -> Change:
    """The charge had ended otherwise: its own attempt finds out how, at once."""
    change = answer.change(_cancel_ended(answer), answer.payment, failure)
    due = answer.moment.now
    charge = tuple(replace(attempt, due_time=due) for attempt in answer.still_open(None))
    return replace(change, attempts=(*change.attempts, *charge), reviews=_release_refused(answer))


def _release_refused(answer: Answer) -> tuple[ReviewCase, ...]:
    """Nobody asked for a release, so nobody hears that it was refused: a person must."""
    if answer.operation.keyed:
        return ()
    detail = f"The channel refused to release {answer.operation.amount}. {answer.outcome.evidence}"
    return (answer.moment.review(ReviewKind.RELEASE_REFUSED, answer.attempt, detail),)


def _refund_failed(answer: Answer, failure: Failure) -> Change:
    payment, operation = answer.payment, answer.operation
    after = replace(payment, refunded=payment.refunded - operation.amount.minor_units)
    change = answer.change(EventType.REFUND_ENDED, after, failure)
    entry = book(Booking.REFUND_FAILED, payment, answer.moment, operation)
    return booked(replace(change, advanced=-operation.advanced), entry)


def _return_failed(answer: Answer, failure: Failure) -> Change:
    amount = answer.operation.amount
    detail = f"The channel refused to give back {amount} that came late; it stays in suspense."
    entry = book(Booking.RETURN_FAILED, answer.payment, answer.moment, answer.operation)
    change = replace(
        answer.change(EventType.CHANGED, answer.payment, failure),
        reviews=(answer.moment.review(ReviewKind.RETURN_REFUSED, answer.attempt, detail),),
    )
    return booked(change, entry)


def _abnormal(answer: Answer) -> Change | None:
    """Hand to a person money that is neither with the payer nor back; its amount stays reserved."""
    if answer.operation.under_review:
        return None
    held = replace(answer.operation, under_review=True, update_time=answer.moment.now)
    detail = f"The channel calls the refund of {held.amount} abnormal. {answer.outcome.evidence}"
    case = answer.moment.review(ReviewKind.ABNORMAL_REFUND, answer.attempt, detail)
    change = answer.moment.change(EventType.CHANGED, answer.payment, held)
    return replace(change, reviews=(case,))


_OF_PAYMENT: Mapping[AttemptKind, Callable[[Answer], Change | None]] = {
    AttemptKind.CHARGE: conclude_charge,
    AttemptKind.PAYOUT: conclude_payout,
}
"""Attempts that are about the payment itself; all others are about an operation on it."""

_SUCCEEDED: Mapping[OperationKind, Callable[[Answer], Change]] = {
    OperationKind.CAPTURE: _captured,
    OperationKind.CANCEL: _canceled,
    OperationKind.RELEASE: _canceled,
    OperationKind.REFUND: _refunded,
    OperationKind.RETURN: _returned,
}

_FAILED: Mapping[OperationKind, Callable[[Answer, Failure], Change]] = {
    OperationKind.CAPTURE: _capture_failed,
    OperationKind.CANCEL: _cancel_failed,
    OperationKind.RELEASE: _cancel_failed,
    OperationKind.REFUND: _refund_failed,
    OperationKind.RETURN: _return_failed,
}
