"""Contracts and deduction as Douyin has them: POST for everything, result_code in the answer."""

import asyncio

from tests.emulators.bench import Receiver
from tests.emulators.douyin import stall
from tests.emulators.v3bench import Shop, number


async def test_a_contract_from_first_to_last(shop: Shop) -> None:
    """Asked for in app and browser, signed, looked up by either name, ended."""
    code = number()
    reply = await stall.sign_contract(shop, code, "h5entrustweb", clientip="10.0.0.1")
    pre_id = reply.body["pre_entrustweb_id"]
    await shop.control("POST", f"/control/contracts/{pre_id}/sign", {"openid": "_000"})
    by_code = {"mchid": shop.merchant.mchid, "out_contract_code": code, "plan_id": stall.PLAN}
    contract = (await shop.ask("POST", "/v1/member/querycontract", by_code)).body
    assert (contract["contract_status"], contract["openid"]) == ("SIGNED", "_000")
    assert (contract["plan_id"], contract["request_serial"]) == (stall.PLAN, 1)
    by_id = {"mchid": shop.merchant.mchid, "contract_id": contract["contract_id"]}
    assert (await shop.ask("POST", "/v1/member/querycontract", by_id)).body == contract
    incomplete = {"mchid": shop.merchant.mchid, "out_contract_code": code}
    assert (await shop.ask("POST", "/v1/member/querycontract", incomplete)).code == "PARAM_ERROR"
    body = by_id | {"contract_termination_remark": "x"}
    ended = await shop.ask("POST", "/v1/member/deletecontract", body)
    assert ended.body["result_code"] == "SUCCESS"
    after = (await shop.ask("POST", "/v1/member/querycontract", by_id)).body
    assert (after["contract_status"], after["contract_termination_mode"]) == ("TERMINATED", 3)
    assert (await stall.deduct(shop, contract["contract_id"])).code == "INVALID_REQUEST"


async def test_a_deduction_is_accepted_and_then_done(shop: Shop, receiver: Receiver) -> None:
    """result_code SUCCESS means accepted; the money moves later, and once."""
    contract_id = await stall.signed_contract(shop)
    await shop.play("deduct", settle_delay_ms=60_000)
    fields = {"out_trade_no": number(), "notify_url": f"{receiver.url}/n"}
    replies = await asyncio.gather(*(stall.deduct(shop, contract_id, **fields) for _ in range(10)))
    assert {reply.raw for reply in replies} == {replies[0].raw}
    assert replies[0].body["result_code"] == "SUCCESS"
    assert "prepay_id" in replies[0].body
    assert (await stall.query(shop, fields["out_trade_no"]))["trade_state"] == "NOTPAY"
    await shop.advance(minutes=1)
    [received] = await receiver.wait_for(1)
    told = shop.open(received).told
    assert (told["trade_state"], told["trade_type"]) == ("SUCCESS", "SGP")
    assert (await shop.moved())["charge"] == 100


async def test_an_announcement_opens_the_day_after_tomorrow(shop: Shop) -> None:
    """Announced by deductNotify, answered by an empty object, for one day and no choice of more."""
    contract_id = await stall.signed_contract(shop)
    await shop.jump_to(12)
    body = {
        "contract_id": contract_id,
        "mchid": shop.merchant.mchid,
        "appid": shop.merchant.appid,
        "estimated_amount": {"amount": 100, "currency": "CNY"},
    }
    reply = await shop.ask("POST", "/v1/agreementauth/deductNotify", body)
    assert (reply.status, reply.body, reply.signed) == (200, {}, True)
    extra = body | {"deduct_duration": {"count": 1, "unit": "DAY"}}
    assert (await shop.ask("POST", "/v1/agreementauth/deductNotify", extra)).number == 270924358
    await shop.jump_to(8, days=2)
    of = number()
    await stall.deduct(shop, contract_id, out_trade_no=of)
    async with asyncio.timeout(5):
        while (await stall.query(shop, of))["trade_state"] != "SUCCESS":
            await asyncio.sleep(0.01)


async def test_a_deduction_is_read_strictly(shop: Shop) -> None:
    """An unknown type of trade, a missing merchant and an unknown contract are refused."""
    contract_id = await stall.signed_contract(shop)
    assert (await stall.deduct(shop, contract_id, trade_type="JSAPI")).code == "PARAM_ERROR"
    assert (await stall.deduct(shop, contract_id, mchid=None)).code == "PARAM_ERROR"
    assert (await stall.deduct(shop, "0")).code == "RESOURCE_NOT_EXISTS"
    assert (await shop.summary())["orders"] == 0
