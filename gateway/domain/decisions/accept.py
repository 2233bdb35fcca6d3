"""Accepting a capture, cancel or refund: allowed, to be tried later, or refused for good.

Order of checks: the currency (never changes), another operation under way (wait), the state
(bound), then amounts, time and money (kept as a FAILED operation under its key). A refund that only
comes too soon has to wait, which is said before the money is looked at: that may change meanwhile.
"""

from uuid import UUID

from gateway.domain.change import Aggregate, Change, EventType
from gateway.domain.decisions.bookings import Booking, book, booked, from_wallet
from gateway.domain.decisions.capturable import is_last, never_captured
from gateway.domain.decisions.moment import Moment
from gateway.domain.decisions.refundable import check_spacing, never_refunded
from gateway.domain.decisions.wallet import settled
from gateway.domain.errors import InvalidRequest, Reason, Refused
from gateway.domain.merchant import RefundPolicy
from gateway.domain.money import Money
from gateway.domain.operation import Operation, OperationKind, OperationState
from gateway.domain.payment import OPEN_STATES, Failure, FailureReason, Payment, PaymentState
from gateway.domain.value import replace, value

RETRY_AFTER_S = 1.0
"""Hint to callers who must wait for another operation, in seconds."""


@value(frozen=True, slots=True)
class Ask:
    """What a caller asks to be done to a payment. `amount` None means all that remains."""

    operation_id: UUID
    idempotency_key: str
    caller_id: str
    amount: Money | None = None
    final: bool = False
    description: str = ""


def accept_capture(aggregate: Aggregate, ask: Ask, moment: Moment) -> Change:
    """Decide about a capture. Raises InvalidRequest or Refused."""
    payment = aggregate.payment
    _same_currency(payment, ask)
    _nothing_else_runs(aggregate)
    if payment.state in OPEN_STATES:
        raise _not_final()
    if payment.state is not PaymentState.AUTHORIZED:
        raise _illegal("captured", payment)
    operation = _operation(payment, OperationKind.CAPTURE, ask, payment.uncaptured, moment)
    failure = _not_held(payment, operation, moment)
    failure = failure or never_captured(aggregate, operation, moment)
    if failure:
        return _kept_refused(aggregate, operation, EventType.CAPTURE_ENDED, failure, moment)
    operation = replace(operation, final=operation.final or is_last(aggregate, moment))
    return accepted(aggregate, operation, EventType.CAPTURE_ACCEPTED, moment)


def accept_cancel(aggregate: Aggregate, ask: Ask, moment: Moment) -> Change:
    """Decide about a cancel. Raises Refused."""
    payment = aggregate.payment
    _nothing_else_runs(aggregate)
    held = payment.state is PaymentState.AUTHORIZED and not payment.captured
    if payment.state not in OPEN_STATES and not held:
        raise _illegal("canceled", payment)
    operation = _operation(payment, OperationKind.CANCEL, ask, payment.amount.minor_units, moment)
    return accepted(aggregate, operation, EventType.CANCEL_ACCEPTED, moment)


def accept_refund(aggregate: Aggregate, ask: Ask, policy: RefundPolicy, moment: Moment) -> Change:
    """Decide about a refund: its amount is reserved before the channel is called.

    Raises InvalidRequest or Refused.
    """
    payment = aggregate.payment
    _same_currency(payment, ask)
    if payment.state in OPEN_STATES or payment.state is PaymentState.AUTHORIZED:
        raise _not_final()
    if payment.state is not PaymentState.SUCCEEDED:
        raise _illegal("refunded", payment)
    operation = _operation(payment, OperationKind.REFUND, ask, payment.refundable, moment)
    missing = max(0, operation.amount.minor_units - max(0, aggregate.funds.merchant_balance))
    failure = _too_much(aggregate, operation) or never_refunded(aggregate, moment)
    if failure is None:
        check_spacing(aggregate, moment)
        failure = _not_covered(aggregate, policy, missing)
    if failure:
        return _kept_refused(aggregate, operation, EventType.REFUND_ENDED, failure, moment)
    operation = replace(operation, advanced=missing)
    reserved = replace(payment, refunded=payment.refunded + operation.amount.minor_units)
    entry = book(Booking.REFUND_ACCEPTED, payment, moment, operation)
    change = accepted(
        replace(aggregate, payment=reserved), operation, EventType.REFUND_ACCEPTED, moment
    )
    return booked(replace(change, entries=(entry,), advanced=missing), *change.entries)


