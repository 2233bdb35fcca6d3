"""Fees are accrued exactly, in millionths of a minor unit, and never rounded per payment.

0.1 % of 2.00 yuan is 0.2 fen: rounding it per payment would earn nothing, or five times too much. A
payment freezes the schedule that was in force when it was made (`FeeTerms`); whole minor units are
booked only by settlement.
"""

from collections.abc import Iterable
from datetime import datetime

from gateway.domain.value import value

MILLION = 1_000_000


@value(frozen=True, slots=True)
class FeeTerms:
    """What one payment costs.

    The rate is in millionths of the amount; the fixed part and the bounds are in minor units, and a
    maximum of 0 means none.
    """

    rate_millionths: int
    fixed: int = 0
    minimum: int = 0
    maximum: int = 0
    returned_on_refund: bool = False

    def accrued(self, amount: int) -> int:
        """Give the fee of a captured amount, in millionths of a minor unit; of 0 it is 0."""
        if amount == 0:
            return 0
        fee = max(amount * self.rate_millionths + self.fixed * MILLION, self.minimum * MILLION)
        return min(fee, self.maximum * MILLION) if self.maximum else fee

    def returned(self, fee: int, refunded: int, captured: int) -> int:
        """Give what refunds give back of a fee so far: its refunded share, rounded half up."""
        if not self.returned_on_refund or captured == 0:
            return 0
        return (2 * fee * refunded + captured) // (2 * captured)


@value(frozen=True, slots=True)
class FeeSchedule:
    """Terms for one channel and currency, from one moment on, for a band of amounts.

    The band begins at `amount_from` and ends before `amount_to`, in minor units; 0 means no end.
    """

    channel: str
    currency: str
    effective_time: datetime
    terms: FeeTerms
    amount_from: int = 0
    amount_to: int = 0

    def covers(self, channel: str, currency: str, amount: int, now: datetime) -> bool:
        """Tell whether this schedule may hold for a payment."""
        return (
            (self.channel, self.currency) == (channel, currency)
            and self.effective_time <= now
            and amount >= self.amount_from
            and (not self.amount_to or amount < self.amount_to)
        )


def terms_for(
    schedules: Iterable[FeeSchedule], channel: str, currency: str, amount: int, now: datetime
) -> FeeTerms | None:
    """Pick the latest terms in force that cover a payment; None where none do."""
    latest: FeeSchedule | None = None
    for item in schedules:
        later = latest is None or item.effective_time > latest.effective_time
        if later and item.covers(channel, currency, amount, now):
            latest = item
    return latest.terms if latest else None
