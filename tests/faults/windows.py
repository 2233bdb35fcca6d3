"""The crash windows: where in the life of a call kill -9 meets the gateway, and the proof of it.

    sent | intent commits | request out | channel took it | reply in | outcome commits | answered
         A                B             C                 D          E

One function per window. Each brings all four verbs into the window at once, proves that they are
there, and kills the gateway. Whatever fails here fails the test: a window that was missed proves
nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from paymentgateway.client import GatewayClient
from paymentgateway.errors import OutcomeUnknown, Unavailable
from tests.faults.database import seen
from tests.faults.ground import Ground
from tests.faults.verbs import Answer, Verb, caller, ready_verbs
from tests.invariants.world import Row, object_uuid

CLAIMS = "select * from operations where idempotency_key = any($1)"
LOCK_PAYMENT = "select from payments where payment_id = $1 for no key update"
TERMINAL = {"SUCCEEDED", "FAILED", "CANCELED", "EXPIRED"}
ESTABLISHED = "01"

Send = Callable[[], None]
Window = Callable[[Ground, Sequence[Verb], Send], Awaitable[None]]


async def through(ground: Ground, name: str, window: Window) -> dict[str, Answer]:
    """Bring every verb into a window, kill, restart, and give what the same keys are told then."""
    gateway = ground.stack.gateways[0]
    async with caller(ground.stack.targets[0]) as client:
        verbs = await ready_verbs(client, f"m_{name}")
        calls: list[asyncio.Future[Answer]] = []

        def send() -> None:
            calls.extend(asyncio.ensure_future(verb.send(client)) for verb in verbs)

        await window(ground, verbs, send)
        assert not gateway.running
        endings = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(end, Unavailable | OutcomeUnknown) for end in endings), endings
    await ground.restart()
    await ground.quiet()
    return await told_again(ground, verbs)


async def told_again(ground: Ground, verbs: Sequence[Verb]) -> dict[str, Answer]:
    """Send the same keys again and keep what they are told."""
    async with caller(ground.stack.targets[0]) as client:
        answers = {verb.name: await verb.send(client) for verb in verbs}
    ground.told += [answer.told for answer in answers.values()]
    return answers


async def before_intent(ground: Ground, verbs: Sequence[Verb], send: Send) -> None:
    """A: every intent waits for a lock of ours. Its backend is ended as its client was."""
    named = [(LOCK_PAYMENT, object_uuid(verb.payment_id)) for verb in verbs if verb.payment_id]
    known = set(await ground.book("charges"))
    locks = (("lock table payments in share mode",), *named)
    async with ground.database.holding(*locks) as holder:
        send()
        waiting = await ground.database.blocked_by(holder, len(verbs))
        await ground.stack.gateways[0].kill()
        # Postgres would go on with a statement whose client is gone; this is a client that was
        # gone before the statement could begin.
        assert await ground.database.end_backends(waiting) == len(waiting)
    assert await claims(ground, verbs) == []
    assert set(await ground.book("charges")) == known


async def before_request(ground: Ground, verbs: Sequence[Verb], send: Send) -> None:
    """B: the channel stands still, so requests lie in its sockets; then it dies with them."""
    ground.stack.sandbox.pause()
    try:
        send()
        await seen("all intents", lambda: intents(ground, verbs))
        port = int(ground.stack.sandbox_url.rpartition(":")[2])
        await seen("requests that nobody reads", lambda: _unread(port, len(verbs)))
        await ground.stack.gateways[0].kill()
    finally:
        await ground.stack.sandbox.kill()
        await ground.stack.sandbox.start()
    assert not await taken(ground, verbs)


async def before_reply(ground: Ground, verbs: Sequence[Verb], send: Send) -> None:
    """C: the channel's book shows every effect, and its replies are on the wire."""
    await _until_taken(ground, verbs, send)
    await ground.stack.gateways[0].kill()
    ground.line.release_replies()


