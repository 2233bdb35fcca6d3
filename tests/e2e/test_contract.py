"""The contract of payments, captures, cancels and refunds, over gRPC, as callers use it.

Two gateways answer in turn, so each promise holds across replicas too.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paymentgateway.client import money, new_idempotency_key
from paymentgateway.errors import KeyMismatch, NotFound, NotYet, Refused
from paymentgateway.v1.payment_pb2 import (
    CAPTURE_MODE_MANUAL,
    FAILURE_REASON_CAPTURE_EXCEEDS_AUTHORIZED,
    FAILURE_REASON_INSUFFICIENT_FUNDS,
    FAILURE_REASON_REFUND_EXCEEDS_CAPTURED,
    SANDBOX_ACTION_CHALLENGE,
    SANDBOX_ACTION_QR_CODE,
    SANDBOX_ACTION_REDIRECT,
    SANDBOX_OUTCOME_ANSWER_LATER,
    SANDBOX_OUTCOME_DECLINE,
    SANDBOX_OUTCOME_REQUIRE_ACTION,
    SCENE_IN_STORE,
    Payer,
    Payment,
    PaymentMethod,
    SandboxMethod,
    SandboxScript,
)
from paymentgateway.v1.payment_service_pb2 import PaymentEvent
from paymentgateway.v1.refund_pb2 import OPERATION_STATE_FAILED, OPERATION_STATE_SUCCEEDED
from tests.e2e.house import House
from tests.e2e.shop import Shop, done, state
from tests.e2e.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASK_PAYER = SandboxScript(outcome=SANDBOX_OUTCOME_REQUIRE_ACTION)
ON_THE_WAY = SandboxScript(outcome=SANDBOX_OUTCOME_ANSWER_LATER, settle_delay_ms=1_000)
DECLINED = SandboxScript(outcome=SANDBOX_OUTCOME_DECLINE, decline_code="INSUFFICIENT_FUNDS")


def everything() -> dict[str, Any]:
    """Fill every field of a payment that a caller may fill."""
    return {
        "order_id": "order/7#b",
        "amount": money("12.34", "CNY"),
        "payment_method": PaymentMethod(sandbox=SandboxMethod(refund=DECLINED)),
        "capture_mode": CAPTURE_MODE_MANUAL,
        "payer": Payer(payer_id="p:1", device_id="d-1", ip_address="2001:db8::7", region="CN-31"),
        "scene": SCENE_IN_STORE,
        "description": "两杯茶 & a bun",
        "attributes": {"table": "4", "note": "größer"},
        "expire_time": (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=7),
    }


async def test_a_payment_carries_everything_back(shop: Shop) -> None:
    """Every field of the request comes back, and every field of the outcome is filled."""
    asked = everything()
    payment = (await shop.pay(key="the key", **asked)).payment
    for name, value in asked.items():
        found = getattr(payment, name)
        if name == "attributes":
            found = dict(found)
        if name == "expire_time":
            found = found.ToDatetime(tzinfo=UTC)
        assert found == value, name
    assert (payment.merchant_id, payment.idempotency_key) == (shop.merchant_id, "the key")
    assert (state(payment), payment.channel) == ("AUTHORIZED", "sandbox")
    assert (payment.captured.minor_units, payment.refunded.minor_units) == (0, 0)
    assert len(payment.attempt_number) == 28
    assert payment.attempt_number.isalnum()
    assert payment.channel_number == (await shop.house.charge(payment))["channel_number"]
    assert payment.create_time.seconds <= payment.authorize_time.seconds
    assert payment.authorize_time.seconds < payment.capture_before_time.seconds
    assert not payment.HasField("capture_time")
    assert not payment.HasField("failure")
    assert payment.version == 2


async def test_a_payment_is_found_by_id_and_by_key_at_any_replica(shop: Shop) -> None:
    """Both ways to look it up give the payment as Pay answered it."""
    paid = (await shop.pay()).payment
    client = shop.client(1)
    assert await shop.get(paid, via=1) == paid
    by_key = await client.get_payment(
        merchant_id=shop.merchant_id, idempotency_key=paid.idempotency_key
    )
    assert by_key == paid
    with pytest.raises(NotFound, match="PAYMENT_NOT_FOUND"):
        await client.get_payment(merchant_id=shop.merchant_id, idempotency_key="never used")


async def test_nothing_is_read_or_moved_across_merchants(house: House, shop: Shop) -> None:
    """Another merchant's payment does not exist, for reading, capturing, cancelling, refunding."""
    paid = (await shop.pay()).payment
    stranger = await house.shop()
    before = await house.row_counts()
    for call in (stranger.get, stranger.capture, stranger.cancel, stranger.refund):
        with pytest.raises(NotFound) as missing:
            await call(paid)
        assert missing.value.reason == "PAYMENT_NOT_FOUND"
    with pytest.raises(NotFound):
        await stranger.client().list_entries(
            merchant_id=stranger.merchant_id, payment_id=paid.payment_id
        )
    assert await house.row_counts() == before


