"""The load tester against the real gateway, with its database and its sandbox."""

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.processes import Stack

SETTINGS = {
    "GATEWAY_CHANNEL_TIMEOUT_MS": "4000",
    "GATEWAY_LEASE_MARGIN_MS": "500",
    "GATEWAY_RECOVERY_INTERVAL_MS": "100",
}
"""Spans short enough that what a crash has left is resolved within the test."""

SMALL = ("--merchants", "5", "--payers", "8", "--processes", "2", "--warmup", "0.5")
MIX = ("--batch", "5", "--replays", "0.2", "--refunds", "0.1", "--reads", "0.2")
LOAD_S_MAX = 60.0

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[Stack]:
    """A gateway of these tests' own, because one of them kills it."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-load-"))
    folder.chmod(0o711)  # as root, Postgres runs as nobody and must reach its data below
    made = Stack(folder, settings=SETTINGS)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def running(stack: Stack, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the load tester against the stack until the block is over."""
    command = ["--target", stack.targets[0], "--json", str(stack.folder / "load.json")]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gatewayload",
        *command,
        *SMALL,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def result(stack: Stack, process: asyncio.subprocess.Process) -> dict[str, Any]:
    """Wait for a run that must end with 0, and give what it wrote."""
    out, err = await asyncio.wait_for(process.communicate(), LOAD_S_MAX)
    assert process.returncode == 0, out.decode() + err.decode() + stack.gateways[0].tail()
    document: dict[str, Any] = json.loads((stack.folder / "load.json").read_text())
    return document


async def test_the_oracle_agrees_with_the_real_gateway(stack: Stack) -> None:
    """Everything at once, and every payment is accounted for."""
    async with running(stack, "--rate", "20", "--duration", "2", *MIX) as load:
        quiet = await result(stack, load)
    assert quiet["oracle"]["proven"]
    assert set(quiet["kinds"]) == {"batch", "read", "refund"}
    assert quiet["figures"]["error_share"] == 0


async def test_a_killed_gateway_has_lost_nothing(stack: Stack) -> None:
    """A kill -9 in the middle of the load costs answers, and not one payment."""
    timing = ("--rate", "20", "--duration", "6", "--deadline", "2")
    async with running(stack, *timing, *MIX) as load:
        await _begun(stack, load)
        await asyncio.sleep(2.0)
        await stack.gateways[0].kill()
        await stack.gateways[0].start()
        killed = await result(stack, load)
    assert killed["oracle"]["proven"]
    assert sum(sum(kind["errors"].values()) for kind in killed["kinds"].values()) > 0
    assert killed["oracle"]["payments_by_state"]["PAYMENT_STATE_SUCCEEDED"] > 0


async def _begun(stack: Stack, load: asyncio.subprocess.Process) -> None:
    """Wait until the run has said that it prepares, and then that it has begun."""
    assert load.stderr is not None
    lines = [await asyncio.wait_for(load.stderr.readline(), LOAD_S_MAX) for _ in range(2)]
    assert b"calls/s" in lines[1], b"".join(lines).decode() + stack.gateways[0].tail()
