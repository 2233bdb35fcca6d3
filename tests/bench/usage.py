"""CPU time and memory of processes, read from /proc.

A server is more than one process: workers, and the backends of its Postgres. All of them that live
are added up, each with what its children that ended had used, so that no backend that ends between
two readings is lost.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PARENT, _TIMES = 1, slice(11, 15)
"""Places in /proc/PID/stat after the name: parent; CPU times, own and of ended children."""


@dataclass(frozen=True)
class Cpu:
    """CPU time used so far, in seconds: of a server's own processes, and of its Postgres.

    That of a channel's stand-in, which in real life is not ours, stands beside them.
    """

    server: float = 0.0
    postgres: float = 0.0
    stand_in: float = 0.0

    def since(self, earlier: "Cpu") -> "Cpu":
        """Give what was used since."""
        return Cpu(
            self.server - earlier.server,
            self.postgres - earlier.postgres,
            self.stand_in - earlier.stand_in,
        )

    def each(self, count: float) -> "Cpu":
        """Give what was used for each of so many."""
        return Cpu(self.server / count, self.postgres / count, self.stand_in / count)

    @property
    def total(self) -> float:
        """What is ours: server and Postgres."""
        return self.server + self.postgres


def family(pid: int) -> list[int]:
    """Give a process and everything below it."""
    children: dict[int, list[int]] = {}
    for found in _processes():
        fields = _stat(found)
        if fields:
            children.setdefault(int(fields[_PARENT]), []).append(found)
    members = [pid]
    for member in members:
        members.extend(children.get(member, ()))
    return members


def cpu_s(pids: Iterable[int]) -> float:
    """Add up the CPU time of processes and of their ended children, in seconds."""
    return sum(_cpu_s(pid) for pid in pids)


def resident_bytes(pid: int) -> int:
    """Give the memory of a process that is in RAM."""
    pages = int((PROC / str(pid) / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def allowed_cores() -> set[int]:
    """Give the cores that these processes may run on."""
    return os.sched_getaffinity(0)


def file_system(folder: Path) -> str:
    """Name the type of the file system that a folder lies on."""
    found = ("", "")
    for line in (PROC / "self" / "mounts").read_text().splitlines():
        _, mount, kind, *_ = line.split(" ")
        point = mount.replace("\\040", " ")
        if folder.resolve().is_relative_to(point) and len(point) >= len(found[0]):
            found = (point, kind)
    return found[1]


def _cpu_s(pid: int) -> float:
    fields = _stat(pid)
    return sum(int(ticks) for ticks in fields[_TIMES]) / TICKS_PER_S if fields else 0.0


def _processes() -> Iterator[int]:
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal())


def _stat(pid: int) -> list[str]:
    """Read the fields after the name, which may hold anything; none for a process that is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()
