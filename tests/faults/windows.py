"""The crash windows: where in the life of a call kill -9 meets the gateway, and the proof of it.

    sent | intent commits | request out | channel took it | reply in | outcome commits | answered
         A                B             C                 D          E

One function per window. Each brings all verbs that ask the channel into the window at once, their
intents in one commit and in E their outcomes too, proves that they are there, and kills the
gateway. Whatever fails here fails the test: a window that was missed proves nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from paymentgateway.client import GatewayClient
from paymentgateway.errors import OutcomeUnknown, Unavailable
from tests.faults.database import seen
from tests.faults.ground import BOOKS, Ground
from tests.faults.lane import arrived, commits_of, plugged, replied
from tests.faults.ready import ready_verbs, ready_wallet_verbs
from tests.faults.verbs import Answer, Verb, caller
from tests.invariants.world import Row, object_uuid

CLAIMS = "select * from operations where idempotency_key = any($1)"
LOCK_PAYMENT = "select from payments where payment_id = $1 for no key update"
HOLD_KEY = """
insert into operations (
    owner_id, idempotency_key, kind, fingerprint, fingerprint_version, object_id, caller_id,
    create_time
)
values ($1, $2, 'PAY', sha256(''), 1, gen_random_uuid(), '', now())
"""
"""Claim a key and neither commit nor give it up: whoever else claims it has to wait."""

TERMINAL = {"SUCCEEDED", "FAILED", "CANCELED", "EXPIRED"}
ESTABLISHED = "01"

MADE = """
select payment_id, state, attempt_number, kind from (
    select merchant_id, payment_id, idempotency_key, state, attempt_number, purpose as kind
    from payments
    union all
    select merchant_id, payment_id, idempotency_key, state, attempt_number, kind
    from payment_operations
) o
where idempotency_key = any($1)
"""

Send = Callable[[], None]
Made = Callable[[Ground, Sequence[Verb]], Awaitable[list[Row]]]
Window = Callable[[Ground, GatewayClient, Sequence[Verb], Send], Awaitable[None]]


async def through(ground: Ground, name: str, window: Window) -> dict[str, Answer]:
    """Bring every verb into a window, kill, restart, and give what the same keys are told then."""
    gateway = ground.stack.gateways[0]
    async with caller(ground.stack.targets[0]) as client:
        verbs = await every_verb(client, name)
        calls: list[asyncio.Future[Answer]] = []

        def send() -> None:
            calls.extend(asyncio.ensure_future(verb.send(client)) for verb in verbs)

        await window(ground, client, verbs, send)
        assert not gateway.running
        endings = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(end, Unavailable | OutcomeUnknown) for end in endings), endings
    await ground.restart()
    await ground.quiet()
    return await told_again(ground, verbs)


async def every_verb(client: GatewayClient, name: str) -> list[Verb]:
    """Make all verbs that ask the channel, of a merchant and a payer of their own."""
    verbs = await ready_verbs(client, f"m_{name}")
    return verbs + await ready_wallet_verbs(client, f"p_{name}")


async def told_again(ground: Ground, verbs: Sequence[Verb]) -> dict[str, Answer]:
    """Send the same keys again and keep what they are told."""
    async with caller(ground.stack.targets[0]) as client:
        answers = {verb.name: await verb.send(client) for verb in verbs}
    ground.told += [answer.told for answer in answers.values()]
    return answers


async def before_intent(
    ground: Ground, client: GatewayClient, verbs: Sequence[Verb], send: Send
) -> None:
    """A: the one batch of all intents waits for a lock of ours. Its backend is ended as its client.

    What is no longer in its transaction, because it waited too long, waits behind it.
    """
    known = set(await ground.book("charges"))
    async with ground.database.holding(*map(lock_for, verbs)) as holder:
        async with together(ground, client, verbs):
            send()
        await ground.database.blocked_by(holder, 1)
        await _kill_with_backends(ground)
    assert await claims(ground, verbs) == []
    assert set(await ground.book("charges")) == known


async def before_request(
    ground: Ground, client: GatewayClient, verbs: Sequence[Verb], send: Send
) -> None:
    """B: the channel stands still, so requests lie in its sockets; then it dies with them."""
    ground.stack.sandbox.pause()
    try:
        async with together(ground, client, verbs):
            send()
        await _one_commit(ground, verbs, intents)
        port = int(ground.stack.sandbox_url.rpartition(":")[2])
        await seen("requests that nobody reads", lambda: _unread(port, len(verbs)))
        await ground.stack.gateways[0].kill()
    finally:
        await ground.stack.sandbox.kill()
        await ground.stack.sandbox.start()
    assert not await taken(ground, verbs)


async def before_reply(
    ground: Ground, client: GatewayClient, verbs: Sequence[Verb], send: Send
) -> None:
    """C: the channel's book shows every effect, and its replies are on the wire."""
    await _until_taken(ground, client, verbs, send)
    await ground.stack.gateways[0].kill()
    ground.line.release_replies()


async def before_outcome(
    ground: Ground, client: GatewayClient, verbs: Sequence[Verb], send: Send
) -> None:
    """D: the replies are in, and every conclusion waits for a lock of ours, or behind one."""
    await _until_taken(ground, client, verbs, send)
    rows = await intents(ground, verbs)
    locks = [(LOCK_PAYMENT, row["payment_id"]) for row in rows]
    async with ground.database.holding(*locks) as holder:
        await replied(ground, len(verbs))
        await ground.database.blocked_by(holder, 1)
        await _kill_with_backends(ground)
    assert {row["state"] for row in await intents(ground, verbs)} == {"PROCESSING"}


