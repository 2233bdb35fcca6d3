"""What a channel's answer about a withdrawal means, whichever way it came.

The money left the wallet when the withdrawal was accepted, so it has to go out or come back. Until
the channel has said which, nothing changes but what is known of it: like a refund it is sent again
under its own number, even where nothing of it was sent yet.
"""

from gateway.domain.change import Change, EventType, ReviewKind
from gateway.domain.channel import AttemptState, OutcomeClass
from gateway.domain.decisions.answer import Answer
from gateway.domain.decisions.bookings import Booking, book, booked
from gateway.domain.payment import OPEN_STATES, Failure, FailureReason, PaymentEvent
from gateway.domain.value import replace


def conclude_payout(answer: Answer) -> Change | None:
    """Apply an answer to the withdrawal; None where it changes nothing."""
    outcome = answer.outcome.outcome
    if answer.payment.state in OPEN_STATES:
        if outcome is OutcomeClass.SUCCESS:
            return _paid_out(answer)
        return _failed(answer) if outcome is OutcomeClass.FAILED else _accepted(answer)
    late = outcome is OutcomeClass.SUCCESS and answer.attempt.state is AttemptState.FAILED
    return _late(answer) if late else None


def _accepted(answer: Answer) -> Change | None:
    """Keep the channel's own number: some channels are asked by nothing else."""
    after = answer.numbered()
    if answer.outcome.outcome is not OutcomeClass.PENDING or after == answer.payment:
        return None
    return answer.moment.change(EventType.CHANGED, after)


def _paid_out(answer: Answer) -> Change:
    moment = answer.moment
    paid = replace(
        answer.moved(PaymentEvent.CHARGED),
        captured=answer.payment.amount.minor_units,
        capture_time=moment.now,
    )
    change = moment.change(EventType.CHANGED, paid)
    closed = answer.closed(answer.attempt, AttemptState.SUCCEEDED)
    return booked(
        replace(change, attempts=(closed,)), book(Booking.WITHDRAWAL_SUCCEEDED, paid, moment)
    )


def _failed(answer: Answer) -> Change:
    """The money goes back to the wallet, whatever kept it from going out."""
    words = "The channel refused the withdrawal."
    failure = answer.outcome.failure or Failure(FailureReason.DECLINED, words)
    failed = replace(answer.moved(PaymentEvent.DECLINED), failure=failure)
    change = answer.moment.change(EventType.CHANGED, failed)
    closed = answer.closed(answer.attempt, AttemptState.FAILED)
    return booked(
        replace(change, attempts=(closed,)),
        book(Booking.WITHDRAWAL_FAILED, failed, answer.moment),
    )


def _late(answer: Answer) -> Change:
    """It was paid out although it had failed, and the wallet has the money too: a person decides.

    The attempt turns SUCCEEDED with it, so that the same word, told again, changes nothing.
    """
    moment, amount = answer.moment, answer.payment.amount
    detail = f"The channel reported that {amount} was paid out after the withdrawal had failed."
    change = replace(
        moment.change(EventType.LATE_SUCCESS, answer.payment),
        attempts=(answer.closed(answer.attempt, AttemptState.SUCCEEDED),),
        reviews=(moment.review(ReviewKind.LATE_SUCCESS, answer.attempt, detail),),
    )
    return booked(change, book(Booking.LATE_WITHDRAWAL, answer.payment, moment))
