"""A campaign: a crowd that pays, a monkey that breaks things, and the invariants at the end.

While it runs nothing is judged but what callers may be told. Then the faults stop, everything comes
to rest within a bound, every key that is still open is sent once more, and the rows, the channel's
book and what callers were told must agree.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import aiohttp

from tests.faults.aftermath import aftermath
from tests.faults.calm import calm
from tests.faults.crowd import MERCHANTS, Crowd
from tests.faults.errands import payer_named
from tests.faults.ground import Ground, running_ground
from tests.faults.monkey import Monkey
from tests.faults.outing import pranks
from tests.faults.outside import ALL, OUTSIDE, SANDBOX
from tests.faults.plan import PAYERS, SCRIPTED
from tests.faults.prankster import Prankster
from tests.faults.purse import funded
from tests.faults.travel import travel
from tests.faults.verbs import caller, open_merchant
from tests.invariants import World, violations

CALLERS = 24
CALLERS_PER_CHANNEL = 4
"""More, for each real channel."""

WALLET_MINOR_UNITS = 300_000
"""In each wallet at first: enough for a while, and too little in the end."""

PROGRESS_S = 5.0
QUERIES_AT_ONCE = 16
SCRIPTED_COUNTS_FROM_S = 30.0
"""Shorter runs, for each channel, may miss a scripted fault of the sandbox by chance."""

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

Say = Callable[[str], None]

Proofs = dict[str, dict[str, list[str]]]
"""The faults that struck, by channel and number, as each channel's own record names them."""


@dataclass
class Result:
    """How a campaign ended."""

    seed: int
    seconds: float
    crowd: Crowd
    monkey: Monkey
    world: World
    proofs: Proofs
    problems: list[str] = field(default_factory=list)


async def run(
    seed: int, seconds: float, gateways: int, say: Say, channels: Sequence[str] = ALL
) -> Result:
    """Run a campaign over these channels. Raises ProcessFailed where something does not start."""
    outside = [name for name in channels if name in OUTSIDE]
    async with AsyncExitStack() as exits:
        ground = await exits.enter_async_context(
            running_ground(SETTINGS, gateways=gateways, channels=outside)
        )
        clients = [await exits.enter_async_context(caller(at)) for at in ground.stack.targets]
        crowd = Crowd(seed, clients, ground.stalls)
        await _prepare(crowd)
        monkey = Monkey(ground, crowd)
        prankster = Prankster(ground.stalls, ground.database)
        await _storm(crowd, monkey, prankster, seconds, say)
        say("the faults are over; waiting for quiet")
        problems = await calm(ground, crowd, clients)
        world = await ground.world()
        proofs = await _proofs(ground, world)
        status, output = await ground.stack.command("ledger", "check")
        problems += [f"gateway ledger check: {output.strip()}"] if status else []
        problems += [*crowd.problems, *violations(world), *await aftermath(ground)]
        share_s, sandbox = seconds / len(crowd.channels), counted(proofs[SANDBOX])
        problems += [*_missing(share_s, sandbox), *_believed(proofs)]
        return Result(seed, seconds, crowd, monkey, world, proofs, problems)


async def _prepare(crowd: Crowd) -> None:
    """Open the merchants, and fill the payers' wallets."""
    client = crowd.clients[0]
    for number in range(MERCHANTS):
        await open_merchant(client, f"m_{number}", crowd.channels)
    for number in range(PAYERS):
        key = f"{crowd.seed}-fund-{number}"
        filled = await funded(client, payer_named(number), key, WALLET_MINOR_UNITS)
        crowd.told.append(filled.told)


async def _storm(
    crowd: Crowd, monkey: Monkey, prankster: Prankster, seconds: float, say: Say
) -> None:
    """Pay and break at once for so long; return when every caller has come to an end."""
    count = CALLERS + CALLERS_PER_CHANNEL * len(crowd.stalls)
    callers = [asyncio.create_task(crowd.live(travel)) for _ in range(count)]
    telling = asyncio.create_task(_tell(crowd, monkey, say))
    laid = pranks(crowd.seed, crowd.channels)
    playing = asyncio.create_task(prankster.play(laid, time.monotonic() + seconds))
    try:
        await monkey.rage(seconds)
    finally:
        crowd.stop()
        await asyncio.gather(*callers, playing)
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


async def _proofs(ground: Ground, world: World) -> Proofs:
    """Ask every channel which faults met which numbers.

    A cancel has a number of its own where real channels are, which the sandbox does not know.
    """
    urls = {name: stall.emulator.url for name, stall in ground.stalls.items()}
    known = [row for row in world.attempts if row["channel"] in urls]
    urls[SANDBOX] = ground.stack.sandbox_url
    known += [r for r in world.attempts if r["channel"] == SANDBOX and r["kind"] != "CANCEL"]
    turns = asyncio.Semaphore(QUERIES_AT_ONCE)
    found: Proofs = {name: {} for name in urls}
    async with aiohttp.ClientSession(trust_env=False) as session:

        async def ask(channel: str, number: str) -> None:
            url = f"{urls[channel]}/control/faults/{number}"
            async with turns, session.get(url) as reply:
                hits = (await reply.json())["faults"]
                found[channel][number] = [hit["fault"] for hit in hits]

        await asyncio.gather(*(ask(row["channel"], row["number"]) for row in known))
    return found


def counted(proofs: Mapping[str, list[str]]) -> Counter[str]:
    """Count the faults of one channel."""
    return Counter(fault for faults in proofs.values() for fault in faults)


def _missing(seconds: float, proofs: Counter[str]) -> list[str]:
    if seconds < SCRIPTED_COUNTS_FROM_S:
        return []
    return [f"the scripted fault {name} never hit" for name in SCRIPTED if not proofs[name]]


def _believed(proofs: Proofs) -> list[str]:
    """Look for notifications that prove nothing, and were acknowledged."""
    return [
        f"I10: {count} notifications of {channel} were acknowledged though {mode}"
        for channel, faults in proofs.items()
        if channel in OUTSIDE
        for mode in OUTSIDE[channel].forged
        if (count := counted(faults)[f"NOTIFY_{mode}_ACKNOWLEDGED"])
    ]
