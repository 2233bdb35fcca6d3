"""The life of a payout: outcomes, repetition, the fence, and what the book says was sent."""

import asyncio
import time
from typing import Any

import pytest

from tests.emulators.bench import Caller, number, payout_body

LATER = {"outcome": "ANSWER_LATER", "settle_delay_ms": 20}
IN_AN_HOUR = {"outcome": "ANSWER_LATER", "settle_delay_ms": 3_600_000}
HOUR_MS = 3_600_000


async def _post(sandbox: Caller, body: dict[str, Any]) -> Any:
    return await sandbox.ask("POST", "/v1/payouts", body)


async def _paid_out(sandbox: Caller, of: str) -> int:
    return int((await sandbox.entry("payout", of))["effects"]["paid_out"])


async def _total(sandbox: Caller) -> int:
    totals = (await sandbox.summary())["by_currency"]
    return int(totals.get("CNY", {}).get("paid_out", 0))


async def test_a_payout_succeeds_and_sends_the_money(sandbox: Caller) -> None:
    """A payout needs nothing before it, and the payee gets exactly the amount."""
    payout = (await sandbox.payout(amount=1250, description="withdrawal")).body
    now_ms = time.time() * 1000
    assert payout.pop("create_time") == pytest.approx(now_ms, abs=5_000)
    assert payout.pop("update_time") == pytest.approx(now_ms, abs=5_000)
    of, channel_number = payout.pop("number"), payout.pop("channel_number")
    assert channel_number.isalnum()
    assert payout == {
        "state": "SUCCEEDED",
        "amount": 1250,
        "currency": "CNY",
        "decline_code": None,
        "decline_message": None,
        "version": 2,
    }
    assert await _paid_out(sandbox, of) == await _total(sandbox) == 1250


async def test_a_declined_payout_sends_nothing(sandbox: Caller) -> None:
    """A decline names its code and moves no money."""
    script = {"outcome": "DECLINE", "decline_code": "ACCOUNT_CLOSED"}
    payout = (await sandbox.payout(script=script)).body
    assert (payout["state"], payout["decline_code"]) == ("DECLINED", "ACCOUNT_CLOSED")
    assert "ACCOUNT_CLOSED" in payout["decline_message"]
    assert await _paid_out(sandbox, payout["number"]) == await _total(sandbox) == 0


@pytest.mark.parametrize(
    ("settle_outcome", "state", "sent"), [("SUCCEED", "SUCCEEDED", 100), ("DECLINE", "DECLINED", 0)]
)
async def test_an_answer_may_come_later(
    sandbox: Caller, settle_outcome: str, state: str, sent: int
) -> None:
    """A payout that is answered PROCESSING ends by itself in what the script says."""
    payout = (await sandbox.payout(script=LATER | {"settle_outcome": settle_outcome})).body
    assert (payout["state"], payout["version"]) == ("PROCESSING", 1)
    ended = await sandbox.settled("payout", payout["number"], state)
    assert (ended["version"], ended["channel_number"]) == (2, payout["channel_number"])
    assert await _paid_out(sandbox, payout["number"]) == sent


async def test_fifty_at_once_are_one_payout(sandbox: Caller) -> None:
    """Identical requests that race have one effect and one answer."""
    body = payout_body()
    replies = await asyncio.gather(*(_post(sandbox, body) for _ in range(50)))
    assert all(reply.status == 200 and reply.is_signed() for reply in replies)
    assert len({reply.raw for reply in replies}) == 1
    entry = await sandbox.entry("payout", body["number"])
    assert (entry["requests"], entry["effects"]) == (50, {"paid_out": 100})
    assert await _total(sandbox) == 100


async def test_a_repeated_request_is_answered_as_it_is_now(sandbox: Caller) -> None:
    """The same request later shows the end that came in between, and sends nothing more."""
    body = payout_body(script=LATER)
    first = await _post(sandbox, body)
    ended = await sandbox.settled("payout", body["number"], "SUCCEEDED")
    again = await _post(sandbox, body)
    assert (first.body["state"], again.body) == ("PROCESSING", ended)
    assert await _total(sandbox) == 100


@pytest.mark.parametrize(
    "other",
    [
        {"amount": 101},
        {"currency": "USD"},
        {"payee": "p-2"},
        {"description": "another"},
        {"notify_url": "http://127.0.0.1:1/"},
        {"script": {"outcome": "DECLINE"}},
    ],
)
async def test_a_number_stands_for_one_request(sandbox: Caller, other: dict[str, Any]) -> None:
    """The same number with any other parameter is a conflict, and changes nothing."""
    body = payout_body()
    first = await _post(sandbox, body)
    reply = await _post(sandbox, body | other)
    assert (reply.status, reply.code) == (409, "NUMBER_CONFLICT")
    assert reply.is_signed()
    assert (await sandbox.query("payout", body["number"])).body == first.body


async def test_one_of_racing_twins_wins(sandbox: Caller) -> None:
    """Of two different requests under one number that race, one is done and the other refused."""
    bodies = [payout_body(), payout_body(amount=200)]
    bodies[1]["number"] = bodies[0]["number"]
    replies = await asyncio.gather(*(_post(sandbox, bodies[turn % 2]) for turn in range(20)))
    assert sorted(reply.status for reply in replies) == [200] * 10 + [409] * 10
    sent = await _total(sandbox)
    assert {reply.body["amount"] for reply in replies if reply.status == 200} == {sent}


