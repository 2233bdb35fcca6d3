"""EmbeddedPostgres: start or adopt the private server, share it, stop it when the last user leaves.

Every wait polls a lock or the postmaster's own file, within a bound that has a name.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

import asyncpg

from gateway.store.embedded import socket_folder
from gateway.store.embedded.account import Account
from gateway.store.embedded.binaries import installed_prefix
from gateway.store.embedded.errors import EmbeddedPostgresError
from gateway.store.embedded.home import FOLDER_NAME, Home, disk_full, is_disk_full
from gateway.store.embedded.launcher import launch_if_down
from gateway.store.embedded.locks import open_lock, try_own, try_share
from gateway.store.embedded.postmaster import Postmaster
from gateway.store.embedded.provision import DATABASE, dsn, provision

START_TIMEOUT_S_DEFAULT: Final = 180.0  # crash recovery may replay up to max_wal_size, 4 GB
POLL_INTERVAL_S: Final = 0.01
# Signal and patience in seconds: a fast shutdown ends sessions and writes a checkpoint; an
# immediate one loses nothing either, but leaves the work to the next start's recovery.
SHUTDOWN_STEPS: Final = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0))

FAILURES: Final = (OSError, subprocess.SubprocessError, asyncpg.PostgresError)


class EmbeddedPostgres:
    """One process's use of the Postgres in a data folder, which all its users share.

    The server outlives a gateway that was killed; `start` adopts it. The data outlives all.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        major: int = 18,
        start_timeout_s: float = START_TIMEOUT_S_DEFAULT,
    ) -> None:
        """Keeps what to start: nothing is read or made before `start`.

        `major` is 16 or 18. `start_timeout_s` bounds a whole start, crash recovery included.
        """
        self._data_dir = data_dir
        self._major = major
        self._start_timeout_s = start_timeout_s
        self._home: Home | None = None
        self._use: int | None = None  # the descriptor of users.lock while this process is a user

    async def start(self) -> None:
        """Starts or adopts the server; on return it accepts connections and has its roles.

        It may be called again, which brings back a server that died meanwhile. Raises
        EmbeddedPostgresError, and then this process is no user; a server that is not ready in time
        goes on recovering, for the next start to adopt.
        """
        try:
            async with asyncio.timeout(self._start_timeout_s):
                await self._start()
        except BaseException as error:
            if isinstance(error, TimeoutError):
                self._leave()  # stopped now, a recovery would begin again from nothing
            else:
                await self.stop()
            if isinstance(error, FAILURES):
                raise self._explained(error) from error
            raise

    async def stop(self) -> None:
        """Ends this process's use; the last user stops the server and waits until it is gone.

        Raises EmbeddedPostgresError if the server does not go within SHUTDOWN_STEPS.
        """
        if self._home is None or self._use is None:
            return
        try:
            if try_own(self._use):
                await _shut_down(self._home)
        finally:
            self._leave()

    def dsn(self, *, user: str, database: str = DATABASE) -> str:
        """Returns the connection string over the socket, for a started server."""
        if self._home is None or self._use is None:
            raise EmbeddedPostgresError("The embedded Postgres is not started: call start() first.")
        return dsn(self._home, user, database)

    @property
    def pid(self) -> int | None:
        """The server's process id; None if this process does not use it or it is not running."""
        if self._home is None or self._use is None or not self._home.has_server():
            return None
        postmaster = Postmaster.of(self._home.pgdata)
        return postmaster.pid if postmaster else None

    async def _start(self) -> None:
        installed_prefix(self._major)  # first, so that a machine without it gets no folders
        if self._home is None:
            path = self._data_dir.expanduser().resolve() / FOLDER_NAME
            self._home = Home(path, Account.of_postgres())
        self._home.ensure()
        await self._become_user(self._home)
        self._home.require_major(self._major)
        await self._bring_up(self._home)

    async def _become_user(self, home: Home) -> None:
        if self._use is None:
            self._use = open_lock(home.path / "users.lock")
        while True:
            if try_share(self._use):
                return
            await asyncio.sleep(POLL_INTERVAL_S)  # the last user before us is stopping the server

    async def _bring_up(self, home: Home) -> None:
        has_launched = False
        while not await provision(home):
            if not home.has_server():
                if has_launched:
                    raise home.failure("stopped while starting")
                has_launched = await self._launch(home)
            await asyncio.sleep(POLL_INTERVAL_S)

    async def _launch(self, home: Home) -> bool:
        """Launches in a thread, to its end even if cancelled: no thread works on unwatched."""
        work = asyncio.ensure_future(
            asyncio.to_thread(launch_if_down, home, self._major, self._start_timeout_s)
        )
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                await work
            raise

    def _leave(self) -> None:
        if self._use is not None:
            os.close(self._use)
            self._use = None

    def _explained(self, error: Exception) -> EmbeddedPostgresError:
        if isinstance(error, TimeoutError | subprocess.TimeoutExpired) and self._home:
            return self._home.failure(
                f"was not ready within {self._start_timeout_s:g} s (if it is still recovering, "
                "start again)"
            )
        if is_disk_full(str(error)):
            return disk_full(self._data_dir)
        return EmbeddedPostgresError(
            f"Postgres cannot be run in {self._data_dir} ({error}): "
            "set GATEWAY_DATA_DIR to another folder or set GATEWAY_DATABASE_URL."
        )


async def _shut_down(home: Home) -> None:
    for number, patience_s in SHUTDOWN_STEPS:
        if await _is_gone(home, number, patience_s):
            socket_folder.remove(home.run)
            return
    raise home.failure(
        "does not stop (it may have been started in another container: stop it there)"
    )


async def _is_gone(home: Home, number: signal.Signals, patience_s: float) -> bool:
    """Signals the postmaster as soon as it can be named, and waits until nothing of it lives."""
    is_signalled = False
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if not home.has_server():
            return True
        postmaster = None if is_signalled else Postmaster.of(home.pgdata)
        if postmaster is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(postmaster.pid, number)
            is_signalled = True
        await asyncio.sleep(POLL_INTERVAL_S)
    return False
