"""kill -9 in the middle of a batch, and the same batch to the other gateway after it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
import pytest_asyncio

from paymentgateway.client import GatewayClient, money
from paymentgateway.errors import OutcomeUnknown, Unavailable
from paymentgateway.v1.payment_pb2 import CAPTURE_MODE_AUTOMATIC, CAPTURE_MODE_MANUAL
from tests.faults import batches
from tests.faults.database import seen
from tests.faults.ground import Ground, running_ground
from tests.faults.lane import arrived, commits_of, plugged
from tests.faults.purse import balance, funded, spend, spending
from tests.faults.test_windows import SETTINGS
from tests.faults.verbs import Answer, caller, cancel, capture, open_merchant, refund

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(150)]

Send = Callable[[GatewayClient], Awaitable[Answer]]

HOW_MANY = (batches.PAID_EACH, batches.EACH)
"""Items for each wallet: what it covers, and more than that; the two ways of a batch."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground() -> AsyncIterator[Ground]:
    async with running_ground(SETTINGS, gateways=2) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def clients(ground: Ground) -> AsyncIterator[list[GatewayClient]]:
    """A client to each gateway; both run."""
    async with caller(ground.stack.targets[0]) as one, caller(ground.stack.targets[1]) as other:
        yield [one, other]


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def revived(ground: Ground) -> None:
    """What the test before has killed runs again."""
    if not ground.stack.gateways[0].running:
        await ground.restart()


@pytest.mark.parametrize("each", HOW_MANY)
async def test_killed_in_the_middle(
    ground: Ground, clients: list[GatewayClient], each: int
) -> None:
    """Half of a batch is written when its gateway dies: nothing is kept, all is executed anew."""
    batch = await batches.ready_batch(clients[0], f"half{each}", each)
    async with batches.in_the_middle(ground, clients[0], batch) as call:
        await ground.stack.gateways[0].kill()
        await ground.database.end_backends(await ground.database.held_up(1))
        await _unanswered([call])
    assert await batches.kept(ground, batch) == 0
    answers = await batches.send(clients[1], batch)
    assert not any(answer.replayed for answer in answers)
    await batches.check_paid(ground, batch, 1, answers)


async def test_killed_in_the_middle_and_committed(
    ground: Ground, clients: list[GatewayClient]
) -> None:
    """A batch that Postgres finishes for a dead gateway is told by the one that waits for it."""
    batch = await batches.ready_batch(clients[0], "orphan", batches.PAID_EACH)
    async with batches.in_the_middle(ground, clients[0], batch) as call:
        (orphan,) = await ground.database.held_up(1)
        other = asyncio.ensure_future(batches.send(clients[1], batch))
        await ground.database.blocked_by(orphan, 1)
        await ground.stack.gateways[0].kill()
        await _unanswered([call])
    answers = await other
    assert all(answer.replayed for answer in answers)
    await batches.check_paid(ground, batch, 1, answers)


@pytest.mark.parametrize("each", HOW_MANY)
async def test_killed_before_the_answers(
    ground: Ground, clients: list[GatewayClient], each: int
) -> None:
    """A batch that is durable when its gateway dies is answered as replays by the other one."""
    batch = await batches.ready_batch(clients[0], f"told{each}", each)
    async with ground.database.unanswered_commits():
        call = asyncio.ensure_future(batches.send(clients[0], batch))
        await ground.database.committed_unanswered(1)
        await ground.stack.gateways[0].kill()
        await _unanswered([call])
    await seen("the batch", lambda: batches.all_kept(ground, batch))
    answers = await batches.send(clients[1], batch)
    assert all(answer.replayed for answer in answers)
    await batches.check_paid(ground, batch, 1, answers)


async def test_a_batch_whose_commit_is_not_confirmed(
    ground: Ground, clients: list[GatewayClient]
) -> None:
    """A connection that dies while a batch commits is nobody's failure: all are told their own."""
    batch = await batches.ready_batch(clients[0], "cut")
    async with ground.database.unanswered_commits():
        call = asyncio.ensure_future(batches.send(clients[0], batch))
        committing = await ground.database.committed_unanswered(1)
        assert await ground.database.end_backends(committing) == len(committing)
        answers = await call
    assert not any(answer.replayed for answer in answers)
    await batches.check_paid(ground, batch, 0, answers)


async def test_many_callers_in_one_commit(ground: Ground, clients: list[GatewayClient]) -> None:
    """Callers whose changes of wallets shared a commit are all told by the other gateway."""
    calls = await _ready_changes(clients[0])
    async with ground.database.unanswered_commits():
        async with plugged(ground, clients[0], "m_shared"):
            sent = [asyncio.ensure_future(send(clients[0])) for send in calls]
            await arrived(ground, len(sent) + 1)
        await ground.database.committed_unanswered(1)
        await ground.stack.gateways[0].kill()
        await _unanswered(sent)
    answers = [await send(clients[1]) for send in calls]
    assert {(answer.state, answer.replayed) for answer in answers} == {
        ("SUCCEEDED", True),
        ("AUTHORIZED", True),
    }
    assert await balance(clients[1], "p_shared") == (10_000 - 100 - 200 - 50 - 300 + 30, 300)
    ground.told += [answer.told for answer in answers]
    world = await ground.check()
    changed = {row["payment_id"] for row in world.payments if row["merchant_id"] == "m_shared"}
    plug = {row["payment_id"] for row in world.payments if row["payer_id"] == "nobody"}
    assert await commits_of(ground, [*(changed - plug)]) == 1


async def _ready_changes(client: GatewayClient) -> list[Send]:
    """Make what is wanted of a wallet's payments: paid, held, captured, let go and given back."""
    await open_merchant(client, "m_shared")
    await funded(client, "p_shared", "fund-shared", 10_000)

    def paying(key: str, amount: int, *, mode: Any = CAPTURE_MODE_AUTOMATIC) -> Send:
        request = spending("m_shared", key, "p_shared", amount, mode=mode)
        return lambda client: spend(client, request)

    first = [
        await paying("paid", 100)(client),
        *[await paying(key, 200, mode=CAPTURE_MODE_MANUAL)(client) for key in ("taken", "freed")],
    ]
    paid, taken, freed = (answer.told.object_id for answer in first)
    return [
        paying("late", 50),
        paying("hold", 300, mode=CAPTURE_MODE_MANUAL),
        lambda client: capture(client, "m_shared", "c-1", taken, final=True),
        lambda client: cancel(client, "m_shared", "c-2", freed),
        lambda client: refund(client, "m_shared", "r-1", paid, amount=money("0.30", "CNY")),
    ]


async def _unanswered(calls: Sequence[asyncio.Future[Any]]) -> None:
    """Nobody was told anything."""
    endings = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(end, Unavailable | OutcomeUnknown) for end in endings), endings
