"""payctl as people and scripts type it: the commands of the README, as processes."""

import asyncio
import json
import shlex
import signal
import sys
from typing import Any

import pytest

from gateway.domain.ids import to_text
from paymentgateway.client import new_idempotency_key
from tests.e2e.gateways import run
from tests.e2e.house import House
from tests.e2e.shop import Shop
from tests.e2e.waiting import WITHIN_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

Result = tuple[int, str]


class Terminal:
    """Runs payctl against the first gateway, for one merchant."""

    def __init__(self, house: House, merchant_id: str) -> None:
        self.target = house.stack.targets[0]
        self.merchant_id = merchant_id

    async def payctl(self, *arguments: str) -> Result:
        """Run a command; its exit code and all that it printed."""
        return await run("paymentgateway.payctl", *arguments, PAYCTL_TARGET=self.target)

    async def about(self, *arguments: str) -> Result:
        """Run a command about the merchant."""
        return await self.payctl(*arguments, "--merchant", self.merchant_id)

    async def json(self, *arguments: str) -> Any:
        """Run a command with --json about the merchant, and read its one line."""
        status, output = await self.about(*arguments, "--json")
        assert status == 0, output
        return json.loads(output.splitlines()[-1])


@pytest.fixture
def terminal(house: House, shop: Shop) -> Terminal:
    return Terminal(house, shop.merchant_id)


async def test_the_first_payment_of_the_readme(house: House) -> None:
    """Create a merchant, pay, look, refund: each is shown in words that people read."""
    merchant_id = f"m_{new_idempotency_key()[:8]}"
    terminal = Terminal(house, merchant_id)
    create = ("merchant", "create", merchant_id, "--name", "Demo shop")
    status, output = await terminal.payctl(*create, "--currency", "CNY", "--channel", "sandbox")
    assert status == 0, output
    assert "Demo shop" in output
    status, output = await terminal.about("pay", "12.50", "CNY", "--order", "o-1")
    assert status == 0, output
    assert "key: " in output
    assert "SUCCEEDED" in output
    assert "12.50 CNY" in output
    listed = await terminal.json("list")
    payment_id = listed["payment_id"]
    assert listed["state"] == "PAYMENT_STATE_SUCCEEDED"
    status, output = await terminal.about("refund", payment_id, "2.50", "CNY")
    assert status == 0, output
    assert "ref_" in output
    assert (await terminal.json("get", payment_id))["refunded"]["minor_units"] == "250"


async def test_a_key_repeats_safely(terminal: Terminal) -> None:
    """The same command with the key it showed is a replay; another amount is refused."""
    pay = ("pay", "--order", "o-1", "--key", "k-1")
    first = await terminal.json(*pay, "3.00", "CNY")
    again = await terminal.json(*pay, "3.00", "CNY")
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert again["payment"] == first["payment"]
    status, output = await terminal.about(*pay, "3.01", "CNY")
    assert status == 3
    assert "IDEMPOTENCY_KEY_MISMATCH" in output


async def test_capture_and_cancel(terminal: Terminal) -> None:
    """A manual payment is captured in part, another one is canceled."""
    pay = ("pay", "9.00", "CNY", "--order", "o-1", "--capture", "manual")
    held, other = [(await terminal.json(*pay))["payment"] for _ in range(2)]
    captured = await terminal.json("capture", held["payment_id"], "4.00", "CNY", "--final")
    assert captured["payment"]["state"] == "PAYMENT_STATE_SUCCEEDED"
    assert captured["payment"]["captured"]["minor_units"] == "400"
    canceled = await terminal.json("cancel", other["payment_id"])
    assert canceled["payment"]["state"] == "PAYMENT_STATE_CANCELED"


async def test_exit_codes_tell_what_happened(terminal: Terminal) -> None:
    """1 for a decline, 2 for bad input, 3 for refused or missing, 4 for no answer."""
    decline = ("pay", "1.00", "CNY", "--order", "o-1", "--sandbox", "outcome=decline")
    nobody = ("--target", "127.0.0.1:9", "--deadline", "1", "pay", "1.00", "CNY", "--order", "o-1")
    found = await asyncio.gather(
        terminal.about(*decline),
        terminal.about("pay", "1.005", "CNY", "--order", "o-1"),
        terminal.about("get", "pay_0000000000000000000000"),
        terminal.about(*nobody),
    )
    assert [status for status, _ in found] == [1, 2, 3, 4], found
    assert "INSUFFICIENT_FUNDS" in found[0][1]
    assert "PAYMENT_NOT_FOUND" in found[2][1]
    assert "The key is " in found[3][1]
    assert not any("Traceback" in output for _, output in found)


async def test_the_books_can_be_read(terminal: Terminal, shop: Shop) -> None:
    """Accounts, entries and the trial balance are shown, and the last one says that it balances."""
    paid = (await shop.pay("6.00")).payment
    found = await asyncio.gather(
        terminal.about("accounts"),
        terminal.about("entries", paid.payment_id),
        terminal.about("trial-balance"),
        terminal.about("refunds"),
    )
    assert [status for status, _ in found] == [0, 0, 0, 0], found
    accounts, entries, balance, _ = (output for _, output in found)
    assert "merchant_unsettled" in accounts
    assert "payment_captured" in entries
    assert "balanced: yes" in balance


async def test_watch_shows_changes_until_it_is_interrupted(terminal: Terminal, shop: Shop) -> None:
    """One line of JSON per change; Ctrl-C ends it with 0 and the cursor to go on from."""
    first, cursor = await _watched(terminal, shop, "")
    second, _ = await _watched(terminal, shop, cursor)
    rows = await shop.house.fetch(
        "select event_id from events where merchant_id = $1 order by xid, event_id",
        shop.merchant_id,
    )
    there = [to_text("evt", row["event_id"]) for row in rows]
    start = there.index(first[0])
    assert first + second == there[start : start + len(first) + len(second)]


async def _watched(terminal: Terminal, shop: Shop, cursor: str) -> tuple[list[str], str]:
    """Run a watch while payments are made, interrupt it after two changes; ids and the cursor."""
    watch = ("--json", "watch", "--merchant", terminal.merchant_id, "--cursor", cursor)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "paymentgateway.payctl", "--target", terminal.target, *watch),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    paying = asyncio.create_task(_keep_paying(shop))
    try:
        async with asyncio.timeout(WITHIN_S):
            lines = [await process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        rest, told = await process.communicate()
        assert process.returncode == 0, told
    finally:
        paying.cancel()
        await asyncio.gather(paying, return_exceptions=True)
        if process.returncode is None:
            process.kill()
    events = [json.loads(line)["event"]["event_id"] for line in (*lines, *rest.splitlines())]
    return events, shlex.split(told.decode().split("--cursor ")[1])[0]


async def _keep_paying(shop: Shop) -> None:
    """Pay again and again: nobody is told when a watch from now on has begun."""
    while True:
        await shop.pay("1.00")
        await asyncio.sleep(0.2)
