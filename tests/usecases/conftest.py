"""What the tests of the use cases share: a gateway over fakes, in time that jumps."""

from collections.abc import AsyncIterator

import pytest

from tests.usecases.fakes import FixedClock
from tests.usecases.virtual_time import virtual_time
from tests.usecases.world import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A gateway with one merchant, an empty database and a silent channel.

    Whatever a test does, in the end no place among the channel's calls is taken, no work is left
    running, and the books balance.
    """
    made = World(FixedClock())
    with virtual_time(made.clock):
        yield made
        assert await made.execution.drain(1.0) == 0
    assert made.channel.in_flight == 0
    balances = made.rows.balances()
    assert balances.get("due_to_own", 0) == balances.get("due_from_reserve", 0)
