"""Stories that let a year pass at the channels: told last, as no order could be paid after them."""

import pytest

from paymentgateway.v1.payment_pb2 import FailureReason
from tests.e2e.channels.v3style import Till
from tests.e2e.shop import done

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_refund_after_the_window_is_refused(till: Till) -> None:
    """A year later the channel refuses a refund; once the gateway knows, it does not even ask."""
    paid = await till.paid("8.00")
    await till.emulator.advance(days=366)
    refused = await till.refunded(paid, "1.00")
    assert done(refused.state) == "FAILED"
    assert (await till.shop.get(paid)).refunded.minor_units == 0
    await till.pass_time(paid, seconds=61)
    await till.forget_capture(paid, days=366)
    early = (await till.shop.refund(paid, "1.00")).refund
    assert FailureReason.Name(early.failure.reason).endswith("REFUND_WINDOW_CLOSED")
    assert (await till.effects(paid))["refund"] == 0