async def test_a_replay_is_answered_alike(shop: Shop) -> None:
    """The same request under its key executes nothing and is answered as the first, replayed."""
    asked, key = everything(), new_idempotency_key()
    first = await shop.pay(key=key, **asked)
    asked["payer"] = Payer(payer_id="p:1", device_id="another", ip_address="192.0.2.1")
    again = await shop.pay(key=key, via=1, **asked)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.payment == first.payment
    assert (await shop.house.charge(first.payment))["requests"] == 1


async def test_operations_are_replayed_alike(shop: Shop) -> None:
    """So are captures, cancels and refunds, and their refusals."""
    held, other = [(await shop.pay(manual=True)).payment for _ in range(2)]
    for call, arguments in (
        (shop.capture, (held, "4.00")),
        (shop.capture, (held,)),
        (shop.refund, (held, "3.00")),
        (shop.refund, (held, "7.01")),
        (shop.cancel, (other,)),
    ):
        key = new_idempotency_key()
        first, again = await call(*arguments, key=key), await call(*arguments, key=key, via=1)
        assert (first.replayed, again.replayed) == (False, True)
        again.replayed = False
        assert again == first


async def test_a_mismatch_executes_nothing_and_tells_nothing(shop: Shop) -> None:
    """A key that stands for something else is refused without a word about that."""
    paid = (await shop.pay("77.77")).payment
    key, before = paid.idempotency_key, await shop.house.row_counts()
    for call in (
        lambda: shop.pay("77.78", key=key),
        lambda: shop.refund(paid, key=key),
        lambda: shop.cancel(paid, key=key),
        lambda: shop.capture(paid, key=key),
    ):
        with pytest.raises(KeyMismatch) as refused:
            await call()
        assert refused.value.metadata["key"] == "bound"
        told = str(refused.value)
        assert not any(word in told for word in ("7777", "77.77", paid.payment_id, "PAY"))
    assert await shop.house.row_counts() == before


async def test_captures_take_parts_and_the_final_one_releases_the_rest(shop: Shop) -> None:
    """Parts are captured up to the amount; `final` ends it, at the channel too."""
    held = (await shop.pay("99.00", manual=True)).payment
    part = await shop.capture(held, "30.00", via=1)
    assert state(part.payment) == "AUTHORIZED"
    assert (part.capture.amount.minor_units, part.capture.final) == (3_000, False)
    assert part.capture.state == OPERATION_STATE_SUCCEEDED
    too_much = await shop.capture(held, "69.01")
    assert too_much.capture.state == OPERATION_STATE_FAILED
    assert too_much.capture.failure.reason == FAILURE_REASON_CAPTURE_EXCEEDS_AUTHORIZED
    last = await shop.capture(held, "20.00", final=True)
    assert state(last.payment) == "SUCCEEDED"
    assert last.payment.captured.minor_units == 5_000
    assert last.payment.fee_millionths == 5_000 * 6_000
    charge = await shop.house.charge(held)
    assert (charge["state"], charge["captured"]) == ("SUCCEEDED", 5_000)
    with pytest.raises(Refused, match="ILLEGAL_TRANSITION"):
        await shop.capture(held, "1.00")


async def test_a_declined_payment_is_an_answer(shop: Shop) -> None:
    """A refusal by the channel is a FAILED payment with the channel's reason, and no money."""
    failed = (await shop.pay(script=DECLINED)).payment
    assert state(failed) == "FAILED"
    assert failed.failure.reason == FAILURE_REASON_INSUFFICIENT_FUNDS
    assert failed.failure.channel_code == "INSUFFICIENT_FUNDS"
    assert failed.failure.message
    assert (await shop.house.charge(failed))["effects"]["charged"] == 0
    with pytest.raises(Refused, match="ILLEGAL_TRANSITION"):
        await shop.refund(failed)


