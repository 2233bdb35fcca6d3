"""Beijing time, in which Chinese channels write every time and reckon every day and every hour.

Inside, a time is integer milliseconds since the Unix epoch, UTC; only what leaves is text.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

ZONE: Final = timezone(timedelta(hours=8))
DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000


def to_text(time_ms: int) -> str:
    """RFC 3339 in whole seconds: `2018-06-08T10:34:56+08:00`."""
    return at(time_ms).isoformat(timespec="seconds")


def to_bill_text(time_ms: int) -> str:
    """As bills write it: `2018-06-08 10:34:56`."""
    return at(time_ms).strftime("%Y-%m-%d %H:%M:%S")


def from_text(text: str) -> int:
    """The time that RFC 3339 text means. Raises ValueError."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def at(time_ms: int) -> datetime:
    """The clock on the wall."""
    return datetime.fromtimestamp(time_ms // 1000, UTC).astimezone(ZONE)


def midnight(day: date) -> int:
    """When a day begins."""
    return round(datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp() * 1000)
