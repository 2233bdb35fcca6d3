"""Trades, read strictly, and what they prove of the attempt that was asked about.

TRADE_CLOSED is said of a trade that was never paid and of one that was given back as a whole. The
attempt that hears it is still open either way, so nothing was booked for it and nothing of it is
left: it failed for good. A charge that had succeeded before hears it after its full refund, and is
past being changed.
"""

import re
from dataclasses import dataclass, replace

from gateway.channels.alipay.funding import read_funding, read_instalments
from gateway.channels.alipay.texts import read_money
from gateway.channels.connector import evidence
from gateway.channels.fields import Fields
from gateway.channels.outcomes import CLOSED, PAID
from gateway.domain.channel import AttemptKind, Outcome, OutcomeClass
from gateway.domain.money import Money
from gateway.domain.payment import Failure, FailureReason

WAITING, CLOSED_STATE = "WAIT_BUYER_PAY", "TRADE_CLOSED"
PAID_STATES = frozenset({"TRADE_SUCCESS", "TRADE_FINISHED"})
"""A finished trade is one that cannot be refunded any more."""

STATES = (WAITING, CLOSED_STATE, *sorted(PAID_STATES))

NUMBER = re.compile(r"[0-9A-Za-z_]{1,64}")
TRADE_NO = re.compile(r"[0-9]{16,64}")

NOT_CAPTURED = Failure(
    FailureReason.DECLINED, "The channel closed the capture unpaid.", CLOSED_STATE
)


@dataclass(frozen=True, slots=True)
class Trade:
    """What Alipay holds under a number. `money` is None where it names none."""

    number: str
    channel_number: str
    state: str
    money: Money | None
    funding: str = ""
    instalments: str = ""

    @property
    def shown(self) -> str:
        """Say what was read, for people."""
        text = (
            f"alipay trade {self.number}: {self.state}, "
            f"{self.channel_number or 'no number'}, {self.money or 'no amount'}"
        )
        paid_from = f", paid from {self.funding}" if self.funding else ""
        spread = f" in {self.instalments} instalments" if self.instalments else ""
        return text + paid_from + spread


def read_trade(fields: Fields) -> Trade:
    """Read a trade. Raises Malformed."""
    return _trade(fields, fields.one_of("trade_status", STATES))


def read_paid(fields: Fields) -> Trade:
    """Read the trade that an answer to a payment shows, which says by its code that it is paid.

    Raises:
        Malformed: it is none.
    """
    return _trade(fields, "TRADE_SUCCESS")


def charge_outcome(trade: Trade) -> Outcome:
    """Tell what a trade proves of its charge."""
    shown = _shown(trade)
    if trade.state in PAID_STATES:
        return replace(shown, outcome=OutcomeClass.SUCCESS, funding_source=trade.funding)
    if trade.state == CLOSED_STATE:
        failure = replace(CLOSED, channel_code=CLOSED_STATE)
        return replace(shown, outcome=OutcomeClass.FAILED, closed=True, failure=failure)
    return shown


def capture_outcome(trade: Trade) -> Outcome:
    """Tell what a trade proves of the capture that made it."""
    if trade.state == CLOSED_STATE:
        return replace(_shown(trade), outcome=OutcomeClass.FAILED, failure=NOT_CAPTURED)
    return charge_outcome(trade)


def close_outcome(trade: Trade) -> Outcome:
    """Tell what a trade proves of the cancel of its charge.

    One that still waits is "not found" for it: the close is not there, and is sent again.
    """
    shown = _shown(trade)
    if trade.state == CLOSED_STATE:
        return replace(shown, outcome=OutcomeClass.SUCCESS)
    if trade.state in PAID_STATES:
        return replace(shown, outcome=OutcomeClass.FAILED, failure=PAID)
    return replace(shown, outcome=OutcomeClass.UNKNOWN, not_found=True)


OUTCOMES = {
    AttemptKind.CHARGE: charge_outcome,
    AttemptKind.CAPTURE: capture_outcome,
    AttemptKind.CANCEL: close_outcome,
}
"""How a trade is judged, by the kind of the attempt that asks."""


def _trade(fields: Fields, state: str) -> Trade:
    paid = state in PAID_STATES
    read = fields.text if paid else fields.optional
    return Trade(
        number=fields.text("out_trade_no", NUMBER),
        channel_number=read("trade_no", TRADE_NO),
        state=state,
        money=read_money(fields, "total_amount") if paid or fields.has("total_amount") else None,
        funding=read_funding(fields) if paid else "",
        instalments=read_instalments(fields) if paid else "",
    )


def _shown(trade: Trade) -> Outcome:
    return Outcome(
        OutcomeClass.PENDING,
        money=trade.money,
        channel_number=trade.channel_number,
        evidence=evidence(trade.shown),
    )
