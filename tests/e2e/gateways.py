"""More gateways, other commands, and what they leave in their logs.

A test that needs a gateway to be different, to be stopped or to be killed makes one of its own, on
the same database and sandbox.
"""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.processes import Service, Stack, free_port


class Extra:
    """One more gateway, not yet started; a test may stop it, kill it and start it again."""

    def __init__(self, stack: Stack, name: str, settings: dict[str, str]) -> None:
        self.target = f"127.0.0.1:{free_port()}"
        self.ops_url = f"http://127.0.0.1:{free_port()}"
        self.environment = {
            **stack.environment(),
            "GATEWAY_GRPC_LISTEN": self.target,
            "GATEWAY_NOTIFY_LISTEN": f"127.0.0.1:{free_port()}",
            "GATEWAY_OPS_LISTEN": self.ops_url.removeprefix("http://"),
            **settings,
        }
        self.service = Service(
            name,
            ["serve"],
            self.environment,
            stack.folder / f"{name}.log",
            f"{self.ops_url}/readyz",
        )

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run a `gateway` command with its settings; give the status and all output."""
        return await run("gateway", *arguments, **self.environment)


@contextmanager
def paused(service: Service) -> Iterator[None]:
    """Stop the clock of a process while the block runs."""
    service.pause()
    try:
        yield
    finally:
        service.resume()


async def run(module: str, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run a command line of ours to its end; give its status and all output."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


def read_log(service: Service) -> list[dict[str, Any]]:
    """Read the log of a gateway, every line of which is a JSON object."""
    return [json.loads(line) for line in service.log.read_text().splitlines()]


def faults_in(log: Path) -> list[str]:
    """Give the lines that tell of a fault of ours: an exception that nobody expected."""
    marks = ("rpc_fault", '"exception"', "Traceback", "Task exception was never retrieved")
    return [
        f"{log.name}: {line}"
        for line in log.read_text(errors="replace").splitlines()
        if any(mark in line for mark in marks)
    ]
