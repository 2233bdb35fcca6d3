"""Alipay's next certificate, fetched by our job from a running stand-in: not trusted before."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.app import jobs
from gateway.app.channels.opening import OpenChannel, open_channels
from gateway.channels.bill import BillRefused
from gateway.config import load_settings
from gateway.domain.errors import Unavailable
from gateway.emulators.alipay import serve_alipay
from gateway.emulators.alipay.keyfiles import KeyFiles
from gateway.telemetry.metrics import Metrics

DAY = (datetime.now(UTC) - timedelta(days=3)).date()

Environ = dict[str, str]


@pytest.fixture
async def environ(tmp_path: Path) -> AsyncIterator[Environ]:
    """What a stand-in that runs in this process prints for a gateway."""
    stop = asyncio.Event()
    ready: asyncio.Future[Environ] = asyncio.get_running_loop().create_future()

    def tell(host: str, port: int, printed: Mapping[str, str]) -> None:
        told = {"url": f"http://{host}:{port}", **printed}
        ready.set_result({f"GATEWAY_ALIPAY_{name.upper()}": told[name] for name in told})

    serving = asyncio.create_task(
        serve_alipay(host="127.0.0.1", port=0, data_dir=tmp_path, ready=tell, stop=stop)
    )
    yield await ready
    stop.set()
    await serving


async def rotate(environ: Environ, keys: Path, *, retire_older: bool) -> None:
    """Let Alipay sign with a new certificate, issued to the same name: its files are read anew."""
    KeyFiles(keys).add("certificate", retires=retire_older)
    asked = {"what": "ALIPAY_PUBLIC_KEY"}
    url = f"{environ['GATEWAY_ALIPAY_URL']}/control/keys/rotate"
    async with aiohttp.ClientSession() as session, session.post(url, json=asked) as reply:
        assert reply.status == 200


async def trusts(channel: OpenChannel) -> bool:
    """Whether what the stand-in says is believed: that nothing moved on a day."""
    fetch: Any = channel.setup.fetch_bill
    try:
        return await fetch(channel.port, DAY) is None
    except BillRefused:
        return False


@pytest.mark.parametrize("retire_older", [False, True])
async def test_a_new_certificate_is_trusted_once_it_was_fetched(
    environ: Environ, tmp_path: Path, *, retire_older: bool
) -> None:
    """What Alipay signs with now is found out by asking for what we have, known there or not."""
    async with open_channels(load_settings(environ)) as channels:
        [job] = jobs.keys(channels, Metrics())
        assert job.pause_s <= 600
        await job.run()
        assert await trusts(channels["alipay"])
        await rotate(environ, tmp_path / "keys", retire_older=retire_older)
        assert not await trusts(channels["alipay"])
        for _ in range(2):
            await job.run()
            assert await trusts(channels["alipay"])


async def test_a_certificate_of_other_roots_is_not_trusted(
    environ: Environ, tmp_path: Path
) -> None:
    """A chain that leads to roots that we were not given is refused, whoever sends it."""
    async with open_channels(load_settings(environ)) as channels:
        [job] = jobs.keys(channels, Metrics())
        KeyFiles(tmp_path / "other").open(("2021000000000001",))
        for path in (tmp_path / "other").glob("*.pem"):
            path.replace(tmp_path / "keys" / path.name)
        await rotate(environ, tmp_path / "keys", retire_older=True)
        with pytest.raises(Unavailable, match="its chain leads to no root that is trusted"):
            await job.run()
        assert not await trusts(channels["alipay"])


async def test_in_key_mode_nothing_is_fetched(environ: Environ) -> None:
    """A bare key names nothing, so there is nothing to ask for: it is changed by a setting."""
    bare = {name: value for name, value in environ.items() if "CERT" not in name}
    async with open_channels(load_settings(bare)) as channels:
        assert jobs.keys(channels, Metrics()) == []
        assert await trusts(channels["alipay"])
