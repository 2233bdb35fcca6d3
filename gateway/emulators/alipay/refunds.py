"""A refund and every way it may change, and the rules by which one is accepted.

An accepted refund reserves its amount: the sum of all that did not fail never exceeds what the
buyer paid, however many run at the same time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from gateway.emulators.alipay.errors import Refusal
from gateway.emulators.alipay.records import Kind, Next, Record
from gateway.emulators.alipay.trades import Trade


@dataclass(frozen=True, kw_only=True)
class Refund(Record):
    """Money of one trade on its way back to the buyer."""

    trade_seq: int
    amount: int
    success_time: int | None = None

    kind_name: ClassVar[Kind] = "refund"
    next_states: ClassVar[Next] = {
        "PROCESSING": frozenset(("SUCCESS", "FAILED")),
        "FAILED": frozenset(("PROCESSING",)),  # tried again under its own number
    }

    def settle(self, now: int, state: str) -> "Refund":
        """The bank has decided."""
        return self.move(now, state, success_time=now if state == "SUCCESS" else None)


def check(trade: Trade, earlier: Sequence[Refund], amount: int, now: int, window_ms: int) -> None:
    """Whether one more refund may be accepted. Raises Refusal."""
    over = trade.pay_time is not None and now - trade.pay_time > window_ms
    if trade.state == "TRADE_FINISHED" or (trade.is_paid and over):
        raise Refusal("ACQ.TRADE_HAS_FINISHED", "The time for refunds of this trade is over.")
    if not trade.is_paid:
        raise Refusal("ACQ.TRADE_STATUS_ERROR", f"The trade is {trade.state}.")
    reserved = sum(refund.amount for refund in earlier if refund.state != "FAILED")
    if amount + reserved > trade.total:
        message = "The refunds would exceed what was paid."
        raise Refusal("ACQ.REASON_TRADE_REFUND_FEE_ERR", message)
