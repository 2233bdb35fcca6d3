"""The commands about channels, as a user types them, beside a gateway that runs."""

import json

import pytest

from tests.e2e.channels.emulator import BEIJING
from tests.e2e.channels.street import STAND_INS, Street

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_commands_about_channels(street: Street) -> None:
    """Capabilities, an empty day's bill and the quarantine are printed, each with its exit code."""
    status, output = await street.command("channels", "--json")
    assert status == 0, output
    configured = {item["channel"] for item in json.loads(output) if item["configured"]}
    assert configured == set(STAND_INS)
    yesterday = (await street.emulators["wechat"].now()).astimezone(BEIJING).date()
    status, output = await street.command("reviews", "quarantine")
    assert status == 0, output
    assert "notifications are in quarantine." in output
    status, output = await street.command("bills", "fetch", "wechat", yesterday.isoformat())
    assert status == 2, output
    assert "The channel has no bill: 400" in output
