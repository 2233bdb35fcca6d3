"""What follows a payment: completions, voids, refunds; by clearing days, in parts, never more."""

import asyncio
from datetime import date

import pytest

from gateway.emulators.unionpay import clearing
from tests.emulators.unionpay.till import OTHER_MER_ID, Till


async def test_an_authorisation_is_completed(till: Till) -> None:
    """Holding moves no money, completing does, once, up to 115 percent; the rest is free."""
    held = await till.paid("02", txnAmt="1000")
    assert (held["txnType"], held["origRespCode"]) == ("02", "00")
    assert (await till.moved())["charge"] == 0
    assert (await till.follow("03", held["queryId"], txnAmt="1151")).code == "33"
    done = await till.done("03", held["queryId"], txnAmt="1150")
    assert (done["txnType"], done["origQryId"]) == ("03", held["queryId"])
    assert await till.moved() == {"charge": 1150, "refund": 0, "return": 0}
    assert (await till.follow("03", held["queryId"], txnAmt="1")).code == "35"
    assert (await till.follow("32", held["queryId"], txnAmt="1000")).code == "35"


async def test_an_authorisation_is_voided(till: Till) -> None:
    """As a whole, once; then there is nothing to complete."""
    reply = await till.back("02")
    held = await till.settled(reply.fields)
    assert (await till.follow("32", held["queryId"], txnAmt="99")).code == "36"
    await till.done("32", held["queryId"])
    for txn_type in ("32", "03"):
        assert (await till.follow(txn_type, held["queryId"])).code == "45"
    assert await till.moved() == {"charge": 0, "refund": 0, "return": 0}


async def test_an_authorisation_ends_after_thirty_days(till: Till) -> None:
    """The thirtieth day is in time, the next is not; it may still be voided."""
    held = [await till.paid("02") for _ in range(2)]
    await till.jump_to(12, days=30)
    await till.done("03", held[0]["queryId"])
    await till.jump_to(12, days=2)
    assert (await till.follow("03", held[1]["queryId"])).code == "39"
    await till.done("32", held[1]["queryId"])


async def test_a_completion_is_voided_and_the_authorisation_lives(till: Till) -> None:
    """On the same clearing day, as a whole; then another completion may follow."""
    await till.jump_to(12)
    held = await till.paid("02")
    done = await till.done("03", held["queryId"])
    assert (await till.follow("33", done["queryId"], txnAmt="1")).code == "36"
    await till.done("33", done["queryId"])
    assert (await till.follow("04", done["queryId"])).code == "45"
    await till.done("03", held["queryId"], txnAmt="60")
    assert await till.moved() == {"charge": 160, "refund": 0, "return": 100}


async def test_a_payment_is_voided_on_its_clearing_day(till: Till) -> None:
    """As a whole, before 23:00, once; then nothing of it can be refunded."""
    await till.jump_to(12)
    payments = [await till.paid() for _ in range(3)]
    assert (await till.follow("31", payments[0]["queryId"], txnAmt="1")).code == "36"
    await till.done("31", payments[0]["queryId"])
    for txn_type in ("31", "04"):
        assert (await till.follow(txn_type, payments[0]["queryId"])).code == "45"
    await till.done("04", payments[1]["queryId"], txnAmt="1")
    assert (await till.follow("31", payments[1]["queryId"])).code == "45"
    await till.jump_to(23, days=0)
    assert (await till.follow("31", payments[2]["queryId"])).code == "39"
    assert await till.moved() == {"charge": 300, "refund": 1, "return": 100}


async def test_refunds_come_in_parts_up_to_the_whole(till: Till) -> None:
    """Each has a number of its own to be asked after; together they never exceed the payment."""
    paid = await till.paid(txnAmt="100")
    for part in (30, 69):
        done = await till.done("04", paid["queryId"], txnAmt=str(part))
        assert (done["origQryId"], done["txnAmt"]) == (paid["queryId"], str(part))
    assert (await till.follow("04", paid["queryId"], txnAmt="2")).code == "33"
    await till.done("04", paid["queryId"], txnAmt="1")
    assert (await till.follow("04", paid["queryId"], txnAmt="1")).code == "33"
    assert await till.moved() == {"charge": 100, "refund": 100, "return": 0}


