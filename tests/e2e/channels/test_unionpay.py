"""UnionPay, told as stories over gRPC against its stand-in.

They run in this order, because the channel's time only goes forward: the bill lets a day pass, the
last story a year.
"""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import grpc
import pytest
import pytest_asyncio

from paymentgateway.errors import GatewayError
from paymentgateway.v1.payment_pb2 import CAPTURE_MODE_MANUAL, FailureReason
from tests.e2e.channels.emulator import BEIJING
from tests.e2e.channels.street import Street
from tests.e2e.channels.unionpay import BACK, CardTill
from tests.e2e.house import House
from tests.e2e.probing import Metrics
from tests.e2e.shop import done, state
from tests.e2e.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEAD = {
    *("version", "encoding", "signMethod", "certId", "signature", "merId", "accessType"),
    *("txnType", "txnSubType", "bizType", "txnTime"),
}
MONEY = HEAD | {"orderId", "channelType", "txnAmt", "currencyCode", "backUrl"}
MAY_LEAVE = {
    "app_consume": MONEY | {"payTimeout"},
    "consume": MONEY | {"payTimeout", "tokenPayData"},
    "authorize": MONEY | {"payTimeout", "tokenPayData"},
    "complete": MONEY | {"origQryId"},
    "refund": MONEY | {"origQryId"},
    "void_authorization": MONEY | {"origQryId"},
    "query": HEAD | {"orderId"},
    "file": HEAD | {"fileType", "settleDate"},
}

QUARANTINED = "select reason, times from quarantine where channel = 'unionpay'"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def till(street: Street, street_house: House) -> CardTill:
    """A shop that takes cards."""
    opened = await CardTill.open(street_house, street.emulators["unionpay"])
    assert isinstance(opened, CardTill)
    return opened


async def test_a_card_is_charged_in_the_app(till: CardTill, street: Street) -> None:
    """The payer confirms in the front end, the notification ends it, and both books agree."""
    before = await Metrics.read(street.ops_url)
    paid = await till.paid("12.50")
    assert paid.captured.minor_units == 1250
    assert paid.channel_number
    assert await till.effects(paid) == {"charge": 1250, "refund": 0, "return": 0}
    assert await till.shop.balance() == 1250
    name, told = "gateway_notifications_total", {"channel": "unionpay", "verdict": "accepted"}
    after = await Metrics.read(street.ops_url)
    assert after.total(name, **told) > before.total(name, **told)


async def test_a_bound_card_is_charged(till: CardTill) -> None:
    """What the channel only accepts at first is charged without the payer, or refused for good."""
    payment = (await till.pay("4.00", payment_method=BACK)).payment
    paid = await till.shop.reached(payment, "SUCCEEDED")
    assert (await till.effects(paid))["charge"] == 400
    await till.emulator.rule(operation="consume", play={"answer": "64"})
    refused = (await till.pay("4.01", payment_method=BACK)).payment
    assert state(refused) == "FAILED"
    assert FailureReason.Name(refused.failure.reason).endswith("INSUFFICIENT_FUNDS")
    assert (await till.effects(refused))["charge"] == 0


async def test_a_failed_try_is_no_end(till: CardTill) -> None:
    """While the payer may try again, the channel's word that a try failed ends nothing."""
    payment = await till.scanned("8.00")
    await till.emulator.control(f"orders/{payment.attempt_number}/refuse", {"code": "64"})
    asked = await till.asked()
    await until(till.asked, lambda count: count >= asked + 2)
    assert state(await till.shop.get(payment)) == "REQUIRES_ACTION"
    await till.confirm(payment)
    paid = await till.shop.reached(payment, "SUCCEEDED")
    assert (await till.effects(paid))["charge"] == 800


async def test_without_a_notification_the_channel_is_asked(till: CardTill) -> None:
    """A payment whose notification never comes is found out by a query."""
    await till.emulator.rule(operation="app_consume", play={"notify": "NONE"})
    paid = await till.paid("3.00")
    assert (await till.effects(paid))["charge"] == 300


async def test_a_payment_whose_reply_was_lost_is_found(till: CardTill) -> None:
    """Money that moved although nobody heard of it is found by asking, and taken once."""
    fault = {"name": "DROP_AFTER_EFFECT"}
    await till.emulator.rule(operation="consume", match={"txnAmt": "501"}, fault=fault)
    await till.emulator.rule(operation="consume", play={"notify": "NONE"})
    payment = (await till.pay("5.01", payment_method=BACK)).payment
    assert state(payment) == "PROCESSING"
    paid = await till.shop.reached(payment, "SUCCEEDED")
    assert "DROP_AFTER_EFFECT" in await till.faults(paid.attempt_number)
    assert await till.effects(paid) == {"charge": 501, "refund": 0, "return": 0}


