"""Payments by the buyer's code and by agreement: at once, later, refused; and only once."""

import asyncio

import pytest

from tests.emulators.alipay import till
from tests.emulators.alipay.merchant import OTHER_APP_ID, Shop, number


async def test_a_payment_at_once(shop: Shop) -> None:
    """10000 with the buyer, the amounts and where the money came from; the query says the same."""
    of = number()
    reply = await till.pay(shop, out_trade_no=of, total_amount="88.8")
    assert (reply.code, reply.signed) == ("10000", True)
    content = reply.content
    assert (content["out_trade_no"], content["total_amount"]) == (of, "88.80")
    assert len(content["gmt_payment"]) == 19
    told = (await till.query(shop, of)).content
    assert told["send_pay_date"] == content["gmt_payment"]
    for name in ("trade_no", "buyer_user_id", "receipt_amount", "fund_bill_list"):
        assert told[name] == content[name], name


async def test_twenty_payments_at_once_take_the_money_once(shop: Shop) -> None:
    """Of twenty identical payments one is made, the others hear that it is."""
    of = number()
    replies = await asyncio.gather(*(till.pay(shop, out_trade_no=of) for _ in range(20)))
    assert sorted(reply.code for reply in replies) == ["10000"] + ["40004"] * 19
    assert {reply.sub_code for reply in replies} == {None, "ACQ.TRADE_HAS_SUCCESS"}
    assert await shop.moved() == {"charge": 100}


@pytest.mark.parametrize(
    ("act", "state", "again"),
    [
        ("confirm", "TRADE_SUCCESS", "ACQ.TRADE_HAS_SUCCESS"),
        ("refuse", "TRADE_CLOSED", "ACQ.TRADE_HAS_CLOSE"),
    ],
)
async def test_a_buyer_is_waited_for(shop: Shop, act: str, state: str, again: str) -> None:
    """10003 until the buyer confirms or refuses; asking again says the same meanwhile."""
    await shop.play("pay", answer="WAITING")
    of = number()
    waiting = [await till.pay(shop, out_trade_no=of) for _ in range(2)]
    assert [reply.code for reply in waiting] == ["10003", "10003"]
    assert waiting[0].content == waiting[1].content
    assert waiting[0].signed
    assert "gmt_payment" not in waiting[0].content
    assert await till.state(shop, of) == "WAIT_BUYER_PAY"
    await shop.control("POST", f"/control/trades/{of}/{act}", {})
    assert await till.state(shop, of) == state
    assert (await till.pay(shop, out_trade_no=of)).sub_code == again


@pytest.mark.parametrize(
    ("settle", "state"), [("SUCCESS", "TRADE_SUCCESS"), ("FAIL", "TRADE_CLOSED")]
)
async def test_who_is_waited_for_may_act_by_himself(shop: Shop, settle: str, state: str) -> None:
    """A play says when the buyer confirms, or gives up."""
    await shop.play("pay", answer="WAITING", settle=settle, settle_delay_ms=30_000)
    of = number()
    await till.pay(shop, out_trade_no=of)
    await shop.advance(seconds=30)
    assert await till.state(shop, of) == state


async def test_a_refused_payment_leaves_nothing(shop: Shop) -> None:
    """40004 with the code that was asked for; there is no trade, and nothing moved."""
    await shop.play("pay", answer="REFUSED", sub_code="ACQ.PAYMENT_AUTH_CODE_INVALID")
    of = number()
    reply = await till.pay(shop, out_trade_no=of)
    assert (reply.code, reply.sub_code) == ("40004", "ACQ.PAYMENT_AUTH_CODE_INVALID")
    assert await till.state(shop, of) == "ACQ.TRADE_NOT_EXIST"
    assert await shop.moved() == {}


