"""Payments that are not made: before any intent, with the key free, or for good, under the key."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.errors import (
    Contended,
    GatewayError,
    InvalidRequest,
    NotFound,
    Overloaded,
    Reason,
    Refused,
    Unavailable,
)
from gateway.domain.merchant import OrderPolicy, PaymentLimit
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, FailureReason, PaymentMethod, PaymentState
from tests.domain.lives import (
    DECLINED,
    PAID,
)
from tests.domain.samples import START
from tests.usecases.world import EXPIRY, World

S = PaymentState
DOWN = Unavailable(Reason.CHANNEL_UNAVAILABLE, "Down.", retry_after_s=5)
AWAY = Unavailable(Reason.DATABASE_UNAVAILABLE, "Away.", retry_after_s=1)
LOST_RACE = Contended(Reason.CONTENTION, "Lost.", retry_after_s=1)


FREE: dict[str, tuple[dict[str, Any], dict[str, Any], type[GatewayError], Reason]] = {
    "merchant disabled": ({"disabled": True}, {}, Refused, Reason.MERCHANT_DISABLED),
    "currency of the merchant": (
        {"currencies": ("USD",)},
        {},
        Refused,
        Reason.CURRENCY_NOT_ENABLED,
    ),
    "currency of the channel": (
        {"currencies": ("CNY", "EUR")},
        {"amount": Money("EUR", 1)},
        Refused,
        Reason.CURRENCY_NOT_ENABLED,
    ),
    "channel of the merchant": ({"channels": ()}, {}, Refused, Reason.CHANNEL_NOT_ENABLED),
    "channel of the gateway": (
        {"channels": ("sandbox", "other")},
        {"method": PaymentMethod("other")},
        Refused,
        Reason.CHANNEL_NOT_ENABLED,
    ),
    "too much for the channel": (
        {},
        {"amount": Money("CNY", 1_000_001)},
        Refused,
        Reason.CHANNEL_NOT_ENABLED,
    ),
    "expiry too far ahead": (
        {},
        {"expire_time": START + EXPIRY.longest + timedelta(seconds=3)},
        InvalidRequest,
        Reason.INVALID_REQUEST,
    ),
    "no such merchant": ({}, {"merchant_id": "m_2"}, NotFound, Reason.MERCHANT_NOT_FOUND),
}


@pytest.mark.parametrize("row", FREE)
async def test_what_was_not_decided_leaves_the_key_free(world: World, row: str) -> None:
    """A refusal before any intent keeps nothing, sends nothing, and the same key may pay later."""
    merchant, fields, kind, reason = FREE[row]
    world.change_merchant(**merchant)

    with pytest.raises(kind) as refused:
        await world.paying(**fields)

    assert (refused.value.reason, refused.value.key_bound) == (reason, False)
    assert world.rows.claims == {}
    assert world.rows.aggregates == {}
    assert world.channel.requests == []
    world.change_merchant(disabled=False, currencies=("CNY",), channels=("sandbox",))
    assert (await world.paying(PAID)).payment.state is S.SUCCEEDED


async def test_a_channel_without_manual_capture_is_not_asked_for_it(world: World) -> None:
    """What the channel cannot do is refused before anything is kept."""
    world.channel.capabilities = replace(world.channel.capabilities, manual_capture=False)

    with pytest.raises(Refused) as refused:
        await world.paying(capture_mode=CaptureMode.MANUAL)

    assert refused.value.reason is Reason.CHANNEL_NOT_ENABLED
    assert world.rows.claims == {}


async def test_a_full_channel_sheds_before_any_intent(world: World) -> None:
    """Beyond its bound on calls in flight a channel takes no payment, and nothing is kept."""
    world.channel.places_max = 0

    with pytest.raises(Overloaded) as refused:
        await world.paying()

    assert refused.value.retry_after_s
    assert world.rows.claims == {}


async def test_a_channel_that_is_down_is_said_so_before_any_intent(world: World) -> None:
    """An open breaker refuses with a hint, and nothing is kept."""
    world.channel.down = DOWN

    with pytest.raises(Unavailable) as refused:
        await world.paying()

    assert refused.value is DOWN
    assert world.rows.claims == {}


@pytest.mark.parametrize("fault", [AWAY, LOST_RACE, RuntimeError("a bug")])
@pytest.mark.parametrize("where", ["open_payment", "get_merchant"])
async def test_what_fails_before_the_intent_keeps_nothing(
    world: World, where: str, fault: Exception
) -> None:
    """Without its first commit nothing is kept or sent, and the caller learns why."""
    world.store.hooks.fail(where, fault)

    with pytest.raises(type(fault)) as raised:
        await world.paying()

    assert raised.value is fault
    assert (world.rows.claims, world.channel.requests) == ({}, [])


REFUSED_FOR_GOOD: dict[str, tuple[dict[str, Any], FailureReason]] = {
    "expired": ({"expire_time": START}, FailureReason.EXPIRED),
    "below the minimum": ({"amount": Money("CNY", 99)}, FailureReason.LIMIT_EXCEEDED),
    "above the maximum": ({"amount": Money("CNY", 5_001)}, FailureReason.LIMIT_EXCEEDED),
}


@pytest.mark.parametrize("row", REFUSED_FOR_GOOD)
async def test_a_definite_refusal_is_an_outcome(world: World, row: str) -> None:
    """Limits and expiry make a FAILED payment that is kept under its key, and never sent."""
    fields, reason = REFUSED_FOR_GOOD[row]
    world.change_merchant(payment_limits=(PaymentLimit("CNY", minimum=100, maximum=5_000),))

    answer = await world.paying(**fields)
    world.change_merchant(payment_limits=())
    again = await world.paying(**fields)

    assert answer.payment.state is S.FAILED
    assert answer.payment.failure
    assert answer.payment.failure.reason is reason
    assert again.replayed
    assert again.payment == answer.payment
    assert world.channel.requests == []


async def test_an_order_is_paid_once(world: World) -> None:
    """Where an order may have one payment, a second is refused for good, under its own key."""
    world.change_merchant(order_policy=OrderPolicy.ONE_PAYMENT)
    first = await world.paid()

    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await world.paying(PAID, idempotency_key="pay-2")
        assert refused.value.reason is Reason.ORDER_ALREADY_PAID
        assert refused.value.key_bound

    assert [aggregate.payment for aggregate in world.rows.aggregates.values()] == [first]
    assert len(world.channel.requests) == 1


async def test_an_order_that_was_not_paid_may_be_tried_again(world: World) -> None:
    """A payment that failed leaves its order to the next one."""
    world.change_merchant(order_policy=OrderPolicy.ONE_PAYMENT)
    await world.paying(DECLINED)

    answer = await world.paying(PAID, idempotency_key="pay-2")

    assert answer.payment.state is S.SUCCEEDED


async def test_orders_may_have_many_payments_by_default(world: World) -> None:
    """Without the setting the order's number is the caller's own business."""
    await world.paid()

    assert (await world.paying(PAID, idempotency_key="pay-2")).payment.state is S.SUCCEEDED
