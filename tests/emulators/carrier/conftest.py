"""An operator with an empty book, and a client at it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.emulators.carrier.customer import Customer, serving


@pytest.fixture
async def customer(tmp_path: Path) -> AsyncIterator[Customer]:
    """A client with a token at a running operator."""
    async with serving(tmp_path) as running:
        yield running
