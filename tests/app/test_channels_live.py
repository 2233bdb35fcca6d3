"""The channel's keys, fetched by our job from a running stand-in: trusted then, and not before."""

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
from gateway.channels.v3style.connector import V3Connector
from gateway.config import load_settings
from gateway.domain.errors import Unavailable
from gateway.emulators.douyin import serve_douyin
from gateway.telemetry.metrics import Metrics

DAY = (datetime.now(UTC) - timedelta(days=3)).date()


class StandIn:
    """A stand-in that runs in this process."""

    def __init__(self, url: str, printed: Mapping[str, str]) -> None:
        self.url = url
        self._printed = printed

    def environ(self, **changes: str) -> dict[str, str]:
        """A gateway's variables for it."""
        told = {"url": self.url, **self._printed, **changes}
        return {f"GATEWAY_DOUYIN_{name.upper()}": value for name, value in told.items()}

    async def rotate(self) -> None:
        """Let it sign with a new certificate only."""
        asked = {"what": "PLATFORM_CERTIFICATE", "retire_older": True}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/control/keys/rotate", json=asked) as reply,
        ):
            assert reply.status == 200


@pytest.fixture
async def stand_in(tmp_path: Path) -> AsyncIterator[StandIn]:
    stop = asyncio.Event()
    ready: asyncio.Future[StandIn] = asyncio.get_running_loop().create_future()

    def tell(host: str, port: int, printed: Mapping[str, str]) -> None:
        ready.set_result(StandIn(f"http://{host}:{port}", printed))

    serving = asyncio.create_task(
        serve_douyin(host="127.0.0.1", port=0, data_dir=tmp_path, ready=tell, stop=stop)
    )
    yield await ready
    stop.set()
    await serving


async def trusts(channel: OpenChannel) -> bool:
    """Whether what the stand-in says is believed: that nothing moved on a day."""
    fetch: Any = channel.setup.fetch_bill
    try:
        return await fetch(channel.port, DAY) is None
    except BillRefused:
        return False


def job_of(channel: OpenChannel) -> jobs.Job:
    [job] = jobs.keys({"douyin": channel}, Metrics())
    return job


async def test_a_new_certificate_is_trusted_once_it_was_fetched(stand_in: StandIn) -> None:
    """After the channel changed its certificate nothing is believed until the job has run."""
    async with open_channels(load_settings(stand_in.environ())) as channels:
        channel = channels["douyin"]
        assert await trusts(channel)
        with pytest.raises(Unavailable, match="not signed"):
            await job_of(channel).run()  # who trusts a key already takes no list without signature
        await job_of(channel).run()
        await stand_in.rotate()
        assert not await trusts(channel)
        await job_of(channel).run()
        assert await trusts(channel)


async def test_who_has_no_certificate_begins_with_the_sealed_ones(stand_in: StandIn) -> None:
    """Without any key of the channel the first list is taken, because only the channel can seal."""
    environ = stand_in.environ(platform_certificate_file="", platform_certificate_serial="")
    async with open_channels(load_settings(environ)) as channels:
        channel = channels["douyin"]
        assert not await trusts(channel)
        await job_of(channel).run()
        assert await trusts(channel)
        assert isinstance(channel.setup.connector, V3Connector)
