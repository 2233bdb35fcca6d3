"""Deduction without a password: contracts, announcements, and accepted first, done later."""

import asyncio

import pytest

from tests.emulators.bench import Receiver
from tests.emulators.v3bench import Shop, number
from tests.emulators.wechat import till


async def settled(shop: Shop, of: str) -> str:
    """The state of an order once it no longer waits."""
    async with asyncio.timeout(5):
        while (state := await till.state(shop, of)) == "NOTPAY":
            await asyncio.sleep(0.01)
    return state


async def test_a_contract_from_first_to_last(shop: Shop) -> None:
    """Asked for, signed, looked up, ended; each step shows in the query."""
    code = number()
    target = f"/v3/papay/sign/contracts/plan-id/{till.PLAN}/out-contract-code/{code}"
    first = await till.sign_contract(shop, code)
    again = await till.sign_contract(shop, code)
    assert first.body == again.body
    assert (await shop.ask("GET", target)).code == "RESOURCE_NOT_EXISTS"
    pre_id = first.body["pre_entrustweb_id"]
    await shop.control("POST", f"/control/contracts/{pre_id}/sign", {"openid": "oBuyer"})
    contract = (await shop.ask("GET", target)).body
    assert (contract["contract_state"], contract["openid"]) == ("SIGNED", "oBuyer")
    assert contract["plan_id"] == till.PLAN
    body = {"contract_termination_remark": "用户解约"}
    ended = await shop.ask("POST", f"{target}/terminate", body)
    assert (ended.status, ended.body["contract_state"]) == (200, "TERMINATED")
    info = ended.body["contract_terminate_info"]
    assert info["contract_termination_mode"] == "MERCHANT_TERMINATE"
    assert (await shop.ask("POST", f"{target}/terminate", body)).body == ended.body
    assert (await till.deduct(shop, contract["contract_id"])).code == "INVALID_REQUEST"
    assert (await till.sign_contract(shop, code)).code == "INVALID_REQUEST"


async def test_a_code_names_one_contract(shop: Shop) -> None:
    """Other parameters under a code, a wrong type of plan, and unknown contracts are refused."""
    code = number()
    await till.sign_contract(shop, code)
    assert (await till.sign_contract(shop, code, out_user_code="u")).code == "INVALID_REQUEST"
    assert (await till.sign_contract(shop, number(), plan_id="12535")).code == "PARAM_ERROR"
    assert (await till.deduct(shop, "123")).code == "RESOURCE_NOT_EXISTS"


async def test_a_deduction_is_accepted_and_then_done(shop: Shop, receiver: Receiver) -> None:
    """The reply says accepted and no more; the notification and the query tell the end."""
    contract_id = await till.signed_contract(shop)
    of, url = number(), f"{receiver.url}/n"
    reply = await till.deduct(shop, contract_id, out_trade_no=of, transaction_notify_url=url)
    assert reply.status == 200
    assert reply.body == {"out_trade_no": of, "amount": {"total": 100, "currency": "CNY"}}
    [received] = await receiver.wait_for(1)
    event = shop.open(received)
    assert (event.verified, event.envelope["event_type"]) == (True, "TRANSACTION.SUCCESS")
    assert (event.told["out_trade_no"], event.told["trade_state"]) == (of, "SUCCESS")
    assert await till.state(shop, of) == "SUCCESS"
    assert (await shop.moved())["charge"] == 100


async def test_a_deduction_may_fail_after_it_was_accepted(shop: Shop, receiver: Receiver) -> None:
    """TRANSACTION.FAIL arrives, the order is PAYERROR, no money moved, the number is used up."""
    contract_id = await till.signed_contract(shop)
    await shop.play("deduct", settle="FAIL")
    fields = {"out_trade_no": number(), "transaction_notify_url": f"{receiver.url}/n"}
    assert (await till.deduct(shop, contract_id, **fields)).status == 200
    [received] = await receiver.wait_for(1)
    event = shop.open(received)
    assert event.envelope["event_type"] == "TRANSACTION.FAIL"
    assert event.told["trade_state"] == "PAYERROR"
    assert (await shop.moved())["charge"] == 0
    assert (await till.deduct(shop, contract_id, **fields)).code == "TRADE_ERROR"


async def test_one_number_deducts_once(shop: Shop) -> None:
    """Ten identical requests at once take the money once; other parameters are refused."""
    contract_id = await till.signed_contract(shop)
    of = number()
    replies = await asyncio.gather(
        *(till.deduct(shop, contract_id, out_trade_no=of) for _ in range(10))
    )
    assert {reply.status for reply in replies} == {200}
    assert await settled(shop, of) == "SUCCESS"
    assert (await shop.moved())["charge"] == 100
    again = await till.deduct(shop, contract_id, out_trade_no=of)
    assert again.code == "ORDERPAID"
    other = await till.deduct(shop, contract_id, out_trade_no=of, amount={"total": 1})
    assert other.code == "OUT_TRADE_NO_USED"