@pytest.mark.parametrize(
    ("action", "field"),
    [
        (SANDBOX_ACTION_QR_CODE, "qr_code"),
        (SANDBOX_ACTION_REDIRECT, "redirect_url"),
        (SANDBOX_ACTION_CHALLENGE, "challenge"),
    ],
)
async def test_the_payer_acts(shop: Shop, action: Any, field: str) -> None:
    """A payment says what the payer must do, and goes on when the channel tells that it is done."""
    script = SandboxScript(outcome=SANDBOX_OUTCOME_REQUIRE_ACTION, action=action)
    waiting = (await shop.pay(script=script)).payment
    assert state(waiting) == "REQUIRES_ACTION"
    assert waiting.next_action.WhichOneof("action") == field
    offered, open_until = waiting.next_action.expire_time, waiting.expire_time
    assert offered.ToMilliseconds() == open_until.ToMilliseconds()
    await shop.house.act(waiting, "CONFIRM")
    paid = await shop.reached(waiting, "SUCCEEDED")
    assert not paid.HasField("next_action")


async def test_the_payer_refuses(shop: Shop) -> None:
    """A payer who refuses ends the payment as FAILED."""
    waiting = (await shop.pay(script=ASK_PAYER)).payment
    await shop.house.act(waiting, "REFUSE")
    failed = await shop.reached(waiting, "FAILED")
    assert failed.failure.reason == FAILURE_REASON_INSUFFICIENT_FUNDS


@pytest.mark.parametrize("manual", [False, True], ids=["waiting", "authorised"])
async def test_a_cancel_ends_it_before_money_is_taken(shop: Shop, manual: bool) -> None:
    """What waits for its payer, or is only authorised, is closed at the channel."""
    script = None if manual else ASK_PAYER
    payment = (await shop.pay(script=script, manual=manual)).payment
    canceled = await shop.cancel(payment, via=1)
    assert (state(canceled.payment), done(canceled.state)) == ("CANCELED", "SUCCEEDED")
    charge = await shop.house.charge(payment)
    assert (charge["state"], charge["effects"]["charged"]) == ("CLOSED", 0)
    assert await shop.client().list_entries(
        merchant_id=shop.merchant_id, payment_id=payment.payment_id
    ) == []  # fmt: skip


async def test_what_is_taken_cannot_be_canceled(shop: Shop) -> None:
    """A cancel of a paid or partly captured payment is refused, for ever under its key."""
    paid = (await shop.pay()).payment
    partly = (await shop.pay(manual=True)).payment
    await shop.capture(partly, "1.00")
    for payment in (paid, partly):
        key = new_idempotency_key()
        for via in (0, 1):
            with pytest.raises(Refused) as refused:
                await shop.cancel(payment, key=key, via=via)
            assert refused.value.reason == "ILLEGAL_TRANSITION"
    await shop.capture(partly, final=True)


async def test_what_is_not_final_is_refused_for_now(shop: Shop) -> None:
    """A refund or capture of an open payment leaves its key free, and works under it later."""
    payment, key = (await shop.pay(script=ON_THE_WAY)).payment, new_idempotency_key()
    for call in (shop.refund, shop.capture):
        with pytest.raises(NotYet) as refused:
            await call(payment, key=key)
        assert refused.value.reason == "PAYMENT_NOT_FINAL"
        assert refused.value.retry_after_s is not None
    await shop.reached(payment, "SUCCEEDED")
    assert done((await shop.refund(payment, key=key)).refund.state) == "SUCCEEDED"


async def test_another_operation_runs(shop: Shop) -> None:
    """While a capture is on its way another capture or a cancel has to wait, with its key free."""
    held = (await shop.pay(manual=True, capture=ON_THE_WAY)).payment
    first = await shop.capture(held, "4.00")
    assert done(first.capture.state) == "PROCESSING"
    assert state(first.payment) == "AUTHORIZED"
    for call in (shop.capture, shop.cancel):
        with pytest.raises(NotYet, match="OPERATION_IN_PROGRESS"):
            await call(held)
    await until(lambda: shop.get(held), lambda found: found.captured.minor_units == 400)
    await shop.capture(held, final=True)
    await shop.reached(held, "SUCCEEDED")


async def test_refunds_go_to_the_last_fen_and_not_further(shop: Shop) -> None:
    """Parts add up to what was captured; no amount means the rest; more is kept as FAILED."""
    paid = (await shop.pay("10.00")).payment
    first = (await shop.refund(paid, "3.33", description="cold tea")).refund
    assert (first.payment_id, first.description) == (paid.payment_id, "cold tea")
    assert (first.amount.minor_units, done(first.state)) == (333, "SUCCEEDED")
    too_much = (await shop.refund(paid, "6.68", via=1)).refund
    assert too_much.state == OPERATION_STATE_FAILED
    assert too_much.failure.reason == FAILURE_REASON_REFUND_EXCEEDS_CAPTURED
    assert too_much.attempt_number == ""
    rest = (await shop.refund(paid, via=1)).refund
    assert (rest.amount.minor_units, done(rest.state)) == (667, "SUCCEEDED")
    after = await shop.get(paid)
    assert (state(after), after.refunded.minor_units) == ("SUCCEEDED", 1_000)
    nothing_left = (await shop.refund(paid)).refund
    assert nothing_left.failure.reason == FAILURE_REASON_REFUND_EXCEEDS_CAPTURED
    assert (await shop.house.charge(paid))["effects"] == {"charged": 1_000, "refunded": 1_000}


