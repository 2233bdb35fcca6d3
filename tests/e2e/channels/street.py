"""The street: one gateway on a database of its own, and the stand-ins of all its channels.

It takes the place of the stack for what the other end-to-end tests use (`House`, `Shop`): there is
no sandbox here, so books are held against each stand-in's own, by its daily bill. A channel joins
by its name in STAND_INS and a class like `v3style.Till`.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from gateway.app.bills import BillReport, fetch_bill
from gateway.config import load_settings
from gateway.store.embedded import EmbeddedPostgres
from tests.e2e.channels.emulator import Emulator
from tests.e2e.gateways import run
from tests.processes import Service, free_port

CHOSEN = {
    "GATEWAY_WECHAT_STORE_ID": "S-1",
    "GATEWAY_UNIONPAY_TOKEN_REQUESTER_ID": "99988877766",
}
"""What a merchant decides, and no stand-in can print."""

STAND_INS = ("wechat", "alipay", "douyin", "unionpay", "carrier")
"""Channels whose stories are told; each is started by `gateway emulate NAME`."""

ON_TIME = ("carrier",)
"""Those whose time is ours: they find a payment by when it was made."""


class Street:
    """All processes below one folder."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        self.emulators = {name: Emulator(name, folder) for name in STAND_INS}
        self.targets = [f"127.0.0.1:{free_port()}"]
        self.ops_url = f"http://127.0.0.1:{free_port()}"
        self._environment = {
            "GATEWAY_DATA_DIR": str(folder / "data"),
            "GATEWAY_GRPC_LISTEN": self.targets[0],
            "GATEWAY_NOTIFY_LISTEN": f"127.0.0.1:{free_port()}",
            "GATEWAY_OPS_LISTEN": self.ops_url.removeprefix("http://"),
            "GATEWAY_CARRIER_NOTIFY_KEY_FILE": str(_key_file(folder)),
            **CHOSEN,
            **settings,
        }
        self.gateway = Service(
            "gateway",
            ["serve"],
            self._environment,
            folder / "gateway.log",
            f"{self.ops_url}/readyz",
        )

    async def start(self) -> None:
        """Start the stand-ins, then the gateway with what they printed."""
        emulators = self.emulators.values()
        await asyncio.gather(*(emulator.service.start() for emulator in emulators))
        ahead = [emulator for emulator in emulators if emulator.name not in ON_TIME]
        await asyncio.gather(*(emulator.wait_for_morning() for emulator in ahead))
        for emulator in emulators:
            self._environment.update(emulator.settings())
        await self.gateway.start()

    async def stop(self) -> int:
        """Stop everything; give the exit status of the gateway."""
        status = await self.gateway.stop() if self.gateway.running else 0
        await asyncio.gather(*(emulator.service.stop() for emulator in self.emulators.values()))
        return status

    def environment(self) -> dict[str, str]:
        """What the gateway's own commands need to know."""
        return dict(self._environment)

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run a `gateway` command beside the gateway; give its status and output."""
        return await run("gateway", *arguments, **self._environment)

    async def bill(self, channel: str, day: date) -> BillReport:
        """Fetch a bill and compare it, as `gateway bills fetch --compare` does, but sooner."""
        settings = load_settings(self._environment)
        return await fetch_bill(settings, channel, day, with_ledger=True)

    @asynccontextmanager
    async def postgres(self) -> AsyncIterator[EmbeddedPostgres]:
        """Use its Postgres beside the gateway."""
        server = EmbeddedPostgres(self.folder / "data")
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


def _key_file(folder: Path) -> Path:
    """Make a key of our own, for the tokens that a channel notifies us with."""
    path = folder / "notify_key"
    path.write_text(secrets.token_hex(32))
    return path
