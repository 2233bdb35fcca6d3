"""The statement that stands for a bill: what its lists say, and what cannot be read on."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.channels.bill import BillLine, BillLineKind, BillRefused
from gateway.channels.carrier.bill import (
    make_bill,
    payments_request,
    read_payments,
    read_refunds,
    refunds_request,
)
from gateway.domain.money import Money
from tests.channels.carrier.wire import (
    NONCE,
    NOW,
    NUMBER,
    PAYMENT_ID,
    REFUND_ID,
    carrier,
    payment,
    refund,
    reply,
    transaction,
)

START, END = NOW - timedelta(days=1), NOW
CREATED = datetime(2026, 3, 1, 3, 59, 30, 120_000, tzinfo=UTC)
CHARGED = BillLine(
    kind=BillLineKind.CHARGE,
    number=NUMBER,
    charge_number=NUMBER,
    channel_number=PAYMENT_ID,
    money=Money("EUR", 1250),
    fee=None,
    time=CREATED,
)


def _created(second: int, **changes: Any) -> dict[str, Any]:
    date = f"2026-03-01T03:00:{second:02d}.000+00:00"
    number = f"{second:028d}"
    return payment("succeeded", number, paymentId=number, paymentCreationDate=date, **changes)


def test_payments_are_asked_for_by_their_day() -> None:
    """The list is that of the day's successes, oldest first."""
    sent = payments_request(carrier().account, START, END, NOW, NONCE)
    url = urlsplit(sent.path)
    assert (sent.method, url.path) == ("GET", "/carrier-billing/v0.5/payments")
    assert parse_qs(url.query) == {
        "perPage": ["50"],
        "order": ["asc"],
        "paymentCreationDate.gte": ["2026-02-28T04:00:00.000Z"],
        "paymentCreationDate.lte": ["2026-03-01T04:00:00.000Z"],
        "paymentStatus": ["succeeded"],
    }


def test_charge_line() -> None:
    """A payment is one line, with the time at which it was paid, if that is told."""
    piece = read_payments(reply(200, [payment("succeeded")]), NONCE, START)
    assert (piece.lines, piece.resume_time) == ((CHARGED,), None)
    paid = payment("succeeded", paymentDate="2026-03-02T00:30:00+01:00")
    (line,) = read_payments(reply(200, [paid]), NONCE, START).lines
    assert line.time == datetime(2026, 3, 1, 23, 30, tzinfo=UTC)


def test_refund_lines() -> None:
    """Refunds hang below their payment; a total one is of the whole payment."""
    sent = refunds_request(carrier().account, CHARGED, START, NOW, NONCE)
    path = f"/carrier-billing-refund/v0.3/payments/{PAYMENT_ID}/refunds"
    assert urlsplit(sent.path).path == path
    assert parse_qs(urlsplit(sent.path).query)["refundStatus"] == ["succeeded"]
    total = refund("succeeded", "x", type="total", refundId="t", refundDate="2026-03-01T05:00:00Z")
    total["amountTransaction"]["refundAmount"] = {}
    part = refund("succeeded")
    part["amountTransaction"]["refundAmount"]["chargingInformation"]["amount"] = 1.25
    piece = read_refunds(CHARGED, reply(200, [part, total]), NONCE, START)
    first, second = piece.lines
    assert (first.kind, first.number, first.charge_number) == (BillLineKind.REFUND, NUMBER, NUMBER)
    assert (first.channel_number, first.money) == (REFUND_ID, Money("EUR", 125))
    assert (second.money, second.time) == (CHARGED.money, NOW + timedelta(hours=1))


@pytest.mark.parametrize(("count", "total"), [(50, None), (3, "4"), (50, "50")])
def test_list_is_read_on(count: int, total: str | None) -> None:
    """A list that may not be whole is read on from its last moment."""
    headers = {"x_total_count": total} if total else {}
    answer = reply(200, [_created(second) for second in range(count)], **headers)
    piece = read_payments(answer, NONCE, START)
    assert piece.resume_time == datetime(2026, 3, 1, 3, 0, count - 1, tzinfo=UTC)


def test_what_stands_twice_counts_once() -> None:
    """Pieces overlap in their last moment; the bill has each movement once, in order."""
    first = read_payments(reply(200, [_created(1), _created(2)]), NONCE, START)
    second = read_payments(reply(200, [_created(2), _created(3)]), NONCE, START)
    bill = make_bill([*second.lines, *first.lines])
    assert [line.number[-1] for line in bill.lines] == ["1", "2", "3"]


def test_contradicting_pieces() -> None:
    """One movement with two amounts makes no bill."""
    other = _created(1, amountTransaction=transaction(f"{1:028d}", amount=99))
    lines = read_payments(reply(200, [_created(1), other]), NONCE, START).lines
    with pytest.raises(BillRefused, match="differently"):
        make_bill(lines)


@pytest.mark.parametrize(
    "records",
    [
        [_created(7)] * 50,
        [_created(second) for second in reversed(range(50))],
    ],
)
def test_list_that_cannot_be_read_on(records: list[dict[str, Any]]) -> None:
    """A full list without an end, or in no order, is refused instead of read in part."""
    start = datetime(2026, 3, 1, 3, 0, 7, tzinfo=UTC)
    with pytest.raises(BillRefused, match="cannot be read on"):
        read_payments(reply(200, records), NONCE, start)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, []),
        (400, {"status": 400, "code": "CARRIER_BILLING.TOO_MANY_MATCHING_RECORDS"}),
        (200, {}),
        (200, [1]),
        (200, [payment("denied")]),
        (200, [payment("succeeded", paymentCreationDate=None)]),
        (200, [payment("succeeded", paymentCreationDate="2026-03-01T03:59:30")]),
        (200, [payment("succeeded", paymentId=None)]),
        (200, [payment("succeeded", amountTransaction=transaction(currency="COP"))]),
        (200, [payment("succeeded")] * 51),
    ],
)
def test_list_of_other_shape(status: int, body: Any) -> None:
    """What is no list of successes is refused as a whole."""
    with pytest.raises(BillRefused):
        read_payments(reply(status, body), NONCE, START)


def test_answer_to_another_request() -> None:
    """Nor is an answer read that belongs to another request."""
    with pytest.raises(BillRefused):
        read_payments(reply(200, []), "f" * 32, START)
