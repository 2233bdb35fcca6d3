"""Advisory locks on files (flock).

The kernel drops them when the last process that holds the opened file ends, however it ends, and
they pass to children together with the descriptor. Nothing here waits.
"""

import fcntl
import os
from pathlib import Path


def open_lock(path: Path) -> int:
    """Opens a lock file, made if needed; children do not inherit it unless it is handed down."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_share(descriptor: int) -> bool:
    """Takes the lock beside other sharers; False if somebody has it for himself."""
    return _try(descriptor, fcntl.LOCK_SH)


def try_own(descriptor: int) -> bool:
    """Takes the lock for this descriptor alone; if it cannot, a shared hold is given up too."""
    return _try(descriptor, fcntl.LOCK_EX)


def _try(descriptor: int, operation: int) -> bool:
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
