"""Payouts over real HTTP: whatever happens, connector and sandbox agree on where the money is.

What the connector proves is held against the sandbox's own book of what was sent to payees.
"""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.channel import AttemptKind, ChannelRequest, OutcomeClass
from gateway.domain.money import Money
from gateway.domain.payment import FailureReason
from tests.channels.live import NOTICE_TIMEOUT_S, Bench, fresh

PAYOUT = AttemptKind.PAYOUT
LATER: dict[str, Any] = {"outcome": "SANDBOX_OUTCOME_ANSWER_LATER", "settle_delay_ms": 20}
NEVER: dict[str, Any] = LATER | {"settle_delay_ms": 3_600_000}


async def _paid_out(bench: Bench, payout: ChannelRequest) -> int | None:
    """What the sandbox sent under a number, in minor units; None where it knows nothing of it."""
    found = {row["number"]: row["effects"]["paid_out"] for row in await bench.effects("payouts")}
    return found.get(payout.number)


async def test_succeed(bench: Bench) -> None:
    """A payout succeeds with our money, and sent again under its number it is still one payout."""
    payout = fresh(PAYOUT)
    first, second = [await bench.channel.send(payout) for _ in range(2)]
    assert first == second == await bench.channel.ask(payout)
    assert (first.outcome, first.money) == (OutcomeClass.SUCCESS, payout.money)
    assert await _paid_out(bench, payout) == payout.money.minor_units
    (row,) = await bench.effects("payouts")
    assert (row["payee"], row["description"]) == (payout.payer_pseudonym, payout.description)


async def test_decline(bench: Bench) -> None:
    """A declined payout failed under the channel's code, and says so again when asked."""
    payout = fresh(PAYOUT, outcome="SANDBOX_OUTCOME_DECLINE", decline_code="ACCOUNT_CLOSED")
    for outcome in (await bench.channel.send(payout), await bench.channel.ask(payout)):
        assert (outcome.outcome, outcome.closed) == (OutcomeClass.FAILED, False)
        assert outcome.failure is not None
        assert outcome.failure.reason is FailureReason.DECLINED
        assert outcome.failure.channel_code == "ACCOUNT_CLOSED"
    assert await _paid_out(bench, payout) == 0


@pytest.mark.parametrize(("declined", "expected"), [(False, "SUCCESS"), (True, "FAILED")])
async def test_answer_later(bench: Bench, declined: bool, expected: str) -> None:
    """What is answered later is pending first, then a notification says the rest."""
    payout = fresh(PAYOUT, **LATER, settle_declined=declined)
    assert (await bench.channel.send(payout)).outcome is OutcomeClass.PENDING
    notice = await bench.notice()
    assert (notice.kind, notice.number) == (PAYOUT, payout.number)
    assert (notice.outcome.outcome, notice.outcome.money) == (expected, payout.money)
    assert await _paid_out(bench, payout) == (0 if declined else 1250)


@pytest.mark.parametrize("outcome", ["SANDBOX_OUTCOME_REQUIRE_ACTION", "SANDBOX_OUTCOME_ABNORMAL"])
async def test_outcomes_that_payouts_have_not(bench: Bench, outcome: str) -> None:
    """What no payout can end in is refused for good, and keeps nothing."""
    payout = fresh(PAYOUT, outcome=outcome)
    assert (await bench.channel.send(payout)).outcome is OutcomeClass.FAILED
    assert await _paid_out(bench, payout) is None


@pytest.mark.parametrize(
    "fault",
    ["DROP_REPLY", "ERROR_AFTER_EFFECT", "MALFORMED_REPLY", "UNSIGNED_REPLY", "FORGED_REPLY"],
)
async def test_faults_after_the_effect(bench: Bench, fault: str) -> None:
    """Whatever happens to the reply, the outcome is unknown, and asking finds the one payout."""
    payout = fresh(PAYOUT, fault=f"SANDBOX_FAULT_{fault}")
    assert (await bench.channel.send(payout)).outcome is OutcomeClass.UNKNOWN
    assert (await bench.channel.ask(payout)).outcome is OutcomeClass.SUCCESS
    assert [row["requests"] for row in await bench.effects("payouts")] == [1]
    assert await _paid_out(bench, payout) == 1250


@pytest.mark.parametrize("fault", ["REFUSE", "ERROR_BEFORE_EFFECT", "BUSY"])
async def test_faults_before_the_effect(bench: Bench, fault: str) -> None:
    """Unknown, then verifiably not found; sent again it pays once."""
    payout = fresh(PAYOUT, fault=f"SANDBOX_FAULT_{fault}")
    assert (await bench.channel.send(payout)).outcome is OutcomeClass.UNKNOWN
    asked = await bench.channel.ask(payout)
    assert (asked.outcome, asked.not_found) == (OutcomeClass.UNKNOWN, True)
    assert await _paid_out(bench, payout) is None
    assert (await bench.channel.send(payout)).outcome is OutcomeClass.SUCCESS
    assert await _paid_out(bench, payout) == 1250


