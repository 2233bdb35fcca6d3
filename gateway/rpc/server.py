"""The gRPC server: made, started, told whether it serves, and stopped without cutting calls off.

Stopping takes three steps, in an order that loses nothing: health says NOT_SERVING, so that no new
callers are sent here; new calls are answered SHUTTING_DOWN while those inside finish; then the
connections are closed.
"""

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from gateway.clock import Clock
from gateway.rpc import health
from gateway.rpc.call import PACKAGE, Desk, EventLog, RpcObserver
from gateway.rpc.gate import Gate
from gateway.rpc.hang_ups import expect_hang_ups
from gateway.rpc.methods import METHODS, SERVICES
from gateway.rpc.pages import Cursors, Pages
from gateway.rpc.pipeline import generic_handlers
from gateway.rpc.settings import REPLY_S_MAX, RpcSettings, server_options
from gateway.rpc.shape import prepare
from gateway.usecases.services import Services


class RpcServer:
    """One gRPC server. Make it, `start` it, `set_serving(serving=True)`, and `stop` it."""

    def __init__(
        self,
        services: Services,
        settings: RpcSettings,
        *,
        clock: Clock,
        log: EventLog,
        observer: RpcObserver,
    ) -> None:
        names = [f"{PACKAGE}.{service}" for service in SERVICES]
        self._names = [*names, health.NAME, reflection.SERVICE_NAME]
        self._health = health.Health(self._names)
        self._server: grpc.aio.Server | None = None
        self._desk = Desk(
            services=services,
            settings=settings,
            clock=clock,
            log=log,
            observer=observer,
            gate=Gate(settings.calls_max),
            pages=Pages(settings.token_key),
            cursors=Cursors(settings.token_key, settings.deployment_id),
        )

    async def start(self) -> int:
        """Listen, and give the port. Health says NOT_SERVING until told otherwise.

        Raises:
            OSError: the address cannot be listened on.
        """
        prepare(METHODS)
        expect_hang_ups()
        settings = self._desk.settings
        server = grpc.aio.server(
            handlers=generic_handlers(METHODS, self._desk), options=server_options(settings)
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection(self._names, server)
        try:
            port = server.add_insecure_port(settings.listen)
        except RuntimeError as error:
            raise OSError("it is taken, or no address of this machine") from error
        await server.start()
        self._server = server
        return port

    def set_serving(self, *, serving: bool) -> None:
        """Say through the health service whether to send calls here; never again after `stop`."""
        self._health.set_serving(serving=serving and not self._desk.gate.draining)

    async def stop(self, grace_s: float) -> bool:
        """Drain for at most `grace_s` seconds, then close. Tell whether all calls had finished.

        A call still inside is cut off, and its caller cannot tell its outcome; a grace above the
        longest deadline avoids that.
        """
        if self._server is None:
            return True
        self._health.set_serving(serving=False)
        finished = await self._desk.gate.drain(grace_s)
        self._health.close()
        await self._server.stop(REPLY_S_MAX if finished else 0)
        return finished
