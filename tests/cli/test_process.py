"""The command as a real process: what starts, what it prints, and how it ends."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2_grpc

from gateway import __version__
from gateway.cli import main
from gateway.rpc.health import Health

Done = subprocess.CompletedProcess[str]
Process = asyncio.subprocess.Process

KEY = "a-key-of-sixteen-bytes"
PATIENCE_S = 30.0
ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}


def gateway(
    *words: str, python: tuple[str, ...] = (), **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, *python, "-m", "gateway", *words],
        env=ENVIRON | variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def exit_code(*words: str) -> int | str | None:
    """Run a command in this process, which is quicker; for those that end by themselves."""
    try:
        return main(words, {})
    except SystemExit as ended:
        return ended.code


@asynccontextmanager
async def sandbox(
    *words: str, **variables: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run the sandbox; gives its process and the URL it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "sandbox", *words),
        env=ENVIRON | variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            assert process.stdout is not None
            line = (await process.stdout.readline()).decode()
            found = re.fullmatch(r"sandbox ready: (http://\S+)\n", line)
            assert found, line
            yield process, found[1]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def test_version() -> None:
    """The installed command runs, and tells its version."""
    done = gateway("version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"payment-gateway {__version__} (Python ")


def test_assertions_may_not_be_left_out() -> None:
    """Python's -O would remove checks that guard money, so nothing starts under it."""
    done = gateway("version", python=("-O",))
    assert done.returncode == 2
    assert done.stderr == "gateway: Python was told to leave out assertions: start without -O.\n"


def test_a_reader_who_leaves_is_no_fault() -> None:
    """When whoever reads the answer closes early, no traceback is printed."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "config", "--markdown"],
        env=ENVIRON,
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=PATIENCE_S,
        check=False,
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode == 2


async def test_the_sandbox_serves(tmp_path: Path) -> None:
    """The sandbox prints its URL when it answers there, and ends with 0 when told to."""
    words = ("--listen", "127.0.0.1:0", "--data-dir", str(tmp_path), "--key", KEY)
    async with sandbox(*words) as (process, url), aiohttp.ClientSession() as session:
        async with session.get(f"{url}/healthz") as reply:
            assert (reply.status, await reply.json()) == (200, {"ok": True})
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert list(tmp_path.iterdir())


async def test_the_sandbox_takes_its_key_from_the_environment(tmp_path: Path) -> None:
    """Key and folder may come from the same variables as the gateway's."""
    (tmp_path / "key").write_text(KEY + "\n")
    variables = {
        "GATEWAY_SANDBOX_KEY_FILE": str(tmp_path / "key"),
        "GATEWAY_DATA_DIR": str(tmp_path / "data"),
    }
    async with sandbox("--listen", "127.0.0.1:0", **variables) as (process, _):
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
    assert list((tmp_path / "data" / "sandbox").iterdir())


async def test_a_sandbox_that_cannot_run_says_why(tmp_path: Path) -> None:
    """A book or a port that is in use is told in one sentence, with exit code 2."""
    words = ("--data-dir", str(tmp_path / "a"), "--key", KEY)
    async with sandbox("--listen", "127.0.0.1:0", *words) as (_, url):
        same_book = await asyncio.to_thread(gateway, "sandbox", "--listen", "127.0.0.1:0", *words)
        port = ("--listen", url.removeprefix("http://"), "--data-dir", str(tmp_path / "b"))
        same_port = await asyncio.to_thread(gateway, "sandbox", *port, "--key", KEY)
    for done, words_in in ((same_book, "open in another process"), (same_port, "already in use")):
        assert done.returncode == 2
        assert words_in in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
        assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "The sandbox has no key"),
        (("--key", "short"), "GATEWAY_SANDBOX_KEY is refused"),
        (("--key-file", "/nowhere"), "GATEWAY_SANDBOX_KEY_FILE is /nowhere, which cannot be read"),
        (("--key", KEY, "--account", "a b"), "GATEWAY_SANDBOX_ACCOUNT is 'a b'"),
        (("--key", KEY, "--listen", "0.0.0.0:0"), "GATEWAY_ALLOW_REMOTE"),
        (("--key", KEY, "--listen", "7080"), "'7080' is not host:port"),
        (("--key", KEY, "--key-file", "x"), "not allowed with argument"),
    ],
)
def test_a_sandbox_told_wrong_says_so(
    words: tuple[str, ...], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key or an address that cannot be used is told with exit code 2, and nothing is made."""
    assert exit_code("sandbox", "--data-dir", str(tmp_path / "data"), *words) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


@asynccontextmanager
async def health_server(*, serving: bool) -> AsyncIterator[str]:
    """Run the gateway's own health service alone; gives its target."""
    health = Health([])
    health.set_serving(serving=serving)
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


async def test_health_asks_the_gateway() -> None:
    """`health` asks over gRPC, by target or by configuration, and its exit code is the answer."""
    async with health_server(serving=True) as target:
        port = target.rpartition(":")[2]
        environ = {"GATEWAY_GRPC_LISTEN": f"0.0.0.0:{port}", "GATEWAY_ALLOW_REMOTE": "true"}
        done = await asyncio.to_thread(gateway, "health", **environ)
        assert (done.returncode, done.stdout) == (0, f"{target} serves\n")
    async with health_server(serving=False) as target:
        done = await asyncio.to_thread(gateway, "health", "--target", target)
        assert (done.returncode, done.stdout) == (1, f"{target} does not serve\n")


def test_health_of_nothing_is_not_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody there is exit code 1, in time."""
    with socket.socket() as listener:  # bound and not listening: connections are refused
        listener.bind(("127.0.0.1", 0))
        target = f"127.0.0.1:{listener.getsockname()[1]}"
        assert exit_code("health", "--target", target, "--timeout", "2") == 1
    assert capsys.readouterr().out.startswith(target)


@pytest.mark.parametrize("seconds", ["0", "-1", "61", "nan", "soon"])
def test_health_waits_within_bounds(seconds: str) -> None:
    """A wait without a bound cannot be asked for."""
    assert exit_code("health", "--timeout", seconds) == 2
