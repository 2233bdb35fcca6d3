"""What needs no channel: payments from a wallet, and what is done to them, in one commit each.

The money is with us, so accepting is doing: nothing is ever PROCESSING, and there is no attempt.
The rules are those of every other payment. An operation is accepted by the same rule and concluded
by the same rule, as if a channel had answered at once; only what would be sent is left out.
"""

from gateway.domain.change import Aggregate, Change, EventType
from gateway.domain.channel import Outcome, OutcomeClass
from gateway.domain.decisions.bookings import Booking, book, moves_of
from gateway.domain.decisions.conclude import conclude
from gateway.domain.decisions.moment import Moment
from gateway.domain.decisions.opening import refusal, refused, too_little
from gateway.domain.merchant import Merchant
from gateway.domain.operation import Operation
from gateway.domain.payment import TRANSITIONS, CaptureMode, Payment, PaymentEvent
from gateway.domain.value import replace

DONE = Outcome(OutcomeClass.SUCCESS)
"""What a wallet says to everything that it is asked for."""


def pay_from_wallet(payment: Payment, merchant: Merchant, moment: Moment, available: int) -> Change:
    """Decide about a payment from a wallet that has so much available, in minor units.

    The busiest decision of all: the payment is copied once, and everything else is made once.
    """
    failure = refusal(payment, merchant, moment) or too_little(payment, available)
    if failure:
        return refused(payment, failure, moment)
    if payment.capture_mode is CaptureMode.MANUAL:
        after, booking = _held(payment, moment), Booking.PAYMENT_HELD
    else:
        after, booking = _paid(payment, moment), Booking.PAYMENT_CAPTURED
    entries = (book(booking, after, moment),)
    event = moment.event(EventType.CREATED, after)
    return Change(after, event, entries=entries, wallet_moves=moves_of(entries))


def settled(aggregate: Aggregate, operation: Operation, moment: Moment) -> Change:
    """Accept an operation on a payment from a wallet and do it, in one version and one event."""
    attempt = moment.operation_attempt(aggregate, operation)
    running = replace(
        aggregate,
        operations={**aggregate.operations, operation.operation_id: operation},
        attempts={attempt.attempt_id: attempt},
    )
    change = conclude(running, attempt.attempt_id, DONE, moment)
    assert change is not None, "what was accepted just now can be concluded"
    return replace(change, attempts=())


def _paid(payment: Payment, moment: Moment) -> Payment:
    amount, terms = payment.amount.minor_units, payment.fee_terms
    return replace(
        payment,
        state=TRANSITIONS[payment.state][PaymentEvent.CHARGED],
        captured=amount,
        fee_millionths=terms.accrued(amount) if terms else 0,
        capture_time=moment.now,
    )


def _held(payment: Payment, moment: Moment) -> Payment:
    return replace(
        payment,
        state=TRANSITIONS[payment.state][PaymentEvent.AUTHORIZED],
        authorize_time=moment.now,
        capture_before_time=moment.now + moment.authorization_lifetime,
    )
