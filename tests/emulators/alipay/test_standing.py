"""The end of a trade: closed, canceled, expired, finished; and who wins when two act at once."""

import asyncio
from typing import Any

import pytest

from tests.emulators.alipay import till
from tests.emulators.alipay.merchant import Shop, number


async def waiting(shop: Shop, **fields: Any) -> str:
    """The number of a trade that waits for its buyer."""
    await shop.play("pay", answer="WAITING")
    of = number()
    assert (await till.pay(shop, out_trade_no=of, **fields)).code == "10003"
    return of


async def test_only_what_waits_can_be_closed(shop: Shop) -> None:
    """A close ends what waits; a second one, and one of what is paid or unknown, is refused."""
    of = await waiting(shop)
    closed = await till.close(shop, of)
    assert (closed.code, closed.content["out_trade_no"], closed.signed) == ("10000", of, True)
    assert await till.state(shop, of) == "TRADE_CLOSED"
    assert (await shop.try_control("POST", f"/control/trades/{of}/confirm", {})).status == 409
    assert (await till.close(shop, of)).sub_code == "ACQ.TRADE_STATUS_ERROR"
    assert (await till.close(shop, await till.paid(shop))).sub_code == "ACQ.TRADE_STATUS_ERROR"
    assert (await till.close(shop, number())).sub_code == "ACQ.TRADE_NOT_EXIST"


async def test_a_cancel_closes_or_gives_back(shop: Shop) -> None:
    """What waits is closed, what is paid goes back; each again says the same and moves nothing."""
    unpaid, paid = await waiting(shop), await till.paid(shop)
    for of, action in ((unpaid, "close"), (paid, "refund")):
        replies = [(await till.cancel(shop, of)).content for _ in range(2)]
        assert [reply["action"] for reply in replies] == [action, action]
        assert replies[0]["retry_flag"] == "N"
        assert await till.state(shop, of) == "TRADE_CLOSED"
    assert await shop.moved() == {"charge": 100, "return": 100}
    assert (await till.pay(shop, out_trade_no=paid)).sub_code == "ACQ.TRADE_HAS_CLOSE"


async def test_a_cancel_has_its_limits(shop: Shop) -> None:
    """Not after a day, and not of what was refunded in part."""
    refunded, old = await till.paid(shop), await till.paid(shop)
    await till.refund(shop, refunded, "0.10")
    assert (await till.cancel(shop, refunded)).sub_code == "ACQ.REASON_TRADE_REFUND_FEE_ERR"
    await shop.advance(hours=24, seconds=1)
    assert (await till.cancel(shop, old)).sub_code == "ACQ.TRADE_CANCEL_TIME_OUT"
    assert await shop.moved() == {"charge": 200, "refund": 10}


async def test_close_and_pay_at_once_have_one_winner(shop: Shop) -> None:
    """Whoever comes first wins, and the loser is told; never both, never neither."""
    for _ in range(10):
        of = await waiting(shop)
        confirm = shop.try_control("POST", f"/control/trades/{of}/confirm", {})
        closed, confirmed = await asyncio.gather(till.close(shop, of), confirm)
        expected = "TRADE_SUCCESS" if confirmed.status == 200 else "TRADE_CLOSED"
        assert await till.state(shop, of) == expected
        assert (closed.code == "10000") == (confirmed.status == 409)


async def test_nobody_pays_for_ever(shop: Shop) -> None:
    """Without a time of its own a trade closes after 15 days, with one then, and 1c at midnight."""
    plain, spanned = await waiting(shop), await waiting(shop, timeout_express="2h")
    midnight = await waiting(shop, timeout_express="1c")
    await shop.advance(hours=2)
    assert await till.state(shop, spanned) == "TRADE_CLOSED"
    await shop.jump_to(0)
    assert await till.state(shop, midnight) == "TRADE_CLOSED"
    await shop.advance(days=13)
    assert await till.state(shop, plain) == "WAIT_BUYER_PAY"
    await shop.advance(days=2)
    assert await till.state(shop, plain) == "TRADE_CLOSED"


async def test_a_trade_is_finished_after_a_year(shop: Shop) -> None:
    """When the time for refunds is over the trade is TRADE_FINISHED, and is refunded no more."""
    of = await till.paid(shop)
    await shop.advance(days=364)
    assert await till.state(shop, of) == "TRADE_SUCCESS"
    await shop.advance(days=2)
    assert await till.state(shop, of) == "TRADE_FINISHED"
    assert (await till.refund(shop, of)).sub_code == "ACQ.TRADE_HAS_FINISHED"


@pytest.mark.parametrize(
    ("then", "state", "moved"),
    [
        ("SUCCESS", "TRADE_SUCCESS", {"charge": 100}),
        ("REFUNDED", "TRADE_CLOSED", {"charge": 100, "return": 100}),
    ],
)
async def test_money_may_come_after_the_close(
    shop: Shop, then: str, state: str, moved: dict[str, int]
) -> None:
    """Late money either stands, so that the merchant must refund it, or goes back by itself."""
    of = await waiting(shop)
    await till.close(shop, of)
    path = f"/control/trades/{of}/pay-late"
    await shop.control("POST", path, {"then": then})
    assert await till.state(shop, of) == state
    assert await shop.moved() == moved
    assert (await shop.try_control("POST", path, {"then": then})).status == 409


async def test_money_that_came_late_can_be_undone(shop: Shop) -> None:
    """A cancel that closed, then late money: the same cancel again finds it, and gives it back."""
    of = await waiting(shop)
    assert (await till.cancel(shop, of)).content["action"] == "close"
    await shop.control("POST", f"/control/trades/{of}/pay-late", {"then": "SUCCESS"})
    assert (await till.cancel(shop, of)).content["action"] == "refund"
    assert await shop.moved() == {"charge": 100, "return": 100}


async def test_late_money_can_be_played_beforehand(shop: Shop) -> None:
    """A play lets money come after a close that nobody has asked for yet."""
    await shop.play("pay", answer="WAITING", late="SUCCESS", settle_delay_ms=60_000)
    of = number()
    await till.pay(shop, out_trade_no=of)
    assert (await till.close(shop, of)).code == "10000"
    await shop.advance(minutes=1)
    assert await till.state(shop, of) == "TRADE_SUCCESS"


async def test_the_number_of_the_channel_wins(shop: Shop) -> None:
    """Where both numbers are given only trade_no counts; one of them there must be."""
    one, two = await till.paid(shop), await till.paid(shop)
    trade_no = (await till.query(shop, one)).content["trade_no"]
    both = {"trade_no": trade_no, "out_trade_no": two}
    assert (await shop.ask("alipay.trade.query", both)).content["out_trade_no"] == one
    none = await shop.ask("alipay.trade.query", {})
    assert none.sub_code == "ACQ.INVALID_PARAMETER"
