"""Alipay, told as stories over gRPC against its stand-in.

They run in this order, because the channel's time only goes forward: the bill lets a day pass, the
last story a year.
"""

import json
from datetime import time
from decimal import Decimal
from typing import Any

import grpc
import pytest
import pytest_asyncio

from paymentgateway.errors import GatewayError
from paymentgateway.v1.payment_pb2 import CAPTURE_MODE_MANUAL, FailureReason
from tests.e2e.channels.alipay import HOLD, AlipayTill, agreement, barcode, scan
from tests.e2e.channels.emulator import BEIJING
from tests.e2e.channels.street import Street
from tests.e2e.house import House
from tests.e2e.probing import Metrics
from tests.e2e.shop import done, state
from tests.e2e.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

ORDER = {"out_trade_no", "total_amount", "subject"}
MAY_LEAVE = {
    "precreate": ORDER | {"time_expire", "disable_pay_channels"},
    "pay": {
        *(*ORDER, "time_expire", "scene", "auth_code", "product_code", "query_options"),
        *("extend_params.hb_fq_num", "extend_params.hb_fq_seller_percent"),
        *("agreement_params.agreement_no", "auth_no", "auth_confirm_mode"),
        *("seller_id", "buyer_id"),
    },
    "freeze": {
        *("auth_code", "auth_code_type", "out_order_no", "out_request_no", "order_title"),
        *("amount", "product_code", "pay_timeout", "payee_user_id"),
    },
    "query": {"out_trade_no", "query_options"},
    "close": {"out_trade_no"},
    "unfreeze": {"auth_no", "out_request_no", "amount", "remark"},
    "query_authorization": {"out_order_no", "out_request_no", "operation_type"},
    "refund": {"out_trade_no", "trade_no", "refund_amount", "out_request_no"},
    "query_refund": {"out_trade_no", "trade_no", "out_request_no"},
    "bill": {"bill_type", "bill_date"},
    "certificate": {"alipay_cert_sn"},
}

QUARANTINED = "select reason, times from quarantine where channel = 'alipay'"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def till(street: Street, street_house: House) -> AlipayTill:
    """A shop that takes Alipay."""
    opened = await AlipayTill.open(street_house, street.emulators["alipay"])
    assert isinstance(opened, AlipayTill)
    return opened


async def test_a_code_is_scanned_and_paid_later(till: AlipayTill, street: Street) -> None:
    """The payer scans and pays by pay-later, the notification ends it, and both books agree."""
    before = await Metrics.read(street.ops_url)
    payment = await till.scanned("12.50")
    assert not payment.funding_source
    await till.confirm(payment, fund_channel="PCREDIT")
    paid = await till.shop.reached(payment, "SUCCEEDED")
    assert (paid.captured.minor_units, paid.funding_source) == (1250, "PCREDIT")
    assert paid.channel_number
    assert await till.effects(paid) == {"charge": 1250, "refund": 0, "return": 0}
    assert await till.shop.balance() == 1250
    name, told = "gateway_notifications_total", {"channel": "alipay", "verdict": "accepted"}
    after = await Metrics.read(street.ops_url)
    assert after.total(name, **told) > before.total(name, **told)


async def test_a_barcode_is_paid_in_instalments(till: AlipayTill) -> None:
    """The merchant scans the payer's barcode; who pays in parts pays later, and it is shown."""
    answer = await till.pay("300.00", payment_method=barcode(instalments=6))
    assert (state(answer.payment), answer.payment.funding_source) == ("SUCCEEDED", "PCREDIT")
    [trade] = await till.trades(answer.payment)
    assert trade["request"]["extend_params"] == {"hb_fq_num": "6", "hb_fq_seller_percent": "0"}
    assert trade["effects"]["charge"] == 30_000


async def test_who_may_not_pay_later_does_not(till: AlipayTill) -> None:
    """Where the merchant wants no pay-later, the channel offers none."""
    payment = await till.scanned("4.00", payment_method=scan(disable_pay_later=True))
    with pytest.raises(AssertionError, match="409"):
        await till.confirm(payment, fund_channel="PCREDIT")
    await till.confirm(payment)
    paid = await till.shop.reached(payment, "SUCCEEDED")
    assert paid.funding_source == "ALIPAYACCOUNT"


async def test_a_payer_who_must_confirm(till: AlipayTill) -> None:
    """A barcode above what goes unasked waits for its payer, who confirms or refuses."""
    for settle, ends in (("SUCCESS", "SUCCEEDED"), ("FAIL", "FAILED")):
        play = {"answer": "WAITING", "settle": settle, "settle_delay_ms": 100}
        await till.emulator.rule(operation="pay", play=play)
        payment = (await till.pay("6.00", payment_method=barcode())).payment
        ended = await till.shop.reached(payment, ends)
        assert (await till.effects(ended))["charge"] == (600 if ends == "SUCCEEDED" else 0)


