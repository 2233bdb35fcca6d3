"""A key is used for one request only: with another field, payment or method it is refused.

Every keyed method is played again with each of its fields changed and under the key of each other
method. Nothing is executed, and nothing about the first request is told.
"""

import asyncio
import itertools
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.errors import (
    GatewayError,
    Reason,
    Refused,
    key_mismatch,
)
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, Payer, PaymentMethod, Scene
from gateway.usecases.commands import (
    CancelCommand,
    CaptureCommand,
    PayCommand,
    RefundCommand,
    TopUpCommand,
    WithdrawCommand,
)
from tests.domain.lives import DONE, PAID
from tests.domain.samples import START
from tests.usecases.methods import METHODS, OF_MERCHANTS, OF_PAYERS, another
from tests.usecases.world import World, cancel_command, capture_command, patience, pay_command

SIGNIFICANT: dict[type, dict[str, list[Any]]] = {
    PayCommand: {
        "order_id": ["o-2", ""],
        "amount": [Money("CNY", 3_001), Money("USD", 3_000)],
        "method": [PaymentMethod("other"), PaymentMethod("sandbox", {"script": {"a": 1}})],
        "capture_mode": [CaptureMode.MANUAL],
        "payer": [Payer("p-2")],
        "scene": [Scene.APP],
        "description": ["Tea"],
        "attributes": [{"a": "b"}],
        "expire_time": [START + timedelta(minutes=5)],
    },
    CaptureCommand: {
        "amount": [Money("CNY", 3_000), Money("CNY", 1), Money("USD", 3_000)],
        "final": [True],
    },
    CancelCommand: {},
    RefundCommand: {
        "amount": [Money("CNY", 3_000), Money("CNY", 1), Money("USD", 3_000)],
        "description": ["Broken"],
    },
    TopUpCommand: {
        "amount": [Money("CNY", 3_001), Money("USD", 3_000)],
        "method": [PaymentMethod("other"), PaymentMethod("sandbox", {"script": {"a": 1}})],
        "scene": [Scene.WEB],
        "description": ["Tea"],
        "expire_time": [START + timedelta(minutes=5)],
    },
    WithdrawCommand: {
        "amount": [Money("CNY", 2_999), Money("USD", 3_000)],
        "method": [PaymentMethod("other"), PaymentMethod("sandbox", {"script": {"a": 1}})],
        "description": ["Rent"],
    },
}
"""Per command, other values of the fields that a key stands for, the payment itself aside."""

NOT_SIGNIFICANT: dict[type, set[str]] = {
    PayCommand: {"merchant_id"},
    CaptureCommand: {"merchant_id"},
    CancelCommand: {"merchant_id"},
    RefundCommand: {"merchant_id"},
    TopUpCommand: {"payer"},
    WithdrawCommand: {"payer_id"},
}
"""Per command, the field that names the key's owner; beside the key itself, and who asks."""

COMMANDS = {
    "pay": PayCommand,
    "capture": CaptureCommand,
    "refund": RefundCommand,
    "top_up": TopUpCommand,
    "withdraw": WithdrawCommand,
}
CHANGED = [
    pytest.param(name, field, value, id=f"{name}-{field}-{number}")
    for name, command in COMMANDS.items()
    for field, values in SIGNIFICANT[command].items()
    for number, value in enumerate(values)
]


@pytest.mark.parametrize("command", SIGNIFICANT)
def test_every_field_is_named_here(command: type[PayCommand]) -> None:
    """A field that joins a command has to be called significant or not before tests pass."""
    names = {item.name for item in fields(command)} - {"payment_id"}

    beside = {"idempotency_key", "caller_id"} | NOT_SIGNIFICANT[command]
    assert names == SIGNIFICANT[command].keys() | beside


@pytest.mark.parametrize(("name", "field", "value"), CHANGED)
async def test_another_request_under_the_key_is_refused(
    world: World, name: str, field: str, value: Any
) -> None:
    """One changed field makes another request: nothing is executed and nothing is disclosed."""
    method = METHODS[name]
    world.change_merchant(channels=("sandbox", "other"))
    command = method.command(await method.before(world))
    await method.run(world, command, method.outcome)

    refusal = await method.refused(world, replace(command, **{field: value}))

    assert isinstance(refusal, Refused)
    assert (refusal.reason, refusal.key_bound) == (Reason.IDEMPOTENCY_KEY_MISMATCH, True)
    assert refusal.message == key_mismatch().message


