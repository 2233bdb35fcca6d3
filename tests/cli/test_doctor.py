"""The doctor: each ill is found, told with what to do about it, and decides the exit code."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.app import doctor, wiring
from gateway.app.channels import opening
from gateway.app.doctor import Finding, Level
from gateway.app.errors import StartError
from gateway.cli import main
from gateway.clock import Clock
from gateway.config import Settings, load_settings
from gateway.ops import OpsServer, Readiness

FREE = {
    "GATEWAY_GRPC_LISTEN": "127.0.0.1:0",
    "GATEWAY_NOTIFY_LISTEN": "127.0.0.1:0",
    "GATEWAY_NOTIFY_URL": "http://127.0.0.1:1",
    "GATEWAY_OPS_LISTEN": "127.0.0.1:0",
}


@dataclass(frozen=True)
class Facts:
    """A database in good health."""

    server_version: str = "16.4"
    connections_max: int = 100
    connections_used: int = 10
    role_problems: tuple[str, ...] = ()
    migrations: tuple[int, int] = (7, 7)
    clock_ahead_s: float = -0.004


class Reachable:
    """A channel that answers, or does not, or hangs."""

    def __init__(self, answer: bool | None) -> None:
        self.answer = answer

    async def reachable(self) -> bool:
        if self.answer is None:
            await asyncio.Event().wait()
        return bool(self.answer)


@dataclass
class World:
    """What the doctor will find."""

    database: Facts | Exception
    channels: Mapping[str, Reachable] | Exception


def _opened(channels: Mapping[str, Reachable] | Exception) -> Any:
    """The channels as they are opened."""
    if isinstance(channels, Exception):
        return channels
    return {name: SimpleNamespace(port=port) for name, port in channels.items()}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in good health, in the place of the real database and channels."""
    found = World(Facts(), {"sandbox": Reachable(True)})

    @asynccontextmanager
    async def give(thing: Any) -> AsyncIterator[Any]:
        if isinstance(thing, Exception):
            raise thing
        yield thing

    monkeypatch.setattr(
        wiring, "open_database", lambda _settings: give(found.database), raising=False
    )
    monkeypatch.setattr(opening, "open_channels", lambda _settings: give(_opened(found.channels)))
    return found


def settings(**values: str) -> Settings:
    """Settings with free ports; further ones named without prefix."""
    return load_settings(
        FREE | {f"GATEWAY_{name.upper()}": value for name, value in values.items()}
    )


async def no_metrics() -> bytes:
    return b""


async def finding(name: str, **values: str) -> Finding:
    """What the doctor finds under one name."""
    return {item.name: item for item in await doctor.examine(settings(**values))}[name]


async def test_all_is_well(world: World) -> None:
    """In good health every check is ok, and none advises anything."""
    found = await doctor.examine(settings())
    assert {(item.level, item.advice) for item in found} == {(Level.OK, "")}
    assert [item.name for item in found] == [
        "configuration",
        "grpc listen",
        "notify listen",
        "ops listen",
        "database",
        "migrations",
        "runtime role",
        "connections",
        "clock",
        "channel sandbox",
    ]


@pytest.mark.parametrize(
    ("name", "facts", "level", "advice"),
    [
        ("database", Facts(server_version="15.8"), Level.FAIL, "Postgres 16 or newer"),
        ("database", Facts(server_version="18beta1"), Level.OK, ""),
        ("database", Facts(server_version="16.4 (Debian 16.4-1)"), Level.OK, ""),
        ("migrations", Facts(migrations=(6, 7)), Level.OK, ""),
        ("migrations", Facts(migrations=(8, 7)), Level.FAIL, "at least as new"),
        ("runtime role", Facts(role_problems=("may delete events",)), Level.FAIL, "runtime"),
        ("connections", Facts(connections_max=7), Level.FAIL, "GATEWAY_POOL_SIZE"),
        ("connections", Facts(connections_max=8, connections_used=1), Level.WARN, "others"),
        ("connections", Facts(connections_max=8, connections_used=0), Level.OK, ""),
        ("clock", Facts(clock_ahead_s=2.1), Level.WARN, "NTP"),
        ("clock", Facts(clock_ahead_s=-2.1), Level.WARN, "NTP"),
        ("clock", Facts(clock_ahead_s=1.9), Level.OK, ""),
        ("database", StartError("Nobody listens there."), Level.FAIL, "GATEWAY_DATA_DIR"),
    ],
)
async def test_each_ill_of_the_database_is_found(
    name: str, facts: Facts | Exception, level: Level, advice: str, world: World
) -> None:
    """Each ill of the database is found by its own check, with what to do."""
    world.database = facts
    item = await finding(name)
    assert item.level is level
    assert advice in item.advice
    assert bool(item.advice) == (level is not Level.OK)


async def test_all_processes_count(world: World) -> None:
    """The connections of all gateways that share the database must fit, not those of one."""
    assert (await finding("connections", workers="12")).level is Level.WARN
    assert (await finding("connections", replicas="3", workers="4")).level is Level.WARN
    item = await finding("connections", replicas="2", workers="7")
    assert item.level is Level.FAIL
    told = "2 gateways x 7 processes x 8 connections = 112, the server has room for 100"
    assert told in item.detail


