"""What the tests of the emulators share: a running sandbox, and a receiver of notifications."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.emulators.bench import Caller, Receiver, receiving, serving


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Caller]:
    """A sandbox with an empty book, and a caller of it."""
    async with serving(tmp_path) as caller:
        yield caller


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that acknowledges everything."""
    async with receiving() as running:
        yield running
