"""The database fails, waits or refuses: nothing is lost, nothing is done twice, callers know."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from paymentgateway.client import GatewayClient, new_idempotency_key
from paymentgateway.errors import Conflict, GatewayError, Overloaded
from paymentgateway.v1.payment_pb2 import FAILURE_REASON_NOT_ACCEPTED
from tests.faults.database import seen
from tests.faults.ground import Ground, running_ground
from tests.faults.purse import balance, funded, spend, spending
from tests.faults.ready import ready_verbs
from tests.faults.verbs import Answer, Verb, caller, open_merchant, pay, settled
from tests.faults.windows import claims, lock_for, together

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(150)]

POOL_SIZE = 3
STATEMENT_TIMEOUT_S = 1.2
SETTINGS = {
    "GATEWAY_CHANNEL_TIMEOUT_MS": "2000",
    "GATEWAY_LEASE_MARGIN_MS": "200",
    "GATEWAY_RECOVERY_INTERVAL_MS": "50",
    "GATEWAY_RECOVERY_DELAY_MIN_MS": "50",
    "GATEWAY_RECOVERY_DELAY_MAX_MS": "500",
    "GATEWAY_POOL_SIZE": str(POOL_SIZE),
    "GATEWAY_POOL_ACQUIRE_TIMEOUT_MS": "300",
    "GATEWAY_LOCK_TIMEOUT_MS": "900",
    "GATEWAY_STATEMENT_TIMEOUT_MS": str(round(STATEMENT_TIMEOUT_S * 1_000)),
}
CALLS, AT_ONCE = 60, 12

SLOW = """
create or replace function be_slow() returns trigger language plpgsql as
$$ begin perform pg_sleep(5); return new; end $$
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground() -> AsyncIterator[Ground]:
    async with running_ground(SETTINGS) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def client(ground: Ground) -> AsyncIterator[GatewayClient]:
    async with caller(ground.stack.targets[0]) as found:
        yield found


async def test_a_lock_that_is_not_to_be_had(ground: Ground, client: GatewayClient) -> None:
    """ABORTED: nothing is kept, and the same keys are executed once the lock is free."""
    verbs = (await ready_verbs(client, "m_lock"))[1:]
    async with ground.database.holding(*map(lock_for, verbs)) as holder:
        async with together(ground, client, verbs):
            calls = [asyncio.ensure_future(verb.send(client)) for verb in verbs]
        await ground.database.blocked_by(holder, len(verbs))
        endings = await asyncio.gather(*calls, return_exceptions=True)
    assert [_reason(end, Conflict) for end in endings] == ["CONTENTION"] * len(verbs)
    assert await claims(ground, verbs) == []
    await _executes(ground, client, verbs)


@pytest.mark.parametrize("table", ["operations", "payments", "attempts", "events"])
async def test_a_statement_of_the_intent_that_takes_too_long(
    ground: Ground, client: GatewayClient, table: str
) -> None:
    """ABORTED: nothing is kept, and the same key is executed afterwards."""
    owner = f"m_slow_{table}"
    verb = (await ready_verbs(client, owner))[0]
    async with _slow(ground, table, owner):
        ending = (await asyncio.gather(verb.send(client), return_exceptions=True))[0]
    assert _reason(ending, Conflict) == "CONTENTION"
    assert await claims(ground, [verb]) == []
    await _executes(ground, client, [verb])


@pytest.mark.parametrize("table", ["attempts", "events", "transfers"])
async def test_a_statement_of_the_outcome_that_takes_too_long(
    ground: Ground, client: GatewayClient, table: str
) -> None:
    """The caller is told PROCESSING, and the outcome is found by asking the channel."""
    owner = f"m_late_{table}"
    verbs = [verb for verb in await ready_verbs(client, owner) if verb.name != "cancel"]
    ground.line.hold_replies()
    calls = [asyncio.ensure_future(verb.send(client)) for verb in verbs]
    await seen("all replies on the wire", lambda: _held(ground, len(verbs)))
    async with _slow(ground, table, owner):
        ground.line.release_replies()
        answers = await asyncio.gather(*calls)
    assert {answer.state for answer in answers} == {"PROCESSING"}
    ground.told += [answer.told for answer in answers]
    await ground.quiet()
    again = [await verb.send(client) for verb in verbs]
    assert {(answer.state, answer.replayed) for answer in again} == {("SUCCEEDED", True)}
    ground.told += [answer.told for answer in again]
    await ground.check()


async def test_no_connection_left(ground: Ground, client: GatewayClient) -> None:
    """RESOURCE_EXHAUSTED with a hint: nothing is kept, and the same key is executed afterwards."""
    verb = (await ready_verbs(client, "m_full"))[0]
    payers = [f"p_full.{n}" for n in range(POOL_SIZE)]
    async with ground.database.holding(("lock table wallet_owners in share mode",)) as holder:
        opening = [client.open_wallet(payer_id=payer, currency_code="CNY") for payer in payers]
        waiting = [asyncio.ensure_future(call) for call in opening]
        await ground.database.blocked_by(holder, POOL_SIZE)
        ending = (await asyncio.gather(verb.send(client), return_exceptions=True))[0]
        await asyncio.gather(*waiting, return_exceptions=True)
    assert _reason(ending, Overloaded) == "OVERLOADED"
    assert ending.retry_after_s is not None
    assert await claims(ground, [verb]) == []
    await _executes(ground, client, [verb])


