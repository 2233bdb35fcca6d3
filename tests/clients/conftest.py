"""What the tests of the client share: a scripted gateway and a client of it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from paymentgateway.client import GatewayClient, Retry
from tests.clients.scripted_gateway import ScriptedGateway

QUICK = Retry(backoff_s_initial=0.001, backoff_s_max=0.01)


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
