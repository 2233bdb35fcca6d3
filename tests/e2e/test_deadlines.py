"""Time runs out, or the caller leaves: the work belongs to the gateway once its intent is kept.

Whatever a caller was or was not told, the same key settles it: it makes the payment, or finds it,
and the channel took the money once.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from paymentgateway.client import GatewayClient, Retry, new_idempotency_key
from paymentgateway.errors import GatewayError, Unavailable
from paymentgateway.v1.payment_pb2 import FailureReason, Payment
from tests.e2e.gateways import paused
from tests.e2e.house import House
from tests.e2e.scripts import later, script
from tests.e2e.shop import Shop, state
from tests.e2e.waiting import insist, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

DEADLINES_MS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128]
ONCE = Retry(attempts_max=1)
SEED = 7


async def _paid_once(shop: Shop, keys: list[str], paying: object = None) -> list[Payment]:
    """Send every key again until it is settled; each made one payment and one charge."""
    answers = [await insist(lambda key=key: shop.pay(key=key, script=paying)) for key in keys]
    ended = [await shop.reached(answer.payment, "SUCCEEDED") for answer in answers]
    assert len({payment.payment_id for payment in ended}) == len(keys)
    numbers = [payment.attempt_number for payment in ended]
    charges = await shop.house.book("charges", *numbers)
    assert [charge["effects"]["charged"] for charge in charges] == [1_000] * len(keys)
    listed = shop.client().list_payments(merchant_id=shop.merchant_id)
    assert len([payment async for payment in listed]) == len(keys)
    return ended


async def test_deadlines_from_one_millisecond_up(shop: Shop) -> None:
    """However early the caller gives up, the same key pays once, and only once."""
    found: dict[str, GatewayError | None] = {}

    async def pay(key: str, deadline_ms: int) -> None:
        try:
            await shop.pay(key=key, deadline_s=deadline_ms / 1_000)
            found[key] = None
        except GatewayError as error:
            found[key] = error

    for deadline_ms in DEADLINES_MS:
        await asyncio.gather(*(pay(new_idempotency_key(), deadline_ms) for _ in range(3)))
    ends = {(error.code.name, error.reason) for error in found.values() if error}
    assert ends <= {
        ("DEADLINE_EXCEEDED", ""),
        ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"),
        ("UNAVAILABLE", "COMMIT_UNKNOWN"),
    }
    await _paid_once(shop, list(found))


async def test_callers_who_leave_at_any_moment(shop: Shop) -> None:
    """Cancelled at random: the payment is not there, or is carried to its outcome without them."""
    chance, keys = random.Random(SEED), [new_idempotency_key() for _ in range(60)]
    slow = script(reply_delay_ms=30)

    async def leave(key: str, after_s: float) -> None:
        call = asyncio.create_task(shop.pay(key=key, script=slow))
        await asyncio.sleep(after_s)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    for start in range(0, len(keys), 6):
        few = keys[start : start + 6]
        moments = [0.0, *(chance.uniform(0, 0.15) for _ in few[1:])]
        await asyncio.gather(*map(leave, few, moments))
    await shop.house.rest()
    before = await shop.house.fetch(
        "select state from payments where merchant_id = $1", shop.merchant_id
    )
    assert {row["state"] for row in before} <= {"SUCCEEDED"}
    assert len(before) < len(keys), "every call got through: none was cancelled early"
    assert before, "no call got through: none was cancelled late"
    await _paid_once(shop, keys, slow)


async def test_processing_comes_before_the_deadline(shop: Shop) -> None:
    """The channel is slow: PROCESSING in time, and the outcome is committed without the caller."""
    started = time.monotonic()
    answer = await shop.pay(script=script(reply_delay_ms=1_400), deadline_s=0.8)
    assert time.monotonic() - started < 0.8
    assert state(answer.payment) == "PROCESSING"
    paid = await shop.reached(answer.payment, "SUCCEEDED")
    assert (await shop.house.charge(paid))["requests"] == 1


async def test_a_refund_goes_on_without_its_caller(shop: Shop) -> None:
    """So does a refund: PROCESSING in time, its amount reserved, and then given back."""
    paid = (await shop.pay(refund=script(reply_delay_ms=1_400))).payment
    refund = (await shop.refund(paid, "3.00", deadline_s=0.8)).refund
    assert (await shop.get(paid)).refunded.minor_units == 300
    ended = await shop.refunded(refund)
    (row,) = await shop.house.book("refunds", ended.attempt_number)
    assert (row["state"], row["requests"]) == ("SUCCEEDED", 1)


@asynccontextmanager
async def _without_channel(house: House) -> AsyncIterator[None]:
    """Keep the sandbox down while the block runs."""
    await house.stack.sandbox.stop()
    try:
        yield
    finally:
        await house.stack.sandbox.start()


async def test_a_channel_that_is_down(house: House, shop: Shop) -> None:
    """What was surely not sent is FAILED; soon the breaker refuses before anything is kept."""
    open_payment = (await shop.pay(script=later(300))).payment
    key = new_idempotency_key()
    async with GatewayClient(house.stack.targets[0], retry=ONCE) as client, _without_channel(house):
        failed = (await shop.pay(via=client)).payment
        assert (state(failed), _reason(failed)) == ("FAILED", "CHANNEL_UNAVAILABLE")

        async def refusal() -> Unavailable | None:
            try:
                await asyncio.gather(*(shop.pay(via=client) for _ in range(10)))
            except Unavailable as error:
                return error
            return None

        refused = await until(refusal)
        assert refused.reason == "CHANNEL_UNAVAILABLE"
        assert refused.retry_after_s is not None
        before = await house.row_counts()
        with pytest.raises(Unavailable, match="CHANNEL_UNAVAILABLE"):
            await shop.pay(key=key, via=client)
        assert await house.row_counts() == before
        assert state(await shop.get(open_payment)) == "PROCESSING"
    await shop.reached(open_payment, "SUCCEEDED")
    paid = (await insist(lambda: shop.pay(key=key))).payment
    assert state(await shop.settled(paid)) == "SUCCEEDED"


async def test_a_channel_that_hangs(house: House, shop: Shop) -> None:
    """Connected but silent: PROCESSING in time; when it wakes, the money was taken once."""
    with paused(house.stack.sandbox):
        answers = await asyncio.gather(*(shop.pay(deadline_s=1.0) for _ in range(4)))
        assert {state(answer.payment) for answer in answers} == {"PROCESSING"}
    await _paid_once(shop, [answer.payment.idempotency_key for answer in answers])


def _reason(payment: Payment) -> str:
    return FailureReason.Name(payment.failure.reason).removeprefix("FAILURE_REASON_")
