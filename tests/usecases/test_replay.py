"""One key, one request, for ever: replays execute nothing, and a key is never used for two things.

Every keyed method is played again as it was, with each of its fields changed, under the key of each
other method, and after everything that time and state can change has changed.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from gateway.domain.channel import Outcome
from gateway.domain.errors import (
    GatewayError,
    NotFound,
    Overloaded,
    Reason,
    Refused,
    Unavailable,
    key_mismatch,
)
from gateway.domain.merchant import PaymentLimit
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, Payer, Payment, PaymentMethod, Scene
from gateway.usecases.commands import (
    CancelCommand,
    CaptureCommand,
    OperationAnswer,
    PayCommand,
    PaymentAnswer,
    RefundCommand,
)
from tests.domain.lives import DECLINED, DONE, PAID
from tests.domain.samples import LIFETIME, START
from tests.usecases.world import (
    World,
    cancel_command,
    capture_command,
    patience,
    pay_command,
    refund_command,
)

Answer = PaymentAnswer | OperationAnswer
DOWN = Unavailable(Reason.CHANNEL_UNAVAILABLE, "Down.", retry_after_s=5)


@dataclass(frozen=True)
class Method:
    """A keyed method: the payment it starts from, how it is asked for, and what ends it well."""

    name: str
    before: Callable[[World], Awaitable[Payment]]
    command: Callable[[Payment], Any]
    outcome: Outcome

    async def run(self, world: World, command: Any, *outcomes: Outcome) -> Answer:
        """Run a command while the channel answers so."""
        world.channel.will("send", *outcomes)
        use_case: Callable[..., Awaitable[Answer]] = getattr(world, self.name)
        return await use_case(command, patience())


async def _another(world: World) -> Payment:
    return await world.paid(idempotency_key="another", order_id="another")


METHODS = {
    "pay": Method("pay", _another, lambda _: pay_command(), PAID),
    "capture": Method("capture", World.authorized, lambda p: capture_command(p.payment_id), DONE),
    "cancel": Method("cancel", World.authorized, lambda p: cancel_command(p.payment_id), DONE),
    "refund": Method("refund", World.paid, lambda p: refund_command(p.payment_id), DONE),
}

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
}
"""Per command, other values of the fields that a key stands for, the payment itself aside."""

NOT_SIGNIFICANT = {"merchant_id", "idempotency_key", "caller_id"}
"""Fields that name the key, or who asks."""

COMMANDS = {"pay": PayCommand, "capture": CaptureCommand, "refund": RefundCommand}
CHANGED = [
    pytest.param(name, field, value, id=f"{name}-{field}-{number}")
    for name, command in COMMANDS.items()
    for field, values in SIGNIFICANT[command].items()
    for number, value in enumerate(values)
]


def _made(answer: Answer) -> Any:
    """What the call made: a payment or an operation."""
    return answer.payment if isinstance(answer, PaymentAnswer) else answer.operation


def _id(answer: Answer) -> UUID:
    is_payment = isinstance(answer, PaymentAnswer)
    return answer.payment.payment_id if is_payment else answer.operation.operation_id


def _kept(world: World) -> object:
    """Everything that stays as it is where nothing is executed."""
    rows = world.rows
    return dict(rows.claims), dict(rows.aggregates), len(rows.events), len(world.channel.requests)


async def _refused(world: World, method: Method, command: Any) -> GatewayError:
    """Run a command that must be refused without effect."""
    kept = _kept(world)
    with pytest.raises(GatewayError) as refused:
        await method.run(world, command)
    assert _kept(world) == kept
    return refused.value


@pytest.mark.parametrize("command", SIGNIFICANT)
def test_every_field_is_named_here(command: type[PayCommand]) -> None:
    """A field that joins a command has to be called significant or not before tests pass."""
    names = {item.name for item in fields(command)} - {"payment_id"}

    assert names == SIGNIFICANT[command].keys() | NOT_SIGNIFICANT


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
async def test_a_replay_executes_nothing(world: World, method: Method) -> None:
    """The same key and request is answered with what it made, and nothing happens."""
    command = method.command(await method.before(world))
    first = await method.run(world, command, method.outcome)
    kept = _kept(world)

    again = await method.run(world, command)

    assert (first.replayed, again.replayed) == (False, True)
    assert _made(first).state == "SUCCEEDED"
    assert (_made(again), again.payment) == (_made(first), first.payment)
    assert _kept(world) == kept


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
async def test_a_replay_is_answered_while_the_first_call_runs(world: World, method: Method) -> None:
    """A hedged twin learns at once that the work is under way, and it is done once."""
    command = method.command(await method.before(world))
    gate, sent = world.channel.hooks.hold("send"), len(world.channel.requests)
    first = asyncio.create_task(method.run(world, command, method.outcome))
    await gate.arrived.wait()

    twin = await method.run(world, command)
    gate.opened.set()

    assert twin.replayed
    assert _made(twin).state == "PROCESSING"
    assert _made(await first).state == "SUCCEEDED"
    assert len(world.channel.requests) == sent + 1


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
async def test_of_twins_at_the_same_moment_one_executes(world: World, method: Method) -> None:
    """However many send the same at once, one is executed and all get the same object."""
    command, sent = method.command(await method.before(world)), len(world.channel.requests)
    world.channel.will("send", method.outcome)

    answers = await asyncio.gather(*(method.run(world, command) for _ in range(10)))

    assert len({_id(answer) for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len(world.channel.requests) == sent + 1


async def test_a_replay_tells_the_current_state(world: World) -> None:
    """What happened since the first call stands in the answer, not what it answered then."""
    payment = await world.paid()
    await world.refunding(payment, DONE, amount=Money("CNY", 1_000))

    again = await world.paying()

    assert again.payment.refunded == 1_000
    assert again.payment == world.now(payment)


@pytest.mark.parametrize(("name", "field", "value"), CHANGED)
async def test_another_request_under_the_key_is_refused(
    world: World, name: str, field: str, value: Any
) -> None:
    """One changed field makes another request: nothing is executed and nothing is disclosed."""
    method = METHODS[name]
    world.change_merchant(channels=("sandbox", "other"))
    command = method.command(await method.before(world))
    await method.run(world, command, method.outcome)

    refusal = await _refused(world, method, replace(command, **{field: value}))

    assert isinstance(refusal, Refused)
    assert (refusal.reason, refusal.key_bound) == (Reason.IDEMPOTENCY_KEY_MISMATCH, True)
    assert refusal.message == key_mismatch().message


@pytest.mark.parametrize("name", ["capture", "cancel", "refund"])
async def test_a_key_stands_for_one_payment(world: World, name: str) -> None:
    """The same operation on another payment is another request, there or not."""
    method = METHODS[name]
    command = method.command(await method.before(world))
    await method.run(world, command, method.outcome)
    other = await _another(world)
    unknown = replace(command, payment_id=world.clock.new_id())

    for changed in (replace(command, payment_id=other.payment_id), unknown):
        refusal = await _refused(world, method, changed)
        assert refusal.reason is Reason.IDEMPOTENCY_KEY_MISMATCH


@pytest.mark.parametrize(("name", "other_name"), itertools.permutations(METHODS, 2))
async def test_a_key_stands_for_one_method(world: World, name: str, other_name: str) -> None:
    """A key that was used for one method is refused for every other."""
    method, other = METHODS[name], METHODS[other_name]
    command = method.command(await method.before(world))
    await method.run(world, command, method.outcome)
    (payment, *_) = (aggregate.payment for aggregate in world.rows.aggregates.values())

    key = command.idempotency_key
    refusal = await _refused(world, other, replace(other.command(payment), idempotency_key=key))

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


CHANGES: dict[str, Callable[[World], None]] = {
    "the merchant is disabled": lambda world: world.change_merchant(disabled=True),
    "the currency is gone": lambda world: world.change_merchant(currencies=()),
    "the channel is gone": lambda world: world.change_merchant(channels=()),
    "the limits are lower": lambda world: world.change_merchant(
        payment_limits=(PaymentLimit("CNY", maximum=1),)
    ),
    "everything expired": lambda world: world.clock.advance(10 * LIFETIME),
    "the channel is down": lambda world: setattr(world.channel, "down", DOWN),
    "the channel is full": lambda world: setattr(world.channel, "places_max", 0),
    "the gateway lost its channel": lambda world: setattr(world.execution, "channels", {}),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
async def test_a_retry_is_a_replay_whatever_changed(
    world: World, method: Method, change: str
) -> None:
    """The key is looked at before whatever time or state can change."""
    command = method.command(await method.before(world))
    first = await method.run(world, command, method.outcome)
    CHANGES[change](world)

    again = await method.run(world, command)

    assert again.replayed
    assert _made(again) == _made(first)


async def test_an_expiry_that_was_near_enough_stays_so(world: World) -> None:
    """A retry is never called a bad request because a bound on the future moved."""
    command = pay_command(expire_time=START + timedelta(hours=20))
    await world.pay(command, patience())
    world.clock.advance(timedelta(hours=-10))

    assert (await world.pay(command, patience())).replayed


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
async def test_a_shed_call_says_so_only_where_its_key_is_free(world: World, method: Method) -> None:
    """An overloaded gateway answers known keys and sheds the others, keeping nothing of them."""
    command = method.command(await method.before(world))
    world.channel.places_max = 0

    refusal = await _refused(world, method, command)

    assert isinstance(refusal, Overloaded)
    world.channel.places_max = 1
    assert not (await method.run(world, command, method.outcome)).replayed


async def test_a_bound_refusal_is_given_for_ever(world: World) -> None:
    """The same key gives the same refusal, word for word, even when the state would allow it."""
    payment = await world.paid()
    cancel = cancel_command(payment.payment_id, idempotency_key="bound")
    refund = refund_command(payment.payment_id, idempotency_key="bound")
    with pytest.raises(Refused) as first:
        await world.cancel(cancel, patience())
    assert (first.value.reason, first.value.key_bound) == (Reason.ILLEGAL_TRANSITION, True)

    refusal = await _refused(world, METHODS["cancel"], cancel)
    other = await _refused(
        world, refund, refund_command(payment.payment_id, idempotency_key="bound")
    )

    assert (refusal.reason, refusal.message) == (first.value.reason, first.value.message)
    assert refusal.key_bound
    assert other.reason is Reason.IDEMPOTENCY_KEY_MISMATCH


async def test_a_failed_operation_is_replayed_as_failed(world: World) -> None:
    """What the channel refused stays refused under its key; a new try needs a new key."""
    payment = await world.paid()
    first = await world.refunding(payment, DECLINED)

    again = await world.refunding(payment)
    fresh = await world.refunding(payment, DONE, idempotency_key="refund-2")

    assert again.replayed
    assert again.operation == first.operation
    assert fresh.operation.state == "SUCCEEDED"


@pytest.mark.parametrize("name", ["capture", "cancel", "refund"])
async def test_an_unknown_payment_leaves_the_key_free(world: World, name: str) -> None:
    """An operation on what the merchant does not have is NOT_FOUND, and its key may be used."""
    method = METHODS[name]
    payment = await method.before(world)
    command = method.command(payment)

    for unknown in (
        replace(command, payment_id=world.clock.new_id()),
        replace(command, merchant_id="m_2"),
    ):
        refusal = await _refused(world, method, unknown)
        assert isinstance(refusal, NotFound)
        assert (refusal.reason, refusal.key_bound) == (Reason.PAYMENT_NOT_FOUND, False)

    assert not (await method.run(world, command, method.outcome)).replayed
