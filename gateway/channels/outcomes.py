"""Outcomes that mean the same at every channel."""

from gateway.channels.connector import Call, evidence
from gateway.domain.channel import AttemptKind, Outcome, OutcomeClass
from gateway.domain.payment import Failure, FailureReason

CLOSED = Failure(FailureReason.NOT_ACCEPTED, "The channel closed the number before it was paid.")
PAID = Failure(FailureReason.ALREADY_PAID, "The payer had paid before the number was closed.")


def unknown(text: str) -> Outcome:
    """Nothing is proven; the text says why."""
    return Outcome(OutcomeClass.UNKNOWN, evidence=evidence(text))


def closed_outcome(call: Call, text: str) -> Outcome:
    """Tell what it means that the number is closed, for the charge or for its cancel."""
    if call.request.kind is AttemptKind.CANCEL:
        return Outcome(OutcomeClass.SUCCESS, evidence=evidence(text))
    return Outcome(OutcomeClass.FAILED, closed=True, failure=CLOSED, evidence=evidence(text))