async def test_a_refused_barcode(till: AlipayTill) -> None:
    """What the payer's bank refuses has failed at once, with the reason and the channel's code."""
    await till.emulator.rule(operation="pay", play={"answer": "REFUSED"})
    refused = (await till.pay("6.00", payment_method=barcode())).payment
    assert state(refused) == "FAILED"
    assert FailureReason.Name(refused.failure.reason).endswith("INSUFFICIENT_FUNDS")
    assert refused.failure.channel_code == "ACQ.BUYER_BALANCE_NOT_ENOUGH"


async def test_money_is_taken_under_an_agreement(till: AlipayTill) -> None:
    """While the agreement holds, money is taken without the payer; afterwards it is refused."""
    signed = await till.emulator.control("agreements", {})
    method = agreement(signed["agreement_no"])
    answer = await till.pay("5.00", payment_method=method)
    assert (state(answer.payment), answer.payment.funding_source) == ("SUCCEEDED", "ALIPAYACCOUNT")
    assert (await till.effects(answer.payment))["charge"] == 500
    await till.emulator.control(f"agreements/{signed['external_agreement_no']}/terminate", {})
    refused = (await till.pay("5.00", payment_method=method)).payment
    assert state(refused) == "FAILED"
    assert refused.failure.channel_code == "ACQ.AGREEMENT_INVALID"


async def test_instalments_go_with_what_is_scanned_only(till: AlipayTill) -> None:
    """Agreements and holds have no instalments: refused before anything is kept."""
    method = agreement("20170322450983769228")
    method.alipay.instalments = 3
    with pytest.raises(GatewayError) as refused:
        await till.pay("300.00", payment_method=method)
    assert refused.value.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_hold_is_captured_once(till: AlipayTill) -> None:
    """A capture takes a part of what is held and frees the rest, asked to or not; it is told."""
    held = await till.held("10.00")
    await till.emulator.rule(operation="pay", play={"fund_channel": "PCREDIT"})
    made = await till.shop.capture(held, "7.00")
    assert (done(made.capture.state), made.capture.final) == ("SUCCEEDED", True)
    assert (state(made.payment), made.payment.captured.minor_units) == ("SUCCEEDED", 700)
    assert made.payment.funding_source == "PCREDIT"
    hold = await till.hold(held)
    assert (hold["state"], hold["paid"], hold["unfrozen"]) == ("FINISH", 700, 300)
    assert (await till.effects(held))["charge"] == 700


async def test_refunds_of_a_capture(till: AlipayTill) -> None:
    """All that was captured can be given back, in parts."""
    paid = (await till.shop.capture(await till.held("10.00"), "7.00")).payment
    for part in ("1.50", "5.50"):
        assert done((await till.refunded(paid, part)).state) == "SUCCEEDED"
    assert (await till.shop.get(paid)).refunded.minor_units == 700
    assert await till.effects(paid) == {"charge": 700, "refund": 700, "return": 0}


async def test_who_paid_is_told_to_no_caller(till: AlipayTill) -> None:
    """The payer's id at the channel, which a capture needs, is in nothing that a caller sees."""
    held = await till.held("2.00")
    hold = await till.hold(held)
    assert held.channel_number == hold["auth_no"]
    captured = await till.shop.capture(held)
    [trade] = await till.trades(held)
    assert trade["request"]["buyer_id"] == hold["buyer_id"] == trade["buyer_id"]
    for told in (held, captured, await till.shop.get(held)):
        assert hold["buyer_id"] not in str(told)


async def test_a_hold_is_given_free(till: AlipayTill) -> None:
    """A cancel frees all that is held, and nothing was ever taken."""
    held = await till.held("7.00")
    await till.shop.cancel(held)
    await till.shop.reached(held, "CANCELED")
    hold = await till.hold(held)
    assert (hold["state"], hold["unfrozen"], hold["paid"]) == ("FINISH", 700, 0)


async def test_a_hold_that_the_payer_must_confirm(till: AlipayTill) -> None:
    """The amount is held once the payer confirmed, and a notification tells of it."""
    await till.emulator.rule(operation="freeze", play={"answer": "WAITING"})
    asked: dict[str, Any] = {"payment_method": HOLD, "capture_mode": CAPTURE_MODE_MANUAL}
    payment = (await till.pay("7.00", **asked)).payment
    assert state(payment) == "PROCESSING"
    await till.emulator.control(f"authorizations/{payment.attempt_number}/confirm", {})
    held = await till.shop.reached(payment, "AUTHORIZED")
    assert state((await till.shop.capture(held)).payment) == "SUCCEEDED"


