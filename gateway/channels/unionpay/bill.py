"""UnionPay's settlement file: a ZIP in which lines of fixed width tell what was settled on a day.

The widths are in bytes, one byte stands between two columns, and amounts are fen. Times have no
year: it follows from the day in the file's name, which no line is later than. An amount is settled
less its fee, each with the side of the merchant's account that it goes to, so that each line proves
itself: one that does not is misread, and the file is refused.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from itertools import accumulate

from gateway.channels.bill import (
    Bill,
    BillLine,
    BillLineKind,
    BillRefused,
    BillTotals,
    read_china_time,
)
from gateway.channels.unionpay.limits import CURRENCY
from gateway.channels.unionpay.transactions import Transaction
from gateway.domain.money import Money

WIDTHS = (
    *(3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2),
    *(6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32, 13, 13, 12, 2, 1, 131),
)
ENDS = tuple(accumulate(width + 1 for width in WIDTHS))
LINE_BYTES = ENDS[-1] - 1

# Columns as the channel counts them, from 1.
TIME, AMOUNT, QUERY_ID, ORDER_ID, FEE, SETTLED, KIND = 5, 7, 10, 12, 16, 17, 20
ORIGINAL_QUERY_ID, LAST = 27, 41
READ = (TIME, AMOUNT, QUERY_ID, ORDER_ID, FEE, SETTLED, KIND, ORIGINAL_QUERY_ID, LAST)
ORIGINAL_ORDER_ID_BYTES = 32
"""The last column begins with the number of the transaction that a refund or void is about."""

UNPACKED_BYTES_MAX = 512 * 1_024 * 1_024
MEMBERS_MAX = 16
"""Files of one ZIP that are looked at; two are expected."""

PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

KINDS = {
    Transaction.CONSUMPTION.kind: BillLineKind.CHARGE,
    Transaction.COMPLETION.kind: BillLineKind.CHARGE,
    Transaction.REFUND.kind: BillLineKind.REFUND,
    Transaction.VOID.kind: BillLineKind.REFUND,
    Transaction.COMPLETION_VOID.kind: BillLineKind.REFUND,
}
UNSETTLED = frozenset({Transaction.PREAUTHORISATION.kind, Transaction.PREAUTHORISATION_VOID.kind})
"""Kinds that hold money and move none."""

Row = dict[int, str]

_NAME = re.compile(r"(?:.*/)?INN([0-9]{6})[0-9]{0,4}(ZME?)_[0-9A-Za-z]{1,15}")
_TIME = re.compile(r"[0-9]{10}")
_FEN = re.compile(r"[0-9]{12}")
_SIDED = re.compile(r"[CD][0-9]{12}")
_ORDER = re.compile(r"[0-9A-Za-z]{8,32}")
_CHANNEL_NUMBER = re.compile(r"[0-9A-Za-z]{1,21}")


@dataclass(frozen=True, slots=True)
class Files:
    """What lies in a ZIP: the day that was settled, its lines, and its corrections."""

    day: date
    lines: tuple[bytes, ...]
    corrections: tuple[bytes, ...]


def parse_bill(data: bytes) -> Bill:
    """Read the ZIP of a day.

    Raises:
        BillRefused: it is none, or a line does not add up.
    """
    files = _files(data)
    rows = [_row(line) for line in files.lines]
    moved = [row for row in rows if row[KIND] not in UNSETTLED]
    numbers = {row[QUERY_ID]: row[ORDER_ID] for row in moved}
    return Bill(tuple(_line(row, files.day, numbers) for row in moved), BillTotals())


def corrections_in(data: bytes) -> int:
    """Count the corrections of a day, such as chargebacks.

    They name no number of ours, so that nothing can be held against them: people look at them.

    Raises:
        BillRefused: it is no ZIP of a day.
    """
    return len(_files(data).corrections)


def _files(data: bytes) -> Files:
    """Find the two files of a day; that of corrections may be missing."""
    found: dict[str, tuple[date, tuple[bytes, ...]]] = {}
    for name, content in _members(data):
        if name[2] in found:
            raise BillRefused("A settlement file holds two files of one kind.")
        found[name[2]] = (_day(name[1]), _lines(content))
    if "ZM" not in found:
        raise BillRefused("A settlement file does not hold the file of transactions.")
    day, lines = found["ZM"]
    corrected, corrections = found.get("ZME", (day, ()))
    if corrected != day:
        raise BillRefused("A settlement file holds files of two days.")
    return Files(day, lines, corrections)


def _members(data: bytes) -> Iterator[tuple[re.Match[str], bytes]]:
    """Unpack, within bounds, the files whose names say that they are a day's."""
    left = UNPACKED_BYTES_MAX
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            for member in archive.infolist()[:MEMBERS_MAX]:
                name = _NAME.fullmatch(member.filename)
                if name is None or member.compress_type not in PACKINGS:
                    continue
                with archive.open(member) as file:
                    content = file.read(left + 1)
                left -= len(content)
                if left < 0:
                    raise BillRefused("A settlement file is too long.")
                yield name, content
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:
        raise BillRefused("A settlement file is not a ZIP that can be read.") from error


