"""The book as an oracle, its keys, and that nothing stands in it that nobody uses."""

import ast
import sqlite3
from pathlib import Path

import pytest

import gateway.emulators.alipay
from gateway.emulators.alipay import rows
from gateway.emulators.alipay.trades import Trade
from gateway.emulators.core.book import Book, Transaction
from gateway.emulators.core.statements import load_statements
from tests.emulators.alipay import till
from tests.emulators.alipay.merchant import OTHER_APP_ID, Shop, number

ROOT = Path(gateway.emulators.alipay.__file__).parent


class _Anything(dict[str, int]):
    """Binds every parameter of a statement."""

    def __missing__(self, key: str) -> int:
        return 1


def _pieces() -> set[str]:
    """Every string of the code; of one that is put together, each of its pieces."""
    return {
        node.value
        for path in ROOT.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_statement_is_sound_and_used() -> None:
    """Each named statement runs against the schema, and some code names it."""
    connection = sqlite3.connect(":memory:")
    connection.executescript("\n".join(rows.SCHEMA))
    written = _pieces()
    heads = {piece for piece in written if piece.endswith("_") and len(piece) > 3}
    tails = {piece for piece in written if piece.startswith("_by_")}
    for name, text in load_statements("gateway.emulators.alipay", "book.sql").items():
        connection.execute(f"explain {text}", _Anything())
        whole = name in written or any(name.startswith(head) for head in heads)
        assert whole or any(name.endswith(tail) for tail in tails), f"nobody runs {name}"
    connection.close()


async def test_the_book_refuses_a_second_effect(shop: Shop) -> None:
    """Even wrong code could not take the money of one trade twice."""
    await till.paid(shop)
    entry = (await shop.control("GET", "/control/trades"))["trades"][0]
    shop.stop.set()
    book = await Book.open(shop.data_dir / "book.sqlite3", rows.SCHEMA)

    def charge_again(txn: Transaction) -> None:
        trade = rows.by_seq(txn, Trade, entry["seq"])
        rows.insert_effect(txn, "charge", trade, trade.number, trade.total, now=1)

    with pytest.raises(sqlite3.IntegrityError):
        await book.run(charge_again)
    await book.close()


async def test_pages_go_through_everything_in_order(shop: Shop) -> None:
    """Pages hold every record once, in the order of arrival, with its request and effects."""
    numbers = [await till.paid(shop, f"0.0{index}") for index in range(1, 6)]
    found, after = [], 0
    while after is not None:
        page = await shop.control("GET", f"/control/trades?limit=2&after={after}")
        assert len(page["trades"]) <= 2
        found += page["trades"]
        after = page["next"]
    assert [entry["number"] for entry in found] == numbers
    assert [entry["effects"]["charge"] for entry in found] == [1, 2, 3, 4, 5]
    assert found[0]["request"]["total_amount"] == 1
    for kind in ("codes", "refunds", "authorizations", "agreements"):
        assert await shop.control("GET", f"/control/{kind}") == {kind: [], "next": None}


async def test_the_summary_adds_up_by_app(shop: Shop) -> None:
    """Money is added up from what moved, requests and notifications are counted."""
    of = await till.paid(shop)
    await till.refund(shop, of, "0.40")
    await till.paid(await shop.as_app(OTHER_APP_ID), "0.07")
    await till.query(shop, number())
    summary = await shop.summary()
    assert summary["moved"][OTHER_APP_ID]["charge"] == {"count": 1, "amount": 7}
    assert summary["moved"][shop.app_id]["charge"] == {"count": 1, "amount": 100}
    assert (summary["trades"], summary["refunds"]) == (2, 1)
    assert summary["requests"] == {"pay": 2, "query": 1, "refund": 1}
    assert (await shop.control("GET", "/healthz")) == {"ok": True}


MISTAKES: list[tuple[str, str, object, int]] = [
    ("POST", "/control/trades/nobody/confirm", {}, 404),
    ("POST", "/control/trades/nobody/confirm", {"extra": 1}, 400),
    ("POST", "/control/trades/nobody/confirm", {"buyer_id": "1"}, 400),
    ("POST", "/control/trades/nobody/pay-late", {"then": "NO"}, 400),
    ("POST", "/control/agreements/nobody/sign", {}, 404),
    ("POST", "/control/agreements", {"app_id": "1"}, 404),
    ("POST", "/control/authorizations/nobody/confirm", {}, 404),
    ("POST", "/control/refunds/nobody/settle", {"state": "SUCCESS"}, 404),
    ("POST", "/control/refunds/nobody/settle", {"state": "MAYBE"}, 400),
    ("POST", "/control/scan", {"qr_code": "https://nothing"}, 404),
    ("POST", "/control/scan", {}, 400),
    ("GET", "/control/trades?limit=1001", None, 400),
    ("GET", "/control/book?day=yesterday", None, 400),
    ("GET", "/control/keys?app_id=1", None, 404),
    ("POST", "/control/keys/rotate", {"what": "ALL"}, 400),
]


async def test_control_requests_are_read_strictly(shop: Shop) -> None:
    """What names nothing is 404, what is not understood is 400; neither does anything."""
    for method, path, body, status in MISTAKES:
        assert (await shop.try_control(method, path, body)).status == status, path


@pytest.mark.parametrize(
    ("what", "setting", "certified"),
    [
        ("ALIPAY_PUBLIC_KEY", "public_key_file", False),
        ("ALIPAY_CERTIFICATE", "certificate_file", True),
    ],
)
async def test_the_channel_changes_its_keys(
    shop: Shop, what: str, setting: str, *, certified: bool
) -> None:
    """From then on the new key signs; who has only the old one cannot verify any more."""
    shop.certified = certified
    of = await till.paid(shop)
    rotated = await shop.control("POST", "/control/keys/rotate", {"what": what})
    assert rotated["settings"][setting] != shop.settings[setting]
    assert not (await till.query(shop, of)).signed
    shop.settings = rotated["settings"]
    assert (await till.query(shop, of)).signed


async def test_an_app_changes_its_keys(shop: Shop) -> None:
    """Old and new work side by side until the old ones are retired."""
    old, body = dict(shop.settings), {"what": "APP_CERTIFICATE"}
    new = (await shop.control("POST", "/control/keys/rotate", body))["settings"]
    assert new["app_cert_sn"] != old["app_cert_sn"]
    for settings in (old, new):
        shop.settings = settings
        for shop.certified in (False, True):
            assert (await till.pay(shop)).code == "10000"
    body["retire_older"] = True  # type: ignore[assignment]
    newest = (await shop.control("POST", "/control/keys/rotate", body))["settings"]
    shop.certified = False
    assert (await till.pay(shop)).sub_code == "isv.invalid-signature"
    shop.settings = newest
    assert (await till.pay(shop)).code == "10000"
