"""What comes after the storm: wait until all has come to its end, on both sides.

Channels that want days get them: their stand-ins' time leaps, and what waits here for the end of
days is made to be over. What nobody heard of while gateways were away is told again.
"""

import asyncio
import time
from datetime import timedelta

import aiohttp

from paymentgateway.client import GatewayClient
from tests.faults.crowd import Crowd
from tests.faults.database import seen
from tests.faults.ground import Ground, Restless
from tests.faults.travel import TIME_TO_PAY
from tests.faults.verbs import answers
from tests.invariants.world import Row

QUIET_WITHIN_S = 120.0
STABLE_S = 3.0
SANDBOX_LEAP_MS = 5_000
TIME_IS_OVER = TIME_TO_PAY + timedelta(days=1)

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

WAITING = """
select from payments
where channel = any($1) and state in ('PROCESSING', 'REQUIRES_ACTION') and expire_time > now()
limit 1
"""

EXPIRE = """
update payments set expire_time = now() - interval '1 hour'
where channel = any($1) and state in ('PROCESSING', 'REQUIRES_ACTION') and expire_time > now()
returning payment_id
"""
"""Let the days pass in which real channels may be paid, and the margins after them."""

LAPSE = """
update payments set capture_before_time = now(), due_time = now()
where channel = any($1) and state = 'AUTHORIZED' and capture_before_time > now()
returning payment_id
"""
"""Let the days pass for which they hold an amount."""

UNRETURNED = """
select p.attempt_number from payments p where p.state in ('FAILED', 'CANCELED', 'EXPIRED')
and p.attempt_number = any($1) and not exists (
    select from payment_operations o where o.payment_id = p.payment_id and o.kind = 'RETURN'
)
"""


async def calm(ground: Ground, crowd: Crowd, clients: list[GatewayClient]) -> list[str]:
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
        over = await _let_time_be_over(ground)
        unended, late = await ground.database.rows(UNENDED), await _late(ground)
        if not unended and not late and not over:
            return
        if time.monotonic() > end:
            left = [tuple(map(str, row)) for row in unended]
            raise Restless(f"still open: payments {left}; late successes {late}")
        crowd.outcomes["expiry", "left by somebody"] += len(await ground.database.rows(WAKE))
        if late:
            await _hurry(ground, late)
        await asyncio.sleep(0.5)


async def _let_time_be_over(ground: Ground) -> int:
    """End what waits for a buyer or a capture at real channels; count it."""
    names = [*ground.stalls]
    if not names:
        return 0
    lapsed = await ground.database.rows(LAPSE, names)
    if not await ground.database.rows(WAITING, names):
        return len(lapsed)
    await asyncio.gather(*(stall.leap(TIME_IS_OVER) for stall in ground.stalls.values()))
    return len(lapsed) + len(await ground.database.rows(EXPIRE, names))


async def _late(ground: Ground) -> dict[str, str]:
    """Name charges whose late success is still to come, or to be given back, and their channel."""
    charges = {"": await ground.book("charges")}
    for name, stall in ground.stalls.items():
        charges[name] = {row["number"]: row for row in (await stall.book())["charges"]}
    late = {}
    for name, rows in charges.items():
        coming = {number for number, row in rows.items() if _comes_late(row)}
        kept = [number for number, row in rows.items() if _is_kept(row["effects"])]
        unreturned = {row[0] for row in await ground.database.rows(UNRETURNED, kept)}
        late |= dict.fromkeys(sorted(coming | unreturned), name)
    return late


def _comes_late(charge: Row) -> bool:
    if "coming" in charge:
        return bool(charge["coming"])
    script = charge.get("script") or {}
    return charge["state"] == "CLOSED" and bool(script.get("pay_after_close"))


def _is_kept(effects: dict[str, int]) -> bool:
    return effects["charged"] > effects["refunded"]


async def _hurry(ground: Ground, late: dict[str, str]) -> None:
    """Let time pass at the channels: they tell again what nobody heard while gateways were away.

    What a channel was made to keep silent about, it tells now.
    """
    url = f"{ground.stack.sandbox_url}/control/clock"
    async with aiohttp.ClientSession(trust_env=False) as session:
        await session.post(url, json={"advance_ms": SANDBOX_LEAP_MS})
    for number, name in late.items():
        if name:
            stall = ground.stalls[name]
            await stall.leap(timedelta(milliseconds=SANDBOX_LEAP_MS))
            await stall.ask(stall.outside.tells[0].format(number), {"as": "ONCE"})
