"""The account Postgres runs as.

Postgres refuses to run as root. An ordinary user runs it as itself; root runs it as `nobody`, an
account every Unix has, so that no user is added. Programs get a bare environment: the gateway's
holds secrets, and settings such as PGDATA or LC_ALL would change what they do.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from gateway.store.embedded.errors import EmbeddedPostgresError

UNPRIVILEGED_USER: Final = "nobody"
PROBE_TIMEOUT_S: Final = 10.0
ENVIRONMENT: Final = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Account:
    """A user and group; `is_other` tells that this process is root and runs programs as it."""

    uid: int
    gid: int
    is_other: bool

    @classmethod
    def of_postgres(cls) -> Self:
        """Returns the account for this process: its own, or `nobody` if it is root's."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), is_other=False)
        try:
            nobody = pwd.getpwnam(UNPRIVILEGED_USER)
        except KeyError:
            raise EmbeddedPostgresError(
                f"Postgres does not run as root and this machine has no user {UNPRIVILEGED_USER}: "
                "start the gateway as an ordinary user or set GATEWAY_DATABASE_URL."
            ) from None
        return cls(nobody.pw_uid, nobody.pw_gid, is_other=True)

    def run(
        self,
        *command: str | Path,
        timeout_s: float,
        output_fd: int = subprocess.DEVNULL,
        inherited_fds: tuple[int, ...] = (),
    ) -> int:
        """Runs a command to its end, in a session of its own, and returns its exit code.

        A session of its own keeps the terminal's Ctrl-C, meant for the gateway, from Postgres.
        The working folder is `/`, because ours may be closed to the account.
        """
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output_fd,
            stderr=output_fd,
            pass_fds=inherited_fds,
            start_new_session=True,
            cwd="/",
            env=ENVIRONMENT,
            umask=0o077,
            user=self.uid if self.is_other else None,
            group=self.gid if self.is_other else None,
            extra_groups=[] if self.is_other else None,
            timeout=timeout_s,
            check=False,
        ).returncode

    def make_private(self, folder: Path) -> None:
        """Makes a folder that only this account (and root) can enter, if it is not there yet."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.is_other:
            os.chown(folder, self.uid, self.gid, follow_symlinks=False)

    def require_reach(self, folder: Path) -> None:
        """Raises EmbeddedPostgresError, naming the closed folder, if the account cannot enter."""
        if not self.is_other or self._can_enter(folder):
            return
        upward = (folder, *folder.parents)
        closed = next((path for path in reversed(upward) if not self._can_enter(path)), folder)
        raise EmbeddedPostgresError(
            f"Started by root, Postgres runs as the user {UNPRIVILEGED_USER}, who cannot enter "
            f"{closed}: set GATEWAY_DATA_DIR to a folder below ones that everybody may enter, such "
            "as /var/lib/payment-gateway, or start the gateway as an ordinary user."
        )

    def _can_enter(self, folder: Path) -> bool:
        # Tried, not computed from mode bits: access lists and mounts have their say too.
        return self.run("/bin/sh", "-c", 'cd "$0"', folder, timeout_s=PROBE_TIMEOUT_S) == 0