async def before_outcome(ground: Ground, verbs: Sequence[Verb], send: Send) -> None:
    """D: the replies are in, and every conclusion waits for a lock of ours."""
    await _until_taken(ground, verbs, send)
    rows = await intents(ground, verbs)
    locks = [(LOCK_PAYMENT, row["payment_id"]) for row in rows]
    async with ground.database.holding(*locks) as holder:
        ground.line.release_replies()
        waiting = await ground.database.blocked_by(holder, len(verbs))
        await ground.stack.gateways[0].kill()
        await ground.database.end_backends(waiting)
    assert {row["state"] for row in await intents(ground, verbs)} == {"PROCESSING"}


async def before_answer(ground: Ground, verbs: Sequence[Verb], send: Send) -> None:
    """E: every outcome is durable, and the database may not say so."""
    await _until_taken(ground, verbs, send)
    async with ground.database.unanswered_commits():
        ground.line.release_replies()
        await ground.database.committed_unanswered(len(verbs))
        await ground.stack.gateways[0].kill()
    await seen("all outcomes", lambda: outcomes(ground, verbs))


async def claims(ground: Ground, verbs: Sequence[Verb]) -> list[Row]:
    """Read what the keys stand for."""
    keys = [verb.key for verb in verbs]
    return [dict(row) for row in await ground.database.rows(CLAIMS, keys)]


async def intents(ground: Ground, verbs: Sequence[Verb]) -> list[Row]:
    """Read what the keys made, once all of them have made something."""
    query = (
        "select payment_id, state, attempt_number, kind from (select merchant_id, payment_id,"
        " idempotency_key, state, attempt_number, 'PAY' as kind from payments union all select"
        " merchant_id, payment_id, idempotency_key, state, attempt_number, kind from"
        " payment_operations) o where idempotency_key = any($1)"
    )
    rows = await ground.database.rows(query, [verb.key for verb in verbs])
    return [dict(row) for row in rows] if len(rows) == len(verbs) else []


async def outcomes(ground: Ground, verbs: Sequence[Verb]) -> bool:
    """Tell whether everything that the keys made has ended."""
    rows = await intents(ground, verbs)
    return bool(rows) and {row["state"] for row in rows} <= TERMINAL


async def taken(ground: Ground, verbs: Sequence[Verb]) -> set[str]:
    """Name the verbs whose effect the channel's own book shows."""
    charges = await ground.book("charges")
    captures, refunds = await ground.book("captures"), await ground.book("refunds")
    found = set()
    for row in await intents(ground, verbs):
        if row["kind"] == "CANCEL":
            charge = await _charge_of(ground, row)
            closed = charges[charge]["state"] == "CLOSED"
            found |= {"CANCEL"} if closed else set()
        elif row["attempt_number"] in {**charges, **captures, **refunds}:
            found.add(row["kind"])
    return found


async def _until_taken(ground: Ground, verbs: Sequence[Verb], send: Send) -> None:
    """Send, and wait until the channel has done everything and its replies are held on the wire."""
    ground.line.hold_replies()
    send()

    async def look() -> bool:
        return len(await taken(ground, verbs)) == len(verbs) and ground.line.held >= len(verbs)

    await seen("every effect in the channel's book", look)


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
    """Cut every connection while it commits an intent: durable, but nobody was told."""
    async with ground.database.unanswered_commits():
        calls = [asyncio.ensure_future(verb.send(client)) for verb in verbs]
        committing = await ground.database.committed_unanswered(len(verbs))
        assert await ground.database.end_backends(committing) == len(committing)
        await seen("all intents", lambda: intents(ground, verbs))
    answers = await asyncio.gather(*calls)
    ground.told += [answer.told for answer in answers]
    return {verb.name: answer for verb, answer in zip(verbs, answers, strict=True)}


async def orphaned(ground: Ground, client: GatewayClient, verb: Verb) -> None:
    """Kill the gateway while the statement of an intent waits; let Postgres finish it."""
    known = set(await ground.book("charges"))
    async with ground.database.holding(("lock table payments in share mode",)) as holder:
        call = asyncio.ensure_future(verb.send(client))
        await ground.database.blocked_by(holder, 1)
        await ground.stack.gateways[0].kill()
        assert isinstance((await asyncio.gather(call, return_exceptions=True))[0], Unavailable)
        assert await claims(ground, [verb]) == []
    await seen("the intent", lambda: intents(ground, [verb]))
    assert set(await ground.book("charges")) == known
