"""The chapters, in order. Each shows one promise on running processes and checks it."""

import asyncio
import contextlib
import time

from paymentgateway.client import money, money_text, new_idempotency_key
from paymentgateway.errors import GatewayError, KeyMismatch
from paymentgateway.v1.payment_pb2 import (
    CAPTURE_MODE_MANUAL,
    PAYMENT_STATE_AUTHORIZED,
    PAYMENT_STATE_CANCELED,
    PAYMENT_STATE_FAILED,
    PAYMENT_STATE_PROCESSING,
    PAYMENT_STATE_REQUIRES_ACTION,
    PAYMENT_STATE_SUCCEEDED,
    SANDBOX_FAULT_DROP_REPLY,
    SANDBOX_OUTCOME_ANSWER_LATER,
    SANDBOX_OUTCOME_DECLINE,
    SANDBOX_OUTCOME_REQUIRE_ACTION,
    FailureReason,
    Payment,
    SandboxScript,
)
from paymentgateway.v1.refund_pb2 import (
    OPERATION_STATE_FAILED,
    OPERATION_STATE_SUCCEEDED,
)
from tests.demo.shop import MERCHANT, RESOLVED_WITHIN_S, Shop, line, state
from tests.demo.story import Story
from tests.invariants import violations
from tests.invariants.world import Row, read_book
from tests.processes import Stack

CROWD = 200


async def paying(story: Story, shop: Shop) -> Payment:
    """Pay, replay, and reuse the key for something else."""
    story.chapter("Pay, send the same again, and reuse the key for another amount")
    key = new_idempotency_key()
    first = await shop.pay("12.50", "o-1", key=key)
    story.say(line(first.payment))
    story.check("the payment succeeded", first.payment.state == PAYMENT_STATE_SUCCEEDED, first)
    fee = first.payment.fee_millionths
    story.check("its fee is accrued exactly: 7.5 fen", fee == 7_500_000, fee)

    again = await shop.pay("12.50", "o-1", key=key)
    same = again.payment.payment_id == first.payment.payment_id
    story.check("the same request is answered with the same payment", same and again.replayed)
    try:
        await shop.pay("99.00", "o-1", key=key)
        story.check("the same key for another amount is refused", holds=False)
    except KeyMismatch as refused:
        story.check("the same key for another amount is refused", holds=True)
        story.say(f"{refused.reason}: {refused.message}")
    return first.payment


async def capturing(story: Story, shop: Shop) -> None:
    """Authorise, capture in parts, release the rest; and cancel another."""
    story.chapter("Authorise 99.00, capture 30.00 and 20.00, release the rest")
    held = (await shop.pay("99.00", "o-2", mode=CAPTURE_MODE_MANUAL)).payment
    story.check("99.00 is authorised", held.state == PAYMENT_STATE_AUTHORIZED, state(held))
    await _capture(shop, held, "30.00", final=False)
    after = await _capture(shop, held, "20.00", final=True)
    story.say(line(after))
    captured = money_text(after.captured)
    story.check("50.00 is captured", captured.startswith("50.00"), captured)
    story.check("and the payment has succeeded", after.state == PAYMENT_STATE_SUCCEEDED)

    other = (await shop.pay("15.00", "o-3", mode=CAPTURE_MODE_MANUAL)).payment
    canceled = await shop.client.cancel(
        merchant_id=MERCHANT, idempotency_key=new_idempotency_key(), payment_id=other.payment_id
    )
    gone = canceled.payment.state == PAYMENT_STATE_CANCELED
    story.check("another authorisation is canceled, nothing taken", gone, state(canceled.payment))


async def refunding(story: Story, shop: Shop, payment: Payment) -> None:
    """Refund in parts, then too much."""
    story.chapter("Refund 12.50 in parts, and then one fen too many")
    for part in ("5.00", "7.49"):
        answer = await shop.refund(payment, part)
        done = answer.state == OPERATION_STATE_SUCCEEDED
        story.check(f"{part} is given back", done, answer)
    refused = await shop.refund(payment, "0.02")
    reason = FailureReason.Name(refused.failure.reason)
    story.check("0.02 more is refused", refused.state == OPERATION_STATE_FAILED, refused)
    story.say(f"{reason}: {refused.failure.message}")


async def declining(story: Story, shop: Shop) -> None:
    """A decline is an answer, not an error."""
    story.chapter("A channel declines")
    script = SandboxScript(outcome=SANDBOX_OUTCOME_DECLINE)
    declined = (await shop.pay("8.00", "o-4", script=script)).payment
    story.check("the payment failed", declined.state == PAYMENT_STATE_FAILED, state(declined))
    failure = declined.failure
    story.say(f"{FailureReason.Name(failure.reason)} ({failure.channel_code}): {failure.message}")


async def waiting(story: Story, shop: Shop) -> None:
    """Payments that end by a notification, and by the payer."""
    story.chapter("Payments that the channel decides later, and tells by notification")
    later = SandboxScript(outcome=SANDBOX_OUTCOME_ANSWER_LATER, settle_delay_ms=1_000)
    payment = (await shop.pay("21.00", "o-5", script=later)).payment
    story.check("the answer now is PROCESSING", payment.state == PAYMENT_STATE_PROCESSING)
    ended = await shop.ended(payment.payment_id)
    story.check("the notification made it SUCCEEDED", ended.state == PAYMENT_STATE_SUCCEEDED)

    action = SandboxScript(outcome=SANDBOX_OUTCOME_REQUIRE_ACTION, settle_delay_ms=1_000)
    payment = (await shop.pay("22.00", "o-6", script=action)).payment
    asked = payment.state == PAYMENT_STATE_REQUIRES_ACTION
    story.check("another waits for the payer to scan", asked, state(payment))
    story.say(f"QR code: {payment.next_action.qr_code}")
    ended = await shop.ended(payment.payment_id)
    story.check("the payer paid", ended.state == PAYMENT_STATE_SUCCEEDED, state(ended))