async def test_a_configured_database_is_not_migrated_by_serving(world: World) -> None:
    """Pending migrations of a configured database are a failure, with the command that helps."""
    world.database = Facts(migrations=(6, 7))
    item = await finding("migrations", database_url="postgresql://u@h/d")
    assert item.level is Level.FAIL
    assert "gateway migrate" in item.advice


async def test_a_database_that_is_configured_is_named_so(world: World) -> None:
    """Advice about an unreachable database names the variable that leads to it, and no secret."""
    world.database = StartError("Nobody listens there.")
    item = await finding("database", database_url="postgresql://u:hunter2@h/d")
    assert item.detail == "Nobody listens there."
    assert "GATEWAY_DATABASE_URL" in item.advice
    assert "hunter2" not in f"{item}"


async def test_a_channel_away_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel that does not answer, or not in time, is a failure; the others are told too."""
    monkeypatch.setattr(doctor, "CHANNEL_TIMEOUT_S", 0.05)
    world.channels = {"a": Reachable(False), "b": Reachable(True), "c": Reachable(None)}
    found = {item.name: item.level for item in await doctor.examine(settings())}
    assert found["channel a"] is Level.FAIL
    assert found["channel b"] is Level.OK
    assert found["channel c"] is Level.FAIL


async def test_no_channel_is_told(world: World) -> None:
    """A gateway through which nobody can pay works, and is worth a warning."""
    world.channels = {}
    assert (await finding("channels")).level is Level.WARN
    world.channels = StartError("The key cannot be used.")
    assert (await finding("channels")).level is Level.FAIL


async def test_a_port_of_another_program_is_found(world: World) -> None:
    """An address that another program has is a failure that names the variable."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        item = await finding("grpc listen", grpc_listen=f"127.0.0.1:{other.getsockname()[1]}")
    assert item.level is Level.FAIL
    assert "GATEWAY_GRPC_LISTEN" in item.advice


async def test_an_address_that_is_not_ours_is_found(world: World) -> None:
    """An address that this machine does not have is a failure that says so."""
    values = {"allow_remote": "true", "notify_url": "http://h"}
    item = await finding("notify listen", notify_listen="192.0.2.1:7071", **values)
    assert item.level is Level.FAIL
    assert "an address of this machine" in item.advice


async def test_a_gateway_that_runs_is_no_ill(world: World) -> None:
    """Ports that are taken by a running gateway are all right, and told as such."""
    server = OpsServer(no_metrics, Readiness({}, Clock()))
    port = await server.start("127.0.0.1", 0)
    with socket.create_server(("127.0.0.1", 0)) as grpc:
        values = {
            "ops_listen": f"127.0.0.1:{port}",
            "grpc_listen": f"127.0.0.1:{grpc.getsockname()[1]}",
        }
        for name in ("ops listen", "grpc listen"):
            item = await finding(name, **values)
            assert item.level is Level.OK
            assert "a gateway that runs here" in item.detail
    await server.stop()


async def test_listening_to_all_is_told(world: World) -> None:
    """Listening beyond this machine works as asked for, and is worth a warning."""
    values = {"allow_remote": "true", "grpc_listen": "0.0.0.0:0"}
    assert (await finding("configuration", **values)).level is Level.WARN


@pytest.mark.parametrize(
    ("facts", "code", "told"),
    [
        (Facts(), 0, "10 checks: 0 failed, 0 to look at."),
        (Facts(clock_ahead_s=9), 0, "10 checks: 0 failed, 1 to look at."),
        (Facts(migrations=(8, 7)), 1, "10 checks: 1 failed, 0 to look at."),
    ],
)
def test_the_exit_code_tells_of_failures(
    facts: Facts, code: int, told: str, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command exits 1 if anything failed; a warning alone is not a failure."""
    world.database = facts
    assert main(["doctor"], FREE) == code
    assert capsys.readouterr().out.splitlines()[-1] == told


def test_the_table_fits_a_terminal(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Every finding has its line, its advice below it, and no line is too wide."""
    world.database = Facts(server_version="15", role_problems=("may delete events", "x " * 100))
    assert main(["doctor"], FREE) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "FAIL  database               Postgres 15, the gateway's own, answers" in lines
    assert f"{'':<28} -> Use Postgres 16 or newer." in lines
    assert max(map(len, lines)) <= 96


def test_a_wrong_configuration_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    """A configuration that cannot be loaded is the one finding, with its sentences."""
    environ = {"GATEWAY_POOL_SIZE": "0", "GATEWAY_LOG_FORMAT": "xml"}
    assert main(["doctor"], environ) == 1
    text = " ".join(capsys.readouterr().out.split())
    assert "FAIL configuration GATEWAY_POOL_SIZE is '0'" in text
    assert "GATEWAY_LOG_FORMAT is 'xml'" in text
    assert "1 checks: 1 failed" in text