async def test_without_a_notification_the_channel_is_asked(till: AlipayTill) -> None:
    """A payment whose notification never comes is found out by a query."""
    await till.emulator.rule(operation="precreate", play={"notify": "NONE"})
    paid = await till.paid("3.00")
    assert (await till.effects(paid))["charge"] == 300


async def test_refunds_up_to_the_limit(till: AlipayTill) -> None:
    """Partial refunds are made up to what was paid, and not one fen more."""
    paid = await till.paid("10.00")
    for part in ("4.00", "5.00"):
        assert done((await till.refunded(paid, part)).state) == "SUCCEEDED"
    beyond = (await till.shop.refund(paid, "1.01")).refund
    assert done(beyond.state) == "FAILED"
    assert not beyond.attempt_number
    assert done((await till.refunded(paid, "1.00")).state) == "SUCCEEDED"
    [trade] = await till.trades(paid)
    assert trade["state"] == "TRADE_CLOSED"
    assert trade["effects"] == {"charge": 1000, "refund": 1000, "return": 0}
    after = await till.shop.get(paid)
    assert (state(after), after.refunded.minor_units) == ("SUCCEEDED", 1000)


async def test_a_refund_that_takes_time(till: AlipayTill) -> None:
    """A refund that the channel only accepted is done when its bank has done it, not before."""
    paid = await till.paid("10.00")
    play = {"answer": "WAITING", "settle": "NEVER"}
    await till.emulator.rule(operation="refund", play=play)
    refund = (await till.shop.refund(paid, "6.00")).refund
    assert done(refund.state) == "PROCESSING"
    settled = {"state": "SUCCESS"}
    await till.emulator.control(f"refunds/{refund.attempt_number}/settle", settled)
    assert done((await till.shop.refunded(refund)).state) == "SUCCEEDED"
    assert (await till.effects(paid))["refund"] == 600


async def test_lost_replies_are_resolved(till: AlipayTill) -> None:
    """What happened although its reply was lost is found by asking, and happened once."""
    lost = {"fault": {"name": "DROP_AFTER_EFFECT"}, "match": {"total_amount": "5.01"}}
    await till.emulator.rule(operation="pay", play={"notify": "NONE"})
    await till.emulator.rule(operation="pay", **lost)
    payment = (await till.pay("5.01", payment_method=barcode())).payment
    assert state(payment) == "PROCESSING"
    paid = await till.shop.reached(payment, "SUCCEEDED")
    assert "DROP_AFTER_EFFECT" in await till.faults(paid.attempt_number)
    match = {"out_trade_no": paid.attempt_number}
    await till.emulator.rule(operation="refund", fault=lost["fault"], match=match)
    refund = (await till.shop.refund(paid, "5.01")).refund
    assert done(refund.state) == "PROCESSING"
    assert done((await till.shop.refunded(refund)).state) == "SUCCEEDED"
    assert "DROP_AFTER_EFFECT" in await till.faults(paid.attempt_number)
    assert await till.effects(paid) == {"charge": 501, "refund": 501, "return": 0}


async def test_lost_replies_about_a_hold_are_resolved(till: AlipayTill) -> None:
    """The same of what is held and captured: each once, though nobody heard of it."""
    for operation in ("freeze", "pay"):
        await till.emulator.rule(operation=operation, play={"notify": "NONE"})
        await till.emulator.rule(operation=operation, fault={"name": "DROP_AFTER_EFFECT"})
    held = await till.held("9.00")
    assert "DROP_AFTER_EFFECT" in await till.faults(held.attempt_number)
    assert done((await till.shop.capture(held)).capture.state) == "PROCESSING"
    await till.shop.reached(held, "SUCCEEDED")
    [trade] = await till.trades(held)
    assert "DROP_AFTER_EFFECT" in await till.faults(trade["number"])
    assert trade["effects"] == {"charge": 900, "refund": 0, "return": 0}


async def test_a_late_success_is_given_back(till: AlipayTill) -> None:
    """Money that comes after the payment was canceled is refunded by itself, and told to people."""
    payment = await till.scanned("7.00")
    await till.shop.cancel(payment)
    await till.shop.reached(payment, "CANCELED")
    await till.emulator.control(f"trades/{payment.attempt_number}/pay-late", {"then": "SUCCESS"})
    await till.house.case(payment, "LATE_SUCCESS")
    await until(lambda: till.effects(payment), lambda moved: moved["refund"] == 700)
    assert state(await till.shop.get(payment)) == "CANCELED"
    assert (await till.effects(payment))["charge"] == 700


