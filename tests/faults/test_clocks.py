"""Time: a channel whose clock jumps, and a gateway that stood still while another did its work."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import aiohttp
import pytest
import pytest_asyncio

from paymentgateway.client import new_idempotency_key
from paymentgateway.v1.payment_pb2 import (
    SANDBOX_OUTCOME_ANSWER_LATER,
    SANDBOX_OUTCOME_REQUIRE_ACTION,
    PaymentMethod,
    SandboxMethod,
    SandboxScript,
)
from tests.faults.database import seen
from tests.faults.ground import BOOKS, Ground, running_ground
from tests.faults.lane import arrived, plugged
from tests.faults.ready import KINDS
from tests.faults.verbs import Answer, Verb, caller, open_merchant, pay, settled
from tests.faults.windows import every_verb, intents, taken
from tests.invariants.world import Row

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(150)]

SETTINGS = {
    "GATEWAY_CHANNEL_TIMEOUT_MS": "2500",
    "GATEWAY_LEASE_MARGIN_MS": "200",
    "GATEWAY_RECOVERY_INTERVAL_MS": "50",
    "GATEWAY_RECOVERY_DELAY_MIN_MS": "50",
    "GATEWAY_RECOVERY_DELAY_MAX_MS": "500",
    "GATEWAY_LOCK_TIMEOUT_MS": "20000",
    "GATEWAY_STATEMENT_TIMEOUT_MS": "25000",
}
HOUR_MS = 3_600_000
SLOW = SandboxScript(reply_delay_ms=1_500)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground() -> AsyncIterator[Ground]:
    async with running_ground(SETTINGS, gateways=2) as found:
        yield found


async def test_a_gateway_that_stood_still_before_it_sent(ground: Ground) -> None:
    """Another took its work over; when it wakes it finds that out, and sends nothing."""
    sleeper = ground.stack.gateways[0]
    async with caller(ground.stack.targets[0]) as client:
        verbs = await every_verb(client, "asleep")
        async with ground.database.unanswered_commits():
            async with plugged(ground, client, verbs[0].merchant_id):
                calls = [asyncio.ensure_future(verb.send(client)) for verb in verbs]
                await arrived(ground, len(verbs) + 1)
            await ground.database.committed_unanswered(1)
            sleeper.pause()
        await seen("all intents", lambda: intents(ground, verbs))
        assert not await taken(ground, verbs)
        states = await _taken_over(ground, verbs)
        posts = await _posts(ground, verbs)
        sleeper.resume()
        answers = await asyncio.gather(*calls)
        assert await _posts(ground, verbs) == posts
    assert states == dict.fromkeys(KINDS.values(), "SUCCEEDED") | {
        "PURCHASE": "FAILED",
        "TOP_UP": "FAILED",
    }
    await _no_other_outcome(ground, verbs, answers, states)


async def test_a_gateway_that_stood_still_with_the_reply(ground: Ground) -> None:
    """Another asked the channel meanwhile; the reply that the first then reads changes nothing."""
    sleeper = ground.stack.gateways[0]
    async with caller(ground.stack.targets[0]) as client:
        await open_merchant(client, "m_reply")
        key = new_idempotency_key()
        verb = Verb(
            "pay", "m_reply", key, "", lambda c: pay(c, "m_reply", key, method=_charge(SLOW))
        )
        call = asyncio.ensure_future(verb.send(client))
        await seen("the effect", lambda: taken(ground, [verb]))
        sleeper.pause()
        assert {row["state"] for row in await intents(ground, [verb])} == {"PROCESSING"}
        states = await _taken_over(ground, [verb])
        sleeper.resume()
        answer = await call
    assert states == {"PURCHASE": "SUCCEEDED"}
    await _no_other_outcome(ground, [verb], [answer], states)


async def test_the_channels_clock_jumps(ground: Ground) -> None:
    """Hours that pass at once at the channel, for good, settle what waited or expire it there."""
    later = SandboxScript(outcome=SANDBOX_OUTCOME_ANSWER_LATER, settle_delay_ms=HOUR_MS)
    acting = SandboxScript(outcome=SANDBOX_OUTCOME_REQUIRE_ACTION, settle_delay_ms=HOUR_MS)
    methods = {new_idempotency_key(): _charge(script) for script in (later, acting)}
    async with caller(ground.stack.targets[0]) as client:
        await open_merchant(client, "m_hours")
        first = [await pay(client, "m_hours", key, method=methods[key]) for key in methods]
        assert [answer.state for answer in first] == ["PROCESSING", "REQUIRES_ACTION"]
        await _jump(ground, 2 * HOUR_MS)
        ended = [
            await settled(lambda c, key=key: pay(c, "m_hours", key, method=methods[key]), [client])
            for key in methods
        ]
    assert [answer.state for answer in ended] == ["SUCCEEDED", "FAILED"]
    ground.told += [answer.told for answer in (*first, *ended)]
    await ground.quiet()
    await ground.check()


def _charge(script: SandboxScript) -> PaymentMethod:
    return PaymentMethod(sandbox=SandboxMethod(charge=script))


async def _jump(ground: Ground, advance_ms: int) -> None:
    url = f"{ground.stack.sandbox_url}/control/clock"
    async with (
        aiohttp.ClientSession(trust_env=False) as session,
        session.post(url, json={"advance_ms": advance_ms}) as reply,
    ):
        reply.raise_for_status()


async def _taken_over(ground: Ground, verbs: Sequence[Verb]) -> dict[str, str]:
    """Wait until the other gateway has resolved everything; give what it came to."""
    await ground.quiet()
    return {row["kind"]: row["state"] for row in await intents(ground, verbs)}


async def _posts(ground: Ground, verbs: Sequence[Verb]) -> dict[str, int]:
    """Count the requests for an effect that reached the channel, by our numbers.

    A cancel has none of its own: it closes its charge.
    """
    book: dict[str, Row] = {}
    for kind in BOOKS:
        book |= await ground.book(kind)
    numbers = {row["attempt_number"] for row in await intents(ground, verbs)}
    return {number: book[number]["requests"] for number in numbers & book.keys()}


async def _no_other_outcome(
    ground: Ground, verbs: Sequence[Verb], answers: Sequence[Answer], states: dict[str, str]
) -> None:
    """What was decided stays, and whoever was told was told so."""
    await ground.quiet()
    assert {row["kind"]: row["state"] for row in await intents(ground, verbs)} == states
    ground.told += [answer.told for answer in answers]
    await ground.check()