async def test_a_number_belongs_to_its_app(shop: Shop) -> None:
    """Another app neither sees a trade, nor is kept from using the number."""
    of = await till.paid(shop)
    other = await shop.as_app(OTHER_APP_ID)
    assert await till.state(other, of) == "ACQ.TRADE_NOT_EXIST"
    assert (await till.refund(other, of)).sub_code == "ACQ.TRADE_NOT_EXIST"
    assert (await till.pay(other, out_trade_no=of)).code == "10000"
    strange = await till.pay(shop, seller_id=other.settings["seller_id"])
    assert strange.sub_code == "ACQ.ACCESS_FORBIDDEN"
    own = await till.pay(shop, seller_id=shop.settings["seller_id"])
    assert own.code == "10000"


async def test_an_agreement_from_the_page_to_its_end(shop: Shop) -> None:
    """Asked for on a page, signed by the buyer, deducted by, ended: then it is worth nothing."""
    own = number()
    body = {
        "personal_product_code": "GENERAL_WITHHOLDING_P",
        "sign_scene": "INDUSTRY|MOBILE",
        "external_agreement_no": own,
        "access_params": {"channel": "QRCODE"},
    }
    page = await shop.ask("alipay.user.agreement.page.sign", body)
    assert (page.status, page.raw.startswith(b"<!DOCTYPE html>")) == (200, True)
    ask = {"external_agreement_no": own}
    unsigned = await shop.ask("alipay.user.agreement.query", ask)
    assert unsigned.sub_code == "USER_AGREEMENT_NOT_EXIST"
    await shop.control("POST", f"/control/agreements/{own}/sign", {"buyer_id": "2088" + "1" * 12})
    told = (await shop.ask("alipay.user.agreement.query", ask)).content
    assert (told["status"], told["alipay_user_id"]) == ("NORMAL", "2088" + "1" * 12)
    of = number()
    paid = await till.deduct(shop, told["agreement_no"], out_trade_no=of)
    assert (paid.code, paid.content["buyer_user_id"]) == ("10000", "2088" + "1" * 12)
    ended = await shop.ask("alipay.user.agreement.unsign", {"agreement_no": told["agreement_no"]})
    assert (ended.code, ended.signed) == ("10000", True)
    assert (await till.deduct(shop, told["agreement_no"])).sub_code == "ACQ.AGREEMENT_INVALID"
    assert (await till.deduct(shop, "1" * 20)).sub_code == "ACQ.AGREEMENT_NOT_EXIST"
    assert await shop.moved() == {"charge": 100}


async def test_a_buyer_ends_an_agreement(shop: Shop) -> None:
    """What waits by an agreement that its buyer ends is never paid."""
    agreement_no = await till.agreed(shop)
    await shop.play("pay", answer="WAITING", settle="SUCCESS", settle_delay_ms=60_000)
    of = number()
    assert (await till.deduct(shop, agreement_no, out_trade_no=of)).code == "10003"
    path = f"/control/agreements/{agreement_no}/terminate"
    await shop.control("POST", path, {})
    assert (await shop.try_control("POST", path, {})).status == 409
    await shop.advance(minutes=2)
    assert await till.state(shop, of) == "TRADE_CLOSED"
    assert await shop.moved() == {}


async def test_an_agreement_bounds_what_it_allows(shop: Shop) -> None:
    """The bound of one deduction, of their number and of their sum are kept."""
    single = await till.agreed(shop, single_amount="1.00", total_payments=2)
    over = await till.deduct(shop, single, total_amount="1.01")
    assert over.sub_code == "ACQ.CYCLE_PAY_SINGLE_FEE_EXCEED"
    codes = [(await till.deduct(shop, single)).sub_code for _ in range(3)]
    assert codes == [None, None, "ACQ.CYCLE_PAY_TOTAL_TIMES_EXCEED"]
    total = await till.agreed(shop, total_amount="1.50")
    codes = [(await till.deduct(shop, total)).sub_code for _ in range(2)]
    assert codes == [None, "ACQ.CYCLE_PAY_TOTAL_FEE_EXCEED"]
