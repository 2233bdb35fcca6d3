"""The gateway as a process: it promises nothing too early, and drops nothing that it promised.

Start: database, schema and rights checked, channels, then listeners, workers, and only then does
health say SERVING. Stop, at SIGTERM or SIGINT: health says NOT_SERVING and new calls are turned
away while those inside finish; then channels' answers under way are waited for; what is left then
belongs to the workers of other replicas, or of the next start.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial

from gateway.app.errors import StartError
from gateway.app.observer import Reporter
from gateway.app.ready import check_database, open_ready_database
from gateway.app.wiring import Connections, UseCases, build_use_cases, open_channels
from gateway.clock import Clock, Deadline
from gateway.config import Address, Settings
from gateway.domain.ports import Channel
from gateway.notify.server import NotifyBounds, NotifyServer
from gateway.ops import Check, OpsServer, Readiness
from gateway.rpc.server import RpcServer
from gateway.rpc.settings import RpcSettings
from gateway.store.database import Database
from gateway.store.facts import Deployment
from gateway.telemetry.logging import get_logger
from gateway.telemetry.metrics import Metrics
from gateway.workers.loop import Job, Workers

RECOVERIES = 4
"""Loops that recover side by side, so that one slow channel does not hold up the others."""

EXPIRE_PAUSE_S = 1.0
"""Pause between looks for authorisations whose time is over, in seconds."""

HEALTH_PAUSE_S = 0.5
"""Pause between looks whether this process should be given work, in seconds."""

REVIVE_PAUSE_S = 1.0
"""Pause between looks whether our own Postgres lives, in seconds."""

GAUGES_PAUSE_S = 5.0
"""Pause between readings of what only the database knows, in seconds."""

PATIENCE_SHARE = 0.7
"""Share of the drain after which callers who still wait are answered with what is known."""

_log = get_logger(__name__)


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises StartError."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(settings):
        await stop.wait()
        _log.info("stopping")
    _log.info("stopped")


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[None]:
    """Run the gateway while the block runs. Raises StartError."""
    metrics = Metrics()
    reporter = Reporter(metrics)
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(open_ready_database(settings))
        database, connections = opened
        deployment = await database.deployment()
        channels = await stack.enter_async_context(open_channels(settings, metrics))
        use_cases = build_use_cases(settings, database, channels, reporter)
        draining = asyncio.Event()
        readiness = Readiness(_checks(database, draining), Clock())
        notify = await _start_notify(stack, settings, channels, use_cases, metrics)
        rpc, port = await _start_rpc(stack, settings, deployment, use_cases, metrics)
        jobs = [
            *_work(settings, database, use_cases),
            *_upkeep(connections, database, rpc, readiness),
            Job("gauges", partial(read_gauges, database, use_cases, metrics), GAUGES_PAUSE_S),
        ]
        workers = Workers(jobs, reporter)
        workers.start()
        stack.push_async_callback(workers.stop)
        ops = await _start_ops(stack, settings.ops_listen, metrics, readiness)
        _log.info("serving", grpc_port=port, notify_port=notify, ops_port=ops, channels=[*channels])
        yield
        draining.set()
        await workers.stop()
        await _drain(rpc, use_cases, Deadline.after(settings.drain_timeout_s))


def _checks(database: Database, draining: asyncio.Event) -> dict[str, Check]:
    async def is_open() -> str | None:
        return "This gateway is shutting down." if draining.is_set() else None

    return {"database": partial(check_database, database), "draining": is_open}


async def _drain(rpc: RpcServer, use_cases: UseCases, deadline: Deadline) -> None:
    """Answer the calls inside, then wait for channels that still owe an answer.

    Callers who wait longer than others are told PROCESSING before their calls would be cut off.
    """
    patience_s = deadline.remaining() * PATIENCE_SHARE
    asyncio.get_running_loop().call_later(patience_s, use_cases.execution.hurry)
    await rpc.stop(deadline.remaining())
    left = await use_cases.execution.drain(deadline.remaining())
    if left:
        _log.warning("left to recovery", payments_under_way=left)


async def _start_notify(
    stack: AsyncExitStack,
    settings: Settings,
    channels: Mapping[str, Channel],
    use_cases: UseCases,
    metrics: Metrics,
) -> int:
    server = NotifyServer(channels, use_cases.notified, metrics, bounds=NotifyBounds())
    address = settings.notify_listen
    with _listening("GATEWAY_NOTIFY_LISTEN", address):
        _, port = await server.start(address.host, address.port)
    stack.push_async_callback(server.stop)
    return port


async def _start_rpc(
    stack: AsyncExitStack,
    settings: Settings,
    deployment: Deployment,
    use_cases: UseCases,
    metrics: Metrics,
) -> tuple[RpcServer, int]:
    server = RpcServer(
        use_cases.services,
        rpc_settings(settings, deployment),
        clock=Clock(),
        log=get_logger("gateway.rpc"),
        observer=metrics,
    )
    with _listening("GATEWAY_GRPC_LISTEN", settings.grpc_listen):
        port = await server.start()
    stack.push_async_callback(server.stop, 0)
    return server, port


async def _start_ops(
    stack: AsyncExitStack, address: Address, metrics: Metrics, readiness: Readiness
) -> int:
    server = OpsServer(metrics, readiness)
    with _listening("GATEWAY_OPS_LISTEN", address):
        port = await server.start(address.host, address.port)
    stack.push_async_callback(server.stop)
    return port


@contextmanager
def _listening(variable: str, address: Address) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        words = (
            f"Cannot listen on {address}: {error.strerror or error}. Free it, or set {variable}."
        )
        raise StartError(words) from error


def rpc_settings(settings: Settings, deployment: Deployment) -> RpcSettings:
    """Give what the gRPC server must be told."""
    return RpcSettings(
        listen=str(settings.grpc_listen),
        deployment_id=deployment.deployment_id,
        token_key=deployment.token_key,
        calls_max=settings.grpc_calls_max,
        deadline_default_ms=settings.deadline_default_ms,
        deadline_max_ms=settings.deadline_max_ms,
        answer_margin_ms=settings.answer_margin_ms,
        connection_age_max_s=settings.connection_age_max_s,
        reuse_port=settings.reuse_port,
    )


def _work(settings: Settings, database: Database, use_cases: UseCases) -> list[Job]:
    recovery_pause_s = settings.recovery_interval_ms / 1_000

    async def fold() -> int:
        await database.ledger.fold()
        return 0  # what it left can wait for the next time

    return [
        *([Job("recover", use_cases.recover, recovery_pause_s)] * RECOVERIES),
        Job("expire", use_cases.expire, EXPIRE_PAUSE_S),
        Job("fold", fold, settings.fold_interval_ms / 1_000),
    ]


def _upkeep(
    connections: Connections, database: Database, rpc: RpcServer, readiness: Readiness
) -> list[Job]:
    async def tell_health() -> int:
        rpc.set_serving(serving=not await readiness.problems())
        return 0

    async def revive_database() -> int:
        if connections.embedded and await check_database(database):
            await connections.embedded.start()
        return 0

    return [
        Job("health", tell_health, HEALTH_PAUSE_S),
        Job("database", revive_database, REVIVE_PAUSE_S),
    ]


async def read_gauges(database: Database, use_cases: UseCases, metrics: Metrics) -> int:
    """Measure what no event tells."""
    metrics.watching(use_cases.watch.watchers)
    stats = database.pool
    metrics.pool(stats.size, stats.idle, stats.waiting)
    backlog = await database.work.backlog()
    metrics.attempts_open(backlog.open_attempts, backlog.oldest_age_s)
    metrics.reviews_open(backlog.open_reviews)
    return 0
