"""The settlement file: asked for, unpacked and read."""

import base64
import io
import zipfile
import zlib
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from gateway.channels.bill import BillLineKind, BillRefused
from gateway.channels.connector import HttpReply
from gateway.channels.unionpay.bill import LINE_BYTES, WIDTHS, corrections_in, parse_bill
from gateway.channels.unionpay.bills import file_request, read_file
from gateway.domain.money import Money
from tests.channels.unionpay.wire import (
    CHARGE_NUMBER,
    MERCHANT,
    NOW,
    NUMBER,
    QUERY_ID,
    answered,
    connector,
    reply,
    sent,
)

DAY = date(2026, 3, 1)
NAME = f"INN26030188ZM_{MERCHANT}"
ERRORS_NAME = f"INN26030188ZME_{MERCHANT}"


def line(**columns: str) -> bytes:
    """A line in which `c7` is the seventh column."""
    plain = {
        "c1": "S22",
        "c5": "0301120000",
        "c6": "621626*********0018",
        "c7": "000000001250",
        "c10": QUERY_ID,
        "c12": CHARGE_NUMBER,
        "c16": "D000000000008",
        "c17": "C000000001242",
        "c20": "01",
        "c21": "01",
        "c22": "000201",
        "c28": MERCHANT,
        "c31": "茶馆",
    } | columns
    cells = (
        plain.get(f"c{column}", "").encode("gbk").ljust(width)
        for column, width in enumerate(WIDTHS, 1)
    )
    return b" ".join(cells)


def refund(**columns: str) -> bytes:
    """A refund of 5 yuan, of which the channel gives 3 fen of its fee back."""
    plain = {
        "c5": "0301130000",
        "c7": "000000000500",
        "c10": "512603011300001234569",
        "c12": NUMBER,
        "c16": "C000000000003",
        "c17": "D000000000497",
        "c20": "04",
        "c21": "00",
        "c27": QUERY_ID,
        "c41": CHARGE_NUMBER,
    }
    return line(**(plain | columns))


def packed(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def day(*lines: bytes) -> bytes:
    return packed({NAME: b"\r\n".join(lines) + b"\r\n", ERRORS_NAME: b""})


def test_lines_are_read() -> None:
    """Each line gives kind, numbers, amount, fee and time."""
    charge, given_back = parse_bill(day(line(), refund())).lines
    assert (charge.kind, given_back.kind) == (BillLineKind.CHARGE, BillLineKind.REFUND)
    assert (charge.number, given_back.number) == (CHARGE_NUMBER, NUMBER)
    assert charge.charge_number == given_back.charge_number == CHARGE_NUMBER
    assert (charge.channel_number, given_back.channel_number) == (
        QUERY_ID,
        QUERY_ID[:7] + "11300001234569",
    )
    assert (charge.money, given_back.money) == (Money("CNY", 1250), Money("CNY", 500))
    assert (charge.fee, given_back.fee) == (Decimal("0.08"), Decimal("-0.03"))
    assert charge.time == datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


def test_width_of_a_line() -> None:
    """The columns are those of the channel's description."""
    assert (len(WIDTHS), LINE_BYTES, len(line())) == (41, 607, 607)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("01", [BillLineKind.CHARGE]),
        ("03", [BillLineKind.CHARGE]),
        ("04", [BillLineKind.REFUND]),
        ("31", [BillLineKind.REFUND]),
        ("33", [BillLineKind.REFUND]),
        ("02", []),
        ("32", []),
    ],
)
def test_kinds_of_lines(kind: str, expected: list[BillLineKind]) -> None:
    """What takes money is a charge, what gives it back a refund; what only holds it is no line."""
    text = line if expected == [BillLineKind.CHARGE] else refund
    assert [found.kind for found in parse_bill(day(text(c20=kind))).lines] == expected


def test_charge_of_a_refund() -> None:
    """Where older files do not name it, it is found on the same day or not at all."""
    same_day = parse_bill(day(line(), refund(c41=""))).lines
    assert same_day[1].charge_number == CHARGE_NUMBER
    assert parse_bill(day(refund(c41=""))).lines[0].charge_number == ""


def test_year_of_a_time() -> None:
    """A line is never later than its day, so one of late December belongs to the year before."""
    name = f"INN26010188ZM_{MERCHANT}"
    held = parse_bill(packed({name: line(c5="1231233000") + b"\n" + line(c5="0101120000")}))
    assert [found.time for found in held.lines] == [
        datetime(2025, 12, 31, 15, 30, tzinfo=UTC),
        datetime(2026, 1, 1, 4, 0, tzinfo=UTC),
    ]


