"""The listeners of a gateway: gRPC, notifications from channels, operations.

Each is opened once what it needs stands behind it, and what keeps it from its address is told by
the name of the setting.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from gateway.app.ports import listening
from gateway.app.wiring import UseCases
from gateway.clock import Clock
from gateway.config import Address, Settings
from gateway.domain.ports import Channel
from gateway.notify.quarantine import Quarantine
from gateway.notify.server import NotifyBounds, NotifyServer
from gateway.ops import Exposition, OpsServer, Readiness
from gateway.rpc.server import RpcServer
from gateway.rpc.settings import RpcSettings
from gateway.store.database import Database
from gateway.store.facts import Deployment
from gateway.telemetry.logging import get_logger
from gateway.telemetry.metrics import Metrics


async def start_notify(
    stack: AsyncExitStack,
    settings: Settings,
    *,
    channels: Mapping[str, Channel],
    database: Database,
    use_cases: UseCases,
    metrics: Metrics,
) -> int:
    """Listen for notifications until the stack is left; give the port. Raises StartError."""
    quarantine = Quarantine(database.quarantine, Clock().monotonic)
    server = NotifyServer(channels, use_cases.notified, metrics, quarantine, bounds=NotifyBounds())
    address = settings.notify_listen
    with listening("notify_listen", address):
        _, port = await server.start(address.host, address.port, reuse_port=settings.reuse_port)
    stack.push_async_callback(server.stop)
    return port


async def start_rpc(
    stack: AsyncExitStack,
    settings: Settings,
    deployment: Deployment,
    use_cases: UseCases,
    metrics: Metrics,
) -> tuple[RpcServer, int]:
    """Listen for calls until the stack is left; give the server and port. Raises StartError."""
    server = RpcServer(
        use_cases.services,
        rpc_settings(settings, deployment),
        clock=Clock(),
        log=get_logger("gateway.rpc"),
        observer=metrics,
    )
    with listening("grpc_listen", settings.grpc_listen):
        port = await server.start()
    stack.push_async_callback(server.stop, 0)
    return server, port


@asynccontextmanager
async def open_operations(
    address: Address, exposition: Exposition, readiness: Readiness
) -> AsyncIterator[int]:
    """Answer operators while the block runs; give the port. Raises StartError."""
    server = OpsServer(exposition, readiness)
    with listening("ops_listen", address):
        port = await server.start(address.host, address.port)
    try:
        yield port
    finally:
        await server.stop()


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
