"""What the tests of the load tester share: a gateway in memory that keeps honest books."""

from collections.abc import Iterator

import pytest

from tests.clients.loadtest.model_gateway import ModelGateway


@pytest.fixture
def model() -> Iterator[ModelGateway]:
    """A gateway that does everything right until the test says otherwise."""
    made = ModelGateway()
    yield made
    made.stop()