async def crashing(story: Story, shop: Shop, stack: Stack) -> None:
    """Kill the gateway in mid-payment; restart; the payment is resolved by asking."""
    story.chapter("The gateway is killed with -9 while the channel holds a payment")
    key = new_idempotency_key()
    script = SandboxScript(fault=SANDBOX_FAULT_DROP_REPLY, reply_delay_ms=3_000)
    call = asyncio.create_task(shop.pay("33.00", "o-7", key=key, script=script, deadline_s=2.0))
    await _until_charged(stack, 3_300)
    story.say("The channel has taken 33.00 and not answered; the gateway dies now.")
    await stack.gateways[0].kill()
    await asyncio.gather(call, return_exceptions=True)
    started = time.monotonic()
    await stack.gateways[0].start()
    story.say(f"It is back after {time.monotonic() - started:.1f} s, on the same database.")
    await _until_answered(shop)

    answer = await shop.pay("33.00", "o-7", key=key, script=script)
    ended = await shop.ended(answer.payment.payment_id)
    story.check("the same key finds the payment", answer.replayed, answer)
    won = ended.state == PAYMENT_STATE_SUCCEEDED
    story.check("it was resolved by asking the channel: SUCCEEDED", won, state(ended))
    charged = [row for row in await _charges(stack) if row["amount"] == 3_300]
    story.check("and charged once", len(charged) == 1, charged)


async def crowding(story: Story, shop: Shop) -> None:
    """Many calls at once, half of them duplicates."""
    story.chapter(f"{CROWD} payments at once, every one sent twice under its key")
    keys = [new_idempotency_key() for _ in range(CROWD // 2)]
    started = time.monotonic()
    answers = await asyncio.gather(
        *(shop.pay("2.00", "o-8", key=key) for key in keys for _ in range(2))
    )
    story.say(f"{len(answers)} answers in {time.monotonic() - started:.1f} s")
    distinct = {answer.payment.payment_id for answer in answers}
    story.check(f"they made {CROWD // 2} payments", len(distinct) == CROWD // 2, len(distinct))
    ended = [await shop.ended(payment_id) for payment_id in distinct]
    unpaid = [payment for payment in ended if payment.state != PAYMENT_STATE_SUCCEEDED]
    story.check("all of them succeeded", not unpaid, unpaid)


async def watching(story: Story, shop: Shop) -> None:
    """List, and watch while paying."""
    story.chapter("List an order's payments, and watch changes as they happen")
    page = await shop.client.list_payments_page(merchant_id=MERCHANT, order_id="o-8", page_size=30)
    story.check("pages are as long as asked", len(page.payments) == 30, len(page.payments))
    total = [p async for p in shop.client.list_payments(merchant_id=MERCHANT, order_id="o-8")]
    story.check(f"all pages hold {CROWD // 2}", len(total) == CROWD // 2, len(total))

    seen: list[str] = []
    stream = shop.client.watch_payments(merchant_id=MERCHANT, heartbeats=True)
    async for message in stream:
        if not message.HasField("event"):
            asyncio.get_running_loop().create_task(shop.pay("4.00", "o-9"))
            continue
        seen.append(f"{message.event.order_id} version {message.event.version}")
        if len(seen) == 2:
            break
    await stream.aclose()
    story.check("a watcher saw the payment begin and end", len(seen) == 2, seen)


async def auditing(story: Story, stack: Stack) -> None:
    """Check the books, and compare them with the sandbox's own."""
    story.chapter("The books, and the channel's own book beside them")
    status, output = await stack.command("ledger", "check")
    story.say(output.strip())
    story.check("gateway ledger check: it balances", status == 0, status)
    world = await stack.world()
    theirs = sum(c["effects"]["charged"] - c["effects"]["refunded"] for c in world.charges)
    ours = sum(s["debits"] - s["credits"] for s in world.sums if s["code"] == "channel_receivable")
    story.say(f"the sandbox took {theirs / 100:.2f} CNY net; the ledger says {ours / 100:.2f}")
    story.check("equal to the last fen", theirs == ours and theirs > 0)
    found = violations(world)
    story.check("and every invariant holds", not found, "\n".join(found))


async def _capture(shop: Shop, payment: Payment, amount: str, *, final: bool) -> Payment:
    answer = await shop.client.capture(
        merchant_id=MERCHANT,
        idempotency_key=new_idempotency_key(),
        payment_id=payment.payment_id,
        amount=money(amount, "CNY"),
        final=final,
    )
    return answer.payment


async def _until_answered(shop: Shop) -> None:
    """Wait until the client has found the gateway again; gRPC backs off between its tries."""
    end = time.monotonic() + RESOLVED_WITHIN_S
    while time.monotonic() < end:
        with contextlib.suppress(GatewayError):
            await shop.client.get_merchant(MERCHANT)
            return
        await asyncio.sleep(0.1)


async def _until_charged(stack: Stack, amount: int) -> None:
    end = time.monotonic() + RESOLVED_WITHIN_S
    while time.monotonic() < end:
        if any(row["amount"] == amount for row in await _charges(stack)):
            return
        await asyncio.sleep(0.02)


async def _charges(stack: Stack) -> list[Row]:
    return await read_book(stack.sandbox_url, "charges")