async def test_a_wrong_amount_is_laid_aside(till: AlipayTill) -> None:
    """A verified notification of another amount books nothing; a person sees it, and the truth."""
    await till.emulator.rule(operation="precreate", play={"notify": "WRONG_AMOUNT"})
    payment = await till.scanned("6.00")
    await till.confirm(payment)
    case = await till.house.case(payment, "MISMATCH")
    assert payment.attempt_number in case["detail"]
    paid = await till.shop.reached(payment, "SUCCEEDED")
    assert paid.captured.minor_units == 600
    assert await till.effects(paid) == {"charge": 600, "refund": 0, "return": 0}


@pytest.mark.parametrize("lie", ["WRONG_KEY", "WRONG_SELLER", "WRONG_APP"])
async def test_a_forgery_is_laid_aside(till: AlipayTill, lie: str) -> None:
    """A notification that proves nothing changes nothing, and is kept for people to see."""
    payment = await till.scanned("2.00")
    number = payment.attempt_number
    before = await till.house.fetch(QUARANTINED)
    await till.emulator.control(f"trades/{number}/notify", {"as": lie})
    kept = await until(
        lambda: till.house.fetch(QUARANTINED),
        lambda rows: sum(row["times"] for row in rows) > sum(row["times"] for row in before),
    )
    assert f"NOTIFY_{lie}_ACKNOWLEDGED" not in await till.faults(number)
    assert all(row["reason"] for row in kept)
    assert state(await till.shop.get(payment)) == "REQUIRES_ACTION"
    await till.shop.cancel(payment)
    await till.shop.reached(payment, "CANCELED")


async def test_the_bill_is_what_both_books_say(till: AlipayTill, street: Street) -> None:
    """The next day's bill adds up, and is the channel's own book and ours, number by number."""
    await till.house.rest()
    day = (await till.emulator.now()).astimezone(BEIJING).date()
    await till.emulator.wait_for_morning(time(9, 1))
    report = await street.bill("alipay", day)
    assert report.agrees, report.lines
    book = await till.emulator.control(f"book?day={day}")
    sums = report.fields["currencies"]["CNY"]
    assert sums["charged"] == book["charge"]["amount"] > 0
    assert sums["refunded"] == book["refund"]["amount"] + book["return"]["amount"] > 0
    assert Decimal(sums["fee"]) > 0
    assert report.fields["comparison"]["agreed"] == report.fields["lines"] > 20
    number = "0" * 28
    fault = {"day": day.isoformat(), "kind": "EXTRA", "number": number, "amount": 5}
    await till.emulator.control("bill-faults", fault)
    asked = ("bills", "fetch", "alipay", day.isoformat(), "--compare", "--json")
    status, output = await street.command(*asked)
    assert status == 1, output
    [difference] = json.loads(output)["comparison"]["differences"]
    assert (difference["kind"], difference["number"]) == ("missing here", number)


async def test_only_what_may_leave_has_left(till: AlipayTill) -> None:
    """No field arrived at the channel that is not on the list for its operation."""
    arrived = (await till.emulator.control("fields"))["fields"]
    prefix = "biz_content."
    members = {
        operation: {
            name.removeprefix(prefix).removesuffix("[]")
            for name in places["body"]
            if name.startswith(prefix)
        }
        for operation, places in arrived.items()
        if operation != "bill_download"
    }
    beyond = {name: found - MAY_LEAVE[name] for name, found in members.items()}
    assert not any(beyond.values()), beyond
    for name in ("pay", "freeze", "refund"):
        assert members[name] == MAY_LEAVE[name]


async def test_a_refund_after_the_window_is_refused(till: AlipayTill) -> None:
    """A year later the channel refuses a refund; once the gateway knows, it does not even ask."""
    paid = await till.paid("8.00")
    await till.emulator.advance(days=366)
    refused = await till.refunded(paid, "1.00")
    assert (done(refused.state), refused.failure.channel_code) == (
        "FAILED",
        "ACQ.TRADE_HAS_FINISHED",
    )
    assert (await till.shop.get(paid)).refunded.minor_units == 0
    await till.forget_capture(paid, days=366)
    early = (await till.shop.refund(paid, "1.00")).refund
    assert FailureReason.Name(early.failure.reason).endswith("REFUND_WINDOW_CLOSED")
    assert not early.attempt_number
    assert (await till.effects(paid))["refund"] == 0
