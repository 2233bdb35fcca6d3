"""A new payment: accepted for its channel, or refused for good and kept under its key."""

from dataclasses import replace

from gateway.domain.change import Change, EventType
from gateway.domain.decisions.moment import Moment
from gateway.domain.merchant import Merchant
from gateway.domain.payment import Failure, FailureReason, Payment, PaymentState


def open_payment(payment: Payment, merchant: Merchant, moment: Moment) -> Change:
    """Decide what is kept of a new payment: PROCESSING with an attempt, or FAILED."""
    failure = refusal(payment, merchant, moment)
    if failure:
        failed = replace(payment, state=PaymentState.FAILED, failure=failure)
        return Change(failed, moment.event(EventType.CREATED, failed))
    attempt = moment.charge_attempt(payment, merchant.serial)
    opened = replace(payment, attempt_number=attempt.number)
    return Change(opened, moment.event(EventType.CREATED, opened), attempts=(attempt,))


def refusal(payment: Payment, merchant: Merchant, moment: Moment) -> Failure | None:
    """Say why a payment can never be made, as far as time and the merchant's limits decide."""
    if payment.expire_time <= moment.now:
        return Failure(FailureReason.EXPIRED, "The payment arrived after its expire_time.")
    if not merchant.allows_amount(payment.currency, payment.amount.minor_units):
        return Failure(
            FailureReason.LIMIT_EXCEEDED, "The amount is outside the merchant's limits per payment."
        )
    return None
