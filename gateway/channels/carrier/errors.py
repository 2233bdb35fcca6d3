"""What a refusal proves, code by code: the table of the API's definition.

What is not in the table proves nothing. A 401 or 429 is not: it says that this request was not
looked at, and nothing of an earlier one under the same number, which may be sent again, no more.

`INVALID_ARGUMENT` has two meanings. The definition gives it for what is malformed and also for a
`clientCorrelator` that is known already, so it is definite only for what is surely sent once.
"""

import re
from enum import StrEnum

from gateway.channels.carrier.fields import Record
from gateway.channels.fields import Malformed
from gateway.domain.payment import Failure, FailureReason

PAYMENT = "CARRIER_BILLING."
REFUND = "CARRIER_BILLING_REFUND."


class Meaning(StrEnum):
    """What an error says."""

    REFUSED = "refused for good"
    REFUSED_OR_KNOWN = "malformed, or sent before"
    NOT_FOUND = "not known at this instant"
    ASK = "ask what became of it"


MEANINGS = {
    (400, "INVALID_ARGUMENT"): Meaning.REFUSED_OR_KNOWN,
    (400, "OUT_OF_RANGE"): Meaning.REFUSED,
    (400, "INVALID_SINK"): Meaning.REFUSED,
    (404, "INVALID_SINK"): Meaning.REFUSED,
    (400, "INVALID_TOKEN"): Meaning.REFUSED,
    (400, "INVALID_CREDENTIAL"): Meaning.REFUSED,
    (403, "PERMISSION_DENIED"): Meaning.REFUSED,
    (403, f"{PAYMENT}PAYMENT_DENIED"): Meaning.REFUSED,
    (403, f"{REFUND}REFUND_DENIED"): Meaning.REFUSED,
    (403, f"{REFUND}PAYMENT_NOT_ELIGIBLE_FOR_REFUND"): Meaning.REFUSED,
    (404, "NOT_FOUND"): Meaning.NOT_FOUND,
    (404, "IDENTIFIER_NOT_FOUND"): Meaning.NOT_FOUND,
    (409, "ALREADY_EXISTS"): Meaning.ASK,
    (409, f"{PAYMENT}PAYMENT_CONFIRMED"): Meaning.ASK,
    (409, f"{PAYMENT}PAYMENT_CANCELLED"): Meaning.ASK,
    (422, "SERVICE_NOT_APPLICABLE"): Meaning.REFUSED,
    (422, "MISSING_IDENTIFIER"): Meaning.REFUSED,
    (422, "UNNECESSARY_IDENTIFIER"): Meaning.REFUSED,
    (422, f"{PAYMENT}UNAUTHORIZED_AMOUNT"): Meaning.REFUSED,
    (422, f"{PAYMENT}USER_AMOUNT_THRESHOLD_OVERPASSED"): Meaning.REFUSED,
    (422, f"{REFUND}UNAUTHORIZED_AMOUNT"): Meaning.REFUSED,
    (422, f"{REFUND}USER_AMOUNT_THRESHOLD_OVERPASSED"): Meaning.REFUSED,
    (422, f"{REFUND}INVALID_PAYMENT_STATUS"): Meaning.REFUSED,
    (422, f"{REFUND}REFUND_DETAILS_MISMATCH"): Meaning.REFUSED,
    (422, f"{REFUND}TAXES_MANAGEMENT_MISMATCH"): Meaning.REFUSED,
}

REASONS = {
    f"{PAYMENT}UNAUTHORIZED_AMOUNT": FailureReason.LIMIT_EXCEEDED,
    f"{PAYMENT}USER_AMOUNT_THRESHOLD_OVERPASSED": FailureReason.LIMIT_EXCEEDED,
    f"{REFUND}USER_AMOUNT_THRESHOLD_OVERPASSED": FailureReason.LIMIT_EXCEEDED,
}
"""Codes that the contract has a reason for; all others are DECLINED."""

CODE = re.compile(r"[A-Z][A-Z0-9_.]{0,63}")

_DIGITS = re.compile(r"\+?[0-9][0-9 ()-]{4,}[0-9]")


def meaning_of(status: int, code: str) -> Meaning:
    """Say what an error says; ASK for what is in no documentation."""
    return MEANINGS.get((status, code), Meaning.ASK)


def failure_of(status: int, error: Record) -> Failure:
    """Say in the contract's words why the channel refused.

    Raises:
        Malformed: it is no error of the protocol, or of another status.
    """
    if error.integer("status", 400, 599) != status:
        raise Malformed("status is not that of the answer")
    code = error.text("code", CODE)
    words = unnumbered(error.message("message")) or "The channel refused the request."
    return Failure(REASONS.get(code, FailureReason.DECLINED), words, code)


def unnumbered(text: str) -> str:
    """Blank what may be a phone number: the channel's sentences are shown and kept."""
    return _DIGITS.sub("***", text)