async def test_many_refunds_at_once_stay_below_the_payment(till: Till) -> None:
    """Thirty at once that would exceed it: as many are accepted as fit."""
    paid = await till.paid(txnAmt="100")
    replies = await asyncio.gather(
        *(till.follow("04", paid["queryId"], txnAmt="10") for _ in range(30))
    )
    assert sorted(reply.code for reply in replies) == ["00"] * 10 + ["33"] * 20
    for reply in replies:
        if reply.code == "00":
            await till.settled(reply.fields)
    assert (await till.moved())["refund"] == 100


async def test_a_refund_that_failed_gives_its_amount_free(till: Till) -> None:
    """A bank may refuse after all; while it has not decided the amount is reserved."""
    paid = await till.paid()
    await till.play("refund", settle="61", settle_delay_ms=60_000)
    failing = await till.follow("04", paid["queryId"])
    assert (await till.follow("04", paid["queryId"], txnAmt="1")).code == "33"
    await till.advance(minutes=1)
    assert (await till.query(failing.fields)).fields["origRespCode"] == "61"
    await till.done("04", paid["queryId"])
    assert (await till.moved())["refund"] == 100


async def test_refunds_end_after_eleven_months(till: Till) -> None:
    """The day eleven months later is in time, the next is not."""
    paid = await till.paid(txnAmt="2")
    settled = date.fromisoformat((await entry(till, paid["orderId"]))["settle_day"])
    last = clearing.months_later(settled, 11)
    today = await till.jump_to(12)
    await till.jump_to(12, days=(last - today.date()).days)
    await till.done("04", paid["queryId"], txnAmt="1")
    await till.jump_to(12)
    assert (await till.follow("04", paid["queryId"], txnAmt="1")).code == "39"


async def test_only_what_succeeded_is_followed_and_only_by_its_merchant(till: Till) -> None:
    """Unknown, unpaid, undecided, of the wrong type or of somebody else: 35."""
    paid, held = await till.paid(), await till.paid("02")
    await till.play("consume", settle="NEVER")
    open_ = (await till.back()).fields
    table = [
        ("04", "9" * 21),
        ("04", open_["queryId"]),
        ("04", held["queryId"]),
        ("03", paid["queryId"]),
        ("31", held["queryId"]),
        ("33", paid["queryId"]),
        ("32", paid["queryId"]),
    ]
    for txn_type, query_id in table:
        assert (await till.follow(txn_type, query_id)).code == "35", txn_type
    other = till.as_merchant(OTHER_MER_ID)
    assert (await other.follow("04", paid["queryId"])).code == "35"
    refund = await till.done("04", paid["queryId"], txnAmt="1")
    assert (await till.follow("04", refund["queryId"], txnAmt="1")).code == "35"


async def entry(till: Till, order_id: str) -> dict[str, str]:
    """The oracle's view of an order."""
    page = await till.control("GET", "/control/orders?limit=1000")
    return next(each for each in page["orders"] if each["order_id"] == order_id)


@pytest.mark.parametrize(
    ("text", "until", "found"),
    [
        ("0131", date(2026, 2, 1), date(2026, 1, 31)),
        ("1231", date(2026, 1, 1), date(2025, 12, 31)),
        ("0101", date(2026, 1, 1), date(2026, 1, 1)),
        ("0229", date(2027, 1, 1), date(2024, 2, 29)),
    ],
)
def test_a_day_without_a_year_is_the_last_one(text: str, until: date, found: date) -> None:
    """MMDD never means a day that is yet to come."""
    assert clearing.latest(text, until) == found


def test_months_end_where_they_end() -> None:
    """Eleven months after the 31st is the last day of a shorter month."""
    assert clearing.months_later(date(2026, 3, 31), 11) == date(2027, 2, 28)
    assert clearing.months_later(date(2026, 1, 15), 11) == date(2026, 12, 15)
    with pytest.raises(ValueError, match="is no day"):
        clearing.latest("0230", date(2026, 1, 1))


def test_a_clearing_day_ends_at_eleven_in_the_evening() -> None:
    """The last hour of a day belongs to the next."""
    assert clearing.day(clearing.from_text("20261231225959")) == date(2026, 12, 31)
    assert clearing.day(clearing.from_text("20261231230000")) == date(2027, 1, 1)
