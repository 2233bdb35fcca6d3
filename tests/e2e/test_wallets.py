"""Wallets over the wire: money comes in, is spent, held and given back, and goes out again."""

import json

import pytest

from paymentgateway.client import GatewayClient, new_idempotency_key
from paymentgateway.errors import KeyMismatch, NotFound
from paymentgateway.v1.payment_pb2 import (
    FAILURE_REASON_INSUFFICIENT_FUNDS,
    SANDBOX_FAULT_DROP_REPLY,
    SANDBOX_OUTCOME_ANSWER_LATER,
    SANDBOX_OUTCOME_DECLINE,
    SandboxScript,
)
from tests.e2e.gateways import Extra
from tests.e2e.house import House
from tests.e2e.purse import Purse, moves, wallet_shop
from tests.e2e.shop import done, state

pytestmark = pytest.mark.asyncio(loop_scope="session")

DECLINED = SandboxScript(outcome=SANDBOX_OUTCOME_DECLINE)
LATER = SandboxScript(outcome=SANDBOX_OUTCOME_ANSWER_LATER, settle_delay_ms=300)
DECLINED_LATER = SandboxScript(
    outcome=SANDBOX_OUTCOME_ANSWER_LATER, settle_delay_ms=300, settle_declined=True
)
LOST = SandboxScript(fault=SANDBOX_FAULT_DROP_REPLY)


async def filled(house: House, amount: str, currency: str = "CNY") -> Purse:
    """A wallet with money in it."""
    purse = Purse(house, currency)
    assert state((await purse.top_up(amount)).top_up) == "SUCCEEDED"
    return purse


async def paid_out(house: House, number: str) -> int:
    """What the channel's own book says was paid out under a number."""
    (row,) = await house.book("payouts", number)
    paid: int = row["effects"]["paid_out"]
    return paid


async def test_a_wallet_is_opened_once(house: House) -> None:
    """A wallet is not there, then empty, and opening it again through anybody changes nothing."""
    purse = Purse(house)
    with pytest.raises(NotFound):
        await purse.balance()
    wanted = {"payer_id": purse.payer, "currency_code": "CNY"}
    wallets = [await client.open_wallet(**wanted) for client in house.clients]
    assert wallets[0] == wallets[1]
    assert await purse.balance() == (0, 0)
    assert await purse.entries() == []


async def test_the_life_of_a_wallet(house: House) -> None:
    """Each step is seen at once through the other gateway, and the entries add up to the end."""
    shop, purse = await wallet_shop(house), await filled(house, "20.00")
    spent = (await shop.pay("3.00", **purse.spending())).payment
    assert (state(spent), await purse.balance(1)) == ("SUCCEEDED", (1_700, 0))
    kept = (await shop.pay("2.00", **purse.spending(manual=True), via=1)).payment
    assert (state(kept), await purse.balance()) == ("AUTHORIZED", (1_500, 200))
    taken = await shop.capture(kept, "1.50", final=True)
    assert (done(taken.capture.state), await purse.balance(1)) == ("SUCCEEDED", (1_550, 0))
    freed = (await shop.pay("1.00", **purse.spending(manual=True))).payment
    assert state((await shop.cancel(freed, via=1)).payment) == "CANCELED"
    given = (await shop.refund(spent, "0.80")).refund
    assert (done(given.state), await purse.balance(1)) == ("SUCCEEDED", (1_630, 0))
    out = (await purse.withdraw("4.30", via=1)).withdrawal
    assert (state(out), await purse.balance()) == ("SUCCEEDED", (1_200, 0))
    assert await paid_out(house, out.attempt_number) == 430
    entries = await purse.entries(page_size=2)
    sums = [sum(moves(entry)[name] for entry in entries) for name in ("available", "held")]
    assert sums == [1_200, 0]
    assert len({entry.entry_id for entry in entries}) == len(entries)
    assert moves(entries[-1]) == {"available": 2_000, "held": 0}
    assert await shop.balance() == 300 + 150 - 80


async def test_too_little(house: House) -> None:
    """A payment beyond the balance fails for ever, and the channel hears nothing of it."""
    shop, purse = await wallet_shop(house), await filled(house, "1.00")
    key, posts = new_idempotency_key(), await house.posts()
    failed = (await shop.pay("1.01", **purse.spending(), key=key)).payment
    assert state(failed) == "FAILED"
    assert failed.failure.reason == FAILURE_REASON_INSUFFICIENT_FUNDS
    assert await house.posts() == posts
    await purse.top_up("9.00")
    again = await shop.pay("1.01", **purse.spending(), key=key, via=1)
    assert (again.replayed, again.payment) == (True, failed)
    assert await purse.balance() == (1_000, 0)


