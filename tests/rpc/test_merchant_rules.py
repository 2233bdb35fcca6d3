"""Rules about merchants that the protos cannot say."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from tests.rpc import samples
from tests.rpc.fakes import House

pytestmark = pytest.mark.asyncio(loop_scope="module")

Change = Callable[[Any], Any]


@pytest.fixture
def house(shared_house: House) -> House:
    """One server for all rows, because none of them may leave a trace."""
    shared_house.asked.clear()
    return shared_house


def _limit(**fields: Any) -> Change:
    return lambda merchant: merchant.payment_limits.add(**fields)


def _schedule(**changes: Any) -> Change:
    def change(merchant: Any) -> None:
        for name, value in changes.items():
            setattr(merchant.fee_schedules[0], name, value)

    return change


def _nanos(merchant: Any) -> None:
    merchant.fee_schedules[0].effective_time.nanos = 10**9


BOTH = [
    (lambda merchant: setattr(merchant, "merchant_id", "other"), "merchant_id"),
    (lambda merchant: setattr(merchant, "merchant_id", ""), "merchant_id"),
    (lambda merchant: setattr(merchant, "display_name", ""), "display_name"),
    (lambda merchant: setattr(merchant, "display_name", "\u202e"), "display_name"),
    (lambda merchant: merchant.currency_codes.append("XXX"), "currency_codes[2]"),
    (lambda merchant: merchant.currency_codes.append("CNY"), "currency_codes"),
    (lambda merchant: merchant.channels.append("No"), "channels[1]"),
    (lambda merchant: setattr(merchant, "order_policy", 0), "order_policy"),
    (lambda merchant: setattr(merchant, "refund_policy", 99), "refund_policy"),
    (_schedule(channel="other"), "fee_schedules[0].channel"),
    (_schedule(currency_code="USD"), "fee_schedules[0].currency_code"),
    (_schedule(rate_millionths=1_000_001), "fee_schedules[0].rate_millionths"),
    (_schedule(fixed_minor_units=-1), "fee_schedules[0].fixed_minor_units"),
    (_schedule(amount_to_minor_units=1), "fee_schedules[0].amount_to_minor_units"),
    (_schedule(maximum_minor_units=2), "fee_schedules[0].maximum_minor_units"),
    (_nanos, "fee_schedules[0].effective_time"),
    (
        lambda merchant: merchant.fee_schedules[0].ClearField("effective_time"),
        "fee_schedules[0].effective_time",
    ),
    (_limit(currency_code="JPY"), "payment_limits[1].currency_code"),
    (_limit(currency_code="USD"), "payment_limits[1].currency_code"),
    (
        _limit(currency_code="CNY", minimum_minor_units=5, maximum_minor_units=4),
        "payment_limits[1].maximum_minor_units",
    ),
]


async def _assert_refused(house: House, method: str, request: Any, path: str) -> None:
    refusal = await house.refusal(method, request)
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.violations.keys() == {f"merchant.{path}"}
    assert house.asked == []


@pytest.mark.parametrize(("change", "path"), BOTH)
async def test_create_and_update_refuse(house: House, change: Change, path: str) -> None:
    """A merchant that contradicts itself is refused, when made and when changed."""
    for method, request in (
        ("CreateMerchant", samples.create_request()),
        ("UpdateMerchant", samples.update_request()),
    ):
        change(request.merchant)
        await _assert_refused(house, method, request, path)


@pytest.mark.parametrize("field", ["version", "create_time", "update_time"])
async def test_create_refuses_what_only_the_gateway_gives(house: House, field: str) -> None:
    """A new merchant brings no version and no times."""
    request = samples.create_request()
    if field == "version":
        request.merchant.version = 1
    else:
        getattr(request.merchant, field).seconds = 1
    await _assert_refused(house, "CreateMerchant", request, field)


@pytest.mark.parametrize("version", [0, -1])
async def test_update_needs_the_version_that_was_read(house: House, version: int) -> None:
    """A change that names no version would overwrite whatever is there."""
    request = samples.update_request()
    request.merchant.version = version
    await _assert_refused(house, "UpdateMerchant", request, "version")


@pytest.mark.parametrize("method", ["CreateMerchant", "UpdateMerchant"])
async def test_a_request_without_a_merchant(house: House, method: str) -> None:
    """A missing merchant is named as such, and nothing trips over it."""
    request = samples.create_request()
    request.ClearField("merchant")
    refusal = await house.refusal(method, request)
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.violations.keys() == {"merchant"}
    assert house.asked == []
