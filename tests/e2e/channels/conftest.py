"""The street of the session: started once, shared by the stories, held against the invariants."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.channels.street import Street
from tests.e2e.channels.v3style import CHANNELS, Till
from tests.e2e.conftest import SETTINGS
from tests.e2e.gateways import faults_in
from tests.e2e.house import House
from tests.invariants import read_world, violations


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def street() -> AsyncIterator[Street]:
    """Start everything once."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-street-"))
    folder.chmod(0o711)  # as root, Postgres runs as nobody and must reach its data below
    street = Street(folder, SETTINGS)
    try:
        await street.start()
        yield street
    finally:
        await street.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def street_house(street: Street) -> AsyncIterator[House]:
    """What is known of it; at the end nothing may be open, lost, doubled or out of balance."""
    stack: Any = street
    async with street.postgres() as postgres:
        house = House(stack, postgres)
        yield house
        await house.rest()
        await house.close()
        found = violations(await read_world(postgres.dsn(user="gateway_owner"), "", house.told))
        status = await street.stop()
    assert not found, "\n".join(found)
    assert status == 0
    assert not [line for log in street.folder.glob("*.log") for line in faults_in(log)]


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=CHANNELS)
async def till(
    request: pytest.FixtureRequest, street: Street, street_house: House
) -> AsyncIterator[Till]:
    """A shop at one of the two channels, for all its stories."""
    yield await Till.open(street_house, street.emulators[request.param])
