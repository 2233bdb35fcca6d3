"""A running sandbox and a running listener for tests, with the channel between them."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from gateway.channels.bounds import ChannelBounds
from gateway.channels.client import HttpChannel
from gateway.channels.sandbox.connector import SandboxConnector, SandboxSettings
from gateway.channels.sandbox.signing import SecretKey
from gateway.channels.transport import Transport, open_session
from gateway.clock import Clock
from gateway.domain.channel import AttemptKind, ChannelRequest, Notice, OutcomeClass
from gateway.domain.payment import CaptureMode
from gateway.emulators.sandbox import serve_sandbox
from gateway.notify.quarantine import Quarantine
from gateway.notify.server import NotifyBounds, NotifyServer
from tests.channels.wire import KEY, request

BOUNDS = ChannelBounds(breaker_failures_max=1_000)
NOTICE_TIMEOUT_S = 3.0

_serials = itertools.count(1)


def fresh(
    kind: AttemptKind = AttemptKind.CHARGE, charge: ChannelRequest | None = None, **script: Any
) -> ChannelRequest:
    """A request under a number nobody used, with a script for its kind; payouts take a charge's."""
    number = f"{next(_serials):028d}"
    plain = request(kind, number=number, charge_number=charge.number if charge else number)
    mode = charge.capture_mode if charge else CaptureMode.AUTOMATIC
    expires = Clock().now() + timedelta(hours=1)
    details = {"charge" if kind is AttemptKind.PAYOUT else kind.lower(): script}
    return replace(plain, capture_mode=mode, expire_time=expires, details=details)


def manual(**script: Any) -> ChannelRequest:
    """A charge that is captured later."""
    return replace(fresh(**script), capture_mode=CaptureMode.MANUAL)


class Bench:
    """A sandbox and a listener that run, and the channel between them."""

    def __init__(self, session: ClientSession) -> None:
        self.session, self.url = session, ""
        self.notices: asyncio.Queue[Notice] = asyncio.Queue()
        self.results: list[str] = []
        self.laid_aside: list[tuple[str, str]] = []
        self.channels: dict[str, HttpChannel] = {}
        quarantine = Quarantine(self, Clock().monotonic)
        bounds = NotifyBounds()
        self.listener = NotifyServer(self.channels, self._keep, self, quarantine, bounds=bounds)

    async def _keep(self, channel: str, notice: Notice) -> bool:
        assert channel == "sandbox"
        self.notices.put_nowait(notice)
        return True

    async def keep(self, channel: str, reason: str, *_what: object) -> None:
        self.laid_aside.append((channel, reason))

    def notified(self, channel: str, result: str) -> None:
        self.results.append(str(result))

    @property
    def channel(self) -> HttpChannel:
        return self.channels["sandbox"]

    async def connect(self, sandbox_port: int) -> None:
        host, port = await self.listener.start("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{sandbox_port}"
        settings = SandboxSettings(SecretKey(KEY), f"http://{host}:{port}")
        transport = Transport(self.session, self.url, BOUNDS)
        self.channels["sandbox"] = HttpChannel(
            SandboxConnector(settings), transport, BOUNDS, Clock()
        )

    async def notice(self) -> Notice:
        """Wait for the next notification."""
        return await asyncio.wait_for(self.notices.get(), NOTICE_TIMEOUT_S)

    async def pays(self, charge: ChannelRequest) -> None:
        """Let the payer confirm."""
        url = f"{self.url}/control/charges/{charge.number}/act"
        async with self.session.post(url, json={"decision": "CONFIRM"}) as reply:
            assert reply.status == 200

    async def effects(self, kind: str) -> list[dict[str, Any]]:
        """What the sandbox's own book says happened."""
        async with self.session.get(f"{self.url}/control/{kind}") as reply:
            listed: list[dict[str, Any]] = (await reply.json())[kind]
            return listed

    async def charged(self, **script: Any) -> ChannelRequest:
        """A charge that succeeded."""
        charge = fresh(**script)
        assert (await self.channel.send(charge)).outcome is OutcomeClass.SUCCESS
        return charge


@asynccontextmanager
async def benching(data_dir: Path) -> AsyncIterator[Bench]:
    """Run a bench over an empty book."""
    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    sandbox = asyncio.create_task(
        serve_sandbox(
            host="127.0.0.1",
            port=0,
            data_dir=data_dir,
            keys=[KEY],
            ready=lambda _, real: port.set_result(real),
            stop=stop,
        )
    )
    async with open_session(BOUNDS) as session:
        running = Bench(session)
        await running.connect(await port)
        yield running
        await running.listener.stop()
    stop.set()
    await sandbox
