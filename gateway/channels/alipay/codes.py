"""What a code and a sub code say: the table of the channel's documentation.

A code is the gateway's: whether the call was carried out, and how it failed. The sub code is the
product's own. Two codes that the documentation calls definite are asked about all the same: that a
number is known with other parameters, or that a trade is not known, says nothing of what an
earlier request under that number did. What is not in the table proves nothing; nor do refusals to
work at all (the signature, the token, the rate), by which this request did nothing.
"""

from enum import StrEnum

from gateway.channels.fields import Fields
from gateway.domain.payment import Failure, FailureReason

DONE = "10000"
WAITING = "10003"
FAILED = "40004"
NOT_ALLOWED = "40006"

CODE_LENGTH_MAX = 64


class Meaning(StrEnum):
    """What an answer says that is not simply done."""

    REFUSED = "refused for good"
    CLOSED = "the number is closed"
    PAYING = "the payer is paying"
    NOT_FOUND = "not known at this instant"
    ASK = "ask what became of it"


CODES = {WAITING: Meaning.PAYING, NOT_ALLOWED: Meaning.REFUSED}
"""Codes that say something by themselves."""

MEANINGS = {
    "ACCESS_FORBIDDEN": Meaning.REFUSED,
    "AGREEMENT_INVALID": Meaning.REFUSED,
    "AGREEMENT_NOT_EXIST": Meaning.REFUSED,
    "AGREEMENT_STATUS_NOT_NORMAL": Meaning.REFUSED,
    "AUTH_NO_ERROR": Meaning.REFUSED,
    "AUTH_OPERATION_NOT_EXIST": Meaning.NOT_FOUND,
    "AUTH_ORDER_NOT_EXIST": Meaning.NOT_FOUND,
    "BEYOND_PAY_RESTRICTION": Meaning.REFUSED,
    "BEYOND_PER_RECEIPT_RESTRICTION": Meaning.REFUSED,
    "BUYER_BALANCE_NOT_ENOUGH": Meaning.REFUSED,
    "BUYER_BANKCARD_BALANCE_NOT_ENOUGH": Meaning.REFUSED,
    "BUYER_ENABLE_STATUS_FORBID": Meaning.REFUSED,
    "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR": Meaning.REFUSED,
    "BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR": Meaning.REFUSED,
    "BUYER_SELLER_EQUAL": Meaning.REFUSED,
    "CONTEXT_INCONSISTENT": Meaning.ASK,
    "ERROR_BALANCE_PAYMENT_DISABLE": Meaning.REFUSED,
    "ERROR_BUYER_CERTIFY_LEVEL_LIMIT": Meaning.REFUSED,
    "EXIST_FORBIDDEN_WORD": Meaning.REFUSED,
    "ILLEGAL_ARGUMENT": Meaning.REFUSED,
    "INVALID_PARAMETER": Meaning.REFUSED,
    "ORDER_ALREADY_CLOSED": Meaning.CLOSED,
    "PARTNER_ERROR": Meaning.REFUSED,
    "PAYMENT_AUTH_CODE_INVALID": Meaning.REFUSED,
    "PAYMENT_FAIL": Meaning.REFUSED,
    "PAYMENT_REQUEST_HAS_RISK": Meaning.REFUSED,
    "REASON_TRADE_REFUND_FEE_ERR": Meaning.REFUSED,
    "REFUND_AMT_NOT_EQUAL_TOTAL": Meaning.REFUSED,
    "SELLER_BALANCE_NOT_ENOUGH": Meaning.ASK,
    "SELLER_BEEN_BLOCKED": Meaning.REFUSED,
    "SYSTEM_ERROR": Meaning.ASK,
    "TOTAL_FEE_EXCEED": Meaning.REFUSED,
    "TRADE_BUYER_NOT_MATCH": Meaning.REFUSED,
    "TRADE_HAS_CLOSE": Meaning.CLOSED,
    "TRADE_HAS_FINISHED": Meaning.REFUSED,
    "TRADE_HAS_SUCCESS": Meaning.ASK,
    "TRADE_NOT_EXIST": Meaning.NOT_FOUND,
}
"""Sub codes of a failed call, without `ACQ.`, which trades put in front and authorisations do not.

A seller whose balance does not cover a refund fills it, and the refund is sent again.
"""

REASONS = {
    "BEYOND_PAY_RESTRICTION": FailureReason.LIMIT_EXCEEDED,
    "BEYOND_PER_RECEIPT_RESTRICTION": FailureReason.LIMIT_EXCEEDED,
    "BUYER_BALANCE_NOT_ENOUGH": FailureReason.INSUFFICIENT_FUNDS,
    "BUYER_BANKCARD_BALANCE_NOT_ENOUGH": FailureReason.INSUFFICIENT_FUNDS,
    "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR": FailureReason.LIMIT_EXCEEDED,
    "BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR": FailureReason.LIMIT_EXCEEDED,
    "TOTAL_FEE_EXCEED": FailureReason.LIMIT_EXCEEDED,
}
"""Sub codes that the contract has a reason for; all others are DECLINED."""


def code_of(node: Fields) -> str:
    """Read the code of an answer. Raises Malformed."""
    return node.text("code", most=CODE_LENGTH_MAX)


def meaning_of(node: Fields) -> Meaning:
    """Say what a verified answer other than DONE says; ASK for what is in no documentation.

    Raises:
        Malformed: it has no code.
    """
    code = code_of(node)
    if code == FAILED:
        return MEANINGS.get(bare(sub_code_of(node)), Meaning.ASK)
    return CODES.get(code, Meaning.ASK)


def sub_code_of(node: Fields) -> str:
    """Read the sub code of an answer; empty where it has none. Raises Malformed."""
    return node.text("sub_code", most=CODE_LENGTH_MAX) if node.has("sub_code") else ""


def failure_of(node: Fields) -> Failure:
    """Say in the contract's words why Alipay refused. Raises Malformed."""
    sub_code = sub_code_of(node)
    reason = REASONS.get(bare(sub_code), FailureReason.DECLINED)
    words = node.message("sub_msg") or "The channel refused the request."
    return Failure(reason, words, sub_code or code_of(node))


def bare(sub_code: str) -> str:
    """Write a sub code without the product in front."""
    return sub_code.removeprefix("ACQ.")
