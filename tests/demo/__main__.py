"""`make demo`: the main job end to end, with real processes, told as a story.

Starts the embedded Postgres, the sandbox, stand-ins of two real channels and the gateway in a
folder of its own, plays every chapter, stops everything and removes the folder. Exit status 0 only
if all of it held.
"""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from paymentgateway.client import GatewayClient
from tests.demo import channels, chapters
from tests.demo.shop import Shop
from tests.demo.story import Story
from tests.demo.street import Street, running_street
from tests.processes import ProcessFailed

SETTINGS = {
    "GATEWAY_CHANNEL_TIMEOUT_MS": "4000",
    "GATEWAY_LEASE_MARGIN_MS": "500",
    "GATEWAY_RECOVERY_INTERVAL_MS": "100",
}
"""A channel that is given up sooner than by default, so that the crash chapter need not wait."""


async def tell(folder: Path) -> int:
    """Play all chapters; give the exit status."""
    story = Story()
    story.chapter(
        "Start Postgres, the sandbox, stand-ins of WeChat Pay and Alipay, and the gateway"
    )
    async with running_street(folder, SETTINGS) as street:
        stack = street.stack
        story.say(f"gateway {stack.targets[0]}, sandbox {stack.sandbox_url}")
        told = (f"{name} {stand_in.url}" for name, stand_in in street.stand_ins.items())
        story.say(", ".join(told))
        async with GatewayClient(stack.targets[0]) as client:
            await play(story, Shop(client), street)
        story.chapter("Stop")
        statuses = await stack.stop()
        story.check("everything stopped cleanly", statuses == [0], statuses)
    return story.end()


async def play(story: Story, shop: Shop, street: Street) -> None:
    """Play the chapters between start and stop."""
    stack = street.stack
    merchant = await shop.open()
    story.say(f"merchant {merchant.merchant_id} ({merchant.display_name}), fee 0.6 %")
    payment = await chapters.paying(story, shop)
    await chapters.capturing(story, shop)
    await chapters.refunding(story, shop, payment)
    await chapters.declining(story, shop)
    await chapters.waiting(story, shop)
    await chapters.crashing(story, shop, stack)
    await chapters.crowding(story, shop)
    await chapters.watching(story, shop)
    await chapters.auditing(story, stack)
    await channels.play(story, shop, street)


def main() -> int:
    """Run the demo in a folder that is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-demo-"))
    folder.chmod(0o711)  # as root, Postgres runs as nobody and must reach its data below
    try:
        return asyncio.run(tell(folder))
    except (ProcessFailed, AssertionError) as failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
