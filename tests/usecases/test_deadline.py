"""The work belongs to the gateway: callers only wait for it, as long as they like.

Whether a caller's deadline passes, he cancels, or a commit fails: what was kept is carried to its
outcome by this process or by a worker, and the place among the channel's calls is given back.
"""

import asyncio
import contextlib
import gc
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from gateway.clock import Deadline
from gateway.domain.errors import DeadlinePassed, GatewayError, Overloaded, Reason, Unavailable
from gateway.domain.payment import PaymentState
from gateway.usecases.merchants import MEMORY_LIFETIME_S
from tests.domain.lives import PAID, SILENT
from tests.usecases.methods import METHODS, Method, kept, made, owner
from tests.usecases.world import World, patience, pay_command

S = PaymentState
AWAY = Unavailable(Reason.DATABASE_UNAVAILABLE, "Away.", retry_after_s=1)
TURNS_MAX = 200
"""Turns of the loop that no call here takes."""


async def _call(world: World, method: Method, command: Any, seconds: float) -> Any:
    return await getattr(world, method.name)(command, Deadline.after(seconds))


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
async def test_a_slow_channel_is_answered_with_processing(world: World, method: Method) -> None:
    """By the caller's deadline he gets PROCESSING; the work goes on and its outcome is kept."""
    command = method.command(await method.before(world))
    gate = world.channel.hooks.hold("send")
    world.channel.will("send", method.outcome)
    before = world.clock.monotonic()

    answer = await _call(world, method, command, 3.0)
    waited = world.clock.monotonic() - before
    gate.opened.set()
    left = await world.execution.drain(1.0)

    assert made(answer).state == S.PROCESSING
    assert not answer.replayed
    assert waited == pytest.approx(3.0, abs=0.1)
    assert left == 0
    assert made(await method.run(world, command)).state == S.SUCCEEDED


async def test_a_deadline_before_the_intent_is_no_answer(world: World) -> None:
    """Nothing can be said of a payment that is not yet kept; its key finds out what it became."""
    gate = world.store.hooks.hold("open_payment")
    world.channel.will("send", PAID)

    with pytest.raises(Unavailable) as unknown:
        await world.pay(pay_command(), Deadline.after(0.5))
    gate.opened.set()
    await world.execution.drain(1.0)

    assert (unknown.value.reason, unknown.value.key_bound) == (Reason.COMMIT_UNKNOWN, False)
    again = await world.pay(pay_command(), patience())
    assert again.replayed
    assert again.payment.state is S.SUCCEEDED


async def test_a_deadline_that_has_passed_is_no_deadlock(world: World) -> None:
    """A call without any time left ends at once, and nothing is kept."""
    world.channel.will("send", PAID)

    with pytest.raises(DeadlinePassed):
        await world.pay(pay_command(), Deadline.after(-1.0))
    await world.execution.drain(1.0)

    assert world.rows.aggregates == {}
    assert world.channel.in_flight == 0


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
async def test_a_caller_may_cancel_at_every_await(world: World, method: Method) -> None:
    """Wherever he leaves, there is nothing, or an intent that was carried to its outcome."""
    fates = []
    for turns in range(TURNS_MAX):
        fresh = World(world.clock)
        command = method.command(await method.before(fresh))
        sent = len(fresh.channel.requests)
        cancelled = await _cancelled_after(turns, fresh, method, command)
        fates.append(_fate(fresh, command, len(fresh.channel.requests) - sent))
        assert fresh.channel.in_flight == 0
        if not cancelled:
            break

    assert (fates[0], fates[-1]) == ("absent", "carried out")
    assert set(fates) == {"absent", "carried out"}
    assert len(fates) < TURNS_MAX


