"""How much of the machine the embedded Postgres takes: in proportion, and within bounds."""

from pathlib import Path

import pytest

from gateway.store.embedded.sizing import MIB, memory_bytes, sized_settings

GIB = 1024 * MIB


@pytest.mark.parametrize(
    ("memory", "buffers", "journal"),
    [
        (GIB // 2, "128MB", "1024MB"),
        (2 * GIB, "256MB", "1024MB"),
        (8 * GIB, "1024MB", "2048MB"),
        (16 * GIB, "2048MB", "4096MB"),
        (1024 * GIB, "2048MB", "4096MB"),
    ],
)
def test_more_memory_gives_more_within_bounds(memory: int, buffers: str, journal: str) -> None:
    """Buffers are an eighth and the journal a quarter of the memory, each within its bounds."""
    settings = sized_settings(memory)
    assert (settings["shared_buffers"], settings["max_wal_size"]) == (buffers, journal)
    kept = int(settings["min_wal_size"].removesuffix("MB"))
    assert 4 * kept == int(journal.removesuffix("MB"))


def test_durability_is_no_question_of_size() -> None:
    """Nothing that a commit promises is set by the size of the machine."""
    names = {"fsync", "synchronous_commit", "full_page_writes", "wal_level", "commit_delay"}
    assert not names & sized_settings(16 * GIB).keys()


def test_a_container_bounds_the_memory(tmp_path: Path) -> None:
    """A container's limit counts where it is lower than the machine's memory, and if it is one."""
    limit = tmp_path / "memory.max"
    machine = memory_bytes(limit)
    assert machine > 64 * MIB
    limit.write_text(f"{64 * MIB}\n")
    assert memory_bytes(limit) == 64 * MIB
    limit.write_text(f"{2 * machine}\n")
    assert memory_bytes(limit) == machine
    limit.write_text("max\n")
    assert memory_bytes(limit) == machine
