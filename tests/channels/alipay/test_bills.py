"""A day's bill: asked for, fetched from where it lies, unpacked, and read so that it adds up."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from gateway.channels.alipay.account import Account
from gateway.channels.alipay.bill import HEADER, parse_bill
from gateway.channels.alipay.bills import (
    BillAddress,
    bill_request,
    download_request,
    read_address,
    read_file,
)
from gateway.channels.bill import BillLine, BillLineKind, BillRefused, BillTotals
from gateway.channels.connector import HttpReply, HttpRequest
from gateway.domain.money import Money
from tests.channels.alipay import bill_files
from tests.channels.alipay.bill_files import archive, bill_file, row, text_of, totals
from tests.channels.alipay.wire import (
    CHARGE_NUMBER,
    NOW,
    NUMBER,
    TRADE_NO,
    answer,
    done,
    read_sent,
    refused,
    settings,
)

METHOD = "alipay.data.dataservice.bill.downloadurl.query"
URL = "http://dwbillcenter.example.com/downloadBillFile.resource?bizType=trade&token=a%2Fb"
ACCOUNT = Account(settings())
PAID = row(CHARGE_NUMBER)
REFUNDED = row(CHARGE_NUMBER, "退款", "-12.50", request_no=NUMBER, fee="0.07")
TOTALS = totals((1, "20.00"), (1, "-12.50"))
CHARGE_LINE = BillLine(
    kind=BillLineKind.CHARGE,
    number=CHARGE_NUMBER,
    charge_number=CHARGE_NUMBER,
    channel_number=TRADE_NO,
    money=Money("CNY", 2000),
    fee=Decimal("0.12"),
    time=datetime(2026, 3, 1, 4, 0, tzinfo=UTC),
)
REFUND_LINE = BillLine(
    kind=BillLineKind.REFUND,
    number=NUMBER,
    charge_number=CHARGE_NUMBER,
    channel_number=TRADE_NO,
    money=Money("CNY", 1250),
    fee=Decimal("-0.07"),
    time=datetime(2026, 3, 1, 4, 0, tzinfo=UTC),
)


def test_header_is_the_published_one() -> None:
    """The heading that is waited for is that of the documentation."""
    assert HEADER == bill_files.HEADER
    assert HEADER.count(",") == row(NUMBER).count(",") == 24


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_bill(end: str) -> None:
    """Payments and refunds are read from yuan into fen, in Beijing's time, with their fees."""
    bill = parse_bill(bill_file([PAID, REFUNDED], TOTALS, end))
    assert bill.lines == (CHARGE_LINE, REFUND_LINE)
    assert bill.totals == BillTotals(lines=2)


@pytest.mark.parametrize(("charged", "returned"), [("-0.12", "0.07"), ("0.12", "-0.07")])
def test_sign_of_the_fee(charged: str, returned: str) -> None:
    """Whichever sign Alipay gives it, a fee is kept of a charge and given back with a refund."""
    rows = [row(CHARGE_NUMBER, fee=charged)]
    rows += [row(CHARGE_NUMBER, "退款", "-12.50", request_no=NUMBER, fee=returned)]
    assert parse_bill(bill_file(rows, TOTALS)).lines == (CHARGE_LINE, REFUND_LINE)


@pytest.mark.parametrize(
    "text",
    [
        "a,b",
        ",",
        ",,",
        "1.00,1.00",
        "#",
        "2026-03-01 12:00:00",
        "a,2026-03-01 12:00:00",
        "a,2026-03-01 12:00:00,b",
    ],
)
def test_texts_of_others_cannot_shift_cells(text: str) -> None:
    """A name of goods or a remark that holds separators leaves every other cell where it is."""
    rows = [row(CHARGE_NUMBER, name=text, remark=text), REFUNDED]
    assert parse_bill(bill_file(rows, TOTALS)).lines == (CHARGE_LINE, REFUND_LINE)