async def test_later_deductions_wait_a_day(shop: Shop) -> None:
    """The first one within twelve hours happens at once, the second a day after it was asked."""
    contract_id = await till.signed_contract(shop)
    first, second = number(), number()
    await till.deduct(shop, contract_id, out_trade_no=first)
    assert await settled(shop, first) == "SUCCESS"
    await till.deduct(shop, contract_id, out_trade_no=second)
    await shop.advance(hours=23, minutes=59)
    assert await till.state(shop, second) == "NOTPAY"
    await shop.advance(minutes=2)
    assert await settled(shop, second) == "SUCCESS"


async def test_the_first_one_is_at_once_for_twelve_hours_only(shop: Shop) -> None:
    """Twelve hours after the signature even the first deduction waits a day."""
    contract_id = await till.signed_contract(shop)
    await shop.advance(hours=12, seconds=1)
    of = number()
    await till.deduct(shop, contract_id, out_trade_no=of)
    await shop.advance(hours=23)
    assert await till.state(shop, of) == "NOTPAY"


async def announce(shop: Shop, contract_id: str, days: int = 1) -> int:
    """Announce a deduction; the status of the reply."""
    body = {
        "mchid": shop.merchant.mchid,
        "appid": shop.merchant.appid,
        "deduct_duration": {"count": days, "unit": "DAY"},
        "estimated_amount": {"amount": 100, "currency": "CNY"},
    }
    reply = await shop.ask("POST", f"/v3/papay/contracts/{contract_id}/notify", body)
    assert reply.signed
    return reply.status


async def test_an_announced_deduction_is_done_at_once_in_its_days(shop: Shop) -> None:
    """Announced on the 1st, it is taken on the 3rd without waiting, from 07:00 to 22:00."""
    contract_id = await till.signed_contract(shop)
    await shop.jump_to(12)
    assert await announce(shop, contract_id) == 204
    await shop.jump_to(6, days=2)
    early = await till.deduct(shop, contract_id)
    assert (early.status, early.code) == (403, "RULE_LIMIT")
    await shop.jump_to(7, days=0)
    of = number()
    assert (await till.deduct(shop, contract_id, out_trade_no=of)).status == 200
    assert await settled(shop, of) == "SUCCESS"
    await shop.jump_to(22, days=0)
    assert (await till.deduct(shop, contract_id)).code == "RULE_LIMIT"
    await shop.jump_to(12)
    waits = number()
    await till.deduct(shop, contract_id, out_trade_no=waits)
    await shop.advance(hours=1)
    assert await till.state(shop, waits) == "NOTPAY"


@pytest.mark.parametrize(("hour", "status"), [(6, 403), (7, 204), (21, 204), (22, 403)])
async def test_announcements_keep_office_hours(shop: Shop, hour: int, status: int) -> None:
    """A deduction is announced from 07:00 to 22:00 Beijing time."""
    contract_id = await till.signed_contract(shop)
    await shop.jump_to(hour)
    assert await announce(shop, contract_id) == status


async def test_a_contract_that_ends_takes_its_deductions_along(shop: Shop) -> None:
    """What waits when the buyer ends the contract is never taken."""
    contract_id = await till.signed_contract(shop)
    await shop.play("deduct", settle_delay_ms=3_600_000)
    of = number()
    await till.deduct(shop, contract_id, out_trade_no=of)
    await shop.control("POST", f"/control/contracts/{contract_id}/terminate", {})
    await shop.advance(hours=2)
    assert await settled(shop, of) == "PAYERROR"
    assert (await shop.moved())["charge"] == 0


async def test_a_deduction_that_waits_can_be_closed(shop: Shop) -> None:
    """A close before the day is over keeps the money where it is."""
    contract_id = await till.signed_contract(shop)
    await shop.play("deduct", settle_delay_ms=3_600_000)
    of = number()
    await till.deduct(shop, contract_id, out_trade_no=of)
    assert (await till.close(shop, of)).status == 204
    await shop.advance(hours=2)
    assert await settled(shop, of) == "CLOSED"
    assert (await shop.moved())["charge"] == 0


async def test_the_end_may_be_told_before_the_acceptance(shop: Shop, receiver: Receiver) -> None:
    """The notification of the end arrives before the reply that accepts it."""
    contract_id = await till.signed_contract(shop)
    await shop.play("deduct", notify="BEFORE_REPLY")
    of, url = number(), f"{receiver.url}/n"
    reply = await till.deduct(shop, contract_id, out_trade_no=of, transaction_notify_url=url)
    assert len(receiver.received) == 1
    assert list(reply.body) == ["out_trade_no", "amount"]
    assert await shop.faults(of) == ["NOTIFY_BEFORE_REPLY"]
