"""What a response code says: the table of the channel's documentation.

They are not the codes of card hosts, which use the same digits in other senses. What is not in the
table proves nothing. Nor does a refusal that is about this one message, such as a wrong signature
or a duplicate, or one that leaves open whether money was taken: those are asked about.
"""

from enum import StrEnum

from gateway.domain.payment import Failure, FailureReason


class Meaning(StrEnum):
    """What a code says of the transaction that it is told of."""

    DONE = "done"
    UNDERWAY = "under way"
    REFUSED = "refused for good"
    NOT_FOUND = "not known at this instant"
    ASK = "ask what became of it"


_REFUSED = (
    "01 10 13 30 31 32 33 35 36 38 39 40 43 44 45 46 60 61 62 63 64 65 66 67 68 69 71 72 73 76 77 "
    "78 79 80 81 82 85 87 89 90 91"
)

MEANINGS = {
    "00": Meaning.DONE,
    "A6": Meaning.DONE,
    "05": Meaning.UNDERWAY,
    "70": Meaning.UNDERWAY,
    "83": Meaning.UNDERWAY,
    "34": Meaning.NOT_FOUND,
    "03": Meaning.ASK,  # a timeout between the channel and the bank
    "04": Meaning.ASK,  # state not clear: the settlement file decides
    "02": Meaning.ASK,  # the channel is closed for a while
    "06": Meaning.ASK,  # busy
    "11": Meaning.ASK,  # wrong signature: says nothing of an earlier message
    "12": Meaning.ASK,  # duplicate: an earlier message was taken
    "37": Meaning.ASK,  # asked too often
    "42": Meaning.ASK,  # money was taken, but too late
    "74": Meaning.ASK,  # money was taken, and what follows is not known
    "75": Meaning.ASK,  # money was taken, and what follows failed
    "98": Meaning.ASK,  # no such file
    "99": Meaning.ASK,  # any error
    **dict.fromkeys(_REFUSED.split(), Meaning.REFUSED),
}

NO_FILE = "98"
"""There is no settlement file, because nothing was settled on that day."""

REASONS = {
    "33": FailureReason.LIMIT_EXCEEDED,
    "64": FailureReason.INSUFFICIENT_FUNDS,
    "81": FailureReason.LIMIT_EXCEEDED,
    "87": FailureReason.LIMIT_EXCEEDED,
    "90": FailureReason.INSUFFICIENT_FUNDS,
}
"""Codes that the contract has a reason for; all others are DECLINED."""


def meaning_of(code: str) -> Meaning:
    """Say what a code says; ASK for what is in no documentation."""
    return MEANINGS.get(code, Meaning.ASK)


def failure_of(code: str, message: str) -> Failure:
    """Say in the contract's words why the channel refused."""
    reason = REASONS.get(code, FailureReason.DECLINED)
    return Failure(reason, message or "The channel refused the request.", code)