async def test_forget(bench: Bench) -> None:
    """A "not found" is no proof: the payout that was forgotten comes back, and was paid."""
    payout = fresh(PAYOUT, forget_count=2)
    await bench.channel.send(payout)
    outcomes = [await bench.channel.ask(payout) for _ in range(3)]
    assert [outcome.not_found for outcome in outcomes] == [True, True, False]
    assert outcomes[-1].outcome is OutcomeClass.SUCCESS


async def test_wrong_amount(bench: Bench) -> None:
    """A wrong amount without a count is told each time, as the sandbox means it; paid is right."""
    payout = fresh(PAYOUT, fault="SANDBOX_FAULT_WRONG_AMOUNT")
    for outcome in (await bench.channel.send(payout), await bench.channel.ask(payout)):
        assert (outcome.outcome, outcome.money) == (OutcomeClass.SUCCESS, Money("CNY", 1251))
    assert await _paid_out(bench, payout) == 1250


async def test_number_with_other_parameters(bench: Bench) -> None:
    """A number that stands for something else is no failure: we have to ask."""
    payout = fresh(PAYOUT)
    await bench.channel.send(payout)
    other = replace(payout, money=Money("CNY", 1))
    assert (await bench.channel.send(other)).outcome is OutcomeClass.UNKNOWN


async def test_fence_of_an_unknown_number(bench: Bench) -> None:
    """A number that was closed unseen never pays, neither asked about nor sent afterwards."""
    payout = fresh(PAYOUT)
    for ask in (bench.channel.fence, bench.channel.ask, bench.channel.send, bench.channel.fence):
        outcome = await ask(payout)
        assert (outcome.outcome, outcome.closed) == (OutcomeClass.FAILED, True)
    assert await _paid_out(bench, payout) == 0


async def test_fence_of_a_pending_number(bench: Bench) -> None:
    """A payout that the bank has not decided is closed by the fence, and nothing is sent."""
    payout = fresh(PAYOUT, **NEVER)
    assert (await bench.channel.send(payout)).outcome is OutcomeClass.PENDING
    for ask in (bench.channel.fence, bench.channel.ask, bench.channel.send):
        outcome = await ask(payout)
        assert (outcome.outcome, outcome.closed) == (OutcomeClass.FAILED, True)
    assert await _paid_out(bench, payout) == 0


@pytest.mark.parametrize("decision", ["SUCCEED", "DECLINE"])
async def test_fence_of_an_ended_number(bench: Bench, decision: str) -> None:
    """A fence around a payout that ended finds its end, which is no closing."""
    payout = fresh(PAYOUT, outcome=f"SANDBOX_OUTCOME_{decision}")
    sent = await bench.channel.send(payout)
    assert await bench.channel.fence(payout) == sent
    assert not sent.closed


async def test_pay_after_close(bench: Bench) -> None:
    """A success that comes after the close reaches us as a success, by notification."""
    payout = fresh(PAYOUT, **LATER, pay_after_close=True)
    await bench.channel.send(payout)
    assert (await bench.channel.fence(payout)).closed
    notice = await bench.notice()
    assert (notice.kind, notice.number) == (PAYOUT, payout.number)
    assert notice.outcome.outcome is OutcomeClass.SUCCESS
    assert await _paid_out(bench, payout) == 1250


@pytest.mark.parametrize("notify", ["FORGED", "STALE"])
async def test_notifications_not_to_be_believed(bench: Bench, notify: str) -> None:
    """A forged or an old notification of a payout reaches nobody."""
    await bench.channel.send(fresh(PAYOUT, notify=f"SANDBOX_NOTIFY_{notify}"))
    async with asyncio.timeout(NOTICE_TIMEOUT_S):
        while not bench.results:
            await asyncio.sleep(0.01)
    assert set(bench.results) == {"refused"}
    assert bench.notices.empty()


@pytest.mark.parametrize("notify", ["WRONG_AMOUNT", "WRONG_NUMBER", "BEFORE_REPLY"])
async def test_notifications_that_are_signed(bench: Bench, notify: str) -> None:
    """What the sandbox signed is handed on as it is, for the comparison with the intent."""
    payout = fresh(PAYOUT, notify=f"SANDBOX_NOTIFY_{notify}")
    await bench.channel.send(payout)
    notice = await bench.notice()
    assert notice.kind is PAYOUT
    assert (notice.number == payout.number) == (notify != "WRONG_NUMBER")
    assert (notice.outcome.money == payout.money) == (notify != "WRONG_AMOUNT")
