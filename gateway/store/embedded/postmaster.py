"""What a running postmaster says of itself, in the file `postmaster.pid` of its cluster.

After a crash the file stays and lies; so believe it only while something of the server lives
(`Home.has_server`), and signal its process only if that was launched on this very cluster.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

# The lines: pid, data folder, start time, port, socket folder, host, shared memory, status.
LINES: Final = 8


@dataclass(frozen=True)
class Postmaster:
    """The server's first process; `is_ready` tells that it accepts connections."""

    pid: int
    is_ready: bool

    @classmethod
    def of(cls, pgdata: Path) -> Self | None:
        """Returns the postmaster of a cluster, or None until it has said all of itself."""
        try:
            lines = (pgdata / "postmaster.pid").read_bytes().splitlines()
        except FileNotFoundError:
            return None
        if len(lines) < LINES or not _runs_on(pgdata, int(lines[0])):
            return None
        return cls(int(lines[0]), is_ready=lines[7].strip() == b"ready")


def _runs_on(pgdata: Path, pid: int) -> bool:
    """Tells whether `pid` was launched on `pgdata`; where there is no /proc the lock must do."""
    if not Path("/proc/self").exists():
        return True
    try:
        return os.fsencode(pgdata) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
