"""The gateway as a process: it promises nothing too early, and drops nothing that it promised.

Start: database, schema and rights checked, channels, then listeners, jobs, and only then does
health say SERVING. Stop, at SIGTERM or SIGINT: health says NOT_SERVING and new calls are turned
away while those inside finish; then channels' answers under way are waited for; what is left then
belongs to the jobs of other processes, or of the next start.

A process is either alone or one of several workers (see `supervisor`). A worker answers its
supervisor in place of operators, and also stops when that is gone.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

from gateway.app import jobs, memory
from gateway.app.channels.opening import open_channels
from gateway.app.embedded import reviving
from gateway.app.leash import Place, answering
from gateway.app.listeners import open_operations, start_notify, start_rpc
from gateway.app.observer import Reporter
from gateway.app.ready import check_database, open_ready_database
from gateway.app.wiring import UseCases, build_use_cases, channel_ports
from gateway.clock import Clock, Deadline
from gateway.config import Settings
from gateway.ops import Check, Readiness
from gateway.rpc.server import RpcServer
from gateway.store.database import Database
from gateway.telemetry.logging import get_logger
from gateway.telemetry.metrics import Metrics
from gateway.workers.loop import Workers

PATIENCE_SHARE: Final = 0.7
"""Share of the drain after which callers who still wait are answered with what is known."""

Reporting = Callable[[Metrics, Readiness], AbstractAsyncContextManager[Mapping[str, int]]]
"""Tells operators or the supervisor how the process is, while it is entered; gives its ports."""

_log = get_logger(__name__)


async def serve(settings: Settings, place: Place | None = None) -> None:
    """Run until SIGTERM or SIGINT, or a worker's supervisor is gone. Raises StartError."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    reporting = partial(_to_supervisor, place, stop) if place else partial(_to_operators, settings)
    async with running(settings, reporting, is_first=place is None or place.index == 0):
        memory.settle()
        await stop.wait()
        _log.info("stopping")
    _log.info("stopped")


@asynccontextmanager
async def running(
    settings: Settings, reporting: Reporting, *, is_first: bool = True
) -> AsyncIterator[None]:
    """Run the gateway while the block runs. Raises StartError."""
    metrics = Metrics()
    reporter = Reporter(metrics)
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(open_ready_database(settings))
        database, connections = opened
        if connections.embedded:
            await stack.enter_async_context(reviving(connections.embedded))
        deployment = await database.deployment()
        opened_channels = await stack.enter_async_context(open_channels(settings, metrics))
        channels = channel_ports(opened_channels)
        use_cases = build_use_cases(settings, database, channels, reporter)
        draining = asyncio.Event()
        readiness = Readiness(_checks(database, draining), Clock())
        notify = await start_notify(
            stack,
            settings,
            channels=channels,
            database=database,
            use_cases=use_cases,
            metrics=metrics,
        )
        rpc, port = await start_rpc(stack, settings, deployment, use_cases, metrics)
        found = [
            *jobs.work(settings, use_cases),
            *jobs.keys(opened_channels, metrics),
            jobs.health(rpc, readiness),
            jobs.gauges(database, use_cases, metrics),
            *(jobs.of_one(settings, database, metrics) if is_first else ()),
        ]
        workers = Workers(found, reporter)
        workers.start()
        stack.push_async_callback(workers.stop)
        ports = await stack.enter_async_context(reporting(metrics, readiness))
        _log.info("serving", grpc_port=port, notify_port=notify, **ports, channels=[*channels])
        yield
        draining.set()
        await workers.stop()
        await _drain(rpc, use_cases, Deadline.after(settings.drain_timeout_s))


def _checks(database: Database, draining: asyncio.Event) -> dict[str, Check]:
    async def is_open() -> str | None:
        return "This gateway is shutting down." if draining.is_set() else None

    return {"database": partial(check_database, database), "draining": is_open}


@asynccontextmanager
async def _to_operators(
    settings: Settings, metrics: Metrics, readiness: Readiness
) -> AsyncIterator[Mapping[str, int]]:
    async def exposition() -> bytes:
        return metrics.exposition()

    async with open_operations(settings.ops_listen, exposition, readiness) as port:
        yield {"ops_port": port}


@asynccontextmanager
async def _to_supervisor(
    place: Place, gone: asyncio.Event, metrics: Metrics, readiness: Readiness
) -> AsyncIterator[Mapping[str, int]]:
    async def exposition() -> str:
        return metrics.exposition().decode()

    async def problems() -> dict[str, str]:
        return dict(await readiness.problems())

    answers = {"metrics": exposition, "problems": problems}
    try:
        async with answering(place.leash, answers, gone):
            yield {}
    finally:
        await readiness.close()


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
