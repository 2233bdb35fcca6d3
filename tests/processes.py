"""Real processes for the demo, the end-to-end tests and the fault campaigns.

A `Stack` is one database (the embedded one, in a folder of its own), one sandbox and any number of
gateways, each a process started by the very commands a user types, each on free ports of loopback.
They can be killed with -9 and started again on the same ports. Their logs go to files beside the
data, and the end of a log is shown when a process does not come up.
"""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from gateway.store.embedded import EmbeddedPostgres
from tests.invariants import Told, World, read_world

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
LOG_TAIL_LINES = 15


class ProcessFailed(Exception):
    """A process did not come up or did not stop as it should; the message shows its log."""


class Service:
    """One process of ours, with the address at which it says that it is ready."""

    def __init__(
        self, name: str, arguments: list[str], environment: Mapping[str, str], log: Path, ready: str
    ) -> None:
        self.name = name
        self.log = log
        self._arguments = arguments
        self._environment = environment
        self._ready = ready
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        if self._process is None:
            raise ProcessFailed(f"{self.name} was not started.")
        return self._process.pid

    async def start(self, *, wait: bool = True) -> None:
        """Start it and wait until it is ready."""
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "gateway",
                *self._arguments,
                env={**os.environ, **self._environment},
                stdout=output,
                stderr=output,
            )
        if wait:
            await self.wait_ready()

    async def wait_ready(self) -> None:
        """Wait until it says that it is ready. Raises ProcessFailed."""
        end = time.monotonic() + START_TIMEOUT_S
        async with aiohttp.ClientSession(trust_env=False) as session:
            while time.monotonic() < end:
                if self._process is None or self._process.returncode is not None:
                    break
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(self._ready, timeout=_second()) as reply:
                        if reply.status == 200:
                            return
                await asyncio.sleep(0.05)
        raise ProcessFailed(f"{self.name} did not become ready:\n{self.tail()}")

    async def kill(self) -> None:
        """End it at once, as kill -9 does."""
        await self._signal(signal.SIGKILL)

    async def stop(self) -> int:
        """Ask it to end, and give its exit status."""
        return await self._signal(signal.SIGTERM)

    def pause(self) -> None:
        """Stop its clock: SIGSTOP."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on: SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    def tail(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-LOG_TAIL_LINES:])

    async def _signal(self, number: signal.Signals) -> int:
        process = self._process
        if process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            return await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError as late:
            process.kill()
            raise ProcessFailed(f"{self.name} did not stop:\n{self.tail()}") from late


class Stack:
    """Database, sandbox and gateways below one folder."""

    def __init__(
        self, folder: Path, *, gateways: int = 1, settings: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self._settings = dict(settings or {})
        self._key = secrets.token_hex(16)
        self.sandbox_url = f"http://127.0.0.1:{free_port()}"
        self.sandbox = self._sandbox()
        self.targets = [f"127.0.0.1:{free_port()}" for _ in range(gateways)]
        self.ops_urls = [f"http://127.0.0.1:{free_port()}" for _ in range(gateways)]
        self.notify_ports = [free_port() for _ in range(gateways)]
        self.gateways = [self._gateway(index) for index in range(gateways)]

    @property
    def data_dir(self) -> Path:
        """Folder of the embedded Postgres."""
        return self.folder / "data"

    async def start(self) -> None:
        """Start everything and wait until it is ready."""
        services = (self.sandbox, *self.gateways)
        await asyncio.gather(*(service.start() for service in services))

    async def stop(self) -> list[int]:
        """Stop everything; give the exit statuses of the gateways."""
        statuses = [await gateway.stop() for gateway in self.gateways if gateway.running]
        await self.sandbox.stop()
        return statuses

    def environment(self, index: int = 0) -> dict[str, str]:
        """What the commands of one gateway need to know."""
        return {
            "GATEWAY_DATA_DIR": str(self.data_dir),
            "GATEWAY_GRPC_LISTEN": self.targets[index],
            "GATEWAY_NOTIFY_LISTEN": f"127.0.0.1:{self.notify_ports[index]}",
            "GATEWAY_OPS_LISTEN": self.ops_urls[index].removeprefix("http://"),
            "GATEWAY_SANDBOX_URL": self.sandbox_url,
            "GATEWAY_SANDBOX_KEY": self._key,
            **self._settings,
        }

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run a `gateway` command beside the running gateways; give its status and output."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway",
            *arguments,
            env={**os.environ, **self.environment()},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()

    async def world(self, told: Iterable[Told] = (), *, quiet: bool = True) -> World:
        """Read our rows and the sandbox's book, for the invariants."""
        async with self.postgres() as server:
            return await read_world(
                server.dsn(user="gateway_owner"), self.sandbox_url, told, quiet=quiet
            )

    @asynccontextmanager
    async def postgres(self) -> AsyncIterator[EmbeddedPostgres]:
        """Use the stack's Postgres beside its gateways, or without them."""
        server = EmbeddedPostgres(self.data_dir)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()

    def _sandbox(self) -> Service:
        address = self.sandbox_url.removeprefix("http://")
        folder = str(self.folder / "sandbox")
        return Service(
            "sandbox",
            ["sandbox", "--listen", address, "--data-dir", folder],
            {"GATEWAY_SANDBOX_KEY": self._key},
            self.folder / "sandbox.log",
            f"{self.sandbox_url}/healthz",
        )

    def _gateway(self, index: int) -> Service:
        return Service(
            f"gateway {index + 1}",
            ["serve"],
            self.environment(index),
            self.folder / f"gateway{index + 1}.log",
            f"{self.ops_urls[index]}/readyz",
        )


def free_port() -> int:
    """Find a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _second() -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=1)
