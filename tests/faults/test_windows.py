"""kill -9 in each window of what asks the channel, with the callers' rule after it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.faults import windows
from tests.faults.ground import Ground, running_ground
from tests.faults.ready import KINDS, ready_verbs
from tests.faults.verbs import caller
from tests.invariants.world import object_uuid

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(150)]

SETTINGS = {
    "GATEWAY_CHANNEL_TIMEOUT_MS": "4000",
    "GATEWAY_LEASE_MARGIN_MS": "200",
    "GATEWAY_RECOVERY_INTERVAL_MS": "50",
    "GATEWAY_RECOVERY_DELAY_MIN_MS": "50",
    "GATEWAY_RECOVERY_DELAY_MAX_MS": "500",
    "GATEWAY_LOCK_TIMEOUT_MS": "20000",
    "GATEWAY_STATEMENT_TIMEOUT_MS": "25000",
}
"""Locks are waited for longer than any window stays open."""

DONE = dict.fromkeys(KINDS, "SUCCEEDED")
UNSENT = {"pay": "FAILED", "top up": "FAILED"}
"""Charges that nobody has."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground() -> AsyncIterator[Ground]:
    async with running_ground(SETTINGS) as found:
        yield found


async def test_killed_before_the_intent_commits(ground: Ground) -> None:
    """Nothing is kept, nothing reached the channel, and the same keys are executed afterwards."""
    answers = await windows.through(ground, "a", windows.before_intent)
    assert {name: answer.state for name, answer in answers.items()} == DONE
    assert not any(answer.replayed for answer in answers.values())
    await ground.check()


async def test_killed_before_the_channel_took_the_request(ground: Ground) -> None:
    """A charge that nobody has is fenced and failed; what was accepted is sent again."""
    answers = await windows.through(ground, "b", windows.before_request)
    assert {name: answer.state for name, answer in answers.items()} == DONE | UNSENT
    assert all(answer.replayed for answer in answers.values())
    world = await ground.check()
    made = {object_uuid(answers[name].told.object_id) for name in UNSENT}
    numbers = {row["attempt_number"] for row in world.payments if row["payment_id"] in made}
    fences = [row for row in world.charges if row["number"] in numbers]
    assert [row["state"] for row in fences] == ["CLOSED"] * len(UNSENT)


async def test_killed_before_the_reply(ground: Ground) -> None:
    """What the channel did is found by asking, and done once."""
    answers = await windows.through(ground, "c", windows.before_reply)
    assert {name: answer.state for name, answer in answers.items()} == DONE
    assert all(answer.replayed for answer in answers.values())
    await ground.check()


async def test_killed_before_the_outcome_commits(ground: Ground) -> None:
    """An outcome that was known and not kept is found again by asking."""
    answers = await windows.through(ground, "d", windows.before_outcome)
    assert {name: answer.state for name, answer in answers.items()} == DONE
    assert all(answer.replayed for answer in answers.values())
    await ground.check()


async def test_killed_before_the_answer(ground: Ground) -> None:
    """An outcome that was kept and not told is told to who sends the same key again."""
    answers = await windows.through(ground, "e", windows.before_answer)
    assert {name: answer.state for name, answer in answers.items()} == DONE
    assert all(answer.replayed for answer in answers.values())
    await ground.check()


async def test_an_intent_whose_commit_is_not_confirmed(ground: Ground) -> None:
    """A connection that dies while it commits an intent is no failure: the call goes on."""
    async with caller(ground.stack.targets[0]) as client:
        verbs = await windows.every_verb(client, "f")
        answers = await windows.unconfirmed(ground, client, verbs)
    assert {name: answer.state for name, answer in answers.items()} == DONE
    assert not any(answer.replayed for answer in answers.values())
    await ground.check()


async def test_an_intent_that_commits_after_its_gateway_died(ground: Ground) -> None:
    """A statement that Postgres finishes for a dead client is an intent that was never sent."""
    async with caller(ground.stack.targets[0]) as client:
        verb = (await ready_verbs(client, "m_g"))[0]
        await windows.orphaned(ground, client, verb)
    await ground.restart()
    await ground.quiet()
    answer = (await windows.told_again(ground, [verb]))["pay"]
    assert (answer.state, answer.replayed) == ("FAILED", True)
    await ground.check()
