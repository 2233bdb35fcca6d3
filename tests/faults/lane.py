"""How a test gets many callers' changes into one commit, and sees that it is one.

A gateway commits one batch at a time, and a batch is what gathered meanwhile. So a commit whose
answer is kept back, as behind a standby that is away, holds up all that comes after it; when its
connection is ended the gateway finds out that it went through, and what gathered is the next batch.
What proves it is afterwards in the rows: one transaction wrote all of it.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import aiohttp

from paymentgateway.client import GatewayClient, new_idempotency_key
from tests.faults.database import seen
from tests.faults.ground import Ground
from tests.faults.purse import spend, spending

ARRIVED_S = 0.1
"""From the first step of a call, which the metrics show, to its place in the batch: all there."""

IN_FLIGHT = "gateway_rpc_in_flight"
CHANNEL_CALLS = "gateway_channel_calls_total"

LAST_COMMITS = """
select distinct on (payment_id) xid from events where payment_id = any($1)
order by payment_id, version desc
"""


@asynccontextmanager
async def plugged(ground: Ground, client: GatewayClient, merchant_id: str) -> AsyncIterator[None]:
    """While the block runs the gateway commits nothing more; what gathered goes on together.

    To be used where commits are unanswered. What plugs is a payment that the wallet of nobody
    cannot pay, so it changes no balance.
    """
    plug = spending(merchant_id, new_idempotency_key(), "nobody", 1)
    call = asyncio.ensure_future(spend(client, plug))
    committing = await ground.database.committed_unanswered(1)
    yield
    await asyncio.sleep(ARRIVED_S)
    assert await ground.database.end_backends(committing) == len(committing)
    answer = await call
    assert (answer.state, answer.replayed) == ("FAILED", False)
    ground.told.append(answer.told)


async def arrived(ground: Ground, count: int, index: int = 0) -> None:
    """Wait until so many calls are under way in a gateway."""

    async def look() -> bool:
        return await metric(ground, IN_FLIGHT, index) >= count

    await seen(f"{count} calls under way", look)


async def replied(ground: Ground, count: int) -> None:
    """Let the channel's held replies go, and wait until the gateway has read so many of them."""
    before = await metric(ground, CHANNEL_CALLS)
    ground.line.release_replies()

    async def look() -> bool:
        return await metric(ground, CHANNEL_CALLS) >= before + count

    await seen(f"{count} replies read", look)


async def metric(ground: Ground, name: str, index: int = 0) -> float:
    """Add up a metric of a gateway over its labels."""
    url = f"{ground.stack.ops_urls[index]}/metrics"
    async with aiohttp.ClientSession(trust_env=False) as session, session.get(url) as reply:
        text = await reply.text()
    return sum(
        float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
    )


async def commits_of(ground: Ground, payments: Sequence[UUID]) -> int:
    """Count the transactions that made the last change of each of these payments."""
    rows = await ground.database.rows(LAST_COMMITS, list(payments))
    return len({row["xid"] for row in rows})
