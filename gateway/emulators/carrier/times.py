"""Times as the protocol writes them: RFC 3339, with a time zone, to the millisecond.

Inside, a time is integer milliseconds since the Unix epoch, UTC.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.emulators.core import beijing
from gateway.emulators.core.fields import Fields, InvalidField

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_RFC_3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def to_text(time_ms: int) -> str:
    """As replies write it: `2026-07-03T12:27:08.312Z`."""
    text = (_EPOCH + time_ms * _MILLISECOND).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def moment(fields: Fields, name: str) -> int:
    """A date-time with its time zone, in milliseconds. Raises InvalidField."""
    text = fields.take(name)
    try:
        if type(text) is str and _RFC_3339.fullmatch(text):
            return (datetime.fromisoformat(text.upper()) - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        pass
    raise InvalidField(fields.path(name), "must be a date-time of RFC 3339 with a time zone")


def month_of(now: int) -> int:
    """When the month of a moment began, Beijing time: limits count from there."""
    return beijing.midnight(beijing.at(now).date().replace(day=1))
