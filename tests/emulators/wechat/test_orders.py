"""Orders: made once, repeated, paid, closed, expired; and who wins when two act at once."""

import asyncio

import pytest

from tests.emulators.v3bench import OTHER_MCHID, Shop, number
from tests.emulators.wechat import till


@pytest.mark.parametrize(
    ("way", "more", "member"),
    [
        ("native", {}, "code_url"),
        ("jsapi", {"payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}}, "prepay_id"),
        ("app", {}, "prepay_id"),
        (
            "h5",
            {"scene_info": {"payer_client_ip": "10.0.0.1", "h5_info": {"type": "Wap"}}},
            "h5_url",
        ),
    ],
)
async def test_each_way_to_pay_has_its_own_answer(
    shop: Shop, way: str, more: dict[str, object], member: str
) -> None:
    """A new order is answered, signed, with what the buyer's device opens."""
    reply = await till.create(shop, way, **more)
    assert (reply.status, reply.signed, list(reply.body)) == (200, True, [member])


async def test_an_order_from_first_to_last(shop: Shop) -> None:
    """NOTPAY until the buyer pays; then the query tells everything, under both numbers."""
    of = number()
    code_url = (await till.create(shop, out_trade_no=of, attach="a")).body["code_url"]
    before = (await till.query(shop, of)).body
    assert before["trade_state"] == "NOTPAY"
    assert "transaction_id" not in before
    seen = await shop.control("POST", "/control/scan", {"code_url": code_url})
    assert seen["out_trade_no"] == of
    await till.confirm(shop, of)
    after = (await till.query(shop, of)).body
    assert after["trade_state"] == "SUCCESS"
    assert after["amount"] == {
        "total": 100,
        "currency": "CNY",
        "payer_total": 100,
        "payer_currency": "CNY",
    }
    assert (after["trade_type"], after["attach"]) == ("NATIVE", "a")
    assert after["success_time"].endswith("+08:00")
    target = f"{till.ORDERS}/id/{after['transaction_id']}?mchid={shop.merchant.mchid}"
    assert (await shop.ask("GET", target)).body == after
    assert await shop.moved() == {"charge": 100, "refund": 0, "return": 0}


async def test_the_same_order_again_is_the_same_order(shop: Shop) -> None:
    """Identical parameters give the identical answer, a default said aloud is no difference."""
    body = till.order(shop)
    first = await shop.ask("POST", f"{till.ORDERS}/native", body)
    aloud = body | {"amount": {"total": 100, "currency": "CNY"}}
    again = await shop.ask("POST", f"{till.ORDERS}/native", aloud)
    assert (first.status, again.status, again.body) == (200, 200, first.body)
    assert (await shop.summary())["orders"] == 1


@pytest.mark.parametrize(
    "change", [{"amount": {"total": 101}}, {"description": "other"}, {"attach": "x"}]
)
async def test_other_parameters_under_a_number_are_refused(
    shop: Shop, change: dict[str, object]
) -> None:
    """A number that was used with other parameters is OUT_TRADE_NO_USED, with its number."""
    of = number()
    await till.create(shop, out_trade_no=of)
    reply = await till.create(shop, out_trade_no=of, **change)
    assert (reply.status, reply.code, reply.number) == (403, "OUT_TRADE_NO_USED", 268498688)
    assert reply.signed


async def test_another_way_under_a_number_is_refused(shop: Shop) -> None:
    """The same body sent to another endpoint is not the same order."""
    body = till.order(shop)
    await shop.ask("POST", f"{till.ORDERS}/native", body)
    reply = await shop.ask("POST", f"{till.ORDERS}/app", body)
    assert reply.code == "OUT_TRADE_NO_USED"


async def test_twenty_identical_orders_at_once_are_one(shop: Shop) -> None:
    """Twenty identical requests that race make one order and get one answer."""
    body = till.order(shop)
    replies = await asyncio.gather(
        *(shop.ask("POST", f"{till.ORDERS}/native", body) for _ in range(20))
    )
    assert {reply.status for reply in replies} == {200}
    assert len({reply.raw for reply in replies}) == 1
    assert (await shop.summary())["orders"] == 1


async def test_twenty_payments_by_code_at_once_take_the_money_once(shop: Shop) -> None:
    """Of twenty identical payments by code one is paid, the others hear that it is."""
    body = till.code_order(shop)
    replies = await asyncio.gather(
        *(shop.ask("POST", f"{till.ORDERS}/codepay", body) for _ in range(20))
    )
    assert sorted(reply.status for reply in replies) == [200] + [400] * 19
    assert {reply.code for reply in replies if reply.status == 400} == {"ORDERPAID"}
    assert (await shop.moved())["charge"] == 100


async def test_a_paid_order_is_not_made_again(shop: Shop) -> None:
    """Repeating an order that was paid is ORDERPAID."""
    body = till.order(shop)
    await shop.ask("POST", f"{till.ORDERS}/native", body)
    await till.confirm(shop, body["out_trade_no"])
    reply = await shop.ask("POST", f"{till.ORDERS}/native", body)
    assert (reply.status, reply.code, reply.number) == (400, "ORDERPAID", 268449538)


async def test_a_closed_order_cannot_be_paid_nor_made_again(shop: Shop) -> None:
    """A close is answered 204 and signed; after it everything is refused."""
    body = till.order(shop)
    of = body["out_trade_no"]
    await shop.ask("POST", f"{till.ORDERS}/native", body)
    reply = await till.close(shop, of)
    assert (reply.status, reply.raw, reply.signed) == (204, b"", True)
    assert await till.state(shop, of) == "CLOSED"
    assert (await shop.try_control("POST", f"/control/orders/{of}/confirm", {})).status == 409
    for again in (
        await till.close(shop, of),
        await shop.ask("POST", f"{till.ORDERS}/native", body),
    ):
        assert (again.status, again.code) == (400, "ORDER_CLOSED")


async def test_a_paid_order_cannot_be_closed(shop: Shop) -> None:
    """A close that comes too late says ORDERPAID and changes nothing."""
    of = await till.paid(shop)
    reply = await till.close(shop, of)
    assert (reply.status, reply.code) == (400, "ORDERPAID")
    assert await till.state(shop, of) == "SUCCESS"


async def test_close_and_pay_at_once_have_one_winner(shop: Shop) -> None:
    """Whoever comes first wins, and the loser is told; never both, never neither."""
    for _ in range(10):
        of = number()
        await till.create(shop, out_trade_no=of)
        confirm = shop.try_control("POST", f"/control/orders/{of}/confirm", {})
        closed, confirmed = await asyncio.gather(till.close(shop, of), confirm)
        found = await till.state(shop, of)
        expected = "SUCCESS" if confirmed.status == 200 else "CLOSED"
        assert found == expected
        assert closed.status == (400 if expected == "SUCCESS" else 204)


@pytest.mark.parametrize(
    ("then", "state", "moved"),
    [
        ("SUCCESS", "SUCCESS", {"charge": 100, "refund": 0, "return": 0}),
        ("REFUNDED", "CLOSED", {"charge": 100, "refund": 0, "return": 100}),
    ],
)
async def test_money_may_come_after_the_close(
    shop: Shop, then: str, state: str, moved: dict[str, int]
) -> None:
    """Late money either stands, so that the merchant must refund it, or goes back by itself."""
    of = number()
    await till.create(shop, out_trade_no=of)
    await till.close(shop, of)
    path = f"/control/orders/{of}/pay-late"
    await shop.control("POST", path, {"then": then})
    assert await till.state(shop, of) == state
    assert await shop.moved() == moved
    assert (await shop.try_control("POST", path, {"then": then})).status == 409


async def test_late_money_can_be_played_beforehand(shop: Shop) -> None:
    """A play lets money come after a close that nobody has asked for yet."""
    await shop.play("create", late="SUCCESS", settle_delay_ms=30)
    of = number()
    await till.create(shop, out_trade_no=of)
    assert (await till.close(shop, of)).status == 204
    async with asyncio.timeout(5):
        while await till.state(shop, of) != "SUCCESS":
            await asyncio.sleep(0.01)


async def test_an_order_closes_itself_after_seven_days(shop: Shop) -> None:
    """Nobody paid for seven days: CLOSED."""
    of = number()
    await till.create(shop, out_trade_no=of)
    await shop.advance(days=6.99)
    assert await till.state(shop, of) == "NOTPAY"
    await shop.advance(days=0.02)
    async with asyncio.timeout(5):
        while await till.state(shop, of) != "CLOSED":
            await asyncio.sleep(0.01)


async def test_time_expire_is_kept(shop: Shop) -> None:
    """An order may not begin expired, and closes when its time has come."""
    late = await till.create(shop, time_expire="2018-06-08T10:34:56+08:00")
    assert (late.status, late.code) == (400, "PARAM_ERROR")
    of = number()
    reply = await till.create(shop, out_trade_no=of, time_expire="2099-06-08T10:34:56+08:00")
    assert reply.status == 200


async def test_a_code_runs_out_and_is_renewed(shop: Shop) -> None:
    """After two hours the code opens nothing; asking again for the same order gives a new one."""
    body = till.order(shop)
    first = (await shop.ask("POST", f"{till.ORDERS}/native", body)).body
    await shop.advance(hours=2, seconds=1)
    assert (await shop.try_control("POST", "/control/scan", first)).status == 409
    second = (await shop.ask("POST", f"{till.ORDERS}/native", body)).body
    assert second != first
    assert (await shop.try_control("POST", "/control/scan", second)).status == 200


async def test_numbers_belong_to_their_merchant(shop: Shop) -> None:
    """Two merchants may use one number, and see only their own."""
    of = await till.paid(shop)
    other = shop.as_merchant(OTHER_MCHID)
    reply = await till.query(other, of)
    assert (reply.status, reply.code, reply.number) == (404, "ORDER_NOT_EXIST", 268512771)
    assert (await till.create(other, out_trade_no=of)).status == 200


async def test_an_app_of_somebody_else_is_refused(shop: Shop) -> None:
    """An app that is not bound to the merchant cannot ask for money."""
    reply = await till.create(shop, appid=shop.as_merchant(OTHER_MCHID).merchant.appid)
    assert (reply.status, reply.code, reply.number) == (400, "APPID_MCHID_NOT_MATCH", 268445527)


async def test_what_nobody_made_is_not_known(shop: Shop) -> None:
    """Query and close of an unknown number are 404, signed."""
    for reply in (await till.query(shop, number()), await till.close(shop, number())):
        assert (reply.status, reply.code, reply.signed) == (404, "ORDER_NOT_EXIST", True)


async def test_a_buyer_who_refuses_may_still_pay(shop: Shop) -> None:
    """Walking away from a code changes nothing for the merchant."""
    of = number()
    await till.create(shop, out_trade_no=of)
    await shop.control("POST", f"/control/orders/{of}/refuse", {})
    assert await till.state(shop, of) == "NOTPAY"
    await till.confirm(shop, of)
    assert await till.state(shop, of) == "SUCCESS"