async def test_what_is_held_cannot_be_spent(house: House) -> None:
    """A hold counts against what is available, for payments and withdrawals, until it is let go."""
    shop, purse = await wallet_shop(house), await filled(house, "5.00")
    kept = (await shop.pay("4.00", **purse.spending(manual=True))).payment
    assert state((await shop.pay("1.01", **purse.spending(), via=1)).payment) == "FAILED"
    refused = (await purse.withdraw("1.01", via=1)).withdrawal
    assert refused.failure.reason == FAILURE_REASON_INSUFFICIENT_FUNDS
    assert await house.book("payouts", refused.attempt_number) == []
    await shop.cancel(kept)
    assert state((await shop.pay("5.00", **purse.spending(), via=1)).payment) == "SUCCEEDED"
    assert await purse.balance() == (0, 0)


async def test_a_hold_that_nobody_captures_ends(house: House, extra: Extra) -> None:
    """What is held is available again once the authorisation is over."""
    shop, purse = await wallet_shop(house), await filled(house, "5.00")
    async with GatewayClient(extra.target) as client:
        kept = (await shop.pay("4.00", **purse.spending(manual=True), via=client)).payment
    assert await purse.balance() == (100, 400)
    await shop.reached(kept, "EXPIRED")
    assert await purse.balance() == (500, 0)


@pytest.mark.parametrize(
    ("script", "ended", "available"),
    [
        (DECLINED, "FAILED", 0),
        (LATER, "SUCCEEDED", 700),
        (DECLINED_LATER, "FAILED", 0),
        (LOST, "SUCCEEDED", 700),
    ],
    ids=["declined", "later", "declined later", "reply lost"],
)
async def test_a_top_up(house: House, script: SandboxScript, ended: str, available: int) -> None:
    """Money is in the wallet when the channel has it, and not before; the key makes it once."""
    purse, key = Purse(house), new_idempotency_key()
    first = (await purse.top_up("7.00", script, key=key)).top_up
    if state(first) == "PROCESSING" and script.settle_delay_ms:
        assert await purse.balance() == (0, 0)
    top_up = await purse.topped_up(first)
    again = await purse.top_up("7.00", script, key=key, via=1)
    assert (state(top_up), again.replayed, again.top_up) == (ended, True, top_up)
    assert await purse.balance() == (available, 0)
    (charge,) = await house.book("charges", top_up.attempt_number)
    assert charge["effects"]["charged"] == available


@pytest.mark.parametrize(
    ("script", "ended", "available"),
    [
        (DECLINED, "FAILED", 900),
        (LATER, "SUCCEEDED", 300),
        (DECLINED_LATER, "FAILED", 900),
        (LOST, "SUCCEEDED", 300),
    ],
    ids=["declined", "later", "declined later", "reply lost"],
)
async def test_a_withdrawal(
    house: House, script: SandboxScript, ended: str, available: int
) -> None:
    """Money leaves the wallet before the channel is asked, once, and is back if it cannot go."""
    purse, key = await filled(house, "9.00"), new_idempotency_key()
    first = (await purse.withdraw("6.00", script, key=key)).withdrawal
    if state(first) == "PROCESSING":
        assert await purse.balance() == (300, 0)
    withdrawal = await purse.withdrawn(first)
    again = await purse.withdraw("6.00", script, key=key, via=1)
    assert (state(withdrawal), again.replayed) == (ended, True)
    assert again.withdrawal == withdrawal
    assert await purse.balance() == (available, 0)
    assert await paid_out(house, withdrawal.attempt_number) == 900 - available


async def test_a_key_is_a_payers_own(house: House) -> None:
    """One key stands for one movement of a payer; another's movement may have the same key."""
    one, other = Purse(house), Purse(house)
    key = new_idempotency_key()
    assert state((await one.top_up("2.00", key=key)).top_up) == "SUCCEEDED"
    with pytest.raises(KeyMismatch):
        await one.top_up("2.01", key=key, via=1)
    with pytest.raises(KeyMismatch):
        await one.withdraw("2.00", key=key)
    assert state((await other.top_up("2.00", key=key, via=1)).top_up) == "SUCCEEDED"
    assert [await purse.balance() for purse in (one, other)] == [(200, 0), (200, 0)]


async def test_the_reserve_proof(house: House) -> None:
    """The commands prove that what is owed is there, to the last unit, and that books balance."""
    shop = await wallet_shop(house, currency_codes=["HKD"], fee_schedules=[])
    purse = await filled(house, "10.00", "HKD")
    await shop.pay("3.00", **purse.spending())
    await shop.pay("2.00", **purse.spending(manual=True))
    assert state((await purse.withdraw("1.00")).withdrawal) == "SUCCEEDED"
    status, output = await house.stack.command("ledger", "reserve", "--currency", "HKD", "--json")
    proof = json.loads(output)
    (reserve,) = proof["currencies"]
    assert (status, proof["holds"], reserve["problems"]) == (0, True, [])
    owed = {code: amount for code, amount in reserve["owed"].items() if amount}
    assert owed == {"wallet": 400, "wallet_held": 200, "merchant_unsettled": 300}
    assert (reserve["covered"], reserve["reserve_bank"]) == (900, -100)
    assert reserve["channel_receivable"] == [
        {"channel": "sandbox", "outstanding": 1_000, "overdue": 0}
    ]
    status, output = await house.stack.command("ledger", "check")
    assert status == 0, output
