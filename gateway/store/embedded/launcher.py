"""Launches Postgres in a home where none lives; everything here blocks.

The server is a child of nobody's: a shell puts it in the background and ends, so that it outlives
the gateway and is the same to the process that launched it as to one that adopts it. The cluster is
made beside its final place and moved there when complete, so a cut-short initdb is never taken
for a cluster.
"""

import os
import shutil
from pathlib import Path
from typing import Final

from gateway.store.embedded import socket_folder
from gateway.store.embedded.binaries import installed_prefix, private_copy
from gateway.store.embedded.home import Home
from gateway.store.embedded.sizing import memory_bytes, sized_settings

SUPERUSER: Final = "postgres"
INITDB_OPTIONS: Final = (
    f"--username={SUPERUSER}",
    "--auth-local=trust",  # the socket's folder has mode 0700: who gets there is the owner
    "--auth-host=reject",
    "--encoding=UTF8",
    "--no-locale",
    "--data-checksums",
    "--no-instructions",
)
SETTINGS: Final = {
    "listen_addresses": "",
    "port": str(socket_folder.PORT),
    "unix_socket_permissions": "0700",
    "cluster_name": "payment-gateway",
    # Money: stated here, where no file in the data folder can take it back.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": "100",
    "jit": "off",  # short statements only: compiling them costs more than it saves
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Neither statements nor the values in error details: they are customers' data.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}


def launch_if_down(home: Home, major: int, timeout_s: float) -> bool:
    """Launches Postgres, making its cluster first if there is none; False if one lives already.

    It returns before the server accepts connections. `timeout_s` bounds each program it waits for.
    """
    with home.server_lock() as lock:
        if lock is None:
            return False
        home.account.require_reach(home.path)
        log = home.open_log()
        try:
            _launch(home, _runnable_prefix(home, major) / "bin", timeout_s, log, lock)
        finally:
            os.close(log)
        return True


def _runnable_prefix(home: Home, major: int) -> Path:
    prefix = installed_prefix(major)
    return private_copy(prefix, home.path) if home.account.is_other else prefix


def _launch(home: Home, programs: Path, timeout_s: float, log: int, lock: int) -> None:
    if not home.pgdata.exists():
        _make_cluster(home, programs / "initdb", timeout_s, log, lock)
    # We hold the lock, so whatever process this file names is not the server.
    (home.pgdata / "postmaster.pid").unlink(missing_ok=True)
    sockets = socket_folder.make(home.run, home.account)
    settings = SETTINGS | sized_settings(memory_bytes())
    settings |= {"unix_socket_directories": str(sockets)}
    options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
    home.account.run(
        *("/bin/sh", "-c", '"$0" "$@" &', programs / "postgres", "-D", home.pgdata),
        *options,
        timeout_s=timeout_s,
        output_fd=log,
        inherited_fds=(lock,),
    )


def _make_cluster(home: Home, initdb: Path, timeout_s: float, log: int, lock: int) -> None:
    unfinished = home.path / "pgdata.unfinished"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    home.account.make_private(unfinished)
    exit_code = home.account.run(
        initdb,
        *INITDB_OPTIONS,
        f"--pgdata={unfinished}",
        timeout_s=timeout_s,
        output_fd=log,
        inherited_fds=(lock,),
    )
    if exit_code != 0:
        raise home.failure("could not make its data folder")
    unfinished.rename(home.pgdata)
    for folder in (home.path, home.path.parent):
        _sync(folder)


def _sync(folder: Path) -> None:
    """Makes the names in a folder durable; initdb has done so for all below."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
