"""What the tests of the client share: a scripted gateway and a client of it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from paymentgateway.client import GatewayClient
from tests.clients.scripted_gateway import QUICK, ScriptedGateway
from tests.clients.terminal import Payctl


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


@pytest.fixture
def payctl(gateway: ScriptedGateway, capsys: pytest.CaptureFixture[str]) -> Payctl:
    """The command line, bound to the gateway."""
    return Payctl(gateway, capsys)
