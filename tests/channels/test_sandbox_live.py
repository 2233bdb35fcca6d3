"""Connector, client and listener against the running sandbox, over real HTTP both ways.

The two sides share no code, only the protocol: where they understand each other, both keep it.
"""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.channel import AttemptKind, Outcome, OutcomeClass
from gateway.domain.money import Money
from gateway.domain.payment import ActionKind, FailureReason
from tests.channels.live import NOTICE_TIMEOUT_S, Bench, fresh, manual

CHARGE, CAPTURE = AttemptKind.CHARGE, AttemptKind.CAPTURE
CANCEL, REFUND = AttemptKind.CANCEL, AttemptKind.REFUND


def _reason(outcome: Outcome) -> FailureReason | None:
    return outcome.failure.reason if outcome.failure else None


async def test_succeed(bench: Bench) -> None:
    """A charge succeeds with our money, and sent again under its number it is still one charge."""
    assert await bench.channel.reachable()
    charge = fresh()
    first, second = [await bench.channel.send(charge) for _ in range(2)]
    assert first == second
    assert (first.outcome, first.money) == (OutcomeClass.SUCCESS, charge.money)
    assert len(await bench.effects("charges")) == 1


async def test_decline(bench: Bench) -> None:
    """A declined charge failed, and says so again when asked."""
    charge = fresh(outcome="SANDBOX_OUTCOME_DECLINE", decline_code="PAYER_REFUSED")
    for outcome in (await bench.channel.send(charge), await bench.channel.ask(charge)):
        assert outcome.outcome is OutcomeClass.FAILED
        assert _reason(outcome) is FailureReason.PAYER_REFUSED


async def test_require_action(bench: Bench) -> None:
    """The payer gets something to scan, and once it was confirmed we are told."""
    charge = fresh(outcome="SANDBOX_OUTCOME_REQUIRE_ACTION", action="SANDBOX_ACTION_REDIRECT")
    outcome = await bench.channel.send(charge)
    assert outcome.next_action is not None
    assert (outcome.outcome, outcome.next_action.kind) == (
        OutcomeClass.PENDING,
        ActionKind.REDIRECT,
    )
    await bench.pays(charge)
    notice = await bench.notice()
    assert (notice.kind, notice.number) == (CHARGE, charge.number)
    assert (notice.outcome.outcome, notice.outcome.money) == (OutcomeClass.SUCCESS, charge.money)


@pytest.mark.parametrize("kind", [CHARGE, CAPTURE, REFUND])
async def test_answer_later(bench: Bench, kind: AttemptKind) -> None:
    """What is answered later is pending first, then a notification says the rest."""
    later: dict[str, Any] = {"outcome": "SANDBOX_OUTCOME_ANSWER_LATER", "settle_delay_ms": 20}
    if kind is CHARGE:
        asked = fresh(**later)
    else:
        charge = manual() if kind is CAPTURE else fresh()
        await bench.channel.send(charge)
        asked = fresh(kind, charge, **later)
    assert (await bench.channel.send(asked)).outcome is OutcomeClass.PENDING
    notice = await bench.notice()
    assert (notice.kind, notice.number) == (kind, asked.number)
    assert notice.outcome.outcome is OutcomeClass.SUCCESS


@pytest.mark.parametrize(
    "fault",
    ["DROP_REPLY", "ERROR_AFTER_EFFECT", "MALFORMED_REPLY", "UNSIGNED_REPLY", "FORGED_REPLY"],
)
async def test_faults_after_the_effect(bench: Bench, fault: str) -> None:
    """Whatever happens to the reply, the outcome is unknown, and asking finds the one charge."""
    charge = fresh(fault=f"SANDBOX_FAULT_{fault}")
    assert (await bench.channel.send(charge)).outcome is OutcomeClass.UNKNOWN
    assert (await bench.channel.ask(charge)).outcome is OutcomeClass.SUCCESS
    assert [item["requests"] for item in await bench.effects("charges")] == [1]


@pytest.mark.parametrize("fault", ["REFUSE", "ERROR_BEFORE_EFFECT", "BUSY"])
async def test_faults_before_the_effect(bench: Bench, fault: str) -> None:
    """Whether anything was kept cannot be told from here: unknown, then verifiably not found."""
    charge = fresh(fault=f"SANDBOX_FAULT_{fault}")
    assert (await bench.channel.send(charge)).outcome is OutcomeClass.UNKNOWN
    asked = await bench.channel.ask(charge)
    assert (asked.outcome, asked.not_found) == (OutcomeClass.UNKNOWN, True)


async def test_forget(bench: Bench) -> None:
    """A "not found" does not last: the charge that was forgotten comes back."""
    charge = await bench.charged(forget_count=2)
    outcomes = [await bench.channel.ask(charge) for _ in range(3)]
    assert [outcome.not_found for outcome in outcomes] == [True, True, False]
    assert outcomes[-1].outcome is OutcomeClass.SUCCESS


async def test_fence_of_an_unknown_number(bench: Bench) -> None:
    """A number that was closed unseen never succeeds, neither asked about nor sent afterwards."""
    charge = fresh()
    for ask in (bench.channel.fence, bench.channel.ask, bench.channel.send, bench.channel.fence):
        outcome = await ask(charge)
        assert (outcome.outcome, outcome.closed) == (OutcomeClass.FAILED, True)


