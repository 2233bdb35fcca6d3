"""What the tests of the channels share: a bench on which connector and sandbox meet."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.channels.live import Bench, benching


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A sandbox with an empty book, a listener, and the channel between them."""
    async with benching(tmp_path) as running:
        yield running
