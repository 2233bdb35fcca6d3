"""Captures and refunds: what is taken in parts and given back never exceeds what there is."""

import asyncio
from typing import Any

import pytest

from tests.emulators.bench import Caller, Reply, number

LATER = {"outcome": "ANSWER_LATER", "settle_delay_ms": 3_600_000}
HOUR_MS = 3_600_000


async def _held(sandbox: Caller, amount: int = 1_000) -> str:
    reply = await sandbox.charge(amount=amount, capture="MANUAL")
    return str(reply.body["number"])


async def _paid(sandbox: Caller, amount: int = 1_000) -> str:
    return str((await sandbox.charge(amount=amount)).body["number"])


async def _charge(sandbox: Caller, of: str) -> Any:
    return (await sandbox.query("charge", of)).body


def _refused(reply: Reply) -> tuple[int, str]:
    assert reply.is_signed()
    return reply.status, reply.code


async def test_a_capture_takes_its_part(sandbox: Caller) -> None:
    """A part that is not final leaves the rest authorised."""
    held = await _held(sandbox)
    capture = (await sandbox.capture(held, amount=300)).body
    assert (capture["state"], capture["amount"], capture["final"]) == ("SUCCEEDED", 300, False)
    assert capture["charge_number"] == held
    assert capture == (await sandbox.query("capture", capture["number"])).body
    charge = await _charge(sandbox, held)
    assert (charge["state"], charge["captured"]) == ("AUTHORIZED", 300)
    assert (await sandbox.entry("charge", held))["effects"]["charged"] == 300


@pytest.mark.parametrize(("amount", "final"), [(1_000, False), (400, True)])
async def test_the_last_capture_ends_the_charge(sandbox: Caller, amount: int, final: bool) -> None:
    """The whole amount, or a final part, makes the charge SUCCEEDED; nothing can follow."""
    held = await _held(sandbox)
    await sandbox.capture(held, amount=amount, final=final)
    charge = await _charge(sandbox, held)
    assert (charge["state"], charge["captured"]) == ("SUCCEEDED", amount)
    assert _refused(await sandbox.capture(held, amount=1)) == (409, "STATE_CONFLICT")


async def test_captures_never_exceed_the_authorisation(sandbox: Caller) -> None:
    """Of captures that race, as many succeed as there is money for, not one more."""
    held = await _held(sandbox)
    replies = await asyncio.gather(*(sandbox.capture(held, amount=300) for _ in range(20)))
    assert sorted(reply.status for reply in replies) == [200] * 3 + [409] * 17
    assert {reply.code for reply in replies if reply.status == 409} == {"AMOUNT_EXCEEDED"}
    assert (await sandbox.entry("charge", held))["effects"]["charged"] == 900


async def test_a_capture_on_its_way_is_reserved(sandbox: Caller) -> None:
    """What is not yet decided counts against the amount, and comes free when it is declined."""
    held = await _held(sandbox)
    script = LATER | {"settle_outcome": "DECLINE"}
    later = (await sandbox.capture(held, amount=800, script=script)).body
    assert later["state"] == "PROCESSING"
    assert _refused(await sandbox.capture(held, amount=300)) == (409, "AMOUNT_EXCEEDED")
    await sandbox.advance(HOUR_MS)
    await sandbox.settled("capture", later["number"], "DECLINED")
    assert (await sandbox.capture(held, amount=1_000)).status == 200
    assert (await _charge(sandbox, held))["state"] == "SUCCEEDED"


async def test_a_final_capture_waits_for_those_before_it(sandbox: Caller) -> None:
    """A charge ends when its last capture is decided, whichever that is."""
    held = await _held(sandbox)
    early = (await sandbox.capture(held, amount=100, script=LATER)).body
    await sandbox.capture(held, amount=200, final=True)
    assert (await _charge(sandbox, held))["state"] == "AUTHORIZED"
    assert _refused(await sandbox.capture(held, amount=1)) == (409, "STATE_CONFLICT")
    await sandbox.advance(HOUR_MS)
    await sandbox.settled("capture", early["number"], "SUCCEEDED")
    charge = await _charge(sandbox, held)
    assert (charge["state"], charge["captured"]) == ("SUCCEEDED", 300)


async def test_a_declined_capture_takes_nothing(sandbox: Caller) -> None:
    """A declined capture, final or not, leaves the authorisation as it was."""
    held = await _held(sandbox)
    capture = (await sandbox.capture(held, final=True, script={"outcome": "DECLINE"})).body
    assert (capture["state"], capture["decline_code"]) == ("DECLINED", "INSUFFICIENT_FUNDS")
    charge = await _charge(sandbox, held)
    assert (charge["state"], charge["captured"], charge["version"]) == ("AUTHORIZED", 0, 2)
    assert (await sandbox.capture(held, amount=1_000)).status == 200


async def test_close_keeps_what_was_captured(sandbox: Caller) -> None:
    """Closing a charge that is captured in part releases the rest and ends it SUCCEEDED."""
    held = await _held(sandbox)
    await sandbox.capture(held, amount=300)
    closed = (await sandbox.close(held)).body
    assert (closed["state"], closed["captured"]) == ("SUCCEEDED", 300)
    assert _refused(await sandbox.capture(held, amount=1)) == (409, "STATE_CONFLICT")


@pytest.mark.parametrize(("captured", "state"), [(0, "CLOSED"), (300, "SUCCEEDED")])
async def test_close_stops_captures_on_their_way(
    sandbox: Caller, captured: int, state: str
) -> None:
    """The fence holds for captures too: one that is undecided at the close never succeeds."""
    held = await _held(sandbox)
    if captured:
        await sandbox.capture(held, amount=captured)
    later = (await sandbox.capture(held, amount=500, script=LATER)).body
    assert (await sandbox.close(held)).body["state"] == state
    stopped = (await sandbox.query("capture", later["number"])).body
    assert (stopped["state"], stopped["decline_code"]) == ("DECLINED", "CHARGE_CLOSED")
    await sandbox.advance(HOUR_MS)
    await asyncio.sleep(0.05)
    assert (await sandbox.entry("charge", held))["effects"]["charged"] == captured


