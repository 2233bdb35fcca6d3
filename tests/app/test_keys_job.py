"""The job that fetches channels' keys: often enough, told when it works, tried again when not."""

import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.app import jobs
from gateway.app.channels.setup import KeysRefused, Setup
from gateway.channels.transport import Lost, NotSent
from gateway.domain.errors import Unavailable
from gateway.telemetry.metrics import Metrics
from gateway.workers.loop import JITTER

END = datetime(2027, 1, 1, tzinfo=UTC)


def channel(refresh: Any) -> Any:
    """An open channel whose keys are fetched by this, or not at all."""
    connector: Any = None
    return SimpleNamespace(setup=Setup("", connector, refresh_keys=refresh), port="the port")


async def test_keys_are_fetched_at_least_twice_a_day() -> None:
    """Each channel that has such keys gets a job of its own, whose longest pause is 12 hours."""
    asked = []

    async def refresh(port: object) -> datetime:
        asked.append(port)
        return END

    metrics = Metrics()
    [job] = jobs.keys({"wechat": channel(refresh), "sandbox": channel(None)}, metrics)
    assert job.name == "keys_wechat"
    assert job.pause_s * (1 + JITTER) == pytest.approx(12 * 3_600)
    assert job.failure_pause_s <= 60
    assert await job.run() == 0
    assert asked == ["the port"]
    told = metrics.exposition().decode()
    [value] = re.findall(r'gateway_channel_keys_end_seconds{channel="wechat"} (\S+)', told)
    assert float(value) == END.timestamp()


@pytest.mark.parametrize("fault", [KeysRefused("forged"), NotSent("refused"), Lost("reset")])
async def test_keys_that_do_not_come_are_a_known_fault(fault: Exception) -> None:
    """A channel that is away, or a list that proves nothing, is told in a sentence, not a trace."""

    async def refresh(_port: object) -> datetime:
        raise fault

    [job] = jobs.keys({"wechat": channel(refresh)}, Metrics())
    with pytest.raises(Unavailable, match=f"wechat could not be fetched: {fault}"):
        await job.run()
