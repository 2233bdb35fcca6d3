"""The settlement file: fixed width, of a clearing day, equal to the book unless told to lie."""

import base64
import io
import zipfile
import zlib
from datetime import datetime, timedelta

import pytest

from gateway.emulators.unionpay import bill
from gateway.emulators.unionpay.bill import Line
from tests.emulators.unionpay.till import MER_ID, OTHER_MER_ID, Reply, Till

WIDTHS = (
    *(3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2),
    *(6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32, 13, 13, 12, 2, 1, 131),
)


def unpack(reply: Reply) -> dict[str, bytes]:
    """The files of an answer by their names."""
    packed = zlib.decompress(base64.b64decode(reply.fields["fileContent"]))
    with zipfile.ZipFile(io.BytesIO(packed)) as pile:
        return {name: pile.read(name) for name in pile.namelist()}


def read_rows(reply: Reply, day: datetime) -> list[dict[int, str]]:
    """The lines of the ZM file as cells by their places, from one."""
    files = unpack(reply)
    stem = f"INN{day:%y%m%d}"
    assert set(files) == {f"{stem}ZM_{MER_ID}", f"{stem}ZME_{MER_ID}"}
    assert files[f"{stem}ZME_{MER_ID}"] == b""
    found = []
    for line in files[f"{stem}ZM_{MER_ID}"].decode("ascii").splitlines():
        assert len(line) == sum(WIDTHS) + len(WIDTHS) - 1
        starts = [sum(WIDTHS[:i]) + i for i in range(len(WIDTHS))]
        cells = [line[s : s + w].strip() for s, w in zip(starts, WIDTHS, strict=True)]
        found.append(dict(enumerate(cells, 1)))
    return found


def directed(text: str) -> int:
    """A sum with its direction."""
    return int(text[1:]) * {"C": 1, "D": -1}[text[0]]


async def test_a_day_is_told_line_by_line(till: Till) -> None:
    """Every movement is a line with its numbers; sums and fees are those of the book."""
    day = await till.jump_to(12)
    paid = await till.paid(txnAmt="10000")
    refund = await till.done("04", paid["queryId"], txnAmt="4000")
    held = await till.paid("02", txnAmt="500")
    done = await till.done("03", held["queryId"], txnAmt="450")
    gone = await till.paid(txnAmt="77")
    void = await till.done("31", gone["queryId"], txnAmt="77")
    assert (await till.file(day)).code == "98"
    await till.jump_to(9)
    reply = await till.file(day)
    assert (reply.signed, reply.code) == (True, "00")
    assert reply.fields["fileName"] == f"{MER_ID}_{day:%Y%m%d}.zip"
    rows = {row[12]: row for row in read_rows(reply, day)}
    assert list(rows) == [found["orderId"] for found in (paid, refund, done, gone, void)]
    for found in (paid, refund, done, gone, void):
        row = rows[found["orderId"]]
        assert row[5] == found["txnTime"][4:]
        assert (row[20], row[21]) == (found["txnType"], found["txnSubType"])
        assert (int(row[7]), row[10]) == (int(found["txnAmt"]), found["queryId"])
        assert (row[4], row[27], row[28]) == (found["traceNo"], found.get("origQryId", ""), MER_ID)
    row = rows[refund["orderId"]]
    assert (row[14], row[15], row[41]) == (paid["traceNo"], paid["txnTime"][4:], paid["orderId"])
    assert (directed(rows[paid["orderId"]][16]), directed(rows[paid["orderId"]][17])) == (-60, 9940)
    assert (directed(row[16]), directed(row[17]), directed(row[33])) == (24, -3976, -3976)
    await agrees(till, day, list(rows.values()))


