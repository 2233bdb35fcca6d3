"""What the channel's payments and refunds prove, in the gateway's words.

The meaning hangs on what was asked: one state of one payment is the end of its charge, the aim of
its cancel, or a capture that did not arrive yet. Such a capture or cancel is "not found": the state
machine of the channel makes it harmless to send it again.
"""

from dataclasses import replace

from gateway.channels.carrier.resources import Payment, Refund
from gateway.channels.connector import Action, Call, evidence
from gateway.domain.channel import AttemptKind, Outcome, OutcomeClass
from gateway.domain.payment import CaptureMode, Failure, FailureReason

DENIED = Failure(FailureReason.DECLINED, "The carrier denied the payment.", "denied")
CLOSED = Failure(
    FailureReason.NOT_ACCEPTED, "The channel closed the number before it was paid.", "cancelled"
)
RELEASED = Failure(
    FailureReason.AUTHORIZATION_EXPIRED, "The carrier no longer holds the amount.", "cancelled"
)
PAID = Failure(
    FailureReason.ALREADY_PAID, "The payer had paid before the number was closed.", "succeeded"
)
REFUND_DENIED = Failure(FailureReason.DECLINED, "The carrier denied the refund.", "denied")

ONLY_PREPARED = ("pending_validation", "reserved")
"""States that a payment in one step cannot have: whoever shows them shows another payment."""

SUCCESS, PENDING = OutcomeClass.SUCCESS, OutcomeClass.PENDING
FAILED, UNKNOWN = OutcomeClass.FAILED, OutcomeClass.UNKNOWN


def about(call: Call) -> str:
    """Name a call in evidence."""
    return f"carrier {call.action} {call.request.kind} {call.request.number}"


def unknown(text: str) -> Outcome:
    """Nothing is proven; the text says why."""
    return Outcome(UNKNOWN, evidence=evidence(text))


def payment_outcome(call: Call, payment: Payment) -> Outcome:
    """Tell what a payment proves of the charge, capture or cancel that was asked about."""
    shown = Outcome(
        PENDING,
        money=payment.money,
        channel_number=payment.channel_number,
        evidence=evidence(
            f"carrier payment {payment.number}: {payment.state}, "
            f"{payment.channel_number}, {payment.money}"
        ),
    )
    match call.request.kind:
        case AttemptKind.CAPTURE:
            return _capture(payment, shown)
        case AttemptKind.CANCEL:
            return _cancel(payment, shown)
        case _:
            return _charge(call, payment, shown)


def refund_outcome(call: Call, refund: Refund) -> Outcome:
    """Tell what a refund proves of its attempt."""
    money = refund.money or call.request.charge_money
    shown = Outcome(
        PENDING,
        money=money,
        channel_number=refund.channel_number,
        evidence=evidence(
            f"carrier refund {refund.number}: {refund.state}, {refund.channel_number}, {money}"
        ),
    )
    match refund.state:
        case "succeeded":
            return replace(shown, outcome=SUCCESS)
        case "denied":
            return replace(shown, outcome=FAILED, failure=REFUND_DENIED)
        case _:
            return shown


def _charge(call: Call, payment: Payment, shown: Outcome) -> Outcome:
    """Read a charge. One that is asked about and processing waits for the payer no more."""
    manual = call.request.capture_mode is CaptureMode.MANUAL
    if payment.state in ONLY_PREPARED and not manual:
        return replace(shown, outcome=UNKNOWN)
    match payment.state:
        case "succeeded" | "reserved":
            return replace(shown, outcome=SUCCESS, authorized=manual)
        case "denied":
            return replace(shown, outcome=FAILED, failure=DENIED)
        case "cancelled":
            return replace(shown, outcome=FAILED, closed=True, failure=CLOSED)
        case "processing":
            return replace(shown, acted=call.action is not Action.SEND)
        case _:
            return replace(shown, next_action=payment.action)


def _capture(payment: Payment, shown: Outcome) -> Outcome:
    match payment.state:
        case "succeeded":
            return replace(shown, outcome=SUCCESS)
        case "reserved":
            return replace(shown, outcome=UNKNOWN, not_found=True)
        case "denied":
            return replace(shown, outcome=FAILED, failure=DENIED)
        case "cancelled":
            return replace(shown, outcome=FAILED, failure=RELEASED)
        case "processing":
            return shown
        case _:
            return replace(shown, outcome=UNKNOWN)


def _cancel(payment: Payment, shown: Outcome) -> Outcome:
    match payment.state:
        case "cancelled":
            return replace(shown, outcome=SUCCESS)
        case "succeeded":
            return replace(shown, outcome=FAILED, failure=PAID)
        case "denied":
            return replace(shown, outcome=FAILED, failure=DENIED)
        case "reserved" | "pending_validation":
            return replace(shown, outcome=UNKNOWN, not_found=True)
        case _:
            return shown
