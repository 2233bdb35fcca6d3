"""The garbage collector after the start: what lives is set aside, what dies is still found."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from gateway.app import memory


class Ring:
    """Refers to itself, so that only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def collector_as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_what_lives_is_set_aside() -> None:
    """After it, a full collection has next to nothing to visit."""
    memory.settle()
    assert gc.get_freeze_count() > 10_000
    assert len(gc.get_objects()) < gc.get_freeze_count() / 10
    assert gc.get_threshold()[0] == memory.ALLOCATIONS_MAX


def test_what_dies_later_is_found() -> None:
    """Garbage made afterwards is collected, by itself and within the bound."""
    memory.settle()
    ring = weakref.ref(Ring())
    held = [[] for _ in range(2 * memory.ALLOCATIONS_MAX)]
    assert ring() is None
    assert held