def test_fee_may_be_untold() -> None:
    """Where a file tells no fee there is none; where it tells no settlement the fee stands."""
    untold = line(c16="", c17="")
    alone = line(c17="")
    fees = [found.fee for found in parse_bill(day(untold, alone)).lines]
    assert fees == [None, Decimal("0.08")]


@pytest.mark.parametrize(
    "text",
    [
        line(c17="C000000001241"),
        line(c16="D000000000009"),
        line(c16="000000000008"),
        line(c7="000000000000"),
        line(c7="0000000012.5"),
        line(c5="0230120000"),
        line(c5="03011200"),
        line(c10=""),
        line(c12=""),
        line(c12="a-b-c-d-e"),
        line(c20="12"),
        line(c20=""),
        refund(c41="?"),
        line() + b" ",
        line()[:-1],
        line()[:3] + b"," + line()[4:],
        b"\xff" + line(),
    ],
)
def test_lines_that_cannot_be_right(text: bytes) -> None:
    """A line that is misread or does not add up refuses the whole file, and shows none of it."""
    with pytest.raises(BillRefused) as refused:
        parse_bill(day(line(), text))
    assert CHARGE_NUMBER not in str(refused.value)


def test_empty_day_and_corrections() -> None:
    """A day may have no lines; corrections, which name no number of ours, are counted."""
    assert parse_bill(day()).lines == ()
    held = packed({NAME: line(), ERRORS_NAME: b"chargeback\r\nchargeback\r\n"})
    assert corrections_in(held) == 2
    assert corrections_in(packed({f"folder/{NAME}": b"", "readme.txt": b"x"})) == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        day(line())[:-30],
        packed({}),
        packed({ERRORS_NAME: b""}),
        packed({NAME: b"", f"INN260301ZM_{MERCHANT}": b""}),
        packed({NAME: b"", f"INN26030288ZME_{MERCHANT}": b""}),
        packed({f"INN26139988ZM_{MERCHANT}": b""}),
    ],
)
def test_files_that_are_not_a_days(data: bytes) -> None:
    """No ZIP, a cut one, and one with the wrong files in it, is refused."""
    with pytest.raises(BillRefused):
        parse_bill(data)


def test_request() -> None:
    """A day's file is asked for by month and day, with the time of the question."""
    made = file_request(connector().account, DAY, NOW)
    fields = sent(made)
    assert (made.method, made.path) == ("POST", "/")
    assert len(fields.pop("signature")) == 344
    assert fields == {
        "version": "5.1.0",
        "encoding": "utf-8",
        "signMethod": "01",
        "certId": "69903319369",
        "accessType": "0",
        "merId": MERCHANT,
        "txnType": "76",
        "txnSubType": "01",
        "bizType": "000000",
        "txnTime": "20260301120001",
        "fileType": "00",
        "settleDate": "0301",
    }


def _answer(data: bytes, **changes: str) -> HttpReply:
    content = base64.b64encode(zlib.compress(data)).decode()
    plain = {
        "txnType": "76",
        "settleDate": "0301",
        "fileName": "INN.zip",
        "fileContent": content,
    }
    return reply(answered("00", **(plain | changes)))


def test_file_is_unpacked() -> None:
    """The signed answer holds the ZIP."""
    account = connector().account
    data = read_file(account, DAY, _answer(day(line())), NOW)
    assert data is not None
    assert len(parse_bill(data).lines) == 1


def test_day_without_a_file() -> None:
    """A day on which nothing was settled has no file."""
    assert read_file(connector().account, DAY, reply(answered("98")), NOW) is None


@pytest.mark.parametrize(
    "answer",
    [
        HttpReply(200, {}, b""),
        HttpReply(500, {}, b""),
        reply(answered("03")),
        reply(answered("10")),
        reply(answered("00")),
        _answer(b"x", settleDate="0228"),
        _answer(b"x", merId="777290058167152"),
        _answer(b"x", fileContent="!"),
        _answer(b"x", fileContent=base64.b64encode(b"x").decode()),
        _answer(b"x", fileContent=base64.b64encode(zlib.compress(b"x")[:-1]).decode()),
        _answer(b"x", fileContent=base64.b64encode(zlib.compress(b"x") + b"x").decode()),
    ],
)
def test_answers_that_hold_no_file(answer: HttpReply) -> None:
    """An answer that is not the channel's, or holds another or no file, is refused."""
    with pytest.raises(BillRefused):
        read_file(connector().account, DAY, answer, NOW)
