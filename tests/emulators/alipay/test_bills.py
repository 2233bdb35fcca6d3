"""The day's bill: its archive and its text to the cell, its link, and that it adds up."""

import io
import zipfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from tests.emulators.alipay import till
from tests.emulators.alipay.merchant import OTHER_APP_ID, Reply, Shop, number

METHOD = "alipay.data.dataservice.bill.downloadurl.query"
HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,"
    "对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,"
    "商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"
    "退款批次号/请求号,服务费（元）,分润（元）,备注"
)
SUM_HEADER = (
    "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,"
    "商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）"
)


@dataclass(frozen=True)
class Bill:
    """A downloaded bill, read."""

    names: list[str]
    lines: list[str]
    rows: list[dict[str, str]]
    sums: dict[str, str]


async def today(shop: Shop) -> str:
    """The day of virtual time in Beijing."""
    now = datetime.fromisoformat((await shop.control("GET", "/control/clock"))["time"])
    return (now + timedelta(hours=8)).date().isoformat()


async def apply(shop: Shop, day: str, **fields: str) -> Reply:
    """Ask where the bill of a day is."""
    return await shop.ask(METHOD, {"bill_type": "trade", "bill_date": day} | fields)


async def download(shop: Shop, url: str) -> Reply:
    """Fetch a bill."""
    assert url.startswith(f"{shop.url}/downloadBillFile.resource?bizType=trade&")
    return await shop.send("GET", url.removeprefix(shop.url), b"", {})


def read(content: bytes) -> Bill:
    """Take a bill apart; names and text are GBK."""
    with zipfile.ZipFile(io.BytesIO(content), metadata_encoding="gbk") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        details, totals = (archive.read(name).decode("gbk") for name in names)
    lines = details.removesuffix("\r\n").split("\r\n")
    table = [line for line in lines if not line.startswith("#")]
    columns = table[0].split(",")
    rows = [dict(zip(columns, row.split(","), strict=True)) for row in table[1:]]
    sums = [line for line in totals.split("\r\n") if line and not line.startswith("#")]
    assert sums[0] == SUM_HEADER
    last = dict(zip(sums[0].split(","), sums[-1].split(","), strict=True))
    return Bill(names, lines, rows, {name: cell.strip("\t") for name, cell in last.items()})


async def fetch(shop: Shop, day: str) -> Bill:
    """Apply, download, take apart."""
    applied = await apply(shop, day)
    assert (applied.code, applied.signed) == ("10000", True), applied.raw
    reply = await download(shop, applied.content["bill_download_url"])
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/zip")
    return read(reply.raw)


async def trade(shop: Shop) -> tuple[str, dict[str, str]]:
    """A day of trade; the day, and the numbers of what happened."""
    await shop.jump_to(9)
    day = await today(shop)
    names = {"large": await till.paid(shop, "1299.02", store_id="S1", body="note")}
    names["small"] = await till.paid(shop, "0.01", subject="a,b")
    names["partly"], names["refund"] = await till.paid(shop, "100.00"), number()
    await till.refund(shop, names["partly"], "25.00", out_request_no=names["refund"])
    names["canceled"] = await till.paid(shop, "3.00")
    await till.cancel(shop, names["canceled"])
    await till.precreate(shop)  # never paid: not in the bill
    other = await shop.as_app(OTHER_APP_ID)
    await till.paid(other, "7.77")
    return day, names


async def test_the_bill_adds_up_to_the_book(shop: Shop) -> None:
    """Rows, sums and what really moved are the same money, for each app its own."""
    day, names = await trade(shop)
    await shop.jump_to(9)
    found = await fetch(shop, day)
    book = await shop.control("GET", f"/control/book?day={day}")
    paid = [row for row in found.rows if row["业务类型"] == "交易\t"]
    given = [row for row in found.rows if row["业务类型"] == "退款\t"]
    total = sum(Decimal(row["订单金额（元）"]) for row in paid)
    back = sum(Decimal(row["订单金额（元）"]) for row in given)
    assert total == Decimal(book["charge"]["amount"]) / 100 == Decimal("1402.03")
    assert -back == Decimal(book["refund"]["amount"] + book["return"]["amount"]) / 100
    assert (len(paid), len(given)) == (book["charge"]["count"], 2)
    assert found.lines[-3:-1] == [
        f"#交易合计：4笔，商家实收共{total}元，商家优惠共0.00元",
        f"#退款合计：2笔，商家实收退款共{back}元，商家优惠退款共0.00元",
    ]
    fees = sum(Decimal(row["服务费（元）"]) for row in found.rows)
    assert found.sums["门店编号"] == "合计"
    assert (found.sums["交易订单总笔数"], found.sums["退款订单总笔数"]) == ("4", "2")
    assert Decimal(found.sums["订单金额（元）"]) == total + back
    assert Decimal(found.sums["服务费（元）"]) == fees
    assert Decimal(found.sums["实收净额（元）"]) == total + back + fees
    assert {row["商户订单号"].strip() for row in given} == {names["partly"], names["canceled"]}