@pytest.mark.parametrize("make", ["capture", "refund"])
async def test_they_are_idempotent_too(sandbox: Caller, make: str) -> None:
    """Fifty identical requests at once are one capture, or one refund, with one effect."""
    of = await (_held if make == "capture" else _paid)(sandbox)
    ask = sandbox.capture if make == "capture" else sandbox.refund
    fields = {"number": number(), "amount": 30}
    replies = await asyncio.gather(*(ask(of, **fields) for _ in range(50)))
    assert {reply.status for reply in replies} == {200}
    assert len({reply.raw for reply in replies}) == 1
    moved = "charged" if make == "capture" else "refunded"
    entry = await sandbox.entry(make, fields["number"])
    assert (entry["effects"][moved], entry["requests"]) == (30, 50)
    assert (await sandbox.entry("charge", of))["effects"][moved] == 30
    assert _refused(await ask(of, **fields | {"amount": 31})) == (409, "NUMBER_CONFLICT")


async def test_numbers_are_unique_per_kind(sandbox: Caller) -> None:
    """A charge, a capture, a refund and a payout may share a number and stay four things."""
    shared = number()
    await sandbox.charge(number=shared, capture="MANUAL", amount=100)
    assert (await sandbox.capture(shared, number=shared)).body["state"] == "SUCCEEDED"
    assert (await sandbox.refund(shared, number=shared)).body["state"] == "SUCCEEDED"
    assert (await sandbox.payout(number=shared, amount=7)).body["state"] == "SUCCEEDED"
    assert (await sandbox.entry("payout", shared))["effects"] == {"paid_out": 7}


async def test_a_refund_gives_back(sandbox: Caller) -> None:
    """A refund gives its amount back to the payer and leaves the charge SUCCEEDED."""
    paid = await _paid(sandbox)
    refund = (await sandbox.refund(paid, amount=400, reason="late")).body
    assert (refund["state"], refund["amount"]) == ("SUCCEEDED", 400)
    assert refund == (await sandbox.query("refund", refund["number"])).body
    charge = await _charge(sandbox, paid)
    assert (charge["state"], charge["captured"], charge["refunded"]) == ("SUCCEEDED", 1_000, 400)
    entry = await sandbox.entry("charge", paid)
    assert entry["effects"] == {"charged": 1_000, "refunded": 400}


async def test_refunds_never_exceed_what_was_captured(sandbox: Caller) -> None:
    """Of a hundred refunds at once, as many succeed as there is money for, not one more."""
    paid = await _paid(sandbox)
    replies = await asyncio.gather(*(sandbox.refund(paid, amount=70) for _ in range(100)))
    assert sorted(reply.status for reply in replies) == [200] * 14 + [409] * 86
    assert {reply.code for reply in replies if reply.status == 409} == {"AMOUNT_EXCEEDED"}
    assert (await sandbox.entry("charge", paid))["effects"]["refunded"] == 980


async def test_only_what_was_captured_can_be_refunded(sandbox: Caller) -> None:
    """An authorisation gives nothing back; its captured part does."""
    held = await _held(sandbox)
    assert _refused(await sandbox.refund(held)) == (409, "STATE_CONFLICT")
    await sandbox.capture(held, amount=300)
    assert _refused(await sandbox.refund(held, amount=301)) == (409, "AMOUNT_EXCEEDED")
    assert (await sandbox.refund(held, amount=300)).status == 200


async def test_a_declined_refund_comes_free_and_an_abnormal_one_does_not(sandbox: Caller) -> None:
    """A declined refund frees its amount; an abnormal one keeps it, for nobody has it back."""
    paid = await _paid(sandbox)
    declined = (await sandbox.refund(paid, amount=900, script={"outcome": "DECLINE"})).body
    assert declined["state"] == "DECLINED"
    abnormal = (await sandbox.refund(paid, amount=900, script={"outcome": "ABNORMAL"})).body
    assert abnormal["state"] == "ABNORMAL"
    assert _refused(await sandbox.refund(paid, amount=101)) == (409, "AMOUNT_EXCEEDED")
    assert (await sandbox.entry("charge", paid))["effects"]["refunded"] == 0


async def test_a_refund_may_be_answered_later(sandbox: Caller) -> None:
    """An undecided refund is reserved, and moves money when it is decided."""
    paid = await _paid(sandbox)
    refund = (await sandbox.refund(paid, amount=600, script=LATER)).body
    assert refund["state"] == "PROCESSING"
    assert (await _charge(sandbox, paid))["refunded"] == 0
    assert _refused(await sandbox.refund(paid, amount=401)) == (409, "AMOUNT_EXCEEDED")
    await sandbox.advance(HOUR_MS)
    await sandbox.settled("refund", refund["number"], "SUCCEEDED")
    assert (await _charge(sandbox, paid))["refunded"] == 600


@pytest.mark.parametrize("make", ["capture", "refund"])
async def test_strange_charges_and_currencies_are_refused(sandbox: Caller, make: str) -> None:
    """A charge nobody knows is NOT_FOUND; another currency is INVALID_REQUEST."""
    ask = sandbox.capture if make == "capture" else sandbox.refund
    of = await (_held if make == "capture" else _paid)(sandbox)
    assert _refused(await ask(number())) == (404, "NOT_FOUND")
    assert _refused(await ask(of, currency="USD")) == (400, "INVALID_REQUEST")