async def agrees(till: Till, day: datetime, rows: list[dict[int, str]]) -> None:
    """The file and the book say the same."""
    book = await till.control("GET", f"/control/book?day={day:%Y-%m-%d}")
    of = {"charge": ("01", "03"), "refund": ("04",), "return": ("31", "33")}
    for kind, types in of.items():
        amounts = [int(row[7]) for row in rows if row[20] in types]
        assert book[kind] == {"count": len(amounts), "amount": sum(amounts)}, kind
    assert sum(directed(row[16]) for row in rows) == -book["fee"]
    net = book["charge"]["amount"] - book["refund"]["amount"] - book["return"]["amount"]
    assert sum(directed(row[17]) for row in rows) == net - book["fee"]


async def test_the_last_hour_belongs_to_the_next_day(till: Till) -> None:
    """A payment after 23:00 stands in tomorrow's file, and says so when it is asked after."""
    day = await till.jump_to(23)
    paid = await till.paid()
    following = day + timedelta(days=1)
    assert paid["settleDate"] == f"{following:%m%d}"
    await till.jump_to(9, days=2)
    assert (await till.file(day)).code == "98"
    assert [row[12] for row in read_rows(await till.file(following), following)] == [
        paid["orderId"]
    ]


async def test_late_money_that_goes_back_is_two_lines(till: Till) -> None:
    """The network cleared it both ways, so the merchant's file shows both."""
    day = await till.jump_to(12)
    asked = (await till.app()).fields
    await till.jump_to(13, days=1)
    day += timedelta(days=1)
    await till.control("POST", f"/control/orders/{asked['orderId']}/pay-late", {"then": "REFUNDED"})
    await till.jump_to(9)
    rows = read_rows(await till.file(day), day)
    assert [(row[12], row[20]) for row in rows] == [
        (asked["orderId"], "01"),
        (asked["orderId"], "31"),
    ]
    await agrees(till, day, rows)


async def test_a_file_is_of_its_merchant_and_of_the_past(till: Till) -> None:
    """Nothing moved, not yet ready, or tomorrow: 98; two merchants see nothing of each other."""
    day = await till.jump_to(12)
    await till.paid()
    assert (await till.file(day)).code == "98"
    await till.jump_to(8)
    assert (await till.file(day)).code == "98"
    await till.jump_to(9, days=0)
    assert (await till.file(day)).code == "00"
    assert (await till.file(day - timedelta(days=1))).code == "98"
    assert (await till.as_merchant(OTHER_MER_ID).file(day)).code == "98"


async def test_a_file_may_lie(till: Till) -> None:
    """Missing, extra, another amount, another fee: each in one line, the book stays right."""
    day = await till.jump_to(12)
    missing, amount, fee = [await till.paid(txnAmt="1000") for _ in range(3)]
    for fault in (
        {"kind": "MISSING", "number": missing["orderId"]},
        {"kind": "AMOUNT", "number": amount["orderId"], "amount": -1},
        {"kind": "FEE", "number": fee["orderId"], "amount": 2},
        {"kind": "EXTRA", "number": "EXTRA0000001", "amount": 5},
    ):
        await till.control("POST", "/control/bill-faults", {"day": f"{day:%Y-%m-%d}", **fault})
    await till.jump_to(10)
    rows = {row[12]: row for row in read_rows(await till.file(day), day)}
    assert set(rows) == {amount["orderId"], fee["orderId"], "EXTRA0000001"}
    assert int(rows[amount["orderId"]][7]) == 999
    assert directed(rows[fee["orderId"]][16]) == -8
    assert int(rows["EXTRA0000001"][7]) == 5
    book = await till.control("GET", f"/control/book?day={day:%Y-%m-%d}")
    assert (book["charge"], book["fee"]) == ({"count": 3, "amount": 3000}, 18)


def test_a_cell_never_leaves_its_column() -> None:
    """What is too wide is a fault of ours, and is not written."""
    line = Line(
        kind="charge", mer_id=MER_ID, order_id="x" * 33, txn_time="2" * 14, txn_type="01", amount=1
    )
    with pytest.raises(AssertionError, match="wider"):
        bill.write([line])
