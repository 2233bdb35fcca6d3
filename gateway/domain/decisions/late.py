"""Successes that came too late: for a payment or an operation that had ended otherwise.

What had ended stays so. Books tell the truth, so the money is booked to suspense, once; what can be
given back is given back by the gateway itself, and a person is told. The channel's own number is
kept, since some channels give money back by nothing else.
"""

from gateway.domain.change import Change, EventType, ReviewKind
from gateway.domain.channel import AttemptKind, AttemptState, OutcomeClass
from gateway.domain.decisions.answer import Answer
from gateway.domain.decisions.bookings import Booking, book
from gateway.domain.decisions.moment import Moment
from gateway.domain.ledger import Entry
from gateway.domain.operation import Operation, OperationKind, OperationState
from gateway.domain.payment import Payment, PaymentState
from gateway.domain.value import replace


def conclude_late(answer: Answer) -> Change | None:
    """Give back what a late success brought, once: release a hold, or return money."""
    authorized, moment = answer.outcome.authorized, answer.moment
    if authorized and answer.attempt.state is AttemptState.SUCCEEDED:
        return None  # the hold that there was, told again
    kind = OperationKind.RELEASE if authorized else OperationKind.RETURN
    if any(operation.kind is kind for operation in answer.aggregate.operations.values()):
        return None
    operation = gateway_operation(answer.payment, kind, moment)
    attempt = moment.operation_attempt(answer.aggregate, operation)
    operation = replace(operation, attempt_number=attempt.number)
    amount, state = answer.attempt.money, answer.payment.state
    detail = f"The channel reported a success of {amount} after the payment was {state}."
    return replace(
        moment.change(EventType.LATE_SUCCESS, answer.numbered(), operation),
        attempts=(replace(attempt, due_time=moment.now),),
        entries=() if authorized else _entries(answer.payment, operation, moment),
        reviews=(moment.review(ReviewKind.LATE_SUCCESS, answer.attempt, detail),),
    )


def conclude_late_operation(answer: Answer) -> Change | None:
    """Book what a capture or refund moved after it had failed; None for anything else.

    A cancel that undid a charge which is booked as paid moves nothing here: a person decides. The
    attempt turns SUCCEEDED with it, so that the same word, told again, changes nothing.
    """
    failed = answer.attempt.state is AttemptState.FAILED
    if answer.outcome.outcome is not OutcomeClass.SUCCESS or not failed:
        return None
    if answer.operation.kind is OperationKind.CAPTURE:
        return _late_capture(answer)
    if answer.attempt.kind is AttemptKind.REFUND:
        entry = book(Booking.LATE_REFUND, answer.payment, answer.moment, answer.operation)
        return _late(answer, entry)
    canceled = answer.operation.kind is OperationKind.CANCEL
    if canceled and answer.payment.state is PaymentState.SUCCEEDED:
        return _late_cancel(answer)
    return None


def _late_cancel(answer: Answer) -> Change:
    charge = answer.attempt.charge_number
    detail = f"The channel reports the charge {charge} reversed, though it is booked as paid."
    return replace(
        answer.moment.change(EventType.CHANGED, answer.payment),
        attempts=(answer.closed(answer.attempt, AttemptState.SUCCEEDED),),
        reviews=(answer.moment.review(ReviewKind.MISMATCH, answer.attempt, detail),),
    )


def _late_capture(answer: Answer) -> Change:
    moment, amount = answer.moment, answer.operation.amount
    operation = replace(
        gateway_operation(answer.payment, OperationKind.RETURN, moment), amount=amount
    )
    attempt = moment.operation_attempt(answer.aggregate, operation)
    operation = replace(operation, attempt_number=attempt.number)
    change = _late(answer, *_entries(answer.payment, operation, moment))
    number = answer.number_of(answer.operation)
    known = replace(answer.operation, channel_number=number)
    return replace(
        change,
        operations=(known, operation),
        attempts=(*change.attempts, replace(attempt, due_time=moment.now)),
    )


def _late(answer: Answer, *entries: Entry) -> Change:
    amount, kind = answer.operation.amount, answer.operation.kind
    detail = f"The channel reported a success of {amount} after the {kind} had failed."
    return replace(
        answer.moment.change(EventType.LATE_SUCCESS, answer.payment),
        attempts=(answer.closed(answer.attempt, AttemptState.SUCCEEDED),),
        entries=entries,
        reviews=(answer.moment.review(ReviewKind.LATE_SUCCESS, answer.attempt, detail),),
    )


def gateway_operation(payment: Payment, kind: OperationKind, moment: Moment) -> Operation:
    """Make an operation that the gateway starts by itself, for the payment's whole amount."""
    return Operation(
        merchant_id=payment.merchant_id,
        operation_id=moment.new_id(),
        payment_id=payment.payment_id,
        kind=kind,
        state=OperationState.PROCESSING,
        amount=payment.amount,
        create_time=moment.now,
        update_time=moment.now,
    )


def _entries(payment: Payment, operation: Operation, moment: Moment) -> tuple[Entry, ...]:
    return (
        book(Booking.LATE_SUCCESS, payment, moment, operation),
        book(Booking.RETURN_ACCEPTED, payment, moment, operation),
    )
