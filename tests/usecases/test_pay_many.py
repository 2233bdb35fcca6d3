"""PayMany: each item as if it were alone, in one commit where wallets pay, with one result each."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from gateway import clock
from gateway.clock import Deadline
from gateway.domain.change import Change
from gateway.domain.errors import (
    DeadlinePassed,
    GatewayError,
    NotFound,
    Overloaded,
    Reason,
    Refused,
    Unavailable,
)
from gateway.domain.merchant import OrderPolicy
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, FailureReason, PaymentState
from gateway.domain.ports import Opening
from gateway.usecases.commands import PayCommand, PaymentAnswer
from gateway.usecases.pay_many import SINGLE_PAYS_MAX, TURN_ITEMS_MAX
from tests.domain.lives import DECLINED, PAID, SILENT
from tests.usecases.methods import kept
from tests.usecases.world import World, patience, pay_command, wallet_command

S, F = PaymentState, FailureReason
FULL = Overloaded(Reason.OVERLOADED, "Full.", retry_after_s=0.5)
AWAY = Unavailable(Reason.DATABASE_UNAVAILABLE, "Away.", retry_after_s=1)


def batch(count: int, **fields: Any) -> list[PayCommand]:
    """Ask for so many payments of 1.00 from the wallet, each under its own key."""
    small = {"amount": Money("CNY", 100), **fields}
    return [wallet_command(idempotency_key=f"pay-{number}", **small) for number in range(count)]


async def run(world: World, *commands: PayCommand) -> list[PaymentAnswer | GatewayError]:
    """Pay all of them."""
    return list(await world.pay_many(commands, patience()))


def told(result: PaymentAnswer | GatewayError) -> str:
    """The state of what was paid or the reason why not, and whether it was a replay."""
    if isinstance(result, GatewayError):
        return result.reason.value
    failure = result.payment.failure
    word = failure.reason.value if failure else result.payment.state.value
    return f"{word}, replayed" if result.replayed else word


async def test_nothing_is_nothing(world: World) -> None:
    """An empty call has no results, and asks for nothing."""
    assert await run(world) == []
    assert world.rows.events == []


async def test_all_items_are_paid_in_one_commit(world: World) -> None:
    """Each has its own payment and result, in order, and the store is asked once."""
    world.fund(100_000)
    gate = world.store.hooks.hold("open_payments")
    commands = batch(2 * TURN_ITEMS_MAX + 1)
    call = asyncio.create_task(world.pay_many(commands, patience()))
    await gate.arrived.wait()
    assert world.rows.events == []
    gate.opened.set()

    answers = await call

    assert [told(answer) for answer in answers] == ["SUCCEEDED"] * len(commands)
    keys = [a.payment.idempotency_key for a in answers if isinstance(a, PaymentAnswer)]
    assert keys == [command.idempotency_key for command in commands]
    assert world.wallet() == (100_000 - 100 * len(commands), 0)
    assert len(world.observer.payments) == len(commands)
    assert world.channel.requests == []


async def test_others_have_their_turn_while_it_is_prepared(world: World) -> None:
    """However large a batch is, no more than so many items are worked on at one go."""
    world.fund(100_000)
    await world.merchants.get("m_1")
    turns = 0

    async def another() -> None:
        nonlocal turns
        while world.rows.events == []:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(another())
    await run(world, *batch(10 * TURN_ITEMS_MAX))
    await other

    assert turns >= 10


async def test_an_item_that_is_not_covered_fails_alone(world: World) -> None:
    """Items are decided in order: a small one is paid behind one that was too large."""
    world.fund(350)
    amounts = (100, 300, 200, 51, 50)
    commands = [
        wallet_command(idempotency_key=f"pay-{n}", amount=Money("CNY", amount))
        for n, amount in enumerate(amounts)
    ]

    answers = await run(world, *commands)

    poor = F.INSUFFICIENT_FUNDS.value
    assert [told(one) for one in answers] == ["SUCCEEDED", poor, "SUCCEEDED", poor, "SUCCEEDED"]
    assert world.wallet() == (0, 0)


async def test_a_key_that_stands_twice_pays_once(world: World) -> None:
    """The second of two alike is a replay of the first; one that differs is a mismatch."""
    world.fund(10_000)
    one, other = batch(2)
    changed = replace(one, description="Tea")
    by_channel = replace(one, method=pay_command().method)

    answers = await run(world, one, other, one, changed, by_channel)

    mismatch = Reason.IDEMPOTENCY_KEY_MISMATCH.value
    assert [told(answer) for answer in answers] == [
        "SUCCEEDED",
        "SUCCEEDED",
        "SUCCEEDED, replayed",
        mismatch,
        mismatch,
    ]
    first, _, again, *_ = answers
    assert isinstance(first, PaymentAnswer)
    assert isinstance(again, PaymentAnswer)
    assert again.payment == first.payment
    assert world.wallet() == (9_800, 0)
    assert len(world.observer.payments) == 2


async def test_a_batch_that_is_sent_again_is_replayed(world: World) -> None:
    """Item by item it gets what it got, and nothing is executed; new items are."""
    world.fund(150)
    commands = batch(2)
    first = await run(world, *commands)
    before = kept(world)

    again = await run(world, *commands)
    assert kept(world) == before
    world.fund(100)
    more = await run(world, *batch(3))

    poor = F.INSUFFICIENT_FUNDS.value
    assert [told(one) for one in first] == ["SUCCEEDED", poor]
    assert [told(one) for one in again] == ["SUCCEEDED, replayed", f"{poor}, replayed"]
    assert [told(one) for one in more] == [*map(told, again), "SUCCEEDED"]


async def test_a_single_payments_key_is_known_to_a_batch(world: World) -> None:
    """A key means the same wherever it was used first."""
    world.fund(10_000)
    (one,) = batch(1)
    single = await world.pay(one, patience())

    (again,) = await run(world, one)
    alone = await world.pay(one, patience())

    assert isinstance(again, PaymentAnswer)
    assert (again.replayed, alone.replayed) == (True, True)
    assert again.payment == alone.payment == single.payment


async def test_wallets_and_channels_may_be_mixed(world: World) -> None:
    """Each item goes its own way, and the results stand in the order of the items."""
    world.fund(10_000)
    world.channel.will("send", PAID, DECLINED, SILENT)
    first, second = batch(2)
    held = replace(second, capture_mode=CaptureMode.MANUAL)
    channel = [pay_command(idempotency_key=f"channel-{number}") for number in range(3)]

    answers = await run(world, channel[0], first, channel[1], channel[2], held)

    poor = F.INSUFFICIENT_FUNDS.value
    assert [told(answer) for answer in answers] == [
        "SUCCEEDED",
        "SUCCEEDED",
        poor,
        "PROCESSING",
        "AUTHORIZED",
    ]
    numbers = [request.number for request in world.channel.requested("send")]
    assert numbers == [
        answers[place].payment.attempt_number  # type: ignore[union-attr]
        for place in (0, 2, 3)
    ]


async def test_channels_are_asked_side_by_side_and_not_all_at_once(world: World) -> None:
    """Of many items of a slow channel a bounded number is under way, and all are done at last."""
    gate = world.channel.hooks.hold("send")
    count = 3 * SINGLE_PAYS_MAX
    world.channel.will("send", *[PAID] * count)
    commands = [pay_command(idempotency_key=f"channel-{number}") for number in range(count)]
    call = asyncio.create_task(world.pay_many(commands, patience()))
    while world.channel.in_flight < SINGLE_PAYS_MAX:
        await asyncio.sleep(0)
    for _ in range(100):
        await asyncio.sleep(0)

    assert world.channel.in_flight == SINGLE_PAYS_MAX
    gate.opened.set()
    assert [told(answer) for answer in await call] == ["SUCCEEDED"] * count


async def test_items_may_be_of_several_merchants(world: World) -> None:
    """Each is checked against its own merchant, and an unknown one fails its items alone."""
    world.fund(10_000)
    world.rows.merchants["m_2"] = replace(world.rows.merchants["m_1"], merchant_id="m_2", serial=8)
    world.rows.merchants["m_3"] = replace(
        world.rows.merchants["m_1"], merchant_id="m_3", serial=9, disabled=True
    )
    (one,) = batch(1)
    commands = [replace(one, merchant_id=f"m_{number}") for number in (1, 2, 3, 4, 1)]

    answers = await run(world, *commands)

    assert [told(answer) for answer in answers] == [
        "SUCCEEDED",
        "SUCCEEDED",
        "MERCHANT_DISABLED",
        "MERCHANT_NOT_FOUND",
        "SUCCEEDED, replayed",
    ]
    assert isinstance(answers[2], Refused)
    assert isinstance(answers[3], NotFound)
    assert not any(world.rows.claims[key].refusal for key in world.rows.claims)


async def test_a_replay_is_answered_before_anything_refuses(world: World) -> None:
    """Whatever changed since, an item whose key was used gets what it made."""
    world.fund(10_000)
    commands = batch(2)
    await run(world, commands[0])
    world.change_merchant(disabled=True)

    answers = await run(world, *commands)

    assert [told(answer) for answer in answers] == ["SUCCEEDED, replayed", "MERCHANT_DISABLED"]


async def test_an_order_is_paid_once(world: World) -> None:
    """Of two items for an order that may have one payment the second is refused, under its key."""
    world.change_merchant(order_policy=OrderPolicy.ONE_PAYMENT)
    world.fund(10_000)

    answers = await run(world, *batch(2))
    again = await run(world, *batch(2))

    assert [told(answer) for answer in answers] == ["SUCCEEDED", "ORDER_ALREADY_PAID"]
    assert [told(answer) for answer in again] == ["SUCCEEDED, replayed", "ORDER_ALREADY_PAID"]
    assert world.wallet() == (9_900, 0)


async def test_a_full_store_sheds_the_whole_call(world: World) -> None:
    """Nothing of any item is kept, those of channels included, and all of it may be sent again."""
    world.fund(10_000)
    before = kept(world)
    world.store.hooks.fail("open_payments", FULL)
    commands = [*batch(2), pay_command(idempotency_key="channel")]

    with pytest.raises(Overloaded) as shed:
        await world.pay_many(commands, patience())

    assert shed.value is FULL
    assert kept(world) == before
    world.channel.will("send", PAID)
    assert [told(answer) for answer in await run(world, *commands)] == ["SUCCEEDED"] * 3


async def test_a_database_that_is_away_is_said_of_each_item(world: World) -> None:
    """What concerns the store is the result of those it concerns, with its hint."""
    world.fund(10_000)
    world.store.hooks.fail("open_payments", AWAY)
    world.channel.will("send", PAID)

    one, other, channel = await run(world, *batch(2), pay_command(idempotency_key="channel"))

    assert one is other is AWAY
    assert told(channel) == "SUCCEEDED"
    assert world.wallet() == (10_000, 0)


async def test_without_time_nothing_is_asked_for(world: World) -> None:
    """A deadline that has passed keeps nothing of any item."""
    world.fund(10_000)
    await world.merchants.get("m_1")
    before = kept(world)

    with pytest.raises(DeadlinePassed):
        await world.pay_many(batch(2), Deadline.after(-1.0))

    assert kept(world) == before


async def test_a_commit_that_is_not_known_in_time_is_said_of_each_item(world: World) -> None:
    """It goes on without the caller, and the same keys find out what became of them."""
    world.fund(10_000)
    gate = world.store.hooks.hold("open_payments")

    answers = await world.pay_many(batch(2), Deadline.after(0.5))
    gate.opened.set()
    await world.store.drain()
    again = await run(world, *batch(2))

    assert [told(answer) for answer in answers] == ["COMMIT_UNKNOWN"] * 2
    assert [told(answer) for answer in again] == ["SUCCEEDED, replayed"] * 2


async def test_a_caller_who_leaves_is_not_needed(world: World) -> None:
    """What was asked for is committed without him."""
    world.fund(10_000)
    gate = world.store.hooks.hold("open_payments")
    call = asyncio.create_task(world.pay_many(batch(2), patience()))
    await gate.arrived.wait()
    call.cancel()
    await asyncio.wait({call})
    gate.opened.set()
    await world.store.drain()

    assert call.cancelled()
    assert world.wallet() == (9_800, 0)


async def test_a_slow_channel_keeps_no_answer_waiting_beyond_the_deadline(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the deadline each item says what is known: done, under way, or not begun."""
    monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic=world.clock.monotonic))
    world.fund(10_000)
    gate = world.channel.hooks.hold("send")
    count = SINGLE_PAYS_MAX + 2
    channel = [pay_command(idempotency_key=f"channel-{number}") for number in range(count)]

    answers = await world.pay_many([*batch(1), *channel], Deadline.after(1.0))
    waited = world.clock.monotonic()
    gate.opened.set()

    words = [told(answer) for answer in answers]
    assert words == ["SUCCEEDED", *["PROCESSING"] * SINGLE_PAYS_MAX, *["DEADLINE_EXCEEDED"] * 2]
    assert waited == pytest.approx(1.0, abs=0.1)


async def test_a_fault_of_ours_is_one_items_and_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its caller learns that there was one, and none of its text; its neighbours are paid."""
    world.fund(10_000)
    bug = RuntimeError("a secret of ours")
    commands = [*batch(3), *(pay_command(idempotency_key=f"channel-{n}") for n in range(2))]
    world.channel.will("send", PAID)
    world.store.hooks.fail("open_payment", bug)
    opened = world.store.open_payments

    async def broken(openings: Sequence[Opening]) -> Any:
        def decide(_available: int) -> Change:
            raise bug

        first, second, *others = openings
        return await opened([first, replace(second, decide=decide), *others])

    monkeypatch.setattr(world.store, "open_payments", broken)

    answers = await run(world, *commands)

    assert [told(answer) for answer in answers] == [
        "SUCCEEDED",
        "INTERNAL",
        "SUCCEEDED",
        "INTERNAL",
        "SUCCEEDED",
    ]
    assert "secret" not in str(answers[1]) + str(answers[3])
    assert world.observer.faults.count(("pay_many", bug)) == 2