def release_authorization(
    aggregate: Aggregate, operation: Operation, moment: Moment
) -> Change | None:
    """Start to end an authorisation whose time to capture has passed; one of a wallet ends at once.

    None where there is nothing to end yet.
    """
    payment = aggregate.payment
    ended = payment.capture_before_time is not None and payment.capture_before_time <= moment.now
    if payment.state is not PaymentState.AUTHORIZED or not ended or aggregate.running_exclusive:
        return None
    released = replace(operation, amount=Money(payment.currency, payment.uncaptured))
    change = accepted(aggregate, released, EventType.CHANGED, moment)
    return replace(change, attempts=tuple(replace(a, due_time=moment.now) for a in change.attempts))


def accepted(
    aggregate: Aggregate, operation: Operation, event: EventType, moment: Moment
) -> Change:
    """Keep an operation as PROCESSING with its attempt at the channel; a wallet does it at once."""
    if from_wallet(aggregate.payment):
        return settled(aggregate, operation, moment)
    attempt = moment.operation_attempt(aggregate, operation)
    change = moment.change(
        event, aggregate.payment, replace(operation, attempt_number=attempt.number)
    )
    return replace(change, attempts=(attempt,))


def _operation(
    payment: Payment, kind: OperationKind, ask: Ask, remaining: int, moment: Moment
) -> Operation:
    return Operation(
        merchant_id=payment.merchant_id,
        operation_id=ask.operation_id,
        payment_id=payment.payment_id,
        kind=kind,
        state=OperationState.PROCESSING,
        amount=ask.amount or Money(payment.currency, remaining),
        create_time=moment.now,
        update_time=moment.now,
        idempotency_key=ask.idempotency_key,
        final=ask.final,
        description=ask.description,
        caller_id=ask.caller_id,
    )


def _not_held(payment: Payment, operation: Operation, moment: Moment) -> Failure | None:
    if operation.amount.minor_units > payment.uncaptured:
        words = "The capture is above what remains authorised."
        return Failure(FailureReason.CAPTURE_EXCEEDS_AUTHORIZED, words)
    if payment.capture_before_time and payment.capture_before_time <= moment.now:
        return Failure(FailureReason.AUTHORIZATION_EXPIRED, "The authorisation had ended.")
    return None


def _too_much(aggregate: Aggregate, operation: Operation) -> Failure | None:
    amount, remaining = operation.amount.minor_units, aggregate.payment.refundable
    if 0 < amount <= remaining:
        return None
    left = Money(aggregate.payment.currency, remaining)
    words = f"The refund is above what remains of the captured amount, {left}."
    return Failure(FailureReason.REFUND_EXCEEDS_CAPTURED, words)


def _not_covered(aggregate: Aggregate, policy: RefundPolicy, missing: int) -> Failure | None:
    if missing and policy is RefundPolicy.REFUSE:
        return Failure(
            FailureReason.INSUFFICIENT_MERCHANT_BALANCE,
            "The merchant's balance does not cover the refund.",
        )
    if missing > aggregate.funds.platform_budget:
        return Failure(
            FailureReason.INSUFFICIENT_PLATFORM_FUNDS,
            "The platform's own funds do not cover the advance.",
        )
    return None


def _kept_refused(
    aggregate: Aggregate, operation: Operation, event: EventType, failure: Failure, moment: Moment
) -> Change:
    refused = replace(operation, state=OperationState.FAILED, failure=failure)
    return moment.change(event, aggregate.payment, refused)


def _same_currency(payment: Payment, ask: Ask) -> None:
    if ask.amount and ask.amount.currency != payment.currency:
        words = f"is {ask.amount.currency}, but the payment is in {payment.currency}"
        raise InvalidRequest(
            Reason.CURRENCY_MISMATCH,
            "The amount is in another currency than the payment.",
            violations={"amount.currency_code": words},
        )


def _nothing_else_runs(aggregate: Aggregate) -> None:
    if aggregate.running_exclusive:
        raise Refused(
            Reason.OPERATION_IN_PROGRESS,
            "Another capture or cancel of this payment is still running.",
            retry_after_s=RETRY_AFTER_S,
        )


def _not_final() -> Refused:
    words = "The payment has no final outcome yet."
    return Refused(Reason.PAYMENT_NOT_FINAL, words, retry_after_s=RETRY_AFTER_S)


def _illegal(verb: str, payment: Payment) -> Refused:
    words = f"A payment that is {payment.state} cannot be {verb}."
    if payment.captured and verb == "canceled":
        words = "Money of this payment was captured already; it can be refunded, not canceled."
    return Refused(Reason.ILLEGAL_TRANSITION, words, key_bound=True)
