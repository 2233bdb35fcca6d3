"""What the tests of the emulators share: a running sandbox, and a receiver of notifications."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from tests.emulators.bench import Caller, Receiver, receiving, serving


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Keep the line per request out of the tests' time and output."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.configure(**before)


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
