"""A batch in the hands of one commit, and where kill -9 meets the gateway while it is.

    sent | keys claimed, money moved, rows written | commits | answered
                     middle                            told nobody

The batch pays from wallets: no channel is asked, so its commit is all there is. In the middle means
that its transaction has locked and moved the wallets, and waits for one of its own keys, which is
held up: half of the batch is written, and none of it kept.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from paymentgateway.client import GatewayClient
from paymentgateway.errors import GatewayError, SameKey
from paymentgateway.v1.payment_service_pb2 import PayRequest
from tests.faults.ground import Ground
from tests.faults.purse import balance, funded, spend_many, spending
from tests.faults.verbs import PAUSE_S, Answer, caller, open_merchant
from tests.faults.windows import CLAIMS

ANSWERED_WITHIN_S = 15.0
PAYERS, EACH = 4, 15
PRICE, FUNDS = 70, 1_000
PAID_EACH = FUNDS // PRICE
"""Of the items of a wallet so many are paid; it has too little for what comes last.

A batch with more of them is decided under locks, in several statements; one of as many goes into
one statement that commits by itself.
"""

LOCK_WALLET = "select from wallets where owner_id = $1 for no key update nowait"
COMMITS = "select distinct xid from events where payment_id = any($1::uuid[])"


@dataclass(frozen=True)
class Batch:
    """Items of one call, of several payers in turn."""

    merchant_id: str
    payers: tuple[str, ...]
    items: tuple[PayRequest, ...]

    @property
    def keys(self) -> list[str]:
        """The keys of its items, in their order."""
        return [item.idempotency_key for item in self.items]

    @property
    def middle_key(self) -> str:
        """The key in the midst of them, in the order in which they are claimed."""
        return sorted(self.keys)[len(self.items) // 2]


async def ready_batch(client: GatewayClient, name: str, each: int = EACH) -> Batch:
    """Open a merchant, fill the wallets, and make a batch of so many items for each."""
    merchant_id = f"m_{name}"
    await open_merchant(client, merchant_id)
    payers = tuple(f"p_{name}.{n}" for n in range(PAYERS))
    await asyncio.gather(*(funded(client, payer, f"fund-{payer}", FUNDS) for payer in payers))
    items = tuple(
        spending(merchant_id, f"{name}-{n:03}", payers[n % PAYERS], PRICE)
        for n in range(PAYERS * each)
    )
    return Batch(merchant_id, payers, items)


@asynccontextmanager
async def in_the_middle(
    ground: Ground, client: GatewayClient, batch: Batch
) -> AsyncIterator[asyncio.Future[list[Answer]]]:
    """Bring a batch into the middle of its commit; give the call."""
    condition = f"new.idempotency_key = '{batch.middle_key}'"
    async with ground.database.holding_up("operations", condition):
        call = asyncio.ensure_future(send(client, batch))
        await ground.database.held_up(1)
        assert await _wallets_locked(ground, batch)
        assert await kept(ground, batch) == 0
        yield call


async def send(client: GatewayClient, batch: Batch) -> list[Answer]:
    """Follow the callers' rule: the batch again until every item has its answer."""
    end = time.monotonic() + ANSWERED_WITHIN_S
    while True:
        results = await spend_many(client, batch.items)
        errors = [result for result in results if isinstance(result, GatewayError)]
        if not errors:
            return [result for result in results if isinstance(result, Answer)]
        assert all(error.same_key is SameKey.SAFE for error in errors), errors
        assert time.monotonic() < end, errors
        await asyncio.sleep(PAUSE_S)


async def kept(ground: Ground, batch: Batch) -> int:
    """Count the keys that stand for something."""
    return len(await ground.database.rows(CLAIMS, batch.keys))


async def all_kept(ground: Ground, batch: Batch) -> bool:
    """Tell whether all keys stand for something. Fails where some do and some do not."""
    count = await kept(ground, batch)
    assert count in (0, len(batch.items)), f"{count} of {len(batch.items)} were kept"
    return count > 0


async def check_paid(ground: Ground, batch: Batch, index: int, answers: Sequence[Answer]) -> None:
    """Each item was paid once, in one commit, or refused because its wallet was spent."""
    states = Counter(answer.state for answer in answers)
    paid = PAYERS * PAID_EACH
    assert states == Counter(SUCCEEDED=paid, FAILED=len(batch.items) - paid)
    async with caller(ground.stack.targets[index]) as client:
        left = [await balance(client, payer) for payer in batch.payers]
    assert left == [(FUNDS - PAID_EACH * PRICE, 0)] * PAYERS
    ground.told += [answer.told for answer in answers]
    made = [row["object_id"] for row in await ground.database.rows(CLAIMS, batch.keys)]
    assert len(await ground.database.rows(COMMITS, made)) == 1
    await ground.check()


async def _wallets_locked(ground: Ground, batch: Batch) -> bool:
    """Tell whether another transaction has its hands on every wallet."""
    locked = [await _locked(ground, f"@{payer}") for payer in batch.payers]
    return all(locked)


async def _locked(ground: Ground, owner_id: str) -> bool:
    try:
        await ground.database.rows(LOCK_WALLET, owner_id)
    except asyncpg.LockNotAvailableError:
        return True
    return False
