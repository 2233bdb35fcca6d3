"""Codes for a buyer to scan: there is no trade until somebody does."""

import asyncio

import pytest

from tests.emulators.alipay import till
from tests.emulators.alipay.merchant import Shop, number


async def test_a_code_from_first_to_last(shop: Shop) -> None:
    """Code, no trade; scanned, it waits; confirmed, it is paid, as both numbers tell."""
    of = number()
    reply = await till.precreate(shop, out_trade_no=of)
    assert (reply.status, reply.code, reply.signed) == (200, "10000", True)
    assert reply.headers["Content-Type"].startswith("text/html")
    assert b"https:\\/\\/qr.alipay.com\\/" in reply.raw
    assert await till.state(shop, of) == "ACQ.TRADE_NOT_EXIST"
    scanned = await shop.control("POST", "/control/scan", {"qr_code": reply.content["qr_code"]})
    assert scanned["trade_status"] == await till.state(shop, of) == "WAIT_BUYER_PAY"
    await till.confirm(shop, of)
    told = (await till.query(shop, of)).content
    assert told["trade_status"] == "TRADE_SUCCESS"
    assert (told["total_amount"], told["receipt_amount"]) == ("1.00", "1.00")
    assert told["fund_bill_list"] == [{"amount": "1.00", "fund_channel": "ALIPAYACCOUNT"}]
    by_trade_no = await shop.ask("alipay.trade.query", {"trade_no": told["trade_no"]})
    assert by_trade_no.content == told
    assert await shop.moved() == {"charge": 100}


async def test_nothing_reaches_a_code_before_the_scan(shop: Shop) -> None:
    """Closing finds nothing, a cancel does nothing, successfully; the code is paid all the same."""
    of = number()
    await till.precreate(shop, out_trade_no=of)
    assert (await till.close(shop, of)).sub_code == "ACQ.TRADE_NOT_EXIST"
    canceled = (await till.cancel(shop, of)).content
    assert canceled == {
        "code": "10000",
        "msg": "Success",
        "out_trade_no": of,
        "retry_flag": "N",
    }
    assert (await till.refund(shop, of)).sub_code == "ACQ.TRADE_NOT_EXIST"
    await till.confirm(shop, of)
    assert await till.state(shop, of) == "TRADE_SUCCESS"


async def test_the_same_code_again_is_the_same_code(shop: Shop) -> None:
    """Identical parameters give the identical code, also while twenty ask at once."""
    body = till.order(total_amount="1")
    replies = await asyncio.gather(
        *(
            shop.ask("alipay.trade.precreate", body | {"total_amount": amount})
            for amount in ("1", "1.0", "1.00") * 7
        )
    )
    assert {reply.code for reply in replies} == {"10000"}
    assert len({reply.content["qr_code"] for reply in replies}) == 1
    assert (await shop.summary())["codes"] == 1


@pytest.mark.parametrize(
    "change", [{"total_amount": "1.01"}, {"subject": "x"}, {"timeout_express": "5m"}]
)
async def test_other_parameters_under_a_number_are_refused(
    shop: Shop, change: dict[str, str]
) -> None:
    """A number that was used with other parameters, or for another way to pay, is refused."""
    body = till.order()
    await shop.ask("alipay.trade.precreate", body)
    changed = await shop.ask("alipay.trade.precreate", body | change)
    other_way = await till.pay(shop, out_trade_no=body["out_trade_no"])
    for reply in (changed, other_way):
        assert (reply.code, reply.sub_code) == ("40004", "ACQ.CONTEXT_INCONSISTENT")
        assert reply.signed


async def test_asking_again_tells_how_the_trade_stands(shop: Shop) -> None:
    """The same code while it waits; then that it is paid, or closed."""
    body = till.order()
    first = await shop.ask("alipay.trade.precreate", body)
    await shop.control("POST", "/control/scan", {"qr_code": first.content["qr_code"]})
    again = await shop.ask("alipay.trade.precreate", body)
    assert again.content == first.content
    await till.confirm(shop, body["out_trade_no"])
    paid = await shop.ask("alipay.trade.precreate", body)
    assert paid.sub_code == "ACQ.TRADE_HAS_SUCCESS"
    await till.refund(shop, body["out_trade_no"])
    closed = await shop.ask("alipay.trade.precreate", body)
    assert closed.sub_code == "ACQ.TRADE_HAS_CLOSE"


async def test_a_code_runs_out_and_is_renewed(shop: Shop) -> None:
    """After two hours it opens nothing; asking again gives another one for the same number."""
    body = till.order()
    first = (await shop.ask("alipay.trade.precreate", body)).content["qr_code"]
    await shop.advance(hours=2)
    late = await shop.try_control("POST", "/control/scan", {"qr_code": first})
    assert late.status == 409
    second = (await shop.ask("alipay.trade.precreate", body)).content["qr_code"]
    assert second != first
    assert (await shop.try_control("POST", "/control/scan", {"qr_code": first})).status == 404
    await shop.control("POST", "/control/scan", {"qr_code": second})
    assert await till.state(shop, body["out_trade_no"]) == "WAIT_BUYER_PAY"


async def test_time_for_paying_begins_with_the_scan(shop: Shop) -> None:
    """A span counts from the scan, a time is a time; then the trade closes by itself."""
    spanned, timed = number(), number()
    await till.precreate(shop, out_trade_no=spanned, timeout_express="30m")
    expire = await shop.virtual(minutes=70)
    await till.precreate(shop, out_trade_no=timed, time_expire=expire)
    await shop.advance(minutes=60)
    for of in (spanned, timed):
        entry = (await shop.control("GET", "/control/codes"))["codes"]
        code = next(code["qr_code"] for code in entry if code["number"] == of)
        await shop.control("POST", "/control/scan", {"qr_code": code})
    await shop.advance(minutes=11)
    assert [await till.state(shop, of) for of in (spanned, timed)] == [
        "WAIT_BUYER_PAY",
        "TRADE_CLOSED",
    ]
    await shop.advance(minutes=20)
    assert await till.state(shop, spanned) == "TRADE_CLOSED"
    assert (await shop.try_control("POST", f"/control/trades/{spanned}/confirm")).status == 409
    assert await shop.moved() == {}


async def test_a_code_never_outlives_its_time(shop: Shop) -> None:
    """After time_expire, or the code's own span, nobody can scan: that is what fences a code."""
    expire = await shop.virtual(minutes=10)
    timed = await till.precreate(shop, time_expire=expire)
    spanned = await till.precreate(shop, qr_code_timeout_express="10m")
    await shop.advance(minutes=10, seconds=1)
    for reply in (timed, spanned):
        scan = {"qr_code": reply.content["qr_code"]}
        assert (await shop.try_control("POST", "/control/scan", scan)).status == 409
    past = await till.precreate(shop, time_expire=expire)
    assert past.sub_code == "ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR"


async def test_a_buyer_may_act_by_himself(shop: Shop) -> None:
    """A play lets the buyer scan and pay, only scan, or give up, after a while."""
    found = {}
    for settle in ("SUCCESS", "SCAN", "FAIL"):
        of = found[settle] = number()
        await shop.play("precreate", settle=settle, settle_delay_ms=60_000)
        await till.precreate(shop, out_trade_no=of)
        assert await till.state(shop, of) == "ACQ.TRADE_NOT_EXIST"
    await shop.advance(minutes=1)
    assert {settle: await till.state(shop, of) for settle, of in found.items()} == {
        "SUCCESS": "TRADE_SUCCESS",
        "SCAN": "WAIT_BUYER_PAY",
        "FAIL": "TRADE_CLOSED",
    }
