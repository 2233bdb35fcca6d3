"""The jobs that time triggers in a gateway process.

Work is taken by lease, so every process of every gateway looks for it. What gives the same wherever
it is done, such as folding balances or counting what is open in the database, is done by one worker
of a gateway only.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from gateway.app.channels.opening import OpenChannel
from gateway.app.channels.setup import KeysRefused
from gateway.app.wiring import UseCases
from gateway.channels.transport import Lost, NotSent
from gateway.config import Settings
from gateway.domain.errors import Reason, Unavailable
from gateway.ops import Readiness
from gateway.rpc.server import RpcServer
from gateway.store.database import Database
from gateway.telemetry.logging import get_logger
from gateway.telemetry.metrics import Metrics
from gateway.workers.loop import JITTER, Job

RECOVERIES: Final = 4
"""Loops that recover side by side, so that one slow channel does not hold up the others."""

EXPIRE_PAUSE_S: Final = 1.0
"""Pause between looks for authorisations whose time is over, in seconds."""

HEALTH_PAUSE_S: Final = 0.5
"""Pause between looks whether this process should be given work, in seconds."""

GAUGES_PAUSE_S: Final = 5.0
"""Pause between readings of what no event tells, in seconds."""

KEYS_RETRY_S: Final = 60.0
"""Pause after a look for keys that failed, in seconds."""

_log = get_logger(__name__)


def work(settings: Settings, use_cases: UseCases) -> list[Job]:
    """Give the jobs that resolve what is unknown, for every process."""
    recovery_pause_s = settings.recovery_interval_ms / 1_000
    return [
        *([Job("recover", use_cases.recover, recovery_pause_s)] * RECOVERIES),
        Job("expire", use_cases.expire, EXPIRE_PAUSE_S),
    ]


def health(rpc: RpcServer, readiness: Readiness) -> Job:
    """Give the job that says over gRPC whether this process should be given calls."""

    async def tell_health() -> int:
        rpc.set_serving(serving=not await readiness.problems())
        return 0

    return Job("health", tell_health, HEALTH_PAUSE_S)


def gauges(database: Database, use_cases: UseCases, metrics: Metrics) -> Job:
    """Give the job that measures what this process has in use."""

    async def read_use() -> int:
        metrics.watching(use_cases.watch.watchers)
        stats = database.pool
        metrics.pool(stats.size, stats.idle, stats.waiting)
        metrics.commits_waiting(database.waiting)
        return 0

    return Job("gauges", read_use, GAUGES_PAUSE_S)


def keys(channels: Mapping[str, OpenChannel], metrics: Metrics) -> list[Job]:
    """Give the jobs that fetch channels' keys anew; each process has its own connectors."""
    return [
        Job(
            f"keys_{name}",
            _refreshing(name, channel, metrics),
            channel.setup.keys_interval.total_seconds() / (1 + JITTER),
            KEYS_RETRY_S,
        )
        for name, channel in channels.items()
        if channel.setup.refresh_keys
    ]


def _refreshing(name: str, channel: OpenChannel, metrics: Metrics) -> Callable[[], Awaitable[int]]:
    refresh = channel.setup.refresh_keys
    assert refresh is not None
    fetch = partial(refresh, channel.port)

    async def run() -> int:
        try:
            end = await fetch()
        except (KeysRefused, NotSent, Lost) as error:
            words = f"The keys of the channel {name} could not be fetched: {error}"
            raise Unavailable(
                Reason.CHANNEL_UNAVAILABLE, words, retry_after_s=KEYS_RETRY_S
            ) from error
        metrics.channel_keys_end(name, end.timestamp())
        _log.info("channel keys refreshed", channel=name, end_time=end.isoformat())
        return 0

    return run


def of_one(settings: Settings, database: Database, metrics: Metrics) -> list[Job]:
    """Give the jobs of the first worker only, or of a process that is alone."""

    async def fold() -> int:
        await database.ledger.fold()
        return 0  # what it left can wait for the next time

    async def read_backlog() -> int:
        backlog = await database.work.backlog()
        metrics.attempts_open(backlog.open_attempts, backlog.oldest_age_s)
        metrics.reviews_open(backlog.open_reviews)
        return 0

    return [
        Job("fold", fold, settings.fold_interval_ms / 1_000),
        Job("backlog", read_backlog, GAUGES_PAUSE_S),
    ]