async def _cancelled_after(turns: int, world: World, method: Method, command: Any) -> bool:
    """Cancel a call after so many turns of the loop. False where it had ended before."""
    world.channel.will("send", method.outcome)
    call = asyncio.create_task(_call(world, method, command, 60.0))
    for _ in range(turns):
        await asyncio.sleep(0)
    cancelled = call.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await call
    await world.execution.drain(1.0)
    return cancelled


def _fate(world: World, command: Any, sent: int) -> str:
    """Tell what became of a command; whatever is neither of the two allowed is said in full."""
    claim = world.rows.claims.get((owner(command), command.idempotency_key))
    if claim is None:
        return "absent" if sent == 0 else "sent without an intent"
    states: dict[UUID, str] = {}
    for aggregate in world.rows.aggregates.values():
        states[aggregate.payment.payment_id] = aggregate.payment.state
        states |= {item.operation_id: item.state for item in aggregate.operations.values()}
    fate = (states[claim.object_id], sent)
    return "carried out" if fate == ("SUCCEEDED", 1) else f"{fate}"


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
async def test_an_outcome_that_cannot_be_kept_is_found_out_later(
    world: World, method: Method
) -> None:
    """Where the second commit fails, the caller gets PROCESSING and a worker finds the outcome."""
    command = method.command(await method.before(world))
    gate = world.channel.hooks.hold("send")
    call = asyncio.create_task(method.run(world, command, method.outcome))
    await gate.arrived.wait()
    world.store.hooks.fail("change_payment", AWAY)
    gate.opened.set()

    answer = await call
    assert made(answer).state == S.PROCESSING
    assert world.observer.faults == [("send", AWAY)]

    await world.recovering(method.outcome)
    assert made(await method.run(world, command)).state == S.SUCCEEDED


async def test_an_outcome_that_was_kept_unheard_is_kept_once(world: World) -> None:
    """Where only the reply to the second commit is lost, nothing is left to do."""
    world.store.hooks.fail("change_payment's reply", AWAY)

    answer = await world.paying(PAID)

    assert answer.payment.state is S.PROCESSING
    assert world.now(answer.payment).state is S.SUCCEEDED
    assert world.rows.open_attempts() == []


async def test_a_bug_while_sending_leaves_the_intent_to_workers(world: World) -> None:
    """A fault of our own after the intent is told, is not the caller's, and loses nothing."""
    bug = RuntimeError("a bug")
    world.channel.hooks.fail("send", bug)

    answer = await world.paying()
    await world.recovering(PAID)

    assert answer.payment.state is S.PROCESSING
    assert world.observer.faults == [("send", bug)]
    assert world.now(answer.payment).state is S.SUCCEEDED


async def test_a_bug_before_the_intent_is_told(world: World) -> None:
    """A fault of our own is told even where it hits the caller too; what callers meet is not."""
    bug = RuntimeError("a bug")
    world.store.hooks.fail("open_payment", bug, AWAY)

    for fault in (bug, AWAY):
        with pytest.raises(type(fault)):
            await world.paying()

    assert world.observer.faults == [("begin", bug)]


STORE_CALLS = [
    "get_merchant",
    "load",
    "find_payment",
    "find_claim",
    "open_wallet",
    "open_payment",
    "open_payment's reply",
    "change_payment",
    "change_payment's reply",
    "postpone_attempt",
]


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
async def test_the_place_is_given_back_whatever_fails(world: World, method: Method) -> None:
    """No failure of any call to the store keeps a place among the channel's calls."""
    for where in STORE_CALLS:
        fresh = World(world.clock)
        command = method.command(await method.before(fresh))
        fresh.clock.advance(timedelta(seconds=MEMORY_LIFETIME_S))
        fresh.store.hooks.fail(where, AWAY)

        with contextlib.suppress(GatewayError):
            await method.run(fresh, command, SILENT)

        assert await fresh.execution.drain(1.0) == 0
        assert fresh.channel.in_flight == 0


