"""Payments by the code that a buyer shows: at once, after a password, refused, reversed."""

import asyncio

import pytest

from tests.emulators.v3bench import Shop, number
from tests.emulators.wechat import till


async def test_a_small_payment_is_paid_in_the_reply(shop: Shop) -> None:
    """The reply is the whole transaction; nobody is notified, since the till knows."""
    reply = await till.codepay(shop)
    assert (reply.status, reply.signed) == (200, True)
    assert (reply.body["trade_state"], reply.body["trade_type"]) == ("SUCCESS", "MICROPAY")
    assert await shop.moved() == {"charge": 100, "refund": 0, "return": 0}
    assert (await shop.summary())["notifications"]["sent"] == 0


@pytest.mark.parametrize(
    "code", ["13006109882800940", "1300610988280094066", "160061098828009406", "13006109882800940x"]
)
async def test_a_code_has_eighteen_digits(shop: Shop, code: str) -> None:
    """18 digits that begin with 10 to 15, or PARAM_ERROR."""
    reply = await till.codepay(shop, payer={"auth_code": code})
    assert (reply.status, reply.code) == (400, "PARAM_ERROR")


async def test_a_shop_must_say_where_it_is(shop: Shop) -> None:
    """scene_info.store_info is required, and notify_url is no field here."""
    assert (await till.codepay(shop, scene_info={})).code == "PARAM_ERROR"
    assert (await till.codepay(shop, notify_url=till.NOTIFY)).number == 270924358


@pytest.mark.parametrize(("act", "state"), [("confirm", "SUCCESS"), ("refuse", "PAYERROR")])
async def test_a_password_is_asked_for(shop: Shop, act: str, state: str) -> None:
    """202 USERPAYING, again and again, until the buyer types the password or will not."""
    await shop.play("codepay", answer="USERPAYING")
    body = till.code_order(shop)
    of = body["out_trade_no"]
    for _ in range(2):
        reply = await shop.ask("POST", f"{till.ORDERS}/codepay", body)
        assert (reply.status, reply.code, reply.signed) == (202, "USERPAYING", True)
    assert await till.state(shop, of) == "USERPAYING"
    await shop.control("POST", f"/control/orders/{of}/{act}", {})
    assert await till.state(shop, of) == state
    assert (await shop.moved())["charge"] == (100 if act == "confirm" else 0)


async def test_a_buyer_may_act_by_himself(shop: Shop) -> None:
    """A play says when the password comes, or that it never does."""
    await shop.play("codepay", answer="USERPAYING", settle="SUCCESS", settle_delay_ms=20)
    await shop.play("codepay", answer="USERPAYING", settle="FAIL", settle_delay_ms=20)
    numbers = [number(), number()]
    for of in numbers:
        assert (await till.codepay(shop, out_trade_no=of)).status == 202
    async with asyncio.timeout(5):
        while [await till.state(shop, of) for of in numbers] != ["SUCCESS", "PAYERROR"]:
            await asyncio.sleep(0.01)


async def test_a_rule_can_wait_for_one_code(shop: Shop) -> None:
    """A play that waits for a certain code leaves all other buyers alone."""
    await shop.rule(
        "codepay", match={"payer.auth_code": "100000000000000001"}, play={"answer": "USERPAYING"}
    )
    assert (await till.codepay(shop)).status == 200
    reply = await till.codepay(shop, payer={"auth_code": "100000000000000001"})
    assert reply.status == 202


async def test_a_bank_refuses(shop: Shop) -> None:
    """A refusal has its code; the number is used up, and the order is PAYERROR."""
    await shop.play("codepay", answer="REFUSED", code="NOT_ENOUGH")
    body = till.code_order(shop)
    reply = await shop.ask("POST", f"{till.ORDERS}/codepay", body)
    assert (reply.status, reply.code) == (403, "NOT_ENOUGH")
    assert await till.state(shop, body["out_trade_no"]) == "PAYERROR"
    again = await shop.ask("POST", f"{till.ORDERS}/codepay", body)
    assert (again.status, again.code) == (403, "TRADE_ERROR")
    assert (await shop.moved())["charge"] == 0


async def test_a_reverse_gives_back_what_was_paid(shop: Shop) -> None:
    """A paid order is REVOKED and the money returns, once, however often it is asked."""
    of = number()
    await till.codepay(shop, out_trade_no=of)
    for _ in range(2):
        reply = await till.reverse(shop, of)
        assert (reply.status, reply.body["out_trade_no"]) == (200, of)
    assert await till.state(shop, of) == "REVOKED"
    assert await shop.moved() == {"charge": 100, "refund": 0, "return": 100}
    assert (await till.refund(shop, of)).code == "INVALID_REQUEST"


async def test_a_reverse_ends_what_was_not_paid(shop: Shop) -> None:
    """An order that waits for its password can never be paid after a reverse."""
    await shop.play("codepay", answer="USERPAYING", settle="SUCCESS", settle_delay_ms=50)
    of = number()
    await till.codepay(shop, out_trade_no=of)
    assert (await till.reverse(shop, of)).status == 200
    assert (await shop.try_control("POST", f"/control/orders/{of}/confirm", {})).status == 409
    await shop.advance(seconds=1)
    assert await till.state(shop, of) == "REVOKED"
    assert (await shop.moved())["charge"] == 0
    assert (await till.codepay(shop, out_trade_no=of)).code == "ORDER_CLOSED"


async def test_reverse_and_password_at_once_have_one_outcome(shop: Shop) -> None:
    """Whoever comes first: the money is never kept by a revoked order."""
    for _ in range(5):
        await shop.play("codepay", answer="USERPAYING")
        of = number()
        await till.codepay(shop, out_trade_no=of)
        confirm = shop.try_control("POST", f"/control/orders/{of}/confirm", {})
        reversed_, _ = await asyncio.gather(till.reverse(shop, of), confirm)
        assert reversed_.status == 200
        assert await till.state(shop, of) == "REVOKED"
    moved = await shop.moved()
    assert moved["charge"] == moved["return"]


async def test_an_early_reverse_is_remarked(shop: Shop) -> None:
    """Reversing within fifteen seconds is done, but written down: the channel advises to wait."""
    early, late = number(), number()
    for of in (early, late):
        await till.codepay(shop, out_trade_no=of)
    await till.reverse(shop, early)
    await shop.advance(seconds=15)
    await till.reverse(shop, late)
    assert await shop.faults(early) == ["EARLY_REVERSE"]
    assert await shop.faults(late) == []


async def test_each_kind_of_order_has_its_own_end(shop: Shop) -> None:
    """A payment by code is reversed, not closed; any other is closed, not reversed."""
    by_code, native = number(), number()
    await shop.play("codepay", answer="USERPAYING")
    await till.codepay(shop, out_trade_no=by_code)
    await till.create(shop, out_trade_no=native)
    reply = await till.close(shop, by_code)
    assert (reply.status, reply.code, reply.number) == (400, "INVALID_REQUEST", 268449641)
    assert (await till.reverse(shop, native)).code == "INVALID_REQUEST"
    assert (await till.reverse(shop, number())).code == "ORDER_NOT_EXIST"


async def test_a_refunded_payment_is_not_reversed(shop: Shop) -> None:
    """What was given back in part cannot be given back as a whole."""
    of = number()
    await till.codepay(shop, out_trade_no=of)
    await till.refund(shop, of, 40)
    assert (await till.reverse(shop, of)).code == "INVALID_REQUEST"
    assert (await shop.moved())["return"] == 0