async def test_refunds_up_to_the_limit(till: CardTill) -> None:
    """Partial refunds are made up to what was paid, and not one fen more."""
    paid = await till.paid("10.00")
    for part in ("4.00", "5.00"):
        assert done((await till.refunded(paid, part)).state) == "SUCCEEDED"
    beyond = (await till.shop.refund(paid, "1.01")).refund
    assert done(beyond.state) == "FAILED"
    assert not beyond.attempt_number
    assert done((await till.refunded(paid, "1.00")).state) == "SUCCEEDED"
    assert await till.effects(paid) == {"charge": 1000, "refund": 1000, "return": 0}
    assert (await till.shop.get(paid)).refunded.minor_units == 1000


async def test_a_refund_whose_reply_was_lost_is_resolved(till: CardTill) -> None:
    """It is asked about, and made once."""
    paid = await till.paid("10.00")
    match = {"origQryId": paid.channel_number}
    await till.emulator.rule(operation="refund", match=match, play={"notify": "NONE"})
    fault = {"name": "DROP_AFTER_EFFECT"}
    await till.emulator.rule(operation="refund", match=match, fault=fault)
    refund = (await till.shop.refund(paid, "10.00")).refund
    assert done(refund.state) == "PROCESSING"
    assert done((await till.shop.refunded(refund)).state) == "SUCCEEDED"
    assert "DROP_AFTER_EFFECT" in await till.faults(refund.attempt_number)
    assert (await till.effects(paid))["refund"] == 1000


async def test_a_pre_authorisation_is_completed_once(till: CardTill) -> None:
    """A part is captured, which releases the rest and is the last; refunds take from it."""
    held = await till.held("10.00")
    assert (await till.effects(held))["charge"] == 0
    capture = (await till.shop.capture(held, "6.00")).capture
    assert capture.final
    taken = await till.shop.reached(held, "SUCCEEDED")
    assert (taken.amount.minor_units, taken.captured.minor_units) == (1000, 600)
    with pytest.raises(GatewayError) as again:
        await till.shop.capture(held, "1.00")
    assert again.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert again.value.reason == "ILLEGAL_TRANSITION"
    for part in ("2.00", "4.00"):
        assert done((await till.refunded(taken, part)).state) == "SUCCEEDED"
    assert await till.effects(taken) == {"charge": 600, "refund": 600, "return": 0}


async def test_a_completion_whose_reply_was_lost_is_found(till: CardTill) -> None:
    """What the payer authorised in the app is captured once, although nobody heard of it."""
    payment = await till.scanned("9.00", capture_mode=CAPTURE_MODE_MANUAL)
    await till.confirm(payment)
    held = await till.shop.reached(payment, "AUTHORIZED")
    await till.emulator.rule(operation="complete", play={"notify": "NONE"})
    await till.emulator.rule(operation="complete", fault={"name": "DROP_AFTER_EFFECT"})
    assert done((await till.shop.capture(held)).capture.state) == "PROCESSING"
    await till.shop.reached(held, "SUCCEEDED")
    assert await till.effects(held) == {"charge": 900, "refund": 0, "return": 0}


async def test_a_pre_authorisation_is_given_free(till: CardTill) -> None:
    """A cancel voids what is held, and nothing was ever taken."""
    held = await till.held("7.00")
    await till.shop.cancel(held)
    await till.shop.reached(held, "CANCELED")
    assert [order["txn_type"] for order in await till.about(held)] == ["02", "32"]
    assert await till.effects(held) == {"charge": 0, "refund": 0, "return": 0}


async def test_a_late_success_is_given_back(till: CardTill) -> None:
    """A cancel waits for the order's end; money that comes even later is refunded by itself."""
    time_to_pay = timedelta(minutes=10)
    payment = await till.scanned("7.00", expire_time=datetime.now(UTC) + time_to_pay)
    await till.shop.cancel(payment)
    assert state(await till.shop.get(payment)) == "REQUIRES_ACTION"
    await till.let_time_be_over(payment, time_to_pay)
    await till.shop.reached(payment, "CANCELED")
    await till.emulator.control(f"orders/{payment.attempt_number}/pay-late", {"then": "SUCCESS"})
    await till.house.case(payment, "LATE_SUCCESS")
    await until(lambda: till.effects(payment), lambda moved: moved["refund"] == 700)
    assert state(await till.shop.get(payment)) == "CANCELED"
    assert (await till.effects(payment))["charge"] == 700


