"""What a channel's answer about a charge means for the payment, whichever way it came."""

from gateway.domain.change import Change, EventType
from gateway.domain.channel import AttemptState, OutcomeClass
from gateway.domain.decisions.answer import Answer
from gateway.domain.decisions.bookings import Booking, book, booked
from gateway.domain.decisions.late import conclude_late
from gateway.domain.payment import (
    OPEN_STATES,
    UNPAID_STATES,
    Failure,
    FailureReason,
    Payment,
    PaymentEvent,
    PaymentState,
    next_state,
)
from gateway.domain.value import replace


def conclude_charge(answer: Answer) -> Change | None:
    """Apply an answer to the payment; None where it changes nothing."""
    state, outcome = answer.payment.state, answer.outcome
    if state in OPEN_STATES:
        return _conclude_open(answer)
    if state is PaymentState.AUTHORIZED and outcome.closed:
        return _authorization_gone(answer)
    if state in UNPAID_STATES and outcome.outcome is OutcomeClass.SUCCESS:
        return conclude_late(answer)
    return None


def _conclude_open(answer: Answer) -> Change | None:
    outcome = answer.outcome
    if outcome.outcome is OutcomeClass.SUCCESS:
        return _authorized(answer) if outcome.authorized else _charged(answer)
    if outcome.outcome is OutcomeClass.FAILED:
        return _closed(answer) if outcome.closed else _declined(answer)
    if outcome.outcome is OutcomeClass.PENDING:
        return _pending(answer)
    return _not_sent(answer) if outcome.outcome is OutcomeClass.NOT_SENT else None


def _charged(answer: Answer) -> Change:
    terms, amount = answer.payment.fee_terms, answer.payment.amount.minor_units
    paid = replace(
        answer.moved(PaymentEvent.CHARGED),
        captured=amount,
        fee_millionths=terms.accrued(amount) if terms else 0,
        capture_time=answer.moment.now,
    )
    words = "The payer had paid before the cancel reached the channel."
    too_late = Failure(FailureReason.ALREADY_PAID, words)
    change = _ended(answer, AttemptState.SUCCEEDED, paid, too_late)
    return booked(change, book(Booking.PAYMENT_CAPTURED, paid, answer.moment))


def _authorized(answer: Answer) -> Change:
    moment = answer.moment
    held = replace(
        answer.moved(PaymentEvent.AUTHORIZED),
        authorize_time=moment.now,
        capture_before_time=moment.now + moment.authorization_lifetime,
    )
    change = moment.change(EventType.CHANGED, held)
    return replace(change, attempts=(answer.closed(answer.attempt, AttemptState.SUCCEEDED),))


def _pending(answer: Answer) -> Change | None:
    """Keep what is new. A channel that says no more than "pending" takes no action back.

    Most say only once what the payer must do, in the reply to the request.
    """
    payment, outcome = answer.payment, answer.outcome
    after = answer.numbered()
    if outcome.next_action or outcome.acted:
        event = PaymentEvent.ACTION_REQUIRED if outcome.next_action else PaymentEvent.ACTED
        state = next_state(payment.state, event) or payment.state
        after = replace(after, state=state, next_action=outcome.next_action)
    return answer.moment.change(EventType.CHANGED, after) if after != payment else None


def _closed(answer: Answer) -> Change:
    """The number can never succeed: a cancel wanted it so, or time ran out, or nobody ever came."""
    if answer.aggregate.running_exclusive:
        canceled = answer.moved(PaymentEvent.CANCELED)
        return _ended(answer, AttemptState.FAILED, canceled, None)
    if answer.payment.expire_time <= answer.moment.now:
        return _ended(answer, AttemptState.FAILED, answer.moved(PaymentEvent.EXPIRED), None)
    return _declined(answer)


def _declined(answer: Answer) -> Change:
    words = "The channel refused the payment."
    failure = answer.outcome.failure or Failure(FailureReason.DECLINED, words)
    failed = replace(answer.moved(PaymentEvent.DECLINED), failure=failure)
    words = "The payment had failed before the cancel reached the channel."
    return _ended(answer, AttemptState.FAILED, failed, Failure(FailureReason.DECLINED, words))


def _not_sent(answer: Answer) -> Change:
    words = "The channel could not be reached; nothing was sent to it."
    unreached = Failure(FailureReason.CHANNEL_UNAVAILABLE, words)
    failure = answer.outcome.failure or unreached
    failed = replace(answer.moved(PaymentEvent.DECLINED), failure=failure)
    return _ended(answer, AttemptState.NOT_SENT, failed, failure)


def _ended(
    answer: Answer, state: AttemptState, payment: Payment, cancel_failure: Failure | None
) -> Change:
    """Close the attempt and, with the payment, a cancel that was still running."""
    cancel = answer.aggregate.running_exclusive
    operation = answer.ended(cancel, cancel_failure) if cancel else None
    event = EventType.CANCEL_ENDED if cancel else EventType.CHANGED
    asking = answer.still_open(cancel) if cancel else ()
    attempts = (
        answer.closed(answer.attempt, state),
        *(answer.closed(attempt, AttemptState.FAILED) for attempt in asking),
    )
    return replace(answer.moment.change(event, payment, operation), attempts=attempts)


def _authorization_gone(answer: Answer) -> Change | None:
    """The channel ended the authorisation by itself: what was captured stays.

    While a capture or cancel runs, its own answer decides.
    """
    if answer.aggregate.running_exclusive:
        return None
    event = PaymentEvent.RELEASED if answer.payment.captured else PaymentEvent.EXPIRED
    return answer.moment.change(EventType.CHANGED, answer.moved(event))
