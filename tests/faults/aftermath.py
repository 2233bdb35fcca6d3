"""What must hold after a campaign beside what rows and books say.

Each real channel's own sum is what was read of its book (so nothing of it was overlooked), no
gateway has anything under way any more, and nothing that is secret stands in any gateway's log.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import aiohttp

from tests.faults.ground import Ground

SECRET = re.compile(r"GATEWAY_[A-Z0-9_]+_(KEY|SECRET)_FILE")
LINE_LENGTH_MIN = 16
"""Shorter lines of a key file, such as its armour's, are no secret."""

AT_REST = ("gateway_rpc_in_flight", "gateway_watchers", "gateway_commits_waiting")
"""Gauges that are zero when nobody calls."""

DESCRIPTORS_MAX = 400
"""Of one gateway's processes at rest: connections that are kept open, and what serving needs."""


async def aftermath(ground: Ground) -> list[str]:
    """Give what does not hold."""
    problems = [f"I12: {words}" for words in await _sums(ground)]
    problems += [f"I13: {words}" for words in await _baseline(ground)]
    return problems + [f"I14: {words}" for words in _leaks(ground)]


async def _sums(ground: Ground) -> list[str]:
    """Hold each channel's own sum against what was read of its book."""
    found = []
    for name, stall in ground.stalls.items():
        charges = [row["effects"] for row in (await stall.book())["charges"]]
        read = sum(effects["charged"] - effects["refunded"] for effects in charges)
        if read != (moved := await stall.moved()):
            found.append(f"{name} says that {moved} moved, its records that {read} did")
    return found


async def _baseline(ground: Ground) -> list[str]:
    """Look for what is still under way in a gateway, or was never given back."""
    found = []
    for gateway, ops in zip(ground.stack.gateways, ground.stack.ops_urls, strict=True):
        async with aiohttp.ClientSession(trust_env=False) as session:
            reply = await session.get(f"{ops}/metrics")
            text = await reply.text()
        found += [f"{gateway.name} has {name} at rest" for name in AT_REST if _total(text, name)]
        open_now = len([*Path(f"/proc/{gateway.pid}/fd").iterdir()])
        if open_now > DESCRIPTORS_MAX:
            found.append(f"{gateway.name} has {open_now} descriptors open at rest")
    return found


def _total(text: str, name: str) -> float:
    """Add up a metric over its labels."""
    return sum(map(float, re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)))


def _leaks(ground: Ground) -> Iterator[str]:
    """Look for secrets in the logs of the gateways."""
    secrets = {word for stall in ground.stalls.values() for word in stall.outside.secrets}
    secrets |= _keys(ground.stack.environment())
    for log in sorted(ground.stack.folder.glob("gateway*.log")):
        text = log.read_text(errors="replace")
        for secret in secrets:
            if secret in text:
                line = next(line for line in text.splitlines() if secret in line)
                yield f"{log.name} holds a secret: {line.replace(secret, '***')}"


def _keys(environment: Mapping[str, str]) -> set[str]:
    """Give the sandbox's key, and the lines of every file that a gateway has to keep secret."""
    paths = [
        Path(path)
        for name, value in environment.items()
        if SECRET.fullmatch(name) and "PUBLIC" not in name
        for path in value.split(",")
    ]
    lines = {line for path in paths for line in path.read_text().splitlines()}
    lines.add(environment["GATEWAY_SANDBOX_KEY"])
    return {line for line in lines if len(line) >= LINE_LENGTH_MIN and "-----" not in line}
