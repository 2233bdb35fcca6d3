"""The day's bill: its form to the cell, its hash, its one download, and that it adds up."""

import gzip
import hashlib
import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.emulators.v3bench import OTHER_MCHID, Reply, Shop, number
from tests.emulators.wechat import till

HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
    "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
TOTALS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)


async def today(shop: Shop) -> str:
    """The day of virtual time in Beijing."""
    now = datetime.fromisoformat((await shop.control("GET", "/control/clock"))["time"])
    return (now + timedelta(hours=8)).date().isoformat()


async def apply(shop: Shop, day: str, **parameters: str) -> Reply:
    """Ask where the bill of a day is."""
    query = "&".join(f"{k}={v}" for k, v in ({"bill_date": day} | parameters).items())
    return await shop.ask("GET", f"/v3/bill/tradebill?{query}")


async def download(shop: Shop, view: Any) -> Reply:
    """Fetch a bill."""
    assert view["download_url"].startswith(f"{shop.url}/v3/billdownload/file?token=")
    return await shop.ask("GET", view["download_url"].removeprefix(shop.url))


async def fetch(shop: Shop, day: str, **parameters: str) -> str:
    """Apply, download, compare the hash."""
    applied = await apply(shop, day, **parameters)
    assert (applied.status, applied.signed, applied.body["hash_type"]) == (200, True, "SHA1")
    reply = await download(shop, applied.body)
    assert (reply.status, reply.signed) == (200, False)
    raw = gzip.decompress(reply.raw) if parameters.get("tar_type") else reply.raw
    assert hashlib.sha1(raw).hexdigest() == applied.body["hash_value"]
    return raw.decode()


def cells(row: str) -> list[str]:
    """The cells of a row; each must stand behind a backtick."""
    assert row.startswith("`")
    return row.removeprefix("`").split(",`")


