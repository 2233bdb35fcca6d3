"""Money, or a hold on it, that came for a payment that was no longer open.

The payment's state stays; the gateway gives it back by itself, and a person is told.
"""

from dataclasses import replace

from gateway.domain.change import Change, EventType, ReviewKind
from gateway.domain.channel import AttemptState
from gateway.domain.decisions import bookings
from gateway.domain.decisions.answer import Answer
from gateway.domain.decisions.moment import Moment
from gateway.domain.ledger import Entry
from gateway.domain.operation import Operation, OperationKind, OperationState
from gateway.domain.payment import Payment


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
        moment.change(EventType.LATE_SUCCESS, answer.payment, operation),
        attempts=(replace(attempt, due_time=moment.now),),
        entries=() if authorized else _entries(answer.payment, operation, moment),
        reviews=(moment.review(ReviewKind.LATE_SUCCESS, answer.attempt, detail),),
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
        bookings.late_success(payment, operation, moment),
        bookings.return_accepted(payment, operation, moment),
    )
