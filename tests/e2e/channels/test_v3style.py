"""WeChat Pay and Douyin Pay, told as stories over gRPC against their stand-ins.

The stories of one channel run in this order, because its time only goes forward: the bill lets a
day pass. What lets a year pass stands in `test_years`, after everything else.
"""

import json
from datetime import time

import grpc
import pytest

from paymentgateway.errors import GatewayError
from tests.e2e.channels.emulator import BEIJING
from tests.e2e.channels.street import Street
from tests.e2e.channels.v3style import JSAPI, Till
from tests.e2e.probing import Metrics
from tests.e2e.shop import done, state
from tests.e2e.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

MAY_LEAVE = {
    "create": {
        *("appid", "mchid", "description", "out_trade_no", "time_expire", "notify_url"),
        *("amount.total", "amount.currency", "payer.openid"),
    },
    "refund": {
        *("out_trade_no", "out_refund_no", "notify_url"),
        *("amount.refund", "amount.total", "amount.currency"),
    },
    "close": {"mchid"},
}

QUARANTINED = "select reason, times from quarantine where channel = $1"


async def test_a_code_is_scanned_and_paid(till: Till, street: Street) -> None:
    """The payer scans and pays, the channel's notification ends it, and both books agree."""
    before = await Metrics.read(street.ops_url)
    paid = await till.paid("12.50")
    assert paid.captured.minor_units == 1250
    assert paid.channel_number
    assert await till.effects(paid) == {"charge": 1250, "refund": 0, "return": 0}
    assert await till.shop.balance() == 1250
    told = {"channel": till.channel, "verdict": "accepted"}
    name = "gateway_notifications_total"
    after = await Metrics.read(street.ops_url)
    assert after.total(name, **told) > before.total(name, **told)


async def test_a_page_calls_the_cashier_up(till: Till) -> None:
    """What the front end hands to the channel is signed by us, and opens the cashier there."""
    payment = (await till.pay("9.00", payment_method=JSAPI[till.channel])).payment
    call_up = json.loads(payment.next_action.challenge)
    shown = await till.emulator.control("scan", {"call_up": call_up})
    assert (shown["out_trade_no"], shown["total"]) == (payment.attempt_number, 900)
    await till.confirm(payment)
    await till.shop.reached(payment, "SUCCEEDED")


async def test_without_a_notification_the_channel_is_asked(till: Till) -> None:
    """A payment whose notification never comes is found out by a query."""
    await till.emulator.rule(operation="create", play={"notify": "NONE"})
    paid = await till.paid("3.00")
    assert (await till.effects(paid))["charge"] == 300


async def test_refunds_up_to_the_limit(till: Till) -> None:
    """Partial refunds are made up to what was paid, one a minute, and not one fen more."""
    paid = await till.paid("10.00")
    assert done((await till.refunded(paid, "4.00")).state) == "SUCCEEDED"
    with pytest.raises(GatewayError) as refused:
        await till.shop.refund(paid, "5.00")
    assert refused.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.value.reason == "REFUND_TOO_SOON"
    assert 0 < (refused.value.retry_after_s or 0) <= 60
    await till.pass_time(paid, seconds=61)
    assert done((await till.refunded(paid, "5.00")).state) == "SUCCEEDED"
    await till.pass_time(paid, seconds=61)
    beyond = (await till.shop.refund(paid, "1.01")).refund
    assert done(beyond.state) == "FAILED"
    assert done((await till.refunded(paid, "1.00")).state) == "SUCCEEDED"
    assert await till.effects(paid) == {"charge": 1000, "refund": 1000, "return": 0}
    assert (await till.shop.get(paid)).refunded.minor_units == 1000


async def test_a_lost_reply_is_resolved(till: Till) -> None:
    """A refund whose reply was lost is asked about, and made once."""
    paid = await till.paid("10.00")
    match = {"out_trade_no": paid.attempt_number}
    fault = {"operation": "refund", "match": match, "fault": {"name": "DROP_AFTER_EFFECT"}}
    await till.emulator.rule(**fault)
    refund = (await till.shop.refund(paid, "10.00")).refund
    assert done(refund.state) == "PROCESSING"
    assert done((await till.shop.refunded(refund)).state) == "SUCCEEDED"
    assert "DROP_AFTER_EFFECT" in await till.faults(refund.attempt_number)
    assert (await till.effects(paid))["refund"] == 1000