async def test_close_stops_what_is_not_decided(sandbox: Caller) -> None:
    """A payout that was closed while it was PROCESSING never sends anything."""
    body = payout_body(script=IN_AN_HOUR)
    await _post(sandbox, body)
    closed = await sandbox.close(body["number"], "payout")
    assert (closed.status, closed.body["state"], closed.is_signed()) == (200, "CLOSED", True)
    await sandbox.advance(HOUR_MS)
    await asyncio.sleep(0.05)
    assert (await sandbox.query("payout", body["number"])).body == closed.body
    assert (await sandbox.close(body["number"], "payout")).body == closed.body
    repeated = await _post(sandbox, body)
    assert (repeated.status, repeated.code) == (409, "NUMBER_CLOSED")
    assert await _paid_out(sandbox, body["number"]) == await _total(sandbox) == 0


@pytest.mark.parametrize("script", [{}, {"outcome": "DECLINE"}])
async def test_close_changes_no_end(sandbox: Caller, script: dict[str, Any]) -> None:
    """A payout that ended is answered as it is."""
    payout = await sandbox.payout(script=script)
    assert (await sandbox.close(payout.body["number"], "payout")).body == payout.body


async def test_close_of_an_unknown_number_is_a_tombstone(sandbox: Caller) -> None:
    """A number can be closed before it was ever seen, and then never becomes a payout."""
    body = payout_body()
    tombstone = await sandbox.close(body["number"], "payout")
    assert (tombstone.status, tombstone.body["state"]) == (200, "CLOSED")
    assert (tombstone.body["amount"], tombstone.body["currency"]) == (None, None)
    reply = await _post(sandbox, body)
    assert (reply.status, reply.code) == (409, "NUMBER_CLOSED")
    assert (await sandbox.query("payout", body["number"])).body == tombstone.body
    entry = await sandbox.entry("payout", body["number"])
    assert (entry["effects"], entry["requests"]) == ({"paid_out": 0}, 1)


async def test_close_is_about_its_own_kind(sandbox: Caller) -> None:
    """Closing a charge closes no payout of the same number, nor the reverse."""
    shared = number()
    await sandbox.close(shared)
    assert (await sandbox.payout(number=shared)).body["state"] == "SUCCEEDED"
    other = number()
    await sandbox.close(other, "payout")
    assert (await sandbox.charge(number=other)).body["state"] == "SUCCEEDED"


async def test_close_is_a_fence_in_a_race(sandbox: Caller) -> None:
    """Whoever wins the race, a number is either paid out once or closed for ever; both know."""
    bodies = [payout_body() for _ in range(40)]
    asked = [_post(sandbox, body) for body in bodies]
    fences = [sandbox.close(body["number"], "payout") for body in bodies]
    pairs = [task for pair in zip(asked, fences, strict=True) for task in pair]
    replies = await asyncio.gather(*pairs)
    sent = 0
    for body, paid, fence in zip(bodies, replies[0::2], replies[1::2], strict=True):
        entry = await sandbox.entry("payout", body["number"])
        assert entry["state"] == fence.body["state"]
        assert paid.status == (200 if entry["state"] == "SUCCEEDED" else 409)
        assert entry["effects"]["paid_out"] == (100 if paid.status == 200 else 0)
        sent += entry["effects"]["paid_out"]
    assert sent == await _total(sandbox)


async def test_a_payout_may_come_after_the_close(sandbox: Caller) -> None:
    """With `pay_after_close` nothing happens until the close, and the money goes after it."""
    script = LATER | {"pay_after_close": True, "settle_delay_ms": 100}
    payout = (await sandbox.payout(script=script)).body
    await sandbox.advance(1_000)
    assert (await sandbox.query("payout", payout["number"])).body["state"] == "PROCESSING"
    assert (await sandbox.close(payout["number"], "payout")).body["state"] == "CLOSED"
    assert await _total(sandbox) == 0
    late = await sandbox.settled("payout", payout["number"], "SUCCEEDED")
    assert late["version"] == 3
    assert await _paid_out(sandbox, payout["number"]) == await _total(sandbox) == 100


async def test_records_and_effects_agree_after_a_storm(sandbox: Caller) -> None:
    """Whatever raced, the sum of SUCCEEDED payouts is what was sent, per record and in all."""
    bodies = [
        payout_body(amount=1 + index, script=LATER | {"settle_delay_ms": index % 3})
        for index in range(30)
    ]
    asks = [_post(sandbox, body) for body in bodies for _ in range(3)]
    asks += [sandbox.close(body["number"], "payout") for body in bodies]
    await asyncio.gather(*asks)
    for body in bodies:
        await sandbox.settled("payout", body["number"], "SUCCEEDED", "CLOSED")
    page = (await sandbox.control("GET", "/control/payouts?limit=1000")).body["payouts"]
    assert len(page) == 30
    for entry in page:
        succeeded = entry["state"] == "SUCCEEDED"
        assert entry["effects"] == {"paid_out": entry["amount"] if succeeded else 0}
    sent = sum(entry["amount"] for entry in page if entry["state"] == "SUCCEEDED")
    assert sent == await _total(sandbox)


async def test_an_entry_tells_everything(sandbox: Caller) -> None:
    """The oracle sees the request, the record, what was sent and how often it was asked for."""
    payout = (await sandbox.payout(payee="p-7", description="out", script=LATER)).body
    entry = await sandbox.entry("payout", payout["number"])
    assert payout.keys() <= entry.keys()
    assert (entry["payee"], entry["description"], entry["requests"]) == ("p-7", "out", 1)
    assert LATER.items() <= entry["script"].items()
