"""What the tests of the use cases share: a gateway over fakes, in time that jumps."""

from collections.abc import AsyncIterator

import pytest

from gateway.domain.ledger import customer
from tests.usecases.fakes import FixedClock
from tests.usecases.virtual_time import virtual_time
from tests.usecases.world import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A gateway with one merchant, an empty database and a silent channel.

    Whatever a test does, in the end no place among the channel's calls is taken, no work is left
    running, the books balance, and wallets have what was booked on them.
    """
    made = World(FixedClock())
    with virtual_time(made.clock):
        yield made
        await made.store.drain()
        assert await made.execution.drain(1.0) == 0
    assert made.channel.in_flight == 0
    balances = made.rows.balances()
    assert balances.get("due_to_own", 0) == balances.get("due_from_reserve", 0)
    for ref, wallet in made.rows.wallets.items():
        booked = (customer(code, wallet.payer_id) for code in ("wallet", "wallet_held"))
        folded = [made.rows.balance(account, ref.currency) for account in booked]
        assert folded == [wallet.available, wallet.held]