@pytest.mark.parametrize("name", ["capture", "cancel", "refund"])
async def test_a_key_stands_for_one_payment(world: World, name: str) -> None:
    """The same operation on another payment is another request, there or not."""
    method = METHODS[name]
    command = method.command(await method.before(world))
    await method.run(world, command, method.outcome)
    other = await another(world)
    unknown = replace(command, payment_id=world.clock.new_id())

    for changed in (replace(command, payment_id=other.payment_id), unknown):
        refusal = await method.refused(world, changed)
        assert refusal.reason is Reason.IDEMPOTENCY_KEY_MISMATCH


PAIRS = [pair for names in (OF_MERCHANTS, OF_PAYERS) for pair in itertools.permutations(names, 2)]


@pytest.mark.parametrize(("name", "other_name"), PAIRS)
async def test_a_key_stands_for_one_method(world: World, name: str, other_name: str) -> None:
    """A key that was used for one method is refused for every other one of its owner's."""
    method, other = METHODS[name], METHODS[other_name]
    command = method.command(await method.before(world))
    await method.run(world, command, method.outcome)
    (payment, *_) = (aggregate.payment for aggregate in world.rows.aggregates.values())

    key = command.idempotency_key
    refusal = await other.refused(world, replace(other.command(payment), idempotency_key=key))

    assert refusal.reason is Reason.IDEMPOTENCY_KEY_MISMATCH


async def test_keys_belong_to_their_merchant(world: World) -> None:
    """The same key of another merchant is another key."""
    world.rows.merchants["m_2"] = replace(world.rows.merchants["m_1"], merchant_id="m_2", serial=8)
    one = await world.paying(PAID)
    other = await world.paying(PAID, merchant_id="m_2")

    assert not other.replayed
    assert one.payment.payment_id != other.payment.payment_id


@pytest.mark.parametrize(
    "fields",
    [
        {"payer": Payer("p-1", device_id="d", ip_address="203.0.113.1", region="CN")},
        {"caller_id": "another"},
    ],
)
async def test_where_a_retry_comes_from_does_not_matter(
    world: World, fields: dict[str, Any]
) -> None:
    """The payer's device, address and region and the caller's name may change between tries."""
    await world.paid()

    assert (await world.paying(**fields)).replayed


@pytest.mark.parametrize(
    "rival", [replace(pay_command(), description="Tea"), replace(pay_command(), order_id="o-2")]
)
async def test_of_rivals_at_the_same_moment_one_is_refused(world: World, rival: PayCommand) -> None:
    """A twin with one field changed loses the race or wins it, and the other one is refused."""
    world.channel.will("send", PAID)

    calls = (world.pay(command, patience()) for command in (pay_command(), rival))
    answers = await asyncio.gather(*calls, return_exceptions=True)

    (refusal,) = (answer for answer in answers if isinstance(answer, GatewayError))
    assert refusal.reason is Reason.IDEMPOTENCY_KEY_MISMATCH
    assert len(world.rows.aggregates) == len(world.channel.requests) == 1


async def test_one_key_on_two_methods_at_once_is_used_once(world: World) -> None:
    """A capture and a cancel that race under one key: one is carried out, one is refused."""
    payment = await world.authorized()
    one = capture_command(payment.payment_id, idempotency_key="shared")
    other = cancel_command(payment.payment_id, idempotency_key="shared")
    calls = METHODS["capture"].run(world, one, DONE), METHODS["cancel"].run(world, other, DONE)

    answers = await asyncio.gather(*calls, return_exceptions=True)

    (refusal,) = (answer for answer in answers if isinstance(answer, GatewayError))
    assert refusal.reason is Reason.IDEMPOTENCY_KEY_MISMATCH
    assert len(world.aggregate(payment).operations) == 1