async def test_fence_of_a_paid_number(bench: Bench) -> None:
    """A fence around a charge that succeeded finds the success."""
    assert (await bench.channel.fence(await bench.charged())).outcome is OutcomeClass.SUCCESS


async def test_wrong_amount(bench: Bench) -> None:
    """The amount that the sandbox names reaches us as it is, for the comparison with the intent."""
    outcome = await bench.channel.send(fresh(fault="SANDBOX_FAULT_WRONG_AMOUNT"))
    assert (outcome.outcome, outcome.money) == (OutcomeClass.SUCCESS, Money("CNY", 1251))


async def test_number_with_other_parameters(bench: Bench) -> None:
    """A number that stands for something else is no failure: we have to ask."""
    charge = await bench.charged()
    other = replace(charge, money=Money("CNY", 1))
    assert (await bench.channel.send(other)).outcome is OutcomeClass.UNKNOWN


async def test_capture_in_parts(bench: Bench) -> None:
    """An authorisation is captured in part, the rest released, and each is asked for by itself."""
    charge = manual()
    held = await bench.channel.send(charge)
    assert (held.outcome, held.authorized) == (OutcomeClass.SUCCESS, True)
    part = replace(fresh(CAPTURE, charge), money=Money("CNY", 250))
    for outcome in (await bench.channel.send(part), await bench.channel.ask(part)):
        assert (outcome.outcome, outcome.money) == (OutcomeClass.SUCCESS, part.money)
    too_much = await bench.channel.send(fresh(CAPTURE, charge))
    assert (too_much.outcome, _reason(too_much)) == (OutcomeClass.FAILED, FailureReason.DECLINED)
    cancel = fresh(CANCEL, charge)
    for outcome in (await bench.channel.send(cancel), await bench.channel.ask(cancel)):
        assert (outcome.outcome, outcome.money) == (OutcomeClass.SUCCESS, Money("CNY", 1000))
    after = await bench.channel.ask(charge)
    assert (after.outcome, after.authorized) == (OutcomeClass.SUCCESS, True)


async def test_cancel(bench: Bench) -> None:
    """A cancel closes what is unpaid and releases what is held; paid is paid."""
    unpaid = fresh(outcome="SANDBOX_OUTCOME_REQUIRE_ACTION")
    held = manual()
    for charge in (unpaid, held):
        await bench.channel.send(charge)
        outcome = await bench.channel.send(fresh(CANCEL, charge))
        assert (outcome.outcome, outcome.money) == (OutcomeClass.SUCCESS, charge.money)
        assert (await bench.channel.ask(charge)).closed
    late = await bench.channel.send(fresh(CANCEL, await bench.charged()))
    assert (late.outcome, _reason(late)) == (OutcomeClass.FAILED, FailureReason.ALREADY_PAID)


async def test_pay_after_close(bench: Bench) -> None:
    """A success that comes after the close reaches us as a success, by notification."""
    charge = fresh(
        outcome="SANDBOX_OUTCOME_REQUIRE_ACTION", pay_after_close=True, settle_delay_ms=20
    )
    await bench.channel.send(charge)
    assert (await bench.channel.fence(charge)).closed
    notice = await bench.notice()
    assert (notice.number, notice.outcome.outcome) == (charge.number, OutcomeClass.SUCCESS)


async def test_refunds(bench: Bench) -> None:
    """Refunds succeed in part, are refused beyond what was captured, and can end abnormally."""
    charge = await bench.charged()
    part = replace(fresh(REFUND, charge), money=Money("CNY", 250))
    for outcome in (await bench.channel.send(part), await bench.channel.ask(part)):
        assert (outcome.outcome, outcome.money) == (OutcomeClass.SUCCESS, part.money)
    too_much = await bench.channel.send(fresh(REFUND, charge))
    assert (too_much.outcome, _reason(too_much)) == (OutcomeClass.FAILED, FailureReason.DECLINED)
    lost = replace(fresh(REFUND, charge, outcome="SANDBOX_OUTCOME_ABNORMAL"), money=Money("CNY", 1))
    outcome = await bench.channel.send(lost)
    assert (outcome.outcome, outcome.abnormal) == (OutcomeClass.PENDING, True)


@pytest.mark.parametrize("notify", ["FORGED", "STALE"])
async def test_notifications_not_to_be_believed(bench: Bench, notify: str) -> None:
    """A forged or an old notification of the sandbox's making reaches nobody."""
    await bench.charged(notify=f"SANDBOX_NOTIFY_{notify}")
    async with asyncio.timeout(NOTICE_TIMEOUT_S):
        while not bench.results:
            await asyncio.sleep(0.01)
    assert set(bench.results) == {"refused"}
    assert bench.notices.empty()


@pytest.mark.parametrize("notify", ["WRONG_AMOUNT", "WRONG_NUMBER", "BEFORE_REPLY"])
async def test_notifications_that_are_signed(bench: Bench, notify: str) -> None:
    """What the sandbox signed is handed on as it is, for the comparison with the intent."""
    charge = await bench.charged(notify=f"SANDBOX_NOTIFY_{notify}")
    notice = await bench.notice()
    assert (notice.number == charge.number) == (notify != "WRONG_NUMBER")
    assert (notice.outcome.money == charge.money) == (notify != "WRONG_AMOUNT")
