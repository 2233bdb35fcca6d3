"""What time ends: payments that nobody pays, and authorisations that nobody captures.

The gateway ends nothing by its own clock alone: it closes the number at the channel and books what
the channel then says.
"""

from datetime import UTC, datetime, timedelta

import pytest

from paymentgateway.client import GatewayClient, new_idempotency_key
from paymentgateway.errors import InvalidRequest
from paymentgateway.v1.payment_pb2 import (
    FAILURE_REASON_EXPIRED,
    SANDBOX_OUTCOME_ANSWER_LATER,
    SANDBOX_OUTCOME_REQUIRE_ACTION,
    SandboxScript,
)
from tests.e2e.gateways import Extra
from tests.e2e.house import House
from tests.e2e.shop import Shop, state
from tests.e2e.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

NEVER_MS = 3_600_000


def ahead(seconds: float) -> datetime:
    """Give the moment that many seconds from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "outcome",
    [SANDBOX_OUTCOME_REQUIRE_ACTION, SANDBOX_OUTCOME_ANSWER_LATER],
    ids=["nobody scans", "the channel never decides"],
)
async def test_an_unpaid_payment_expires(shop: Shop, outcome: int) -> None:
    """After its time the number is closed at the channel, and the payment is EXPIRED."""
    script = SandboxScript(outcome=outcome, settle_delay_ms=0)
    if outcome == SANDBOX_OUTCOME_ANSWER_LATER:
        script.settle_delay_ms = NEVER_MS
    payment = (await shop.pay(script=script, expire_time=ahead(1.5))).payment
    assert state(payment) in {"REQUIRES_ACTION", "PROCESSING"}
    ended = await shop.reached(payment, "EXPIRED")
    assert ended.update_time.ToDatetime(tzinfo=UTC) >= ended.expire_time.ToDatetime(tzinfo=UTC)
    assert not ended.HasField("failure")
    charge = await shop.house.charge(payment)
    assert (charge["state"], charge["effects"]["charged"]) == ("CLOSED", 0)


async def test_a_payment_that_comes_too_late_is_kept_as_failed(house: House, shop: Shop) -> None:
    """An expiry in the past is a FAILED payment under its key, and never reaches the channel."""
    before, key, expiry = await house.posts(), new_idempotency_key(), ahead(-1)
    first = await shop.pay(key=key, expire_time=expiry)
    again = await shop.pay(key=key, expire_time=expiry, via=1)
    assert first.payment.failure.reason == FAILURE_REASON_EXPIRED
    assert (again.payment, again.replayed) == (first.payment, True)
    assert await house.posts() == before


async def test_a_replay_after_the_expiry_is_a_replay(shop: Shop) -> None:
    """A retry never becomes a refusal because time passed."""
    key, expiry = new_idempotency_key(), ahead(1.0)
    paid = (await shop.pay(key=key, expire_time=expiry)).payment
    assert state(paid) == "SUCCEEDED"
    await until(lambda: _later_than(expiry))
    again = await shop.pay(key=key, expire_time=expiry, via=1)
    assert (again.payment, again.replayed) == (paid, True)


async def _later_than(moment: datetime) -> bool:
    return datetime.now(UTC) > moment


async def test_an_expiry_too_far_ahead_is_refused(house: House, shop: Shop) -> None:
    """More than the longest time to pay is a wrong field, and leaves the key free."""
    before, key = await house.row_counts(), new_idempotency_key()
    with pytest.raises(InvalidRequest) as refused:
        await shop.pay(key=key, expire_time=ahead(8 * 86_400))
    assert refused.value.violations.keys() == {"expire_time"}
    assert await house.row_counts() == before
    assert state((await shop.pay(key=key)).payment) == "SUCCEEDED"


async def test_authorisations_end_with_their_lifetime(extra: Extra, shop: Shop) -> None:
    """Nothing captured: EXPIRED and released; a part captured: SUCCEEDED with that part."""
    async with GatewayClient(extra.target) as client:
        partly = (await shop.pay("9.00", manual=True, via=client)).payment
        await shop.capture(partly, "2.00", via=client)
        whole = (await shop.pay("9.00", manual=True, via=client)).payment
    lifetime = whole.capture_before_time.ToDatetime() - whole.authorize_time.ToDatetime()
    assert lifetime == timedelta(seconds=2)
    assert (await shop.reached(whole, "EXPIRED")).captured.minor_units == 0
    assert (await shop.reached(partly, "SUCCEEDED")).captured.minor_units == 200
    charges = [await shop.house.charge(payment) for payment in (whole, partly)]
    assert [charge["state"] for charge in charges] == ["CLOSED", "SUCCEEDED"]
    assert [charge["effects"]["charged"] for charge in charges] == [0, 200]
