"""`gateway serve`: one process, a supervisor, or a worker, as the command line says.

What it runs is replaced here; real processes are started in tests/e2e/test_workers.
"""

import asyncio
import socket
import sys
from typing import Any

import pytest
import structlog

from gateway.app import serve, supervisor
from gateway.app.leash import Place
from gateway.app.seat import Launch
from gateway.cli import main
from gateway.config import Settings


class Recorded:
    """Stands for what serves: keeps what it was given, the kind of loop and the log's context."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.given: tuple[Any, ...] = ()
        self.loop = ""
        self.context: dict[str, Any] = {}

    async def __call__(self, *given: Any) -> Any:
        self.given = given
        self.loop = type(asyncio.get_running_loop()).__module__
        self.context = structlog.contextvars.get_contextvars()
        return self.answer


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """What a process runs, alone or as a worker."""
    recorded = Recorded()
    monkeypatch.setattr(serve, "serve", recorded)
    return recorded


@pytest.fixture
def supervise(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """What a supervisor runs."""
    recorded = Recorded(answer=True)
    monkeypatch.setattr(supervisor, "supervise", recorded)
    return recorded


def launch_of(recorded: Recorded) -> Launch:
    launch = recorded.given[1]
    assert isinstance(launch, Launch)
    return launch


def test_one_worker_is_one_process(alone: Recorded, supervise: Recorded) -> None:
    """By default the gateway is one process on uvloop, without a supervisor."""
    for words in (["serve"], ["serve", "--workers", "1"]):
        assert main(words, {"GATEWAY_POOL_SIZE": "3"}) == 0
        (settings,) = alone.given
        assert isinstance(settings, Settings)
        assert (settings.pool_size, settings.workers, alone.loop) == (3, 1, "uvloop")
    assert supervise.given == ()


@pytest.mark.parametrize(
    ("words", "environ", "workers"),
    [
        (["--workers", "3"], {}, 3),
        ([], {"GATEWAY_WORKERS": "2"}, 2),
        (["--workers", "3"], {"GATEWAY_WORKERS": "1"}, 3),
    ],
)
def test_more_workers_have_a_supervisor(
    words: list[str], environ: dict[str, str], workers: int, alone: Recorded, supervise: Recorded
) -> None:
    """More than one run under a supervisor, which hands them the environment as it was meant."""
    assert main(["serve", *words], environ | {"HOME": "/h"}) == 0
    assert supervise.given[0].workers == workers
    assert launch_of(supervise).environ == {"HOME": "/h", "GATEWAY_WORKERS": str(workers)}
    assert alone.given == ()


def test_what_did_not_drain_is_told(supervise: Recorded) -> None:
    """A worker that had to be killed at the stop makes the exit code 1."""
    supervise.answer = False
    assert main(["serve", "--workers", "2"], {}) == 1


@pytest.mark.parametrize("count", ["0", "257", "many", "-1"])
def test_a_wrong_number_of_workers_is_one_sentence(
    count: str, supervise: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    """The number on the command line has the bounds of the setting."""
    assert main(["serve", f"--workers={count}"], {}) == 2
    told = f"gateway: GATEWAY_WORKERS is '{count}': write a whole number from 1 to 256.\n"
    assert capsys.readouterr().err == told
    assert supervise.given == ()


def test_a_worker_is_told_its_place(alone: Recorded, supervise: Recorded) -> None:
    """A worker knows its index and its leash, logs the index, and never supervises itself."""
    ours, theirs = socket.socketpair()
    with ours:
        words = ["serve", "--worker", "4", "--leash", str(theirs.detach())]
        assert main(words, {"GATEWAY_WORKERS": "8"}) == 0
        _, place = alone.given
        assert isinstance(place, Place)
        with place.leash:
            assert not place.leash.get_inheritable()
            ours.sendall(b"x")
            assert place.leash.recv(1) == b"x"
    assert (place.index, alone.loop) == (4, "uvloop")
    assert alone.context == {"worker": 4}
    assert supervise.given == ()


@pytest.mark.parametrize(
    ("original", "arguments", "command"),
    [
        (["python", "-X", "dev", "-m", "gateway"], ["serve"], ["-X", "dev", "-m", "gateway"]),
        (["python3", "/v/bin/gateway"], ["serve", "--workers", "2"], ["/v/bin/gateway"]),
    ],
)
def test_workers_are_started_as_their_supervisor_was(
    original: list[str],
    arguments: list[str],
    command: list[str],
    supervise: Recorded,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same interpreter, with the same flags, and the same way to this program."""
    monkeypatch.setattr(sys, "orig_argv", [*original, *arguments])
    monkeypatch.setattr(sys, "argv", [original[-1], *arguments])
    assert main(None, {"GATEWAY_WORKERS": "2"}) == 0
    assert launch_of(supervise).command == [sys.executable, *command, "serve"]


def test_people_are_not_shown_what_workers_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The help names --workers, and none of the arguments that a supervisor gives."""
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    text = capsys.readouterr().out
    assert "--workers N" in text
    assert "--leash" not in text
    assert "--worker " not in text