def _day(text: str) -> date:
    try:
        return datetime.strptime(f"20{text}", "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise BillRefused("A settlement file's name holds no day.") from error


def _lines(content: bytes) -> tuple[bytes, ...]:
    lines = content.replace(b"\r\n", b"\n").split(b"\n")
    return tuple(line for line in lines if line)


def _row(line: bytes) -> Row:
    """Cut a line into the columns that we read, and check that it is cut in the right places."""
    separators = {line[end - 1 : end] for end in ENDS[:-1]}
    if len(line) != LINE_BYTES or len(separators) != 1:
        raise BillRefused("A line of a settlement file has not the columns that it must have.")
    return {column: _cell(line, column) for column in READ}


def _cell(line: bytes, column: int) -> str:
    end = ENDS[column - 1] - 1
    start = end - WIDTHS[column - 1]
    if column == LAST:
        end = start + ORIGINAL_ORDER_ID_BYTES
    return line[start:end].decode("ascii", errors="replace").strip(" ")


def _line(row: Row, day: date, numbers: dict[str, str]) -> BillLine:
    kind = KINDS.get(row[KIND])
    if kind is None:
        raise BillRefused("A line of a settlement file is of a kind that we never ask for.")
    number = _matching(row[ORDER_ID], _ORDER)
    money = Money(CURRENCY, int(_matching(row[AMOUNT], _FEN)))
    if money.minor_units == 0:
        raise BillRefused("A line of a settlement file moves no money.")
    return BillLine(
        kind=kind,
        number=number,
        charge_number=number if kind is BillLineKind.CHARGE else _original(row, numbers),
        channel_number=_matching(row[QUERY_ID], _CHANNEL_NUMBER),
        money=money,
        fee=_fee(row, money.minor_units if kind is BillLineKind.CHARGE else -money.minor_units),
        time=_time(row[TIME], day),
    )


def _original(row: Row, numbers: dict[str, str]) -> str:
    """Name what was given back: told in newer files, else found on the same day, else empty."""
    told = row[LAST] or numbers.get(row[ORIGINAL_QUERY_ID], "")
    return _matching(told, _ORDER) if told else ""


def _fee(row: Row, moved: int) -> Decimal | None:
    """Give what the channel keeps, in yuan, and hold it against what it settles."""
    if not row[FEE]:
        return None
    kept = -_signed(row[FEE])
    if row[SETTLED] and moved - kept != _signed(row[SETTLED]):
        raise BillRefused("A line of a settlement file does not add up.")
    return Decimal(kept).scaleb(-2)


def _signed(text: str) -> int:
    """Read fen that go to (C) or from (D) the merchant's account."""
    sided = _matching(text, _SIDED)
    return int(sided[1:]) if sided[0] == "C" else -int(sided[1:])


def _time(text: str, day: date) -> datetime:
    month_and_day = (int(_matching(text, _TIME)[:2]), int(text[2:4]))
    year = day.year if month_and_day <= (day.month, day.day) else day.year - 1
    return read_china_time(f"{year}{text}", "%Y%m%d%H%M%S")


def _matching(text: str, pattern: re.Pattern[str]) -> str:
    if not pattern.fullmatch(text):
        raise BillRefused("A column of a settlement file is not what the channel writes.")
    return text
