"""The book as an oracle, and that nothing stands in it that nobody uses."""

import ast
import sqlite3
from pathlib import Path

import pytest

import gateway.emulators
from gateway.emulators.core.book import Book, Transaction
from gateway.emulators.core.statements import load_statements
from gateway.emulators.v3style import rows
from tests.emulators.v3bench import OTHER_MCHID, Shop, number
from tests.emulators.wechat import till

ROOT = Path(gateway.emulators.__file__).parent
CORE, FAMILY = "gateway.emulators.core", "gateway.emulators.v3style"


class _Anything(dict[str, int]):
    """Binds every parameter of a statement."""

    def __missing__(self, key: str) -> int:
        return 1


def _strings(folder: Path) -> set[str]:
    """Every string of the code; of one that is put together, each of its pieces."""
    return {
        node.value
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize(("package", "file"), [(CORE, "channel.sql"), (FAMILY, "book.sql")])
def test_every_statement_is_sound_and_used(package: str, file: str) -> None:
    """Each named statement runs against the schema, and some code names it."""
    connection = sqlite3.connect(":memory:")
    connection.executescript("\n".join(rows.SCHEMA))
    written = _strings(ROOT / package.rpartition(".")[2])
    for name, text in load_statements(package, file).items():
        connection.execute(f"explain {text}", _Anything())
        named = name in written or any(s.endswith("_") and name.startswith(s) for s in written)
        assert named, f"nobody runs {name}"
    connection.close()


async def test_the_book_refuses_a_second_effect(tmp_path: Path, shop: Shop) -> None:
    """Even wrong code could not take the money of one order twice."""
    await till.paid(shop)
    entry = (await shop.control("GET", "/control/orders"))["orders"][0]
    shop.stop.set()
    book = await _open(shop.keys.parent / "book.sqlite3")

    def charge_again(txn: Transaction) -> None:
        order = rows.read_order_by_seq(txn, entry["seq"])
        rows.insert_effect(txn, "charge", order, order.number, order.total, now=1)

    with pytest.raises(sqlite3.IntegrityError):
        await book.run(charge_again)
    await book.close()


async def _open(path: Path) -> Book:
    """Open a book whose stand-in is about to leave it."""
    return await Book.open(path, rows.SCHEMA)


async def test_pages_go_through_everything_in_order(shop: Shop) -> None:
    """Pages hold every record once, in the order of arrival, with its request and effects."""
    numbers = [await till.paid(shop, total=1 + index) for index in range(5)]
    found, after = [], 0
    while after is not None:
        page = await shop.control("GET", f"/control/orders?limit=2&after={after}")
        assert len(page["orders"]) <= 2
        found += page["orders"]
        after = page["next"]
    assert [entry["number"] for entry in found] == numbers
    assert [entry["effects"]["charge"] for entry in found] == [1, 2, 3, 4, 5]
    assert found[0]["request"]["amount"] == {"total": 1, "currency": "CNY"}


async def test_the_summary_adds_up_by_merchant(shop: Shop) -> None:
    """Money is added up from what moved, requests and notifications are counted."""
    of = await till.paid(shop)
    await till.refund(shop, of, 40)
    await till.paid(shop.as_merchant(OTHER_MCHID), 7)
    await shop.advance(seconds=1)
    await till.query(shop, number())
    summary = await shop.summary()
    assert summary["moved"][OTHER_MCHID]["charge"] == {"count": 1, "amount": 7}
    assert summary["moved"][shop.merchant.mchid]["charge"] == {"count": 1, "amount": 100}
    assert (summary["orders"], summary["refunds"]) == (2, 1)
    assert summary["requests"] == {"create": 2, "query": 1, "refund": 1}
    assert (await shop.control("GET", "/healthz")) == {"ok": True}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/control/orders/nobody/confirm", {}, 404),
        ("POST", "/control/orders/nobody/confirm", {"extra": 1}, 400),
        ("POST", "/control/contracts/nobody/sign", {}, 404),
        ("POST", "/control/refunds/nobody/settle", {"state": "SUCCESS"}, 404),
        ("POST", "/control/refunds/nobody/settle", {"state": "MAYBE"}, 400),
        ("POST", "/control/scan", {"code_url": "weixin://nothing"}, 404),
        ("POST", "/control/scan", {}, 400),
        ("GET", "/control/orders?limit=1001", None, 400),
        ("GET", "/control/orders?after=x", None, 400),
        ("GET", "/control/book?day=yesterday", None, 400),
        ("GET", "/control/keys?mchid=1", None, 404),
        ("POST", "/control/keys/mode", {"mode": "NONE"}, 400),
        ("POST", "/control/keys/rotate", {"what": "ALL"}, 400),
    ],
)
async def test_control_requests_are_read_strictly(
    shop: Shop, method: str, path: str, body: object, status: int
) -> None:
    """What names nothing is 404, what is not understood is 400; neither does anything."""
    assert (await shop.try_control(method, path, body)).status == status