HOSTILE = ("x" + ",9.00" * 22)[:110]
CELLS = ",2026-03-01 11:59:00,2026-03-01 12:00:00,,,,,x" + ",9.00" * 7 + ",,9.00,9.00,,9.00,9.00,"
"""Cells as a line has them, from the times on: the end of a line in a text of 98 characters."""


@pytest.mark.parametrize("place", ["name", "remark"])
def test_amounts_in_texts_of_others_are_not_read(place: str) -> None:
    """A text as long as ours may be, full of amounts, leaves every cell where it is."""
    rows = [row(CHARGE_NUMBER, **{place: HOSTILE}), REFUNDED]
    assert len(HOSTILE) == 110
    assert parse_bill(bill_file(rows, TOTALS)).lines == (CHARGE_LINE, REFUND_LINE)


@pytest.mark.parametrize("place", ["name", "remark"])
def test_cells_in_texts_of_others_are_not_guessed_about(place: str) -> None:
    """A text that holds a line's own cells makes two lines of one: neither of them is believed."""
    rows = [row(CHARGE_NUMBER, **{place: CELLS}), REFUNDED]
    with pytest.raises(BillRefused, match="in two ways"):
        parse_bill(bill_file(rows, TOTALS))


@pytest.mark.parametrize("place", ["party", "coupon"])
def test_commas_in_names_of_parties_and_coupons(place: str) -> None:
    """A comma in a payer's or a coupon's name is read around as well."""
    rows = [row(CHARGE_NUMBER, **{place: "三,三"}), REFUNDED]
    assert parse_bill(bill_file(rows, TOTALS)).lines == (CHARGE_LINE, REFUND_LINE)


def test_discount() -> None:
    """A line is about what was ordered; totals are of what the seller received, perhaps less."""
    rows = [row(CHARGE_NUMBER, receipt="19.00")]
    bill = parse_bill(bill_file(rows, totals((1, "19.00"), (0, "0.00"))))
    assert bill.lines == (CHARGE_LINE,)


def test_return_of_a_whole_trade_by_its_own_number() -> None:
    """A trade that Alipay gave back without a number of ours is known by its own."""
    rows = [row(CHARGE_NUMBER, "退款", "-20.00")]
    line = parse_bill(bill_file(rows, totals((0, "0.00"), (1, "-20.00")))).lines[0]
    assert (line.kind, line.number) == (BillLineKind.REFUND, CHARGE_NUMBER)


def test_empty_bill() -> None:
    """A day on which nothing happened has no lines."""
    assert parse_bill(bill_file([], totals((0, "0.00"), (0, "0.00")))).lines == ()


@pytest.mark.parametrize(
    "trailer",
    [
        [],
        TOTALS[:1],
        TOTALS[:2],
        TOTALS[2:],
        totals((2, "20.00"), (1, "-12.50")),
        totals((1, "20.01"), (1, "-12.50")),
        totals((1, "20.00"), (0, "0.00")),
        totals((1, "20.00"), (1, "-12.49")),
        [TOTALS[1], *TOTALS],
    ],
)
def test_bill_that_does_not_add_up(trailer: list[str]) -> None:
    """A bill that is cut short, or whose lines do not come to its totals, is refused as a whole."""
    with pytest.raises(BillRefused, match="totals"):
        parse_bill(bill_file([PAID, REFUNDED], trailer))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nonsense",
        row(CHARGE_NUMBER, "转账"),
        row(CHARGE_NUMBER, amount="20.00元"),
        row(CHARGE_NUMBER, amount="2e1"),
        row(CHARGE_NUMBER, amount="-20.00"),
        row(CHARGE_NUMBER, amount="0.00"),
        row(CHARGE_NUMBER, amount="20.001", receipt="20.00"),
        row(CHARGE_NUMBER, "退款", "20.00", request_no=NUMBER),
        row(CHARGE_NUMBER, fee=""),
        row(CHARGE_NUMBER).replace("2026-03-01 12:00:00", "2026-13-01 12:00:00"),
        row(CHARGE_NUMBER, trade_no="x"),
        PAID.rpartition(",")[0],
    ],
)
def test_line_that_cannot_be_read(line: str) -> None:
    """A line that is none, moves nothing, or moves it in the wrong direction, refuses the bill."""
    refund = "退款" in line
    trailer = totals((0, "0.00"), (1, "20.00")) if refund else totals((1, "20.00"), (0, "0.00"))
    with pytest.raises(BillRefused):
        parse_bill(bill_file([line], trailer))