async def test_a_place_is_held_as_long_as_the_work_runs(world: World) -> None:
    """A caller who stopped waiting does not make room for another call to a slow channel."""
    world.channel.places_max = 1
    gate = world.channel.hooks.hold("send")
    world.channel.will("send", PAID, PAID)
    await world.pay(pay_command(), Deadline.after(0.1))

    with pytest.raises(Overloaded):
        await world.pay(pay_command(idempotency_key="pay-2"), patience())
    gate.opened.set()
    await world.execution.drain(1.0)

    answer = await world.pay(pay_command(idempotency_key="pay-2"), patience())
    assert answer.payment.state is S.SUCCEEDED


async def test_draining_waits_for_the_work_but_not_for_ever(world: World) -> None:
    """At shutdown work under way gets its time; what is left after that is counted, not stopped."""
    gate = world.channel.hooks.hold("send")
    world.channel.will("send", PAID)
    answer = await world.pay(pay_command(), Deadline.after(0.1))
    before = world.clock.monotonic()

    left = await world.execution.drain(5.0)
    gate.opened.set()

    assert left == 1
    assert world.clock.monotonic() - before == pytest.approx(5.0)
    assert await world.execution.drain(5.0) == 0
    assert world.now(answer.payment).state is S.SUCCEEDED


async def test_draining_nothing_takes_no_time(world: World) -> None:
    """Without work under way there is nothing to wait for."""
    await world.paid()
    before = world.clock.monotonic()

    assert await world.execution.drain(5.0) == 0
    assert world.clock.monotonic() == before


async def test_a_refusal_that_nobody_waits_for_is_no_alarm(world: World) -> None:
    """What a caller who left would have been told does not turn up as an error of ours."""
    alarms: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, alarm: alarms.append(alarm))
    gate = world.store.hooks.hold("open_payment")
    world.store.hooks.fail("open_payment", AWAY)
    with pytest.raises(Unavailable):
        await world.pay(pay_command(), Deadline.after(0.1))

    gate.opened.set()
    await world.execution.drain(1.0)
    gc.collect()

    assert alarms == []


async def test_when_all_must_hurry_nobody_waits(world: World) -> None:
    """At shutdown those who wait for a channel get PROCESSING at once, and the work goes on."""
    gate = world.channel.hooks.hold("send")
    world.channel.will("send", PAID)
    call = asyncio.create_task(world.pay(pay_command(), patience()))
    await gate.arrived.wait()
    before = world.clock.monotonic()

    world.execution.hurry()
    answer = await call
    waited = world.clock.monotonic() - before
    gate.opened.set()

    assert answer.payment.state is S.PROCESSING
    assert waited == 0
    assert await world.execution.drain(1.0) == 0
    assert world.now(answer.payment).state is S.SUCCEEDED


async def test_hurrying_nobody_is_nothing(world: World) -> None:
    """Without anybody who waits there is nobody to hurry, and later calls may wait again."""
    world.execution.hurry()

    assert (await world.paid()).state is S.SUCCEEDED


READS = {
    "pay": "get_merchant",
    "capture": "find_payment",
    "cancel": "find_payment",
    "refund": "find_payment",
    "top_up": "open_wallet",
    "withdraw": "open_wallet",
}


@pytest.mark.parametrize("name", READS)
async def test_a_slow_read_before_the_intent_keeps_nothing(world: World, name: str) -> None:
    """Where the deadline passes before anything could be kept, the caller learns just that."""
    method = METHODS[name]
    command = method.command(await method.before(world))
    world.clock.advance(timedelta(seconds=MEMORY_LIFETIME_S))
    before = kept(world)
    gate = world.store.hooks.hold(READS[name])

    with pytest.raises(DeadlinePassed) as passed:
        await _call(world, method, command, 0.5)
    gate.opened.set()
    await world.execution.drain(1.0)

    assert (passed.value.reason, passed.value.key_bound) == (Reason.DEADLINE_EXCEEDED, False)
    assert kept(world) == before
