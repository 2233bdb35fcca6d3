"""What the tests of the client share: a scripted gateway and a client of it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from paymentgateway.client import GatewayClient
from tests.clients.scripted_gateway import QUICK, ScriptedGateway


@pytest.fixture
def gateway() -> Iterator[ScriptedGateway]:
    """A gateway with an empty script."""
    scripted = ScriptedGateway()
    yield scripted
    scripted.stop()


@pytest.fixture
async def client(gateway: ScriptedGateway) -> AsyncIterator[GatewayClient]:
    """A client that waits hardly at all where the server gives no hint."""
    async with GatewayClient(gateway.target, deadline_s=5.0, retry=QUICK) as opened:
        yield opened
