"""What only WeChat Pay has, as stories: the payer's barcode, a payment whose reply was lost.

What the two channels share is told once where it takes long.
"""

import pytest
import pytest_asyncio

from paymentgateway.v1.payment_method_pb2 import BarcodeWay, WechatMethod
from paymentgateway.v1.payment_pb2 import FailureReason, PaymentMethod
from tests.e2e.channels.street import Street
from tests.e2e.channels.v3style import Till
from tests.e2e.house import House
from tests.e2e.shop import done, state
from tests.e2e.waiting import until

REFUNDS_MAX = 50

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def till(street: Street, street_house: House) -> Till:
    """A shop with a scanner."""
    return await Till.open(street_house, street.emulators["wechat"])


def barcode(digits: str) -> PaymentMethod:
    """What the payer's app shows."""
    return PaymentMethod(wechat=WechatMethod(code=BarcodeWay(auth_code=digits)))


async def test_a_barcode_is_paid_at_once(till: Till) -> None:
    """The merchant scans the payer's barcode, and the answer is final."""
    answer = await till.pay("4.00", payment_method=barcode("130061098828009406"))
    assert state(answer.payment) == "SUCCEEDED"
    assert (await till.effects(answer.payment))["charge"] == 400


async def test_a_payment_whose_reply_was_lost_is_found(till: Till) -> None:
    """Money that moved although nobody heard of it is found by asking, and taken once."""
    rule = {"payer.auth_code": "130061098828009407"}
    fault = {"name": "DROP_AFTER_EFFECT"}
    await till.emulator.rule(operation="codepay", match=rule, fault=fault)
    method = barcode("130061098828009407")
    payment = (await till.pay("5.00", payment_method=method)).payment
    assert state(payment) == "PROCESSING"
    paid = await till.shop.reached(payment, "SUCCEEDED")
    assert "DROP_AFTER_EFFECT" in await till.faults(paid.attempt_number)
    assert await till.effects(paid) == {"charge": 500, "refund": 0, "return": 0}


async def test_as_many_refunds_as_the_channel_makes(till: Till) -> None:
    """Fifty refunds of a payment are made, and the next is refused without asking the channel."""
    paid = await till.paid("1.00")
    for _ in range(REFUNDS_MAX):
        made = (await till.shop.refund(paid, "0.01")).refund
        await till.pass_time(paid, seconds=61)
    assert done((await till.shop.refunded(made)).state) == "SUCCEEDED"
    beyond = (await till.shop.refund(paid, "0.01")).refund
    assert FailureReason.Name(beyond.failure.reason).endswith("TOO_MANY_REFUNDS")
    assert not beyond.attempt_number
    await until(lambda: till.effects(paid), lambda moved: moved["refund"] == REFUNDS_MAX)
