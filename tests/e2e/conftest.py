"""The house of the session: started once, shared by all tests, held against the invariants at last.

Every test opens a merchant of its own, so tests do not meet. What they leave must come to rest, and
then everything the session did has to keep I1 to I12, told answers included.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.e2e.counter import Counter
from tests.e2e.gateways import Extra, faults_in
from tests.e2e.house import House
from tests.e2e.shop import Shop
from tests.invariants import violations
from tests.processes import Stack

SETTINGS = {
    "GATEWAY_CHANNEL_TIMEOUT_MS": "2000",
    "GATEWAY_LEASE_MARGIN_MS": "1500",
    "GATEWAY_RECOVERY_INTERVAL_MS": "50",
    "GATEWAY_RECOVERY_DELAY_MIN_MS": "50",
    "GATEWAY_RECOVERY_DELAY_MAX_MS": "500",
    "GATEWAY_REVIEW_AFTER_S": "4",
    "GATEWAY_FOLD_INTERVAL_MS": "200",
    "GATEWAY_WATCH_POLL_MS": "50",
    "GATEWAY_HEARTBEAT_S": "1",
    "GATEWAY_STATEMENT_TIMEOUT_MS": "3000",
    "GATEWAY_DRAIN_TIMEOUT_S": "15",
}
"""Spans short enough that what takes minutes by default takes seconds here."""

EXTRA_SETTINGS = {
    "GATEWAY_AUTHORIZATION_LIFETIME_S": "2",
    "GATEWAY_WATCHERS_MAX": "3",
    "GATEWAY_CHANNEL_CALLS_MAX": "20",
    "GATEWAY_CHANNEL_CONNECTIONS_MAX": "30",
}
"""The third gateway lets authorisations end soon, and has room for few watchers and calls."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house() -> AsyncIterator[House]:
    """Start everything once; at the end nothing may be open, lost, doubled or out of balance."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-e2e-"))
    folder.chmod(0o711)  # as root, Postgres runs as nobody and must reach its data below
    stack = Stack(folder, gateways=2, settings=SETTINGS)
    try:
        await stack.start()
        async with stack.postgres() as postgres:
            house = House(stack, postgres)
            yield house
            await house.end_extras()
            await house.rest()
            await house.close()
            found = violations(await stack.world(house.told))
            statuses = await stack.stop()
        assert not found, "\n".join(found)
        assert statuses == [0, 0]
        assert not [line for log in folder.glob("*.log") for line in faults_in(log)]
    finally:
        await stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_extra(house: House) -> AsyncIterator[Extra]:
    """A third gateway that tests may stop and start."""
    extra = house.extra("extra", **EXTRA_SETTINGS)
    yield extra
    assert await extra.service.stop() == 0


@pytest_asyncio.fixture(loop_scope="session")
async def extra(shared_extra: Extra) -> Extra:
    """The third gateway, running."""
    if not shared_extra.service.running:
        await shared_extra.service.start()
    return shared_extra


@pytest_asyncio.fixture(loop_scope="session")
async def shop(house: House) -> Shop:
    """A merchant of the test's own."""
    return await house.shop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_counter(house: House) -> AsyncIterator[Counter]:
    """A shop whose requests are refused without a trace."""
    counter = await Counter.open(await house.shop())
    yield counter
    await counter.shop.cancel(counter.held)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counter(shared_counter: Counter) -> Counter:
    """The same, once nothing else moves: a module's own tests leave nothing on its way."""
    await shared_counter.house.rest()
    return shared_counter