def table(text: str) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The rows by column, and the totals."""
    assert text.endswith("\r\n")
    lines = text.split("\r\n")[:-1]
    header, *rows, names, totals = lines
    assert names == TOTALS
    found = [dict(zip(header.split(","), cells(row), strict=True)) for row in rows]
    return found, dict(zip(names.split(","), cells(totals), strict=True))


async def trade(shop: Shop) -> tuple[str, dict[str, str]]:
    """A day of trade; the day, and the numbers of what happened."""
    await shop.jump_to(9)
    day = await today(shop)
    names = {"plain": number(), "partly": number(), "reversed": number(), "refund": number()}
    await till.paid(shop, 129_902, attach="cipher,code")
    await till.create(shop, out_trade_no=names["plain"], amount={"total": 1})
    await till.confirm(shop, names["plain"])
    of = await till.paid(shop, 10_000, description="a,b")
    names["partly"] = of
    await till.refund(shop, of, 2_500, 10_000, out_refund_no=names["refund"])
    await till.codepay(shop, out_trade_no=names["reversed"], amount={"total": 300})
    await till.reverse(shop, names["reversed"])
    await till.create(shop)  # never paid: not in the bill
    await shop.advance(minutes=1)
    other = shop.as_merchant(OTHER_MCHID)
    await till.paid(other, 777)
    return day, names


async def test_the_bill_adds_up_to_the_book(shop: Shop) -> None:
    """Rows, totals and what really moved are the same money, for each merchant its own."""
    day, names = await trade(shop)
    await shop.jump_to(10)
    text = await fetch(shop, day)
    assert text.split("\r\n")[0] == HEADER
    rows, totals = table(text)
    book = await shop.control("GET", f"/control/book?day={day}")
    by_state = {
        state: [r for r in rows if r["交易状态"] == state]
        for state in ("SUCCESS", "REFUND", "REVOKED")
    }
    for state, kind, column in (
        ("SUCCESS", "charge", "订单金额"),
        ("REFUND", "refund", "退款金额"),
        ("REVOKED", "return", "退款金额"),
    ):
        found = sum(Decimal(row[column]) for row in by_state[state])
        assert found == Decimal(book[kind]["amount"]) / 100
        assert len(by_state[state]) == book[kind]["count"]
    assert totals["总交易单数"] == str(len(rows)) == "6"
    assert Decimal(totals["订单总金额"]) == Decimal(book["charge"]["amount"]) / 100
    given = book["refund"]["amount"] + book["return"]["amount"]
    assert Decimal(totals["退款总金额"]) == Decimal(given) / 100
    assert Decimal(totals["手续费总金额"]) == sum(Decimal(row["手续费"]) for row in rows)
    [refund] = by_state["REFUND"]
    assert (refund["商户退款单号"], refund["商户订单号"]) == (names["refund"], names["partly"])
    assert book["charge"]["amount"] == 129_902 + 1 + 10_000 + 300


async def test_each_cell_has_its_form(shop: Shop) -> None:
    """Yuan with two decimals, fees with five, zeros for what is not there, commas as they come."""
    day, names = await trade(shop)
    await shop.jump_to(10)
    text = await fetch(shop, day)
    rows, _ = table(text)
    for row in rows:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row["交易时间"])
        assert row["交易时间"].startswith(day)
        assert re.fullmatch(r"-?\d+\.\d{5}", row["手续费"])
        assert all(
            re.fullmatch(r"\d+\.\d\d", row[c]) for c in ("应结订单金额", "退款金额", "订单金额")
        )
    by_number = {(row["商户订单号"], row["交易状态"]): row for row in rows}
    plain = by_number[names["plain"], "SUCCESS"]
    assert (plain["微信退款单号"], plain["商户退款单号"], plain["退款状态"]) == ("0", "0", "")
    assert (plain["手续费"], plain["费率"], plain["货币种类"]) == ("0.00000", "0.60%", "CNY")
    large = next(row for row in rows if row["订单金额"] == "1299.02")
    assert (large["手续费"], large["商户数据包"]) == ("7.79000", "cipher,code")
    refund = by_number[names["partly"], "REFUND"]
    assert (refund["应结订单金额"], refund["订单金额"]) == ("0.00", "0.00")
    assert (refund["退款金额"], refund["手续费"], refund["退款状态"]) == (
        "25.00",
        "-0.15000",
        "SUCCESS",
    )
    assert ",`a,b,`" in text


async def test_variants_tell_their_part(shop: Shop) -> None:
    """SUCCESS has only payments, REFUND only what went back, each with its own columns."""
    day, _ = await trade(shop)
    await shop.jump_to(10)
    success, _ = table(await fetch(shop, day, bill_type="SUCCESS"))
    refund, _ = table(await fetch(shop, day, bill_type="REFUND", tar_type="GZIP"))
    assert [len(success), len(refund)] == [4, 2]
    assert "退款金额" not in success[0]
    assert "退款申请时间" in refund[0]


async def test_a_download_works_once_and_soon(shop: Shop) -> None:
    """A second download, a late one and one by another merchant find nothing."""
    day, _ = await trade(shop)
    await shop.jump_to(10)
    view = (await apply(shop, day)).body
    other = shop.as_merchant(OTHER_MCHID)
    assert (await download(other, view)).status == 404
    assert (await download(shop, view)).status == 200
    assert (await download(shop, view)).status == 404
    late = (await apply(shop, day)).body
    await shop.advance(seconds=30)
    assert (await download(shop, late)).status == 404
    unsigned = await shop.send("GET", late["download_url"].removeprefix(shop.url), b"", {})
    assert unsigned.status == 401


async def test_a_bill_has_its_time(shop: Shop) -> None:
    """Not before 10:00 of the next day, not for today, not after three months, not for nothing."""
    day, _ = await trade(shop)
    assert (await apply(shop, day)).code == "INVALID_REQUEST"
    await shop.jump_to(9)
    await shop.advance(minutes=59)
    assert (await apply(shop, day)).code == "STATEMENT_CREATING"
    await shop.advance(minutes=2)
    assert (await apply(shop, day)).status == 200
    await shop.jump_to(12)
    empty = await today(shop)
    await shop.jump_to(12)
    assert (await apply(shop, empty)).code == "NO_STATEMENT_EXIST"
    await shop.advance(days=92)
    assert (await apply(shop, day)).code == "INVALID_REQUEST"


@pytest.mark.parametrize(
    "parameters",
    [
        {"bill_date": "20260101"},
        {"bill_date": "2026-02-30"},
        {"bill_type": "EVERYTHING"},
        {"tar_type": "ZIP"},
        {"mchid": "1900000109"},
    ],
)
async def test_a_bill_is_asked_for_strictly(shop: Shop, parameters: dict[str, str]) -> None:
    """A wrong day, type, packing, or a parameter that is none, is PARAM_ERROR."""
    reply = await apply(shop, "2026-01-01", **parameters)
    assert (reply.status, reply.code) == (400, "PARAM_ERROR")


async def test_a_bill_can_be_made_to_differ(shop: Shop) -> None:
    """Missing and extra rows, other amounts and other fees: for those who reconcile."""
    day, names = await trade(shop)
    for fault in (
        {"kind": "MISSING", "number": names["plain"]},
        {"kind": "EXTRA", "number": "NOBODY-MADE-THIS", "amount": 4_200},
        {"kind": "AMOUNT", "number": names["partly"], "amount": 1},
        {"kind": "FEE", "number": names["refund"], "amount": 5},
    ):
        await shop.control("POST", "/control/bill-faults", {"day": day, **fault})
    await shop.jump_to(10)
    rows, _ = table(await fetch(shop, day))
    by_number = {(row["商户订单号"], row["交易状态"]): row for row in rows}
    assert (names["plain"], "SUCCESS") not in by_number
    assert by_number["NOBODY-MADE-THIS", "SUCCESS"]["订单金额"] == "42.00"
    assert by_number[names["partly"], "SUCCESS"]["订单金额"] == "100.01"
    assert by_number[names["partly"], "REFUND"]["手续费"] == "-0.10000"
    bad = {"day": day, "kind": "AMOUNT", "number": "x"}
    assert (await shop.try_control("POST", "/control/bill-faults", bad)).status == 400
