"""Lists: filters, pages, orders, and the statement of a day that they are."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from tests.emulators.carrier.customer import CHARGING, PAYMENTS, REFUNDS, Customer, Reply

DATE = "paymentCreationDate"


def ids(reply: Reply, kind: str = "payment") -> list[str]:
    """The ids of a list."""
    assert reply.status == 200, reply.raw
    return [entry[f"{kind}Id"] for entry in reply.body]


def amount(entry: Mapping[str, Any]) -> Decimal:
    """The amount of a payment."""
    found: Any = entry
    for name in CHARGING:
        found = found[name]
    return Decimal(found["amount"])


async def test_pages_and_orders(customer: Customer) -> None:
    """The newest first, ten a page; the headers say how many there are and where the page ends."""
    made = [await customer.paid(amount=1 + i) for i in range(12)]
    first = await customer.page()
    assert ids(first) == made[:1:-1]
    assert (first.headers["X-Total-Count"], first.headers["Content-Last-Key"]) == ("12", "10")
    second = await customer.page(page=2)
    assert (ids(second), second.headers["Content-Last-Key"]) == (made[1::-1], "12")
    found: list[str] = []
    for page in (1, 2, 3):
        found += ids(await customer.page(page=page, perPage=5, order="asc"))
    assert found == made


BAD_QUERIES = [
    ("page=0", "OUT_OF_RANGE"),
    ("page=-1", "OUT_OF_RANGE"),
    ("perPage=1001", "OUT_OF_RANGE"),
    ("perPage=0", "OUT_OF_RANGE"),
    ("page=1000&perPage=1000", "OUT_OF_RANGE"),
    ("page=x", "INVALID_ARGUMENT"),
    ("page=1&page=1", "INVALID_ARGUMENT"),
    ("order=up", "INVALID_ARGUMENT"),
    ("paymentStatus=done", "INVALID_ARGUMENT"),
    ("paymentStatus=succeeded,denied", "INVALID_ARGUMENT"),
    ("clientCorrelator=x", "INVALID_ARGUMENT"),
    (f"{DATE}.gte=2026-01-01", "INVALID_ARGUMENT"),
    (f"{DATE}.gte=2026-01-01T00:00:00", "INVALID_ARGUMENT"),
    (f"{DATE}.gte=2026-01-01T00:00:00+08:00", "INVALID_ARGUMENT"),  # + is a space in a query
    (f"{DATE}.gte=2026-02-30T00:00:00Z", "INVALID_ARGUMENT"),
    (
        f"{DATE}.gte=2026-01-02T00:00:00Z&{DATE}.lte=2026-01-01T00:00:00Z",
        "CARRIER_BILLING.INVALID_DATE_RANGE",
    ),
    (f"{DATE}.gte=2999-01-01T00:00:00Z", "CARRIER_BILLING.INVALID_DATE_RANGE"),
]


async def test_lists_are_asked_for_strictly(customer: Customer) -> None:
    """What is no filter, or makes no sense, is refused with its code."""
    for query, code in BAD_QUERIES:
        reply = await customer.ask("GET", f"{PAYMENTS}?{query}")
        assert (reply.status, reply.code) == (400, code), query


async def test_filters(customer: Customer) -> None:
    """States (several), merchants and spans of creation, alone and together."""
    await customer.play("create", answer="PROCESSING", settle="NEVER")
    processing = (await customer.pay()).body["paymentId"]
    reserved = await customer.reserved()
    mine = {"merchantIdentifier": "m-1"}
    own = await customer.paid(chargingMetaData=mine)
    await customer.advance(hours=1)
    later = await customer.paid(chargingMetaData=mine)
    assert ids(await customer.page(paymentStatus="reserved")) == [reserved]
    both = await customer.page(paymentStatus=["processing", "reserved"])
    assert set(ids(both)) == {processing, reserved}
    assert set(ids(await customer.page(merchantIdentifier="m-1"))) == {own, later}
    assert ids(await customer.page(merchantIdentifier="m-2")) == []
    at = (await customer.query(later))["paymentCreationDate"]
    assert ids(await customer.page(**{f"{DATE}.gte": at})) == [later]
    assert ids(await customer.page(**{f"{DATE}.gte": at, f"{DATE}.lte": at})) == [later]
    early = (await customer.query(own))["paymentCreationDate"]
    before = await customer.page(merchantIdentifier="m-1", **{f"{DATE}.lte": early})
    assert ids(before) == [own]


async def test_too_many_matches_are_not_shown(customer: Customer) -> None:
    """More matches than the house wants to show must be narrowed down first."""
    await customer.house(matching_max=2)
    of, _, _ = [await customer.paid(amount=5) for _ in range(3)]
    assert (await customer.page()).code == "CARRIER_BILLING.TOO_MANY_MATCHING_RECORDS"
    assert len(ids(await customer.page(paymentStatus="reserved"))) == 0
    for _ in range(3):
        await customer.refund(of, 1)
    reply = await customer.page(f"{REFUNDS}/{of}/refunds")
    assert reply.code == "CARRIER_BILLING_REFUND.TOO_MANY_MATCHING_RECORDS"


async def test_refunds_of_a_payment_are_listed(customer: Customer) -> None:
    """With filters of their own, for this payment only."""
    of, other = await customer.paid(), await customer.paid()
    first = (await customer.refund(of, 1)).body["refundId"]
    await customer.advance(seconds=1)
    mine = {"merchantIdentifier": "m-1"}
    await customer.play("refund", settle="NEVER")
    second = (await customer.refund(of, 2, chargingMetaData=mine)).body["refundId"]
    await customer.refund(other)
    target = f"{REFUNDS}/{of}/refunds"
    assert ids(await customer.page(target), "refund") == [second, first]
    assert ids(await customer.page(target, order="asc", perPage=1), "refund") == [first]
    assert ids(await customer.page(target, refundStatus="succeeded"), "refund") == [first]
    assert ids(await customer.page(target, merchantIdentifier="m-1"), "refund") == [second]
    span = {"refundCreationDate.gte": "2026-01-02T00:00:00Z"}
    span["refundCreationDate.lte"] = "2026-01-01T00:00:00Z"
    reply = await customer.page(target, **span)
    assert reply.code == "CARRIER_BILLING_REFUND.INVALID_DATE_RANGE"
    assert (await customer.page(f"{REFUNDS}/nobody/refunds")).code == "NOT_FOUND"


async def a_day(customer: Customer) -> tuple[str, str]:
    """Begin a day in the middle of nothing; it as people say it, and its span as a query."""
    day = f"{datetime.now(UTC).year + 1}-03-05"
    await customer.control("POST", "/control/clock", {"time": f"{day}T09:00:00+08:00"})
    begin, end = f"{day}T00:00:00.000+08:00", f"{day}T23:59:59.999+08:00"
    return day, f"{DATE}.gte={quote(begin)}&{DATE}.lte={quote(end)}&perPage=1000&order=asc"


async def statement(customer: Customer, query: str) -> tuple[Decimal, Decimal]:
    """What the lists say of a day: charged and given back, payment by payment."""
    charged = given = Decimal()
    listed = await customer.ask("GET", f"{PAYMENTS}?{query}&paymentStatus=succeeded")
    for entry in listed.body:
        charged += amount(entry)
        refunds = await customer.page(
            f"{REFUNDS}/{entry['paymentId']}/refunds", refundStatus="succeeded"
        )
        for refund in refunds.body:
            refunded = refund["amountTransaction"]["refundAmount"]
            part = refunded.get("chargingInformation")
            given += amount(entry) if part is None else Decimal(part["amount"])
    return charged, given


async def test_the_statement_of_a_day_is_its_lists(customer: Customer) -> None:
    """What the lists add up to is what really moved, by total and one by one."""
    await customer.paid(amount=777)
    day, query = await a_day(customer)
    of = await customer.paid(amount=12.345)
    whole = await customer.paid(amount=100)
    confirmed = await customer.reserved(amount=0.5)
    await customer.second(confirmed, "confirm")
    await customer.reserved(amount=9)
    await customer.refund(of, 2.345)
    await customer.refund(whole)
    await customer.advance(seconds=1)
    await customer.advance(days=1)
    await customer.paid(amount=888)
    book = await customer.control("GET", f"/control/book?day={day}")
    assert book["charge"] == {"CNY": {"count": 3, "amount": "112.845"}}
    assert book["refund"] == {"CNY": {"count": 2, "amount": "102.345"}}
    charged, given = await statement(customer, query)
    assert (f"{charged:.3f}", f"{given:.3f}") == ("112.845", "102.345")
    moved = [(entry["kind"], entry["amount"]) for entry in book["movements"]]
    assert sorted(moved) == [
        ("charge", "0.500"),
        ("charge", "100.000"),
        ("charge", "12.345"),
        ("refund", "100.000"),
        ("refund", "2.345"),
    ]
    assert {entry["payment_id"] for entry in book["movements"]} == {of, whole, confirmed}


async def test_lists_can_be_made_to_differ(customer: Customer) -> None:
    """Missing and extra payments, other amounts, for those who reconcile; the book stays true."""
    day, query = await a_day(customer)
    missing, wrong = await customer.paid(amount=1), await customer.paid(amount=2)
    refund_id = (await customer.refund(wrong, 1)).body["refundId"]
    for fault in (
        {"kind": "MISSING", "number": missing},
        {"kind": "AMOUNT", "number": wrong, "amount": "0.25"},
        {"kind": "AMOUNT", "number": refund_id, "amount": "-0.5"},
        {"kind": "EXTRA", "amount": "40", "currency": "CNY"},
    ):
        await customer.control("POST", "/control/list-faults", fault)
    await customer.advance(seconds=1)
    assert await statement(customer, query) == (Decimal("42.25"), Decimal("0.5"))
    assert amount(await customer.query(wrong)) == 2
    assert (await customer.query(missing))["paymentStatus"] == "succeeded"
    book = await customer.control("GET", f"/control/book?day={day}")
    assert (book["charge"]["CNY"]["amount"], book["refund"]["CNY"]["amount"]) == ("3.000", "1.000")
    extra = ids(await customer.page())[0]
    assert (await customer.query(extra))["paymentStatus"] == "succeeded"
    for bad in ({"kind": "MISSING", "number": "x"}, {"kind": "EXTRA", "amount": "0"}, {}):
        reply = await customer.try_control("POST", "/control/list-faults", bad)
        assert reply.status in (400, 404)