GOOD = text_of([PAID, REFUNDED], TOTALS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        GOOD.encode("gbk"),
        archive(),
        archive(GOOD, GOOD),
        archive(GOOD, charset="utf-8"),
        archive(text_of([PAID], TOTALS, header=HEADER.replace("备注", "附言"))),
        archive("#支付宝业务明细查询"),
        archive(*["#"] * 9),
        bill_file([PAID, REFUNDED], TOTALS)[:-30],
        bill_file([PAID, REFUNDED], TOTALS)[30:],
    ],
)
def test_what_is_no_bill(data: bytes) -> None:
    """What is no archive, or not of one file with the details in GBK, is refused."""
    with pytest.raises(BillRefused):
        parse_bill(data)


def test_damaged_archive() -> None:
    """An archive of which any byte of the details is changed is refused, or reads the same."""
    data = bill_file([PAID, REFUNDED], TOTALS)
    for place in range(0, len(data), 7):
        altered = data[:place] + bytes([data[place] ^ 0x01]) + data[place + 1 :]
        try:
            lines = parse_bill(altered).lines
        except BillRefused:
            continue
        assert lines == (CHARGE_LINE, REFUND_LINE)


def test_archive_that_would_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive that says that it is too large is not unpacked."""
    monkeypatch.setattr("gateway.channels.alipay.bill.FILE_BYTES_MAX", 100)
    with pytest.raises(BillRefused, match="too large"):
        parse_bill(bill_file([PAID, REFUNDED], TOTALS))


def test_request() -> None:
    """The bill of a day is asked for by its date in Beijing."""
    parameters, content = read_sent(bill_request(ACCOUNT, date(2026, 2, 28), NOW))
    assert parameters["method"] == METHOD
    assert content == {"bill_type": "trade", "bill_date": "2026-02-28"}


def test_address() -> None:
    """The file lies at another host, and is asked for as its address says, unsigned."""
    address = read_address(ACCOUNT, done(METHOD, bill_download_url=URL), NOW)
    path = "/downloadBillFile.resource?bizType=trade&token=a%2Fb"
    assert address == BillAddress("http://dwbillcenter.example.com", path)
    assert address is not None
    assert download_request(address) == HttpRequest("GET", path, {}, b"")


@pytest.mark.parametrize("sub_code", ["isp.bill_not_exist", "BILL_NOT_EXIST"])
def test_no_bill(sub_code: str) -> None:
    """A day without a bill has none."""
    assert read_address(ACCOUNT, refused(METHOD, sub_code), NOW) is None


@pytest.mark.parametrize(
    "reply",
    [
        done(METHOD),
        done(METHOD, bill_download_url="ftp://example.com/a"),
        done(METHOD, bill_download_url="https://user@example.com/a"),
        done(METHOD, bill_download_url="https://example.com"),
        done(METHOD, bill_download_url="https://example.com/a b"),
        refused(METHOD, "isp.unknow-error", "20000"),
        answer(METHOD, {"code": "10000", "bill_download_url": URL}, whose="stranger"),
        HttpReply(500, {}, b""),
    ],
)
def test_address_that_is_not_believed(reply: HttpReply) -> None:
    """An address that is none, is refused or not signed is not followed."""
    with pytest.raises(BillRefused):
        read_address(ACCOUNT, reply, NOW)


def test_file() -> None:
    """The file is taken as it comes, if it comes."""
    assert read_file(HttpReply(200, {}, b"PK")) == b"PK"
    with pytest.raises(BillRefused, match="404"):
        read_file(HttpReply(404, {}, b""))