async def test_a_wrong_amount_is_laid_aside(till: CardTill) -> None:
    """A verified notification of another amount books nothing; a person sees it, and the truth."""
    await till.emulator.rule(operation="app_consume", play={"notify": "WRONG_AMOUNT"})
    payment = await till.scanned("6.00")
    await till.confirm(payment)
    case = await till.house.case(payment, "MISMATCH")
    assert payment.attempt_number in case["detail"]
    paid = await till.shop.reached(payment, "SUCCEEDED")
    assert paid.captured.minor_units == 600
    assert await till.effects(paid) == {"charge": 600, "refund": 0, "return": 0}


@pytest.mark.parametrize("lie", ["FORGED", "WRONG_NAME", "WRONG_MERCHANT"])
async def test_a_forgery_is_laid_aside(till: CardTill, lie: str) -> None:
    """A notification that proves nothing changes nothing, and is kept for people to see."""
    paid = await till.paid("2.00")
    before = await till.house.fetch(QUARANTINED)
    await till.emulator.control(f"orders/{paid.attempt_number}/notify", {"as": lie})
    kept = await until(
        lambda: till.house.fetch(QUARANTINED),
        lambda rows: sum(row["times"] for row in rows) > sum(row["times"] for row in before),
    )
    assert all(row["reason"] for row in kept)
    assert f"NOTIFY_{lie}_ACKNOWLEDGED" not in await till.faults(paid.attempt_number)
    assert (await till.shop.get(paid)).version == paid.version


async def test_the_channel_renews_its_certificate_unannounced(till: CardTill) -> None:
    """What it signs with a new certificate of the same authority is believed at once."""
    asked = {"what": "SIGNING_CERTIFICATE", "retire_older": True}
    await till.emulator.control("keys/rotate", asked)
    paid = await till.paid("1.00")
    assert (await till.effects(paid))["charge"] == 100


async def test_the_bill_is_what_both_books_say(till: CardTill, street: Street) -> None:
    """The day's file adds up, and is the channel's own book and ours, number by number."""
    await till.house.rest()
    day = (await till.emulator.now()).astimezone(BEIJING).date()
    await till.emulator.wait_for_morning(time(9, 1))
    report = await street.bill("unionpay", day)
    assert report.agrees, report.lines
    book = await till.emulator.control(f"book?day={day}")
    sums = report.fields["currencies"]["CNY"]
    assert sums["charged"] == book["charge"]["amount"] > 0
    assert sums["refunded"] == book["refund"]["amount"] > 0
    assert Decimal(sums["fee"]) == Decimal(book["fee"]).scaleb(-2)
    assert report.fields["comparison"]["agreed"] == report.fields["lines"] > 5
    number = "0" * 28
    fault = {"day": day.isoformat(), "kind": "EXTRA", "number": number, "amount": 5}
    await till.emulator.control("bill-faults", fault)
    [difference] = (await street.bill("unionpay", day)).fields["comparison"]["differences"]
    assert (difference["kind"], difference["number"]) == ("missing here", number)


async def test_only_what_may_leave_has_left(till: CardTill) -> None:
    """No field arrived at the channel that is not on the list for its operation."""
    arrived = (await till.emulator.control("fields"))["fields"]
    arrived = {name: set(found["body"]) for name, found in arrived.items()}
    assert arrived == MAY_LEAVE | {"app_authorize": MAY_LEAVE["app_consume"]}


async def test_a_refund_after_the_window_is_refused(till: CardTill) -> None:
    """After a year the channel refuses a refund; once the gateway knows, it does not even ask."""
    paid = await till.paid("8.00")
    await till.emulator.advance(days=340)
    refused = await till.refunded(paid, "1.00")
    assert done(refused.state) == "FAILED"
    assert (await till.shop.get(paid)).refunded.minor_units == 0
    await till.forget_capture(paid, days=340)
    early = (await till.shop.refund(paid, "1.00")).refund
    assert FailureReason.Name(early.failure.reason).endswith("REFUND_WINDOW_CLOSED")
    assert not early.attempt_number
    assert (await till.effects(paid))["refund"] == 0
