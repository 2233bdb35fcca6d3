"""What a refusal proves, code by code: the table of the channel's documentation.

Codes are spelled with and without underscores, so they are compared without. What is not in the
table proves nothing. A refusal to work at all (401, 429) is no refusal of the order: it says that
this request did nothing, and nothing of an earlier one under the same number.
"""

from enum import StrEnum

from gateway.channels.fields import Fields
from gateway.domain.payment import Failure, FailureReason


class Meaning(StrEnum):
    """What a code says."""

    REFUSED = "refused for good"
    CLOSED = "the number is closed"
    PAYING = "the payer is paying"
    NO_BALANCE = "not enough money: the payer's, or for a refund the merchant's"
    NOT_FOUND = "not known at this instant"
    ASK = "ask what became of it"


_ASK = Meaning.ASK

MEANINGS = {
    (202, "USERPAYING"): Meaning.PAYING,
    (400, "PARAMERROR"): Meaning.REFUSED,
    (400, "INVALIDREQUEST"): Meaning.REFUSED,
    (400, "APPIDMCHIDNOTMATCH"): Meaning.REFUSED,
    (400, "MCHNOTEXISTS"): Meaning.REFUSED,
    (400, "ORDERCLOSED"): Meaning.CLOSED,
    (400, "ORDERPAID"): _ASK,
    (401, "SIGNERROR"): _ASK,
    (403, "NOAUTH"): Meaning.REFUSED,
    (403, "RULELIMIT"): Meaning.REFUSED,
    (403, "ACCOUNTERROR"): Meaning.REFUSED,
    (403, "REQUESTBLOCKED"): Meaning.REFUSED,
    (403, "NOTENOUGH"): Meaning.NO_BALANCE,
    (403, "OUTTRADENOUSED"): _ASK,
    (403, "TRADEERROR"): Meaning.REFUSED,
    (404, "ORDERNOTEXIST"): Meaning.NOT_FOUND,
    (404, "RESOURCENOTEXISTS"): Meaning.NOT_FOUND,
    (429, "FREQUENCYLIMITED"): _ASK,
    (429, "RATELIMITEXCEEDED"): _ASK,
    (500, "SYSTEMERROR"): _ASK,
    (500, "BANKERROR"): _ASK,
    (500, "OPENIDMISMATCH"): Meaning.REFUSED,
}

REASONS = {
    "NOTENOUGH": FailureReason.INSUFFICIENT_FUNDS,
    "RULELIMIT": FailureReason.LIMIT_EXCEEDED,
}
"""Codes that the contract has a reason for; all others are DECLINED."""

CODE_LENGTH_MAX = 64


def meaning_of(status: int, code: str) -> Meaning:
    """Say what a verified error says; ASK for what is in no documentation."""
    return MEANINGS.get((status, bare(code)), _ASK)


def code_of(error: Fields) -> str:
    """Read the code of an error.

    Raises:
        Malformed: there is none.
    """
    return error.text("code", most=CODE_LENGTH_MAX)


def failure_of(error: Fields) -> Failure:
    """Say in the contract's words why the channel refused.

    Raises:
        Malformed: it is no error of the protocol.
    """
    code = code_of(error)
    reason = REASONS.get(bare(code), FailureReason.DECLINED)
    return Failure(reason, error.message("message") or "The channel refused the request.", code)


def bare(code: str) -> str:
    """Write a code without underscores: both spellings are found in answers."""
    return code.replace("_", "").upper()
