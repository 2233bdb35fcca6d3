"""UnionPay's times: Beijing's, and the clearing day, which ends at 23:00.

A void, a settlement file and a refund's window all reckon in clearing days, so a payment of half
past eleven in the evening belongs to tomorrow.
"""

import calendar
from datetime import date, datetime, timedelta
from typing import Final

from gateway.emulators.core import beijing

CUT_HOUR: Final = 23
FORM: Final = "%Y%m%d%H%M%S"


def day(time_ms: int) -> date:
    """The clearing day of a time."""
    return (beijing.at(time_ms) + timedelta(hours=24 - CUT_HOUR)).date()


def to_text(time_ms: int) -> str:
    """YYYYMMDDhhmmss."""
    return beijing.at(time_ms).strftime(FORM)


def from_text(text: str) -> int:
    """The time that YYYYMMDDhhmmss means. Raises ValueError."""
    time = datetime.strptime(text, FORM).replace(tzinfo=beijing.ZONE)
    return round(time.timestamp() * 1000)


def months_later(start: date, months: int) -> date:
    """The same day so many months later, or the last one of a shorter month."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(start.day, last))


def latest(month_and_day: str, until: date) -> date:
    """The last day that is written MMDD and is not later than `until`. Raises ValueError."""
    month, day_of_month = int(month_and_day[:2]), int(month_and_day[2:])
    for year in range(until.year, until.year - 5, -1):
        if not 1 <= month <= 12 or not 1 <= day_of_month <= calendar.monthrange(year, month)[1]:  # noqa: PLR2004
            continue
        found = date(year, month, day_of_month)
        if found <= until:
            return found
    raise ValueError(f"{month_and_day} is no day")