async def before_answer(
    ground: Ground, client: GatewayClient, verbs: Sequence[Verb], send: Send
) -> None:
    """E: every outcome is durable, in one commit, and the database may not say so."""
    await _until_taken(ground, client, verbs, send)
    async with ground.database.unanswered_commits():
        async with plugged(ground, client, verbs[0].merchant_id):
            await replied(ground, len(verbs))
        await ground.database.committed_unanswered(1)
        await ground.stack.gateways[0].kill()
    await _one_commit(ground, verbs, outcomes)


@asynccontextmanager
async def together(
    ground: Ground, client: GatewayClient, verbs: Sequence[Verb]
) -> AsyncIterator[None]:
    """Let what is sent in the block gather, so that its intents go into one commit."""
    async with ground.database.unanswered_commits(), plugged(ground, client, verbs[0].merchant_id):
        yield
        await arrived(ground, len(verbs) + 1)


def lock_for(verb: Verb) -> tuple[object, ...]:
    """Give what keeps the intent of a verb waiting: its payment's row, or its key."""
    if verb.payment_id:
        return LOCK_PAYMENT, object_uuid(verb.payment_id)
    return HOLD_KEY, verb.merchant_id, verb.key


async def claims(ground: Ground, verbs: Sequence[Verb]) -> list[Row]:
    """Read what the keys stand for."""
    keys = [verb.key for verb in verbs]
    return [dict(row) for row in await ground.database.rows(CLAIMS, keys)]


async def intents(ground: Ground, verbs: Sequence[Verb]) -> list[Row]:
    """Read what the keys made, once all of them have made something."""
    rows = await ground.database.rows(MADE, [verb.key for verb in verbs])
    return [dict(row) for row in rows] if len(rows) == len(verbs) else []


async def outcomes(ground: Ground, verbs: Sequence[Verb]) -> list[Row]:
    """Read what the keys made, once all of it has ended."""
    rows = await intents(ground, verbs)
    return rows if {row["state"] for row in rows} <= TERMINAL else []


async def taken(ground: Ground, verbs: Sequence[Verb]) -> set[str]:
    """Name the verbs whose effect the channel's own book shows."""
    charges, book = await ground.book("charges"), set[str]()
    for kind in BOOKS:
        book |= set(await ground.book(kind))
    found = set()
    for row in await intents(ground, verbs):
        if row["kind"] == "CANCEL":
            charge = await _charge_of(ground, row)
            closed = charges[charge]["state"] == "CLOSED"
            found |= {"CANCEL"} if closed else set()
        elif row["attempt_number"] in book:
            found.add(row["kind"])
    return found


async def _until_taken(
    ground: Ground, client: GatewayClient, verbs: Sequence[Verb], send: Send
) -> None:
    """Send, and wait until the channel has done everything and its replies are held on the wire."""
    ground.line.hold_replies()
    async with together(ground, client, verbs):
        send()
    await _one_commit(ground, verbs, intents)

    async def look() -> bool:
        return len(await taken(ground, verbs)) == len(verbs) and ground.line.held >= len(verbs)

    await seen("every effect in the channel's book", look)


async def _one_commit(ground: Ground, verbs: Sequence[Verb], made: Made) -> None:
    """Wait for what the keys made, and see that one transaction wrote it."""
    rows = await seen("what the keys made", lambda: made(ground, verbs))
    assert await commits_of(ground, [row["payment_id"] for row in rows]) == 1


async def _kill_with_backends(ground: Ground) -> None:
    """Kill the gateway as if its clients had been gone before the statement could begin.

    Postgres would go on with a statement whose client is gone, as in `orphaned`.
    """
    await ground.stack.gateways[0].kill()
    await ground.database.end_backends(await ground.database.backends())


async def _charge_of(ground: Ground, row: Row) -> str:
    query = "select attempt_number from payments where payment_id = $1"
    number: str = (await ground.database.rows(query, row["payment_id"]))[0][0]
    return number


async def _unread(port: int, count: int) -> bool:
    """Tell whether so many connections to a port hold bytes that their process has not read."""
    local, unread = f":{port:04X}", 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        waits = int(fields[4].partition(":")[2], 16) > 0
        unread += fields[1].endswith(local) and fields[3] == ESTABLISHED and waits
    return unread >= count


async def unconfirmed(
    ground: Ground, client: GatewayClient, verbs: Sequence[Verb]
) -> dict[str, Answer]:
    """Cut the connection while it commits the intents: durable, but nobody was told."""
    async with ground.database.unanswered_commits():
        async with plugged(ground, client, verbs[0].merchant_id):
            calls = [asyncio.ensure_future(verb.send(client)) for verb in verbs]
            await arrived(ground, len(verbs) + 1)
        committing = await ground.database.committed_unanswered(1)
        assert await ground.database.end_backends(committing) == len(committing)
        await _one_commit(ground, verbs, intents)
    answers = await asyncio.gather(*calls)
    ground.told += [answer.told for answer in answers]
    return {verb.name: answer for verb, answer in zip(verbs, answers, strict=True)}


async def orphaned(ground: Ground, client: GatewayClient, verb: Verb) -> None:
    """Kill the gateway while the statement of an intent waits; let Postgres finish it."""
    known = set(await ground.book("charges"))
    async with ground.database.holding_up("payments", f"new.idempotency_key = '{verb.key}'"):
        call = asyncio.ensure_future(verb.send(client))
        await ground.database.held_up(1)
        await ground.stack.gateways[0].kill()
        assert isinstance((await asyncio.gather(call, return_exceptions=True))[0], Unavailable)
        assert await claims(ground, [verb]) == []
    await seen("the intent", lambda: intents(ground, [verb]))
    assert set(await ground.book("charges")) == known