async def test_each_line_has_its_form(shop: Shop) -> None:
    """Names of files, preface, header, cells with their tabs, trailer: all as the channel's."""
    day, names = await trade(shop)
    await shop.jump_to(9)
    found = await fetch(shop, day)
    account = f"{shop.settings['seller_id']}0156"
    compact, spelled = day.replace("-", ""), f"{day[:4]}年{day[5:7]}月{day[8:]}日"
    assert found.names == [
        f"{account}_{compact}_业务明细.csv",
        f"{account}_{compact}_业务明细(汇总).csv",
    ]
    assert found.lines[0] == "#支付宝业务明细查询"
    assert found.lines[1] == f"#账号：[{account}]"
    assert found.lines[2].startswith(f"#起始日期：[{spelled} 00:00:00]   终止日期：[")
    assert found.lines[3].strip("#-") == "业务明细列表"
    assert found.lines[4] == HEADER
    assert found.lines[-4].strip("#-") == "业务明细列表结束"
    assert found.lines[-1].startswith("#导出时间：[")
    by_number = {(row["商户订单号"].strip(), row["业务类型"].strip()): row for row in found.rows}
    large = by_number[names["large"], "交易"]
    assert (large["商家实收（元）"], large["服务费（元）"]) == ("1299.02", "-7.79")
    assert (large["门店编号"], large["备注"]) == ("S1\t", "note")
    assert large["完成时间"].startswith(f"{day} ")
    assert large["退款批次号/请求号"] == "\t"
    assert by_number[names["small"], "交易"]["商品名称"] == "a b"
    refund = by_number[names["partly"], "退款"]
    assert (refund["订单金额（元）"], refund["服务费（元）"]) == ("-25.00", "0.15")
    assert refund["退款批次号/请求号"] == f"{names['refund']}\t"
    assert refund["支付宝交易号"] == by_number[names["partly"], "交易"]["支付宝交易号"]


async def test_a_link_works_for_half_a_minute(shop: Shop) -> None:
    """Whoever has it has the bill, more than once, for thirty seconds; a guess has nothing."""
    day, _ = await trade(shop)
    await shop.jump_to(9)
    url = (await apply(shop, day)).content["bill_download_url"]
    first, again = [await download(shop, url) for _ in range(2)]
    assert first.raw == again.raw
    await shop.advance(seconds=30)
    assert (await download(shop, url)).status == 404
    assert (await download(shop, url[:-32] + "0" * 32)).status == 404


async def test_a_bill_has_its_time(shop: Shop) -> None:
    """Not before nine of the next day, and not for a day on which nothing moved."""
    day, _ = await trade(shop)
    assert (await apply(shop, day)).sub_code == "isp.bill_not_exist"
    await shop.jump_to(8)
    await shop.advance(minutes=59)
    assert (await apply(shop, day)).sub_code == "isp.bill_not_exist"
    await shop.advance(minutes=2)
    assert (await apply(shop, day)).code == "10000"
    empty = await today(shop)
    await shop.jump_to(12)
    assert (await apply(shop, empty)).sub_code == "isp.bill_not_exist"
    account = await apply(shop, day, bill_type="signcustomer")
    assert account.sub_code == "INVAILID_ARGUMENTS"


@pytest.mark.parametrize("day", ["20260101", "2026-02-30", "2026-01", "x"])
async def test_a_bill_is_asked_for_strictly(shop: Shop, day: str) -> None:
    """What is no day has no bill."""
    assert (await apply(shop, day)).sub_code == "INVAILID_ARGUMENTS"


async def test_a_bill_can_be_made_to_differ(shop: Shop) -> None:
    """Missing and extra rows, other amounts and other fees: for those who reconcile."""
    day, names = await trade(shop)
    for fault in (
        {"kind": "MISSING", "number": names["small"]},
        {"kind": "EXTRA", "number": "NOBODYMADETHIS", "amount": 4_200},
        {"kind": "AMOUNT", "number": names["partly"], "amount": 1},
        {"kind": "FEE", "number": names["refund"], "amount": 5},
    ):
        await shop.control("POST", "/control/bill-faults", {"day": day, **fault})
    await shop.jump_to(9)
    found = await fetch(shop, day)
    by_number = {(row["商户订单号"].strip(), row["业务类型"].strip()): row for row in found.rows}
    assert (names["small"], "交易") not in by_number
    assert by_number["NOBODYMADETHIS", "交易"]["订单金额（元）"] == "42.00"
    assert by_number[names["partly"], "交易"]["订单金额（元）"] == "100.01"
    assert by_number[names["partly"], "退款"]["服务费（元）"] == "0.10"
    bad = {"day": day, "kind": "AMOUNT", "number": "x"}
    assert (await shop.try_control("POST", "/control/bill-faults", bad)).status == 400


async def test_a_download_may_fail(shop: Shop) -> None:
    """A 500 or a broken transfer at the link, which then works again."""
    day, _ = await trade(shop)
    await shop.jump_to(9)
    url = (await apply(shop, day)).content["bill_download_url"]
    await shop.fault("bill_download", "ERROR_BEFORE_EFFECT")
    assert [(await download(shop, url)).status for _ in range(2)] == [500, 200]
