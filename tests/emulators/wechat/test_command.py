"""`gateway emulate wechat|douyin`: what it prints is all that a merchant needs to connect."""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.emulators.douyin.names import DOUYIN
from gateway.emulators.v3style.names import Names
from gateway.emulators.wechat.names import WECHAT
from tests.emulators.douyin import stall
from tests.emulators.v3bench import shopping
from tests.emulators.wechat import till

START_TIMEOUT_S = 30


@asynccontextmanager
async def emulating(
    channel: str, folder: Path, *words: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, str]]]:
    """Run the command; the process, and the settings it printed before it was ready."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "emulate", channel, "--data-dir", str(folder)),
        *(words or ("--listen", "127.0.0.1:0")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert process.stdout is not None
    settings: dict[str, str] = {}
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while (line := (await process.stdout.readline()).decode().strip()) and "=" in line:
                name, _, value = line.partition("=")
                settings[name] = value
        settings["ready"] = line
        yield process, settings
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.communicate()


@pytest.mark.parametrize(("channel", "names"), [("wechat", WECHAT), ("douyin", DOUYIN)])
async def test_a_merchant_can_connect_with_what_is_printed(
    tmp_path: Path, channel: str, names: Names
) -> None:
    """Keys are made as files that only their owner reads, named by settings; and they work."""
    async with emulating(channel, tmp_path / "x") as (process, settings):
        prefix = channel.upper()
        url = settings[f"{prefix}_URL"]
        assert settings["ready"] == f"{channel} ready: {url}"
        files = [Path(value) for name, value in settings.items() if name.endswith("_FILE")]
        assert all(path.is_file() for path in files)
        keys = tmp_path / "x" / "keys"
        for path in keys.rglob("*"):
            if path.is_file():
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        async with shopping(url, keys, names) as shop:
            assert settings[f"{prefix}_MERCHANT_SERIAL"] == shop.merchant.serial
            assert settings[f"{prefix}_APP_ID"] == shop.merchant.appid
            assert settings[f"{prefix}_MERCHANT_ID"] == shop.merchant.mchid
            make = till.create if channel == "wechat" else stall.create
            reply = await make(shop)
            assert (reply.status, reply.signed) == (200, True)
            known = {value for name, value in settings.items() if name.endswith(("SERIAL", "_ID"))}
            assert reply.headers[f"{names.header}-Serial"] in known
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    async with emulating(channel, tmp_path / "x") as (_, again):
        changing = {f"{prefix}_URL", "ready"}
        assert {k: v for k, v in again.items() if k not in changing} == {
            k: v for k, v in settings.items() if k not in changing
        }


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--listen", "0.0.0.0:0"), b"other machines can reach"),
        (("--listen", "nowhere"), b"is not host:port"),
    ],
)
async def test_a_stand_in_stays_at_home(
    tmp_path: Path, words: tuple[str, ...], complaint: bytes
) -> None:
    """An address that others can reach needs permission; a wrong one is told; exit code 2."""
    async with emulating("wechat", tmp_path, *words) as (process, settings):
        assert settings == {"ready": ""}
        _, errors = await process.communicate()
        assert complaint in errors
        assert b"Traceback" not in errors
        assert process.returncode == 2
