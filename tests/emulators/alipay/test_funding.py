"""Pay-later: a fund channel of any trade, chosen by the buyer, bounded by the merchant."""

from typing import Any

from tests.emulators.alipay import till
from tests.emulators.alipay.merchant import Shop, number

PLAN = {"hb_fq_num": "6", "hb_fq_seller_percent": "0"}


async def test_pay_later_shows_in_the_bill_of_funds(shop: Shop) -> None:
    """Who pays later is seen by PCREDIT, in the answer and in the query; the total is whole."""
    await shop.play("pay", fund_channel="PCREDIT")
    of = number()
    options = ["fund_bill_list"]
    reply = await till.pay(shop, out_trade_no=of, total_amount="100.00", query_options=options)
    expected = [{"amount": "100.00", "fund_channel": "PCREDIT"}]
    assert reply.content["fund_bill_list"] == expected
    assert (await till.query(shop, of)).content["fund_bill_list"] == expected
    assert await shop.moved() == {"charge": 10_000}


async def test_instalments_are_paid_later_and_whole(shop: Shop) -> None:
    """A plan makes it pay-later in so many parts; the merchant has all, and refunds all."""
    of = number()
    reply = await till.pay(shop, out_trade_no=of, total_amount="300.00", extend_params=PLAN)
    assert reply.content["fund_bill_list"][0]["fund_channel"] == "PCREDIT"
    assert reply.content["hb_fq_pay_info"] == {"user_install_num": "6"}
    assert (await till.refund(shop, of, "300.00")).content["fund_change"] == "Y"
    changed = await till.pay(shop, out_trade_no=of, total_amount="300.00")
    assert changed.sub_code == "ACQ.CONTEXT_INCONSISTENT"


BROKEN: list[dict[str, Any]] = [
    {"extend_params": {"hb_fq_num": "5", "hb_fq_seller_percent": "0"}},
    {"extend_params": {"hb_fq_num": 6, "hb_fq_seller_percent": "0"}},
    {"extend_params": {"hb_fq_num": "6", "hb_fq_seller_percent": "50"}},
    {"extend_params": {"hb_fq_num": "6"}},
    {"extend_params": PLAN, "disable_pay_channels": "pcreditpayInstallment"},
    {"extend_params": PLAN, "enable_pay_channels": "balance"},
    {"enable_pay_channels": "pcredit", "disable_pay_channels": "balance"},
    {"disable_pay_channels": "gold"},
]


async def test_a_plan_has_its_form(shop: Shop) -> None:
    """Other numbers, shares between nothing and all, and channels that contradict are refused."""
    for fields in BROKEN:
        reply = await till.pay(shop, total_amount="300.00", **fields)
        assert reply.sub_code == "ACQ.INVALID_PARAMETER", fields
    assert await shop.moved() == {}


ALLOWED: list[tuple[dict[str, str], set[str]]] = [
    ({}, {"ALIPAYACCOUNT", "PCREDIT", "BANKCARD", "MONEYFUND"}),
    (
        {"disable_pay_channels": "pcredit,pcreditpayInstallment"},
        {"ALIPAYACCOUNT", "BANKCARD", "MONEYFUND"},
    ),
    ({"enable_pay_channels": "pcredit,moneyFund"}, {"PCREDIT", "MONEYFUND"}),
]


async def test_a_buyer_pays_from_what_is_allowed(shop: Shop) -> None:
    """On the phone only the channels that the merchant takes can be chosen."""
    for fields, allowed in ALLOWED:
        found = set()
        for fund in ("ALIPAYACCOUNT", "PCREDIT", "BANKCARD", "MONEYFUND"):
            of = number()
            await till.precreate(shop, out_trade_no=of, **fields)
            path = f"/control/trades/{of}/confirm"
            if (await shop.try_control("POST", path, {"fund_channel": fund})).status == 200:
                found.add(fund)
        assert found == allowed
