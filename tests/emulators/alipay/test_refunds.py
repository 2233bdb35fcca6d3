"""Refunds: moved once, told by fund_change, never more than was paid."""

import asyncio

import pytest

from tests.emulators.alipay import till
from tests.emulators.alipay.merchant import Shop, number
from tests.emulators.alipay.merchant import serving as serving_with


async def test_a_refund_is_made_once(shop: Shop) -> None:
    """The first call says Y; the same again says N, moves nothing, and the query confirms it."""
    of, request = await till.paid(shop, "3.00"), number()
    first, again = [await till.refund(shop, of, "1.00", out_request_no=request) for _ in range(2)]
    assert (first.code, first.content["fund_change"], first.signed) == ("10000", "Y", True)
    assert (again.code, again.content["fund_change"]) == ("10000", "N")
    assert first.content["refund_fee"] == again.content["refund_fee"] == "1.00"
    told = (await till.query_refund(shop, of, request)).content
    assert told["refund_status"] == "REFUND_SUCCESS"
    assert (told["refund_amount"], told["total_amount"]) == ("1.00", "3.00")
    assert "gmt_refund_pay" not in told
    asked = await till.query_refund(shop, of, request, query_options=["gmt_refund_pay"])
    assert len(asked.content["gmt_refund_pay"]) == 19
    assert await shop.moved() == {"charge": 300, "refund": 100}


async def test_refund_fee_is_what_was_refunded_in_all(shop: Shop) -> None:
    """Each answer tells the sum; when all is back the trade is closed and refunds no more."""
    of = await till.paid(shop, "3.00")
    found = [(await till.refund(shop, of, "1.00")).content["refund_fee"] for _ in range(3)]
    assert found == ["1.00", "2.00", "3.00"]
    assert await till.state(shop, of) == "TRADE_CLOSED"
    assert (await till.refund(shop, of, "0.01")).sub_code == "ACQ.TRADE_STATUS_ERROR"
    assert await shop.moved() == {"charge": 300, "refund": 300}


async def test_twenty_refunds_at_once_never_exceed_what_was_paid(shop: Shop) -> None:
    """Of twenty that race under numbers of their own as many are made as fit, no more."""
    of = await till.paid(shop, "1.00")
    replies = await asyncio.gather(*(till.refund(shop, of, "0.30") for _ in range(20)))
    codes = sorted(str(reply.sub_code) for reply in replies)
    assert codes == ["ACQ.REASON_TRADE_REFUND_FEE_ERR"] * 17 + ["None"] * 3
    assert await shop.moved() == {"charge": 100, "refund": 90}


async def test_twenty_identical_refunds_at_once_are_one(shop: Shop) -> None:
    """Under one number the money goes back once: one Y, the rest N."""
    of, request = await till.paid(shop, "1.00"), number()
    replies = await asyncio.gather(
        *(till.refund(shop, of, "0.30", out_request_no=request) for _ in range(20))
    )
    assert sorted(reply.content["fund_change"] for reply in replies) == ["N"] * 19 + ["Y"]
    assert await shop.moved() == {"charge": 100, "refund": 30}


async def test_a_bank_may_take_its_time(shop: Shop) -> None:
    """10000 with N: nothing has moved, the query is silent, until the bank decides."""
    of, request = await till.paid(shop), number()
    await shop.play("refund", answer="WAITING", settle_delay_ms=3_600_000)
    reply = await till.refund(shop, of, out_request_no=request)
    assert (reply.code, reply.content["fund_change"]) == ("10000", "N")
    assert (await till.query_refund(shop, of, request)).content == {
        "code": "10000",
        "msg": "Success",
    }
    more = await till.refund(shop, of, "0.01")
    assert more.sub_code == "ACQ.REASON_TRADE_REFUND_FEE_ERR"  # the amount is reserved
    assert await shop.moved() == {"charge": 100}
    await shop.advance(hours=1)
    assert (await till.query_refund(shop, of, request)).content["refund_amount"] == "1.00"
    assert await shop.moved() == {"charge": 100, "refund": 100}


async def test_a_failed_refund_is_tried_again_under_its_number(shop: Shop) -> None:
    """What the bank refused frees its amount; the same number then moves the money, once."""
    of, request = await till.paid(shop), number()
    await shop.play("refund", answer="WAITING", settle="NEVER")
    await till.refund(shop, of, out_request_no=request)
    path = f"/control/refunds/{request}/settle"
    await shop.control("POST", path, {"state": "FAILED"})
    assert (await shop.try_control("POST", path, {"state": "SUCCESS"})).status == 409
    assert "refund_status" not in (await till.query_refund(shop, of, request)).content
    again = await till.refund(shop, of, out_request_no=request)
    assert again.content["fund_change"] == "Y"
    assert await shop.moved() == {"charge": 100, "refund": 100}


async def test_a_refund_that_runs_outlives_the_window(shop: Shop) -> None:
    """What was accepted in time is settled after it, and closes even a finished trade."""
    of, request = await till.paid(shop), number()
    await shop.advance(days=364)
    await shop.play("refund", answer="WAITING", settle_delay_ms=2 * 86_400_000)
    await till.refund(shop, of, out_request_no=request)
    await shop.advance(days=1.5)
    assert await till.state(shop, of) == "TRADE_FINISHED"
    await shop.advance(days=1)
    assert await till.state(shop, of) == "TRADE_CLOSED"
    assert await shop.moved() == {"charge": 100, "refund": 100}


async def test_numbers_of_refunds(shop: Shop) -> None:
    """Another amount under a number is refused; without one only the whole can be refunded."""
    of, request = await till.paid(shop, "2.00"), number()
    await till.refund(shop, of, "0.50", out_request_no=request)
    other = await till.refund(shop, of, "0.51", out_request_no=request)
    assert other.sub_code == "ACQ.DISCORDANT_REPEAT_REQUEST"
    whole = await till.paid(shop)
    body = {"out_trade_no": whole, "refund_amount": "0.99"}
    part = await shop.ask("alipay.trade.refund", body)
    assert part.sub_code == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    body["refund_amount"] = "1"
    assert (await shop.ask("alipay.trade.refund", body)).content["fund_change"] == "Y"
    assert (await shop.ask("alipay.trade.refund", body)).content["fund_change"] == "N"
    told = await till.query_refund(shop, whole, whole)
    assert told.content["refund_status"] == "REFUND_SUCCESS"
    unpaid = await till.refund(shop, number())
    assert unpaid.sub_code == "ACQ.TRADE_NOT_EXIST"


async def test_a_seller_may_have_no_money(shop: Shop) -> None:
    """A refused refund leaves nothing; later the same number works."""
    of, request = await till.paid(shop), number()
    await shop.play("refund", answer="REFUSED", sub_code="ACQ.SELLER_BALANCE_NOT_ENOUGH")
    reply = await till.refund(shop, of, out_request_no=request)
    assert (reply.code, reply.sub_code) == ("40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH")
    assert (await till.refund(shop, of, out_request_no=request)).content["fund_change"] == "Y"


@pytest.mark.parametrize("days", [90])
async def test_the_window_is_a_matter_of_contract(shop: Shop, days: int) -> None:
    """Where the contract says three months, refunds end then."""
    shop.stop.set()
    async with serving_with(shop.data_dir, refund_window_ms=days * 86_400_000) as other:
        of = await till.paid(other)
        await other.advance(days=days - 1)
        assert (await till.refund(other, of, "0.10")).code == "10000"
        await other.advance(days=2)
        assert (await till.refund(other, of, "0.10")).sub_code == "ACQ.TRADE_HAS_FINISHED"
