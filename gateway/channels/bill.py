"""A channel's daily bill, in the gateway's words: what reconciliation holds against the books.

Bills are written in yuan with decimals; here money is in minor units, as everywhere, and only a
fee keeps its decimals, because channels round it when they settle and not per line. A bill whose
lines do not add up to its own totals is refused as a whole: it was cut short or misread.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

from gateway.domain.money import CURRENCY_EXPONENTS, Money

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Bills of Chinese channels tell the time of Beijing, which has no summer time."""

_AMOUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,8})?")


class BillRefused(Exception):
    """The file is no bill of this channel, or does not add up. Says where, shows no content."""


class BillLineKind(StrEnum):
    """What a line is about."""

    CHARGE = "CHARGE"
    REFUND = "REFUND"


@dataclass(frozen=True, slots=True)
class BillLine:
    """One movement of money, as the channel has it.

    Attributes:
        number: our number of the charge or refund.
        charge_number: our number of the charge that it is about; its own for a CHARGE, empty where
            the bill does not tell.
        channel_number: the channel's own number of the charge or refund.
        money: what was charged or refunded; more than 0.
        fee: what the channel keeps, in units of the currency; negative where it gives back, None
            where the bill does not tell.
        time: when, in UTC.
    """

    kind: BillLineKind
    number: str
    charge_number: str
    channel_number: str
    money: Money
    fee: Decimal | None
    time: datetime


@dataclass(frozen=True, slots=True)
class BillTotals:
    """What a bill says its lines come to; None where it does not say.

    Attributes:
        lines: number of charges and refunds.
        charged: sum of the charges, in minor units.
        refunded: sum of the refunds, in minor units.
        fee: sum of the fees, in units of the currency.
    """

    lines: int | None = None
    charged: int | None = None
    refunded: int | None = None
    fee: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """One day's lines in the channel's order, and its own totals.

    Raises:
        BillRefused: the lines do not add up to the totals.
    """

    lines: tuple[BillLine, ...]
    totals: BillTotals

    def __post_init__(self) -> None:
        """Refuse what does not add up."""
        for name, told, summed in (
            ("number of lines", self.totals.lines, len(self.lines)),
            ("charges", self.totals.charged, self._sum(BillLineKind.CHARGE)),
            ("refunds", self.totals.refunded, self._sum(BillLineKind.REFUND)),
            ("fees", self.totals.fee, sum((line.fee or Decimal(0)) for line in self.lines)),
        ):
            if told is not None and told != summed:
                raise BillRefused(f"The {name} come to {summed}, but the bill says {told}.")

    def _sum(self, kind: BillLineKind) -> int:
        return sum(line.money.minor_units for line in self.lines if line.kind is kind)


def read_decimal(text: str) -> Decimal:
    """Read an amount in units of the currency, as bills write it.

    Raises:
        BillRefused: it is none.
    """
    if not _AMOUNT.fullmatch(text):
        raise BillRefused("An amount is not a plain decimal number.")
    return Decimal(text)


def read_minor_units(text: str, currency: str) -> int:
    """Read an amount as minor units.

    Raises:
        BillRefused: it is none, or finer than the currency.
    """
    exponent = CURRENCY_EXPONENTS.get(currency)
    if exponent is None:
        raise BillRefused("A currency is not one that the gateway knows.")
    scaled = read_decimal(text).scaleb(exponent)
    if scaled != scaled.to_integral_value():
        raise BillRefused("An amount is finer than its currency.")
    return int(scaled)


def read_china_time(text: str, form: str = "%Y-%m-%d %H:%M:%S") -> datetime:
    """Read a time of Beijing; give it in UTC.

    Raises:
        BillRefused: it is none.
    """
    try:
        return datetime.strptime(text, form).replace(tzinfo=CHINA).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BillRefused("A time is not written as in this channel's bills.") from error
