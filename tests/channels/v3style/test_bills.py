"""A day's bill: applied for, fetched, held against its hash, and read so that it adds up."""

import gzip
import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from gateway.channels.bill import Bill, BillLine, BillLineKind, BillRefused, BillTotals
from gateway.channels.connector import HttpReply
from gateway.channels.douyin.bill import parse_bill as parse_douyin
from gateway.channels.v3style import bills
from gateway.channels.v3style.bills import (
    BillTicket,
    bill_request,
    download_request,
    read_file,
    read_ticket,
)
from gateway.channels.wechat.bill import parse_bill
from gateway.domain.money import Money
from tests.channels.v3style.bill_files import HEADER, bill_file, paid, refunded
from tests.channels.v3style.wire import CHARGE_NUMBER, MCHID, NONCE, NOW, NUMBER, Side

CHARGE_LINE = BillLine(
    kind=BillLineKind.CHARGE,
    number=CHARGE_NUMBER,
    charge_number=CHARGE_NUMBER,
    channel_number="4200001",
    money=Money("CNY", 2000),
    fee=Decimal("0.12000"),
    time=datetime(2026, 3, 1, 4, 0, tzinfo=UTC),
)
REFUND_LINE = BillLine(
    kind=BillLineKind.REFUND,
    number=NUMBER,
    charge_number=CHARGE_NUMBER,
    channel_number="5030001",
    money=Money("CNY", 1250),
    fee=Decimal("-0.07500"),
    time=datetime(2026, 3, 1, 5, 0, tzinfo=UTC),
)


@pytest.mark.parametrize("parse", [parse_bill, parse_douyin])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_bill(parse: Any, end: str) -> None:
    """Payments and refunds are read from yuan into fen, in Beijing's time, with their fees."""
    bill = parse(bill_file(paid(), refunded(), end=end))
    assert bill.lines == (CHARGE_LINE, REFUND_LINE)
    assert bill.totals == BillTotals(2, 2000, 1250, Decimal("0.04500"))


def test_bill_with_a_mark_at_its_beginning() -> None:
    """A byte order mark says nothing."""
    assert len(parse_bill(b"\xef\xbb\xbf" + bill_file(paid(), refunded())).lines) == 2


@pytest.mark.parametrize("name", ["a,b", "a,`b", "`,`1,`2", "a\u2028b", "1.00", "费率,`备注"])
def test_text_of_the_merchant_cannot_shift_cells(name: str) -> None:
    """A name of goods that holds separators leaves every other cell where it is."""
    assert parse_bill(bill_file(paid(name), refunded())).lines == (CHARGE_LINE, REFUND_LINE)


def test_reversed_payment_is_a_refund_by_the_charge_number() -> None:
    """A reversal has no number of its own: it is the charge's money going back."""
    line = parse_bill(bill_file(paid(), refunded("REVOKED"))).lines[1]
    assert (line.kind, line.number) == (BillLineKind.REFUND, CHARGE_NUMBER)


def test_failed_refund_is_no_movement() -> None:
    """A refund that failed on the same day stands in the bill and moved nothing."""
    bill = parse_bill(bill_file(paid(), refunded(told="FAIL")))
    assert bill.lines == (CHARGE_LINE,)
    assert bill.totals == BillTotals(1, 2000, 0, Decimal("0.12000"))


def test_empty_bill() -> None:
    """A bill without lines is a bill."""
    assert parse_bill(bill_file(sums="`0,`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00")).lines == ()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        bill_file(paid()),
        bill_file(paid(), refunded(), refunded()),
        bill_file(paid(), refunded())[:-30],
        bill_file(paid(), refunded(), sums="`2,`20.00,`12.50,`0.00,`0.04501,`20.00,`12.50"),
        bill_file(paid(), refunded(), sums="`2,`20.00,`12.50,`0.00,`0.04500,`20.01,`12.50"),
        bill_file(paid(), refunded(), sums="`2,`20.00,`12.50,`0.00,`0.04500,`20.00,`12.51"),
        bill_file(paid(), refunded(), sums="`3,`20.00,`12.50,`0.00,`0.04500,`20.00,`12.50"),
        bill_file(paid(), refunded(), sums="`2,`20.00"),
        bill_file(paid(), refunded(), sums="2,20.00,12.50,0.00,0.04500,20.00,12.50"),
        bill_file(paid(), refunded(), sums=f"`{'9' * 5000},`20.00,`12.50,`0.00,`0.0,`20.00,`12.50"),
        bill_file(paid().replace("`20.00,`0.00,`", "`20.001,`0.00,`"), refunded()),
        bill_file(paid().replace("`20.00,`0.00,`", "`NaN,`0.00,`"), refunded()),
        bill_file(paid().replace("`20.00,`0.00,`", "`0.00,`0.00,`"), refunded()),
        bill_file(paid().replace("`CNY", "`XXX"), refunded()),
        bill_file(paid().replace("`SUCCESS", "`USERPAYING"), refunded()),
        bill_file(paid().replace("2026-03-01", "2026-02-30"), refunded()),
        bill_file(paid().replace(",`OTHERS", ""), refunded()),
        bill_file(paid().lstrip("`"), refunded()),
        bill_file(paid(), refunded()).replace("手续费,".encode(), b"", 1),
        HEADER.encode(),
    ],
)
def test_bill_that_does_not_add_up_is_refused(data: bytes) -> None:
    """A bill that was cut, misread, or does not come to its own totals, is refused as a whole."""
    with pytest.raises(BillRefused):
        parse_bill(data)


