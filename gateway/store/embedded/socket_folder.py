"""The folder of the server's Unix socket: `run` in the home, or a link to a short folder.

A socket's path has about a hundred bytes, and a data folder may lie deep or have a name that
connection strings cannot carry. Then the socket lies in a fresh folder among the temporary files:
a fresh name cannot have been taken by somebody else before, and the link tells it to adopters. A
server that is launched again after a crash takes the folder of the one before, because those who
use it know it by that name.
"""

import re
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Final

from gateway.store.embedded.account import Account
from gateway.store.embedded.errors import EmbeddedPostgresError

PORT: Final = 5432  # a part of the socket's file name; nothing listens on TCP
PATH_BYTES_MAX: Final = 103  # what every Unix allows (Linux: 107)
PATH_PLAIN: Final = re.compile(r"[A-Za-z0-9_./+-]+")  # needs no quoting anywhere


def make(run: Path, account: Account) -> Path:
    """Makes the folder for a server about to be launched; what a dead one left in it is removed."""
    if folder := _kept(run, account):
        return folder
    remove(run)
    folder = run
    if not _fits(run):
        folder = Path(tempfile.mkdtemp(prefix="payment-gateway-"))
        run.symlink_to(folder)
    if not _fits(folder):
        remove(run)
        raise EmbeddedPostgresError(
            f"Neither {run.parent} nor {folder.parent} is short and plain enough for a socket: set "
            "GATEWAY_DATA_DIR or TMPDIR to a short path of letters and digits."
        )
    account.make_private(folder)
    account.require_reach(folder)
    return folder


def find(run: Path, account: Account) -> Path:
    """Returns the folder that `make` made for the running server."""
    folder = run.readlink() if run.is_symlink() else run
    if folder.lstat().st_uid != account.uid:
        raise EmbeddedPostgresError(
            f"The socket folder {folder} belongs to somebody else: stop the Postgres of "
            f"{run.parent} and start the gateway again."
        )
    return folder


def remove(run: Path) -> None:
    """Removes the folder and what is in it, if there is one."""
    if run.is_symlink():
        shutil.rmtree(run.readlink(), ignore_errors=True)
        run.unlink()
    elif run.exists():
        shutil.rmtree(run)


def _kept(run: Path, account: Account) -> Path | None:
    """Empties the folder that the link names, if it is still the account's alone."""
    if not run.is_symlink():
        return None
    folder = run.readlink()
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return None
    if found.st_uid != account.uid or found.st_mode != stat.S_IFDIR | 0o700:
        return None
    for left in folder.iterdir():
        left.unlink()
    return folder


def _fits(folder: Path) -> bool:
    socket = f"{folder}/.s.PGSQL.{PORT}"
    return len(socket) <= PATH_BYTES_MAX and PATH_PLAIN.fullmatch(socket) is not None
