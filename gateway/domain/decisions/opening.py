"""A new payment through a channel: accepted for it, or refused for good and kept under its key."""

from gateway.domain.change import Change, EventType
from gateway.domain.channel import AttemptKind
from gateway.domain.decisions.bookings import Booking, book, booked
from gateway.domain.decisions.moment import Moment
from gateway.domain.merchant import Merchant
from gateway.domain.payment import Failure, FailureReason, Payment, PaymentState
from gateway.domain.value import replace


def open_payment(payment: Payment, merchant: Merchant, moment: Moment) -> Change:
    """Decide what is kept of a merchant's payment: PROCESSING with an attempt, or FAILED."""
    failure = refusal(payment, merchant, moment)
    return (
        refused(payment, failure, moment) if failure else _opened(payment, merchant.serial, moment)
    )


def open_top_up(payment: Payment, serial: int, moment: Moment) -> Change:
    """Decide the same of a top-up, for the wallet's owner of this serial number."""
    failure = _expired(payment, moment)
    return refused(payment, failure, moment) if failure else _opened(payment, serial, moment)


def open_withdrawal(payment: Payment, serial: int, moment: Moment, available: int) -> Change:
    """Decide about a withdrawal: its amount leaves the wallet before the channel is called."""
    failure = too_little(payment, available)
    if failure:
        return refused(payment, failure, moment)
    change = _opened(payment, serial, moment, AttemptKind.PAYOUT)
    return booked(change, book(Booking.WITHDRAWAL_ACCEPTED, payment, moment))


def refusal(payment: Payment, merchant: Merchant, moment: Moment) -> Failure | None:
    """Say why a payment can never be made, as far as time and the merchant's limits decide."""
    expired = _expired(payment, moment)
    if expired or merchant.allows_amount(payment.currency, payment.amount.minor_units):
        return expired
    words = "The amount is outside the merchant's limits per payment."
    return Failure(FailureReason.LIMIT_EXCEEDED, words)


def too_little(payment: Payment, available: int) -> Failure | None:
    """Say that a wallet with so much, in minor units, does not cover a payment."""
    if payment.amount.minor_units <= available:
        return None
    words = "The wallet has too little for this amount."
    return Failure(FailureReason.INSUFFICIENT_FUNDS, words)


def refused(payment: Payment, failure: Failure, moment: Moment) -> Change:
    """Keep a payment that can never be made as FAILED under its key."""
    failed = replace(payment, state=PaymentState.FAILED, failure=failure)
    return Change(failed, moment.event(EventType.CREATED, failed))


def _opened(
    payment: Payment, serial: int, moment: Moment, kind: AttemptKind = AttemptKind.CHARGE
) -> Change:
    attempt = moment.first_attempt(payment, serial, kind)
    opened = replace(payment, attempt_number=attempt.number)
    return Change(opened, moment.event(EventType.CREATED, opened), attempts=(attempt,))


def _expired(payment: Payment, moment: Moment) -> Failure | None:
    if payment.expire_time > moment.now:
        return None
    return Failure(FailureReason.EXPIRED, "The payment arrived after its expire_time.")