async def test_refunds_are_found_and_listed(shop: Shop) -> None:
    """A refund is found by id and by key; lists give all of them, newest first, page by page."""
    payments = [(await shop.pay("5.00")).payment for _ in range(2)]
    made = [(await shop.refund(payments[n % 2], "0.50")).refund for n in range(7)]
    client = shop.client(1)
    found = await client.get_refund(
        merchant_id=shop.merchant_id, idempotency_key=made[0].idempotency_key
    )
    assert found == await shop.refund_now(made[0]) == made[0]
    listed = client.list_refunds(merchant_id=shop.merchant_id, page_size=3)
    assert [item async for item in listed] == made[::-1]
    chosen = client.list_refunds(
        merchant_id=shop.merchant_id,
        payment_id=payments[1].payment_id,
        state=OPERATION_STATE_SUCCEEDED,
        page_size=2,
    )
    assert [item async for item in chosen] == made[1::2][::-1]


async def test_payments_are_listed_by_every_filter(shop: Shop) -> None:
    """Filters narrow a list, pages cut it, and a token goes on at any replica."""
    made = [(await shop.pay("1.00", order_id=f"o-{n % 2}")).payment for n in range(5)]
    made.append((await shop.pay(script=DECLINED, order_id="o-0")).payment)
    client, merchant = shop.client(), {"merchant_id": shop.merchant_id}

    async def ids(**chosen: Any) -> list[str]:
        listed = client.list_payments(**merchant, page_size=2, **chosen)
        return [payment.payment_id async for payment in listed]

    newest_first = [payment.payment_id for payment in reversed(made)]
    assert await ids() == await ids(channel="sandbox") == newest_first
    assert await ids(channel="other") == []
    assert await ids(order_id="o-1") == [made[3].payment_id, made[1].payment_id]
    assert await ids(state=made[5].state) == newest_first[:1]
    middle = made[2].create_time.ToDatetime(tzinfo=UTC)
    assert await ids(create_time_from=middle) == newest_first[:4]
    assert await ids(create_time_to=middle) == newest_first[4:]
    page = await client.list_payments_page(**merchant, page_size=4)
    rest = await shop.client(1).list_payments_page(
        **merchant, page_size=4, page_token=page.next_page_token
    )
    assert [payment.payment_id for payment in rest.payments] == newest_first[4:]
    assert rest.next_page_token == ""


async def test_a_watcher_sees_what_was_true_after_each_change(shop: Shop) -> None:
    """Events come in order, each with the state and amounts right after its change."""
    client = shop.client(1)
    stream = client.watch_payments(merchant_id=shop.merchant_id, heartbeats=True)
    assert not (await anext(stream)).HasField("event")
    held = (await shop.pay("8.00", manual=True, order_id="o-w")).payment
    capture = (await shop.capture(held, "5.00", final=True)).capture
    refund = (await shop.refund(held, "2.00")).refund
    seen: list[PaymentEvent] = []
    async for message in stream:
        if message.HasField("event"):
            seen.append(message.event)
        if len(seen) == 6:
            break
    await stream.aclose()
    assert [event.version for event in seen] == [1, 2, 3, 4, 5, 6]
    assert {event.payment_id for event in seen} == {held.payment_id}
    assert {(event.order_id, event.amount.minor_units) for event in seen} == {("o-w", 800)}
    amounts = [(event.captured.minor_units, event.refunded.minor_units) for event in seen]
    assert amounts == [(0, 0), (0, 0), (0, 0), (500, 0), (500, 200), (500, 200)]
    operations = [event.operation_id for event in seen]
    assert operations == ["", "", *[capture.capture_id] * 2, *[refund.refund_id] * 2]
    assert len({event.event_id for event in seen}) == 6
    assert _states(seen) == ["PROCESSING", *["AUTHORIZED"] * 2, *["SUCCEEDED"] * 3]


def _states(events: list[PaymentEvent]) -> list[str]:
    return [state(Payment(state=event.state)) for event in events]
