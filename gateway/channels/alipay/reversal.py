"""Alipay's own cancel: closes a trade that is not paid, and gives back one that is.

The port never uses it, because a trade may be found paid at the same moment, and its payment would
stay a success that was given back. It is for the person who settles a review case: a payment of
which questions still learn nothing. Alipay does it within a day, for barcodes and agreements only.
"""

from datetime import datetime
from enum import Enum

from gateway.channels.alipay.account import Account
from gateway.channels.alipay.codes import DONE, code_of, sub_code_of
from gateway.channels.connector import HttpReply, HttpRequest
from gateway.channels.fields import Malformed, same
from gateway.channels.keys import SignatureRefused

METHOD = "alipay.trade.cancel"


class Reversal(Enum):
    """What a cancel did."""

    CLOSED = "close"
    REFUNDED = "refund"
    NOTHING = "there is no such trade yet"
    AGAIN = "not done: send it again"


class ReversalRefused(Exception):
    """The answer proves nothing, or Alipay refused. Says which, without a secret."""


def reversal_request(account: Account, number: str, moment: datetime) -> HttpRequest:
    """Cancel the trade under our number."""
    return account.request(METHOD, {"out_trade_no": number}, moment)


def read_reversal(account: Account, number: str, reply: HttpReply, now: datetime) -> Reversal:
    """Read what a cancel did.

    Raises:
        ReversalRefused: nothing is proven, or it was refused.
    """
    try:
        node = account.open(METHOD, reply, now)
        code = code_of(node)
        if code != DONE:
            raise ReversalRefused(f"Alipay refused to cancel: {code} {sub_code_of(node)}")
        same(node, "out_trade_no", number)
        if node.one_of("retry_flag", ("Y", "N")) == "Y":
            return Reversal.AGAIN
        if not node.has("action"):
            return Reversal.NOTHING
        return Reversal(node.one_of("action", (Reversal.CLOSED.value, Reversal.REFUNDED.value)))
    except (SignatureRefused, Malformed) as error:
        raise ReversalRefused(f"The answer to a cancel proves nothing: {error}") from error
