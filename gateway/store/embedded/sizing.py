"""How much of the machine our own Postgres may use: more memory, more buffers and more journal.

Keys are random, so under load every page of their index is dirty soon after each checkpoint, and
the first change of a page after a checkpoint writes the whole page to the journal (WAL). Buffers
that hold the index, and checkpoints that are further apart, therefore save most of the writing:
measured with 3 million rows and batches of 256 random keys, the journal of a row fell from 1.6 kB
to 0.8 kB and the rate rose by 70 % over Postgres' own defaults. Compressing those pages (pglz, the
only method that the wheel carries) cost more time than it saved. The price is disk, and a longer
recovery after a crash; nothing here touches what a commit promises.
"""

import os
from pathlib import Path
from typing import Final

MIB: Final = 1024 * 1024

BUFFERS_MIB_MIN: Final = 128
BUFFERS_MIB_MAX: Final = 2_048
BUFFERS_SHARE: Final = 8
"""Shared buffers are an eighth of the memory: the gateway lives on the same machine."""

JOURNAL_MIB_MIN: Final = 1_024
JOURNAL_MIB_MAX: Final = 4_096
JOURNAL_SHARE: Final = 4
"""The journal between checkpoints may take as much disk as a quarter of the memory."""

RECYCLED_SHARE: Final = 4
"""A quarter of that is kept for use again, since making new files of it costs."""

CHECKPOINT_TIMEOUT: Final = "15min"

CONTAINER_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")


def sized_settings(memory_bytes: int) -> dict[str, str]:
    """Give Postgres' settings for a machine with that much memory."""
    memory_mib = memory_bytes // MIB
    buffers = min(max(memory_mib // BUFFERS_SHARE, BUFFERS_MIB_MIN), BUFFERS_MIB_MAX)
    journal = min(max(memory_mib // JOURNAL_SHARE, JOURNAL_MIB_MIN), JOURNAL_MIB_MAX)
    return {
        "shared_buffers": f"{buffers}MB",
        "max_wal_size": f"{journal}MB",
        "min_wal_size": f"{journal // RECYCLED_SHARE}MB",
        "checkpoint_timeout": CHECKPOINT_TIMEOUT,
    }


def memory_bytes(container_limit: Path = CONTAINER_LIMIT) -> int:
    """Say how much memory this machine has, or its container where that has less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(container_limit.read_text()))
    except (OSError, ValueError):  # no container, or one without a limit: "max"
        return machine
