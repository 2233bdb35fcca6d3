"""The settlement file of a clearing day: fixed width, one line for each movement of money. Pure.

The lines are what really moved, so they add up to the book, unless they are told to lie. Amounts
are fen; a sum that has a direction begins with C (to the merchant) or D (from the merchant). Each
column is followed by one space. The files come as a ZIP, deflated once more, in base64.
"""

import base64
import io
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

FEE_RATE: Final = Decimal("0.006")
WIDTHS: Final = (
    *(3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2),
    *(6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32, 13, 13, 12, 2, 1, 131),
)
LINE_END: Final = "\r\n"
NOTHING: Final = f"C{'0' * 12}"
ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)  # the same file for the same day

_CODES: Final = {"charge": "S22", "refund": "S30", "return": "S32"}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One movement of money. Amounts and fees are fen."""

    kind: str  # charge, refund or return
    mer_id: str
    order_id: str
    txn_time: str
    txn_type: str
    amount: int
    txn_sub_type: str = "00"
    biz_type: str = "000000"
    trace_no: str = "000000"
    account: str = ""
    query_id: str = ""
    orig_trace_no: str = ""
    orig_txn_time: str = ""
    orig_query_id: str = ""
    orig_order_id: str = ""
    extra_fee: int = 0

    @property
    def fee(self) -> int:
        """What the network keeps, in fen; less than nothing when it gives it back."""
        sign = 1 if self.kind == "charge" else -1
        fee = (self.amount * FEE_RATE).quantize(Decimal(1), ROUND_HALF_UP)
        return sign * int(fee) + self.extra_fee

    @property
    def net(self) -> int:
        """What comes to the merchant, in fen; less than nothing when it pays."""
        return (self.amount if self.kind == "charge" else -self.amount) - self.fee


@dataclass(frozen=True)
class BillFault:
    """How a file shall differ from the book; `amount` is fen."""

    kind: str
    number: str
    amount: int


def spoil(lines: Sequence[Line], faults: Iterable[BillFault], mer_id: str, day: date) -> list[Line]:
    """The lines as the faults want them; an extra one is a payment that nobody made."""
    found = list(lines)
    for fault in faults:
        if fault.kind == "EXTRA":
            found.append(
                Line(
                    kind="charge",
                    mer_id=mer_id,
                    order_id=fault.number,
                    txn_time=f"{day:%Y%m%d}000000",
                    txn_type="01",
                    amount=fault.amount,
                    query_id=f"{day:00%y%m%d}{'0' * 13}",
                )
            )
        elif fault.kind == "MISSING":
            found = [line for line in found if line.order_id != fault.number]
        else:
            found = [_change(line, fault) for line in found]
    return found


def pack(lines: Sequence[Line], mer_id: str, day: date) -> str:
    """The files of a day as an answer carries them: ZM has the lines, ZME no errors."""
    archive = io.BytesIO()
    stem = f"INN{day:%y%m%d}"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as pile:
        for kind, text in (("ZM", write(lines)), ("ZME", "")):
            entry = zipfile.ZipInfo(f"{stem}{kind}_{mer_id}", ZIP_TIME)
            pile.writestr(entry, text.encode(), zipfile.ZIP_DEFLATED)
    return base64.b64encode(zlib.compress(archive.getvalue())).decode()


def write(lines: Sequence[Line]) -> str:
    """The text of the ZM file."""
    return "".join(f"{_row(line)}{LINE_END}" for line in lines)


def _change(line: Line, fault: BillFault) -> Line:
    if line.order_id != fault.number:
        return line
    if fault.kind == "AMOUNT":
        return replace(line, amount=line.amount + fault.amount)
    return replace(line, extra_fee=line.extra_fee + fault.amount)


def _row(line: Line) -> str:
    cells = {
        1: _CODES[line.kind],
        2: "00010000",
        3: "00049992",
        4: line.trace_no,
        5: line.txn_time[4:],
        6: line.account,
        7: f"{line.amount:012d}",
        8: "5411",
        9: "07",
        10: line.query_id,
        12: line.order_id,
        13: "01",
        14: line.orig_trace_no,
        15: line.orig_txn_time[4:],
        16: _directed(-line.fee),
        17: _directed(line.net),
        18: "0001",
        20: line.txn_type,
        21: line.txn_sub_type,
        22: line.biz_type,
        26: "0",
        27: line.orig_query_id,
        28: line.mer_id,
        32: NOTHING,
        33: _directed(line.net),
        36: NOTHING,
        37: NOTHING,
        38: "0" * 12,
        39: "00",
        41: line.orig_order_id,
    }
    padded = [cells.get(place, "").ljust(width) for place, width in enumerate(WIDTHS, 1)]
    assert [len(cell) for cell in padded] == list(WIDTHS), "a cell is wider than its column"
    return " ".join(padded)


def _directed(amount: int) -> str:
    return f"{'D' if amount < 0 else 'C'}{abs(amount):012d}"
