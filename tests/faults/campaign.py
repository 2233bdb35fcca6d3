"""A campaign: a crowd that pays, a monkey that breaks things, and the invariants at the end.

While it runs nothing is judged but what callers may be told. Then the faults stop, everything comes
to rest within a bound, every key that is still open is sent once more, and the rows, the channel's
book and what callers were told must agree.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import aiohttp

from paymentgateway.client import GatewayClient
from tests.faults.crowd import MERCHANTS, Crowd
from tests.faults.database import seen
from tests.faults.errands import payer_named
from tests.faults.ground import Ground, Restless, running_ground
from tests.faults.monkey import Monkey
from tests.faults.plan import PAYERS, SCRIPTED
from tests.faults.purse import funded
from tests.faults.travel import travel
from tests.faults.verbs import answers, caller, open_merchant
from tests.invariants import World, violations
from tests.invariants.world import Row

CALLERS = 24
WALLET_MINOR_UNITS = 300_000
"""In each wallet at first: enough for a while, and too little in the end."""

PROGRESS_S = 5.0
QUIET_WITHIN_S = 120.0
STABLE_S = 3.0
QUERIES_AT_ONCE = 16
SCRIPTED_COUNTS_FROM_S = 30.0
"""Shorter runs may miss a scripted fault by chance."""

SETTINGS = {
    "GATEWAY_CHANNEL_TIMEOUT_MS": "2000",
    "GATEWAY_LEASE_MARGIN_MS": "200",
    "GATEWAY_RECOVERY_INTERVAL_MS": "50",
    "GATEWAY_RECOVERY_DELAY_MIN_MS": "100",
    "GATEWAY_RECOVERY_DELAY_MAX_MS": "1000",
    "GATEWAY_REVIEW_AFTER_S": "8",
    "GATEWAY_FOLD_INTERVAL_MS": "300",
    "GATEWAY_PAYMENT_EXPIRY_DEFAULT_S": "10",
    "GATEWAY_AUTHORIZATION_LIFETIME_S": "8",
    "GATEWAY_POOL_ACQUIRE_TIMEOUT_MS": "2000",
    "GATEWAY_LOG_LEVEL": "warning",
}
"""Everything that waits for hours in production comes to its end within seconds."""

UNENDED = """
select payment_id, state, channel, version, due_time - capture_before_time as looked_at_again_in
from payments p where state in ('REQUIRES_ACTION', 'AUTHORIZED') and not exists (
    select from attempts a join review_cases r using (attempt_id)
    where a.payment_id = p.payment_id and a.state = 'OPEN' and r.resolve_time is null
)
"""

WAKE = """
update payments set due_time = now()
where state = 'AUTHORIZED' and due_time > greatest(now(), capture_before_time)
returning payment_id
"""
"""Let the minutes pass after which an authorisation is looked at again that a dead gateway took."""

Say = Callable[[str], None]


@dataclass
class Result:
    """How a campaign ended."""

    seed: int
    seconds: float
    crowd: Crowd
    monkey: Monkey
    world: World
    proofs: Counter[str]
    problems: list[str] = field(default_factory=list)


async def run(seed: int, seconds: float, gateways: int, say: Say) -> Result:
    """Run a campaign. Raises ProcessFailed where something does not start."""
    async with AsyncExitStack() as exits:
        ground = await exits.enter_async_context(running_ground(SETTINGS, gateways=gateways))
        clients = [await exits.enter_async_context(caller(at)) for at in ground.stack.targets]
        for number in range(MERCHANTS):
            await open_merchant(clients[0], f"m_{number}")
        crowd = Crowd(seed, clients)
        for number in range(PAYERS):
            filled = await funded(
                clients[0], payer_named(number), f"{seed}-fund-{number}", WALLET_MINOR_UNITS
            )
            crowd.told.append(filled.told)
        monkey = Monkey(ground, crowd)
        await _storm(crowd, monkey, seconds, say)
        say("the faults are over; waiting for quiet")
        problems = await _calm(ground, crowd, clients)
        world = await ground.world()
        proofs = await _proofs(ground, world)
        status, output = await ground.stack.command("ledger", "check")
        problems += [f"gateway ledger check: {output.strip()}"] if status else []
        problems += [*crowd.problems, *violations(world)]
        problems += _missing(seconds, proofs)
        return Result(seed, seconds, crowd, monkey, world, proofs, problems)


async def _storm(crowd: Crowd, monkey: Monkey, seconds: float, say: Say) -> None:
    """Pay and break at once for so long; return when every caller has come to an end."""
    callers = [asyncio.create_task(crowd.live(travel)) for _ in range(CALLERS)]
    telling = asyncio.create_task(_tell(crowd, monkey, say))
    try:
        await monkey.rage(seconds)
    finally:
        crowd.stop()
        await asyncio.gather(*callers)
        telling.cancel()


async def _tell(crowd: Crowd, monkey: Monkey, say: Say) -> None:
    start = time.monotonic()
    while True:
        await asyncio.sleep(PROGRESS_S)
        paid = sum(n for (kind, _), n in crowd.outcomes.items() if kind == "pay")
        say(
            f"{time.monotonic() - start:4.0f} s  {crowd.calls} calls, {paid} payments answered, "
            f"{len(crowd.open)} keys open, {monkey.strikes.total()} strikes"
        )


async def _calm(ground: Ground, crowd: Crowd, clients: list[GatewayClient]) -> list[str]:
    """Wait for quiet, and settle what is open. Give what did not come to rest."""
    for client in clients:
        await seen("a gateway that answers", lambda client=client: answers(client))
    try:
        await _rest(ground, crowd)
        await crowd.settle_rest()
        await _rest(ground, crowd)
    except Restless as restless:
        return [str(restless)]
    finally:
        ground.told += crowd.told
    return []


async def _rest(ground: Ground, crowd: Crowd) -> None:
    """Wait until all has ended on both sides, and stays so."""
    end = time.monotonic() + QUIET_WITHIN_S
    while True:
        await ground.quiet(within_s=QUIET_WITHIN_S, stable_s=STABLE_S)
        unended, late = await ground.database.rows(UNENDED), await _late(ground)
        if not unended and not late:
            return
        if time.monotonic() > end:
            left = [tuple(map(str, row)) for row in unended]
            raise Restless(f"still open: payments {left}; late successes {late}")
        crowd.outcomes["expiry", "left by somebody"] += len(await ground.database.rows(WAKE))
        if late:
            await _hurry(ground)
        await asyncio.sleep(0.5)


async def _late(ground: Ground) -> list[str]:
    """Name charges whose late success is still to come, or still to be given back."""
    charges = await ground.book("charges")
    coming = {number for number, row in charges.items() if _comes_late(row)}
    query = (
        "select p.attempt_number from payments p where p.state in ('FAILED', 'CANCELED', 'EXPIRED')"
        " and p.attempt_number = any($1) and not exists (select from payment_operations o"
        " where o.payment_id = p.payment_id and o.kind = 'RETURN')"
    )
    kept = [n for n, row in charges.items() if row["effects"]["charged"] > 0]
    unreturned = {row[0] for row in await ground.database.rows(query, kept)}
    return sorted(coming | unreturned)


def _comes_late(charge: Row) -> bool:
    script = charge.get("script") or {}
    return charge["state"] == "CLOSED" and bool(script.get("pay_after_close"))


async def _hurry(ground: Ground) -> None:
    """Let time pass at the sandbox: it tells again what nobody heard while gateways were away."""
    url = f"{ground.stack.sandbox_url}/control/clock"
    async with aiohttp.ClientSession(trust_env=False) as session:
        await session.post(url, json={"advance_ms": 5_000})


async def _proofs(ground: Ground, world: World) -> Counter[str]:
    """Ask the sandbox which scripted faults met which numbers, and count."""
    numbers = [row["number"] for row in world.attempts if row["kind"] != "CANCEL"]
    turns, found = asyncio.Semaphore(QUERIES_AT_ONCE), Counter[str]()
    async with aiohttp.ClientSession(trust_env=False) as session:

        async def ask(number: str) -> None:
            url = f"{ground.stack.sandbox_url}/control/faults/{number}"
            async with turns, session.get(url) as reply:
                found.update(hit["fault"] for hit in (await reply.json())["faults"])

        await asyncio.gather(*(ask(number) for number in numbers))
    return found


def _missing(seconds: float, proofs: Counter[str]) -> list[str]:
    if seconds < SCRIPTED_COUNTS_FROM_S:
        return []
    return [f"the scripted fault {name} never hit" for name in SCRIPTED if not proofs[name]]