def test_bill_that_tells_no_totals() -> None:
    """What a bill does not say is not held against it."""
    assert Bill((CHARGE_LINE,), BillTotals()).lines == (CHARGE_LINE,)


def test_application(side: Side) -> None:
    """A bill is applied for by its day in Beijing."""
    sent = bill_request(side.connector.account, date(2026, 2, 28), NOW, NONCE)
    assert sent.method == "GET"
    path, _, query = sent.path.partition("?")
    said = dict(part.split("=") for part in query.split("&"))
    assert path in ("/v3/bill/tradebill", "/v1/bill/billapply")
    assert (said["bill_date"], said["tar_type"]) == ("2026-02-28", "GZIP")
    assert said.get("mchid", MCHID) == MCHID


def _ticket(data: bytes) -> BillTicket:
    return BillTicket("/file?token=a", "SHA1", hashlib.sha1(data).hexdigest())


def test_ticket(side: Side) -> None:
    """The answer tells where the file is, and what it hashes to."""
    told = {
        "hash_type": "SHA1",
        "hash_value": "79BB0F45FC4C42234A918000B2668D689E2BDE04",
        "download_url": "https://api.mch.weixin.qq.com/v3/billdownload/file?token=a%20b&tartype=gzip",
    }
    ticket = read_ticket(side.connector.account, side.reply(200, told), NOW)
    assert ticket is not None
    assert ticket.path == "/v3/billdownload/file?token=a%20b&tartype=gzip"
    assert ticket.hash_value == "79bb0f45fc4c42234a918000b2668d689e2bde04"
    sent = download_request(side.connector.account, ticket, NOW, NONCE)
    assert (sent.method, sent.path) == ("GET", ticket.path)
    assert "Authorization" in sent.headers


@pytest.mark.parametrize("code", ["NO_STATEMENT_EXIST", "NOSTATEMENTEXIST"])
def test_day_without_trade(side: Side, code: str) -> None:
    """A day on which nothing was traded has no bill, and that is no error."""
    assert read_ticket(side.connector.account, side.error(400, code), NOW) is None


@pytest.mark.parametrize(
    "change",
    [
        {"hash_type": "MD5"},
        {"hash_value": "xyz"},
        {"hash_value": None},
        {"download_url": "/v3/billdownload/file"},
        {"download_url": "https://h/a b"},
        {"download_url": "https://user@h/a"},
        {"download_url": None},
    ],
)
def test_ticket_of_other_shape_is_refused(side: Side, change: dict[str, Any]) -> None:
    """A ticket by which a file could not be fetched or checked is refused."""
    told = {"hash_type": "SHA1", "hash_value": "0" * 40, "download_url": "https://h/f"} | change
    with pytest.raises(BillRefused):
        read_ticket(side.connector.account, side.reply(200, told), NOW)


def test_ticket_that_nobody_signed_is_refused(side: Side) -> None:
    """The hash stands for the file, so the answer that tells it must be signed."""
    reply = side.reply(200, {"hash_type": "SHA1"})
    for wrong in (HttpReply(200, {}, reply.body), side.error(500, "SYSTEM_ERROR")):
        with pytest.raises(BillRefused):
            read_ticket(side.connector.account, wrong, NOW)


def testbill_file() -> None:
    """The file is unpacked, and its hash is that of what was packed."""
    data = bill_file(paid(), refunded())
    assert read_file(_ticket(data), HttpReply(200, {}, gzip.compress(data))) == data


def test_file_by_another_hash() -> None:
    """SHA-256 is understood where the ticket names it."""
    ticket = BillTicket("/f", "SHA256", hashlib.sha256(b"bill").hexdigest())
    assert read_file(ticket, HttpReply(200, {}, gzip.compress(b"bill"))) == b"bill"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, gzip.compress(b"another bill")),
        (200, gzip.compress(b"bill")[:-1]),
        (200, gzip.compress(b"bill") + b"more"),
        (200, b"bill"),
        (200, b""),
        (404, gzip.compress(b"bill")),
    ],
)
def test_wrong_file_is_refused(status: int, body: bytes) -> None:
    """A file that is another, cut short, followed by more or not packed, is refused."""
    with pytest.raises(BillRefused):
        read_file(_ticket(b"bill"), HttpReply(status, {}, body))


def test_file_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file that unpacks to more than the bound is refused before it is unpacked."""
    data = bytes(2_000_000)
    monkeypatch.setattr(bills, "FILE_BYTES_MAX", 1_000_000)
    with pytest.raises(BillRefused, match="too long"):
        read_file(_ticket(data), HttpReply(200, {}, gzip.compress(data)))
