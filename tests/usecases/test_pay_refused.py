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
    HELD,
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
        Reason.AMOUNT_NOT_ENABLED,
    ),
    "expiry too far ahead": (
        {},
        {"expire_time": START + EXPIRY.longest + timedelta(minutes=1)},
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


MANUAL = {"capture_mode": CaptureMode.MANUAL}
WAYS = {"methods": ("native", "hold"), "manual_methods": frozenset({"hold"})}
DAY = timedelta(days=1)


def by(*ways: str, **fields: Any) -> dict[str, Any]:
    """Pay by these ways of the channel."""
    return {"method": PaymentMethod("sandbox", {way: {} for way in ways}), **fields}


LIMITED: dict[str, tuple[dict[str, Any], dict[str, Any], Reason, str]] = {
    "too little": (
        {"amount_min": 3_001},
        {},
        Reason.AMOUNT_NOT_ENABLED,
        "takes 3001 to 1000000 minor units at once",
    ),
    "no manual capture": (
        {"manual_capture": False},
        MANUAL,
        Reason.CAPTURE_MODE_NOT_ENABLED,
        "has no manual capture",
    ),
    "no way named": (WAYS, {}, Reason.METHOD_NOT_ENABLED, "one of: native, hold"),
    "two ways named": (WAYS, by("native", "hold"), Reason.METHOD_NOT_ENABLED, "one of"),
    "another way": (WAYS, by("code"), Reason.METHOD_NOT_ENABLED, "one of"),
    "a way that holds nothing": (
        WAYS,
        by("native", **MANUAL),
        Reason.CAPTURE_MODE_NOT_ENABLED,
        "no manual capture for native",
    ),
    "a way that only holds": (
        WAYS,
        by("hold"),
        Reason.CAPTURE_MODE_NOT_ENABLED,
        "no automatic capture for hold",
    ),
    "open for too long": (
        {"expiry_max": timedelta(hours=2)},
        {"expire_time": START + timedelta(hours=2, microseconds=1)},
        Reason.EXPIRY_NOT_ENABLED,
        "waits 2:00:00 at most: name an earlier expire_time",
    ),
}
"""What the channel can, what is asked for, why it is refused, and what the caller is told."""


@pytest.mark.parametrize("row", LIMITED)
async def test_what_the_channel_would_refuse_is_refused_early(world: World, row: str) -> None:
    """It says why and what is possible, nothing is kept or sent, and the key stays free."""
    can, fields, reason, words = LIMITED[row]
    unlimited = world.channel.capabilities
    world.channel.capabilities = replace(unlimited, **can)

    with pytest.raises(Refused, match=words) as refused:
        await world.paying(**fields)

    assert (refused.value.reason, refused.value.key_bound) == (reason, False)
    assert (world.rows.claims, world.channel.requests) == ({}, [])
    world.channel.capabilities = unlimited
    assert not (await world.paying(PAID, **fields)).replayed


@pytest.mark.parametrize("row", LIMITED)
async def test_a_replay_is_answered_before_what_the_channel_can(world: World, row: str) -> None:
    """What was paid stays paid when the channel can do less than it could."""
    can, fields, *_ = LIMITED[row]
    first = await world.paying(PAID, **fields)
    world.channel.capabilities = replace(world.channel.capabilities, **can)

    again = await world.paying(**fields)

    assert (again.replayed, again.payment) == (True, first.payment)


async def test_what_is_inside_the_limits_is_paid(world: World) -> None:
    """At each bound, by each way in its own mode, the channel is asked."""
    can = replace(world.channel.capabilities, amount_min=3_000, amount_max=3_000, **WAYS)
    world.channel.capabilities = replace(can, expiry_max=DAY)
    end = {"expire_time": START + DAY}

    sale = await world.paying(PAID, **by("native"), **end)
    hold = await world.paying(HELD, **by("hold", **MANUAL), idempotency_key="pay-2")

    assert (sale.payment.state, sale.payment.expire_time) == (S.SUCCEEDED, START + DAY)
    assert hold.payment.state is S.AUTHORIZED


async def test_who_names_no_time_waits_no_longer_than_the_channel(world: World) -> None:
    """The default span is cut to what the channel waits."""
    most = EXPIRY.default / 3
    world.channel.capabilities = replace(world.channel.capabilities, expiry_max=most)

    payment = (await world.paying(PAID)).payment

    assert payment.expire_time == payment.create_time + most


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