async def test_a_late_success_is_given_back(till: Till) -> None:
    """Money that comes after the payment was canceled is refunded by itself, and told to people."""
    payment = await till.scanned("7.00")
    await till.shop.cancel(payment)
    await till.shop.reached(payment, "CANCELED")
    await till.emulator.control(f"orders/{payment.attempt_number}/pay-late", {"then": "SUCCESS"})
    await till.house.case(payment, "LATE_SUCCESS")
    await until(lambda: till.effects(payment), lambda moved: moved["refund"] == 700)
    assert state(await till.shop.get(payment)) == "CANCELED"
    assert (await till.effects(payment))["charge"] == 700


async def test_a_wrong_amount_is_laid_aside(till: Till) -> None:
    """A verified notification of another amount books nothing; a person sees it, and the truth."""
    await till.emulator.rule(operation="create", play={"notify": "WRONG_AMOUNT"})
    payment = await till.scanned("6.00")
    await till.confirm(payment)
    case = await till.house.case(payment, "MISMATCH")
    assert payment.attempt_number in case["detail"]
    paid = await till.shop.reached(payment, "SUCCEEDED")
    assert paid.captured.minor_units == 600
    assert await till.effects(paid) == {"charge": 600, "refund": 0, "return": 0}


@pytest.mark.parametrize("lie", ["WRONG_KEY", "WRONG_MERCHANT"])
async def test_a_forgery_is_laid_aside(till: Till, lie: str) -> None:
    """A notification that proves nothing changes nothing, and is kept for people to see."""
    payment = await till.scanned("2.00")
    number = payment.attempt_number
    before = await till.house.fetch(QUARANTINED, till.channel)
    await till.emulator.control(f"orders/{number}/notify", {"as": lie})
    kept = await until(
        lambda: till.house.fetch(QUARANTINED, till.channel),
        lambda rows: sum(row["times"] for row in rows) > sum(row["times"] for row in before),
    )
    await till.struck(number, f"NOTIFY_{lie}")
    assert f"NOTIFY_{lie}_ACKNOWLEDGED" not in await till.faults(number)
    assert all(row["reason"] for row in kept)
    assert state(await till.shop.get(payment)) == "REQUIRES_ACTION"
    await till.shop.cancel(payment)
    await till.shop.reached(payment, "CANCELED")


async def test_the_bill_is_what_both_books_say(till: Till, street: Street) -> None:
    """The next day's bill adds up, and is the channel's own book and ours, number by number."""
    await till.house.rest()
    day = (await till.emulator.now()).astimezone(BEIJING).date()
    await till.emulator.wait_for_morning(time(10, 1))
    report = await street.bill(till.channel, day)
    assert report.agrees, report.lines
    book = await till.emulator.control(f"book?day={day}")
    sums = report.fields["currencies"]["CNY"]
    assert sums["charged"] == book["charge"]["amount"] > 0
    assert sums["refunded"] == book["refund"]["amount"] + book["return"]["amount"] > 0
    assert report.fields["comparison"]["agreed"] == report.fields["lines"] > 5
    number = "0" * 28
    fault = {"day": day.isoformat(), "kind": "EXTRA", "number": number, "amount": 5}
    await till.emulator.control("bill-faults", fault)
    [difference] = (await street.bill(till.channel, day)).fields["comparison"]["differences"]
    assert (difference["kind"], difference["number"]) == ("missing here", number)


async def test_only_what_may_leave_has_left(till: Till) -> None:
    """No field of a payment arrived at the channel that is not on the list for its operation."""
    arrived = (await till.emulator.control("fields"))["fields"]
    assert {name: set(arrived[name]["body"]) for name in MAY_LEAVE} == MAY_LEAVE
