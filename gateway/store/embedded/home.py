"""The folder of the embedded Postgres: what lies where, and who may enter.

    <data folder>/embedded-postgres/
        users.lock, server.lock   see the package's docstring
        server.log                what initdb and the server said since the last launch
        server.previous.log       the same of the launch before
        pgdata/                   the cluster; it is there only once it is complete
        run                       the folder of the socket, or a link to it
        binaries-…/               root only: the copy that `nobody` runs

Folders are given permissions when they are made and never later, so nothing of anybody else's is
ever changed. The cluster and the socket lie in folders with mode 0700.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.store.embedded.account import Account
from gateway.store.embedded.errors import EmbeddedPostgresError
from gateway.store.embedded.locks import open_lock, try_own

FOLDER_NAME: Final = "embedded-postgres"
LOG_TAIL_BYTES: Final = 2_000
LOG_TAIL_LINES: Final = 5


def default_data_dir() -> Path:
    """Returns the data folder to use if none is configured; it need not exist yet.

    Raises EmbeddedPostgresError for a user who has no home.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/payment-gateway")  # root's own home is closed to `nobody`
    data_home = Path(os.environ.get("XDG_DATA_HOME", ""))
    if data_home.is_absolute():  # any other value is to be ignored, by the XDG rules
        return data_home / "payment-gateway"
    try:
        return Path.home() / ".local/share/payment-gateway"
    except RuntimeError:
        raise EmbeddedPostgresError(
            "This user has no home folder: set GATEWAY_DATA_DIR or GATEWAY_DATABASE_URL."
        ) from None


@dataclass(frozen=True)
class Home:
    """The folder `path`, and the account that Postgres has there."""

    path: Path
    account: Account

    @property
    def pgdata(self) -> Path:
        """The cluster; it exists only once it is complete."""
        return self.path / "pgdata"

    @property
    def run(self) -> Path:
        """The socket's folder or a link to it, see `socket_folder`."""
        return self.path / "run"

    @property
    def log(self) -> Path:
        """What initdb and the server said since the last launch."""
        return self.path / "server.log"

    def ensure(self) -> None:
        """Makes the folder, or raises EmbeddedPostgresError if what is there is not ours alone."""
        _make_folders(self.path, 0o711 if self.account.is_other else 0o700)
        found = self.path.lstat()
        is_owned = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
        if not is_owned or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise EmbeddedPostgresError(
                f"{self.path} is not a folder that this user alone owns and writes: start the "
                "gateway as its owner or set GATEWAY_DATA_DIR to another folder."
            )

    def require_major(self, major: int) -> None:
        """Raises EmbeddedPostgresError if the cluster was made by another major version."""
        try:
            found = (self.pgdata / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            return
        if found != str(major):
            raise EmbeddedPostgresError(
                f"The data in {self.pgdata} was made by Postgres {found}, not {major}: set "
                "GATEWAY_DATA_DIR to another folder, and carry the data over with pg_dump."
            )

    @contextlib.contextmanager
    def server_lock(self) -> Iterator[int | None]:
        """Gives the locked `server.lock` to hand down, or None if something of the server lives."""
        descriptor = open_lock(self.path / "server.lock")
        try:
            yield descriptor if try_own(descriptor) else None
        finally:
            os.close(descriptor)

    def has_server(self) -> bool:
        """Tells whether any process of the server, or of initdb, lives."""
        with self.server_lock() as descriptor:
            return descriptor is None

    def open_log(self) -> int:
        """Begins the log of a launch; that of the launch before is kept, older ones are not."""
        with contextlib.suppress(FileNotFoundError):
            self.log.replace(self.path / "server.previous.log")
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def failure(self, what: str) -> EmbeddedPostgresError:
        """Returns the error that Postgres `what`, with the last lines of the log as the reason."""
        tail = self._log_tail()
        if is_disk_full(tail):
            return disk_full(self.path)
        return EmbeddedPostgresError(
            f"Postgres in {self.path} {what}: put right what {self.log.name} there says ({tail})."
        )

    def _log_tail(self) -> str:
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - LOG_TAIL_BYTES))
                lines = log.read().decode(errors="replace").splitlines()
        except FileNotFoundError:
            return "nothing yet"
        return " / ".join(lines[-LOG_TAIL_LINES:])


def is_disk_full(message: str) -> bool:
    """Tells whether a message, of Postgres or of Python, is about a full disk."""
    return os.strerror(errno.ENOSPC) in message


def disk_full(path: Path) -> EmbeddedPostgresError:
    """Returns the error that the disk under `path` has no space left."""
    return EmbeddedPostgresError(f"The disk of {path} is full: free some space and start again.")


def _make_folders(folder: Path, mode: int) -> None:
    if not folder.parent.exists():
        _make_folders(folder.parent, mode)
    try:
        folder.mkdir()
    except FileExistsError:
        return
    folder.chmod(mode)  # mkdir's own mode is cut by the umask