async def test_connections_ended_at_random(ground: Ground, client: GatewayClient) -> None:
    """Connections that end under load, wherever they are, cost nobody an outcome."""
    chance = random.Random(3)

    async def end_some() -> int:
        ended = 0
        while True:
            backends = await ground.database.backends()
            if backends:
                ended += await ground.database.end_backends([chance.choice(backends)])
            if ended >= CALLS // 3:
                return ended
            await asyncio.sleep(chance.uniform(0.01, 0.05))

    assert await _under_load(ground, client, "m_ended", end_some) == CALLS // 3
    await ground.check()


async def test_postgres_killed_under_load(ground: Ground, client: GatewayClient) -> None:
    """Postgres is killed with -9 under load: the gateway brings it back, and nothing is lost."""
    before = ground.database.server.pid

    async def kill() -> int | None:
        assert before is not None
        os.kill(before, signal.SIGKILL)
        await seen("another Postgres", lambda: _other_than(ground, before))
        return ground.database.server.pid

    assert await _under_load(ground, client, "m_killed", kill) != before
    await ground.check()


async def test_postgres_recovering_under_load(ground: Ground, client: GatewayClient) -> None:
    """One backend is killed with -9, so Postgres ends all others and recovers; nothing is lost."""

    async def kill() -> bool:
        backends = await seen("a backend", ground.database.backends)
        os.kill(backends[0], signal.SIGKILL)
        await seen("Postgres again", lambda: _answers(ground))
        return backends[0] not in await ground.database.backends()

    assert await _under_load(ground, client, "m_recovered", kill)
    await ground.check()


async def _under_load(
    ground: Ground, client: GatewayClient, merchant_id: str, fault: Callable[[], Awaitable[Any]]
) -> Any:
    """Pay from many callers, provoke a fault amid it, and see every key settled.

    Half of them pay through the channel, half from one wallet, which has just enough.
    """
    await open_merchant(client, merchant_id)
    await funded(client, merchant_id, new_idempotency_key(), CALLS // 2)
    turns, done = asyncio.Semaphore(AT_ONCE), asyncio.Event()

    async def one(number: int) -> Answer:
        key = new_idempotency_key()
        item = spending(merchant_id, key, merchant_id, 1)
        ways: list[Callable[[GatewayClient], Awaitable[Answer]]] = [
            lambda c: pay(c, merchant_id, key, deadline_s=5.0),
            lambda c: spend(c, item, deadline_s=5.0),
        ]
        async with turns:
            answer = await settled(ways[number % 2], [client])
        done.set()
        return answer

    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(one(number)) for number in range(CALLS)]
        await done.wait()
        result = await fault()
    answers = [call.result() for call in calls]
    assert all(_succeeded_or_never_sent(answer) for answer in answers)
    assert {answer.state for answer in answers[1::2]} == {"SUCCEEDED"}
    assert await balance(client, merchant_id) == (0, 0)
    ground.told += [answer.told for answer in answers]
    await ground.quiet()
    return result


def _succeeded_or_never_sent(answer: Answer) -> bool:
    """Tell whether it ended as it may: a key told COMMIT_UNKNOWN may stand for an unsent intent."""
    payment = answer.payment
    assert payment is not None
    never_sent = payment.failure.reason == FAILURE_REASON_NOT_ACCEPTED
    return answer.state == "SUCCEEDED" or (answer.state == "FAILED" and never_sent)


@asynccontextmanager
async def _slow(ground: Ground, table: str, owner: str) -> AsyncIterator[None]:
    """Make every write of one owner to a table take longer than a statement may."""
    column = "merchant_id" if table in ("payments", "attempts", "events") else "owner_id"
    async with ground.database.connection() as connection:
        await connection.execute(SLOW)
        await connection.execute(
            f"create trigger slow before insert or update on {table} for each row"
            f" when (new.{column} = '{owner}') execute function be_slow()"
        )
        try:
            yield
        finally:
            await connection.execute(f"drop trigger slow on {table}")


async def _executes(ground: Ground, client: GatewayClient, verbs: list[Verb]) -> None:
    answers = [await verb.send(client) for verb in verbs]
    assert {(answer.state, answer.replayed) for answer in answers} == {("SUCCEEDED", False)}
    ground.told += [answer.told for answer in answers]
    await ground.quiet()
    await ground.check()


def _reason(ending: object, kind: type[GatewayError]) -> str:
    assert isinstance(ending, kind), ending
    return ending.reason


async def _held(ground: Ground, count: int) -> bool:
    return ground.line.held >= count


async def _other_than(ground: Ground, pid: int) -> bool:
    return ground.database.server.pid not in (None, pid)


async def _answers(ground: Ground) -> bool:
    try:
        return bool(await ground.database.rows("select 1"))
    except (OSError, asyncpg.PostgresError):
        return False
