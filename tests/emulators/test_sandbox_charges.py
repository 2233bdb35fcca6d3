"""The life of a charge: outcomes, the payer's act, repetition, and the fence."""

import asyncio
import time
from typing import Any

import pytest

from tests.emulators.bench import Caller, charge_body, number

LATER = {"outcome": "ANSWER_LATER", "settle_delay_ms": 20}
ACTION = {"outcome": "REQUIRE_ACTION"}


async def test_a_charge_succeeds_and_takes_the_money(sandbox: Caller) -> None:
    """An automatic charge is captured at once, whole, and the payer pays exactly that."""
    charge = (await sandbox.charge(amount=1250)).body
    now_ms = time.time() * 1000
    assert charge.pop("create_time") == pytest.approx(now_ms, abs=5_000)
    assert charge.pop("update_time") == pytest.approx(now_ms, abs=5_000)
    number, channel_number = charge.pop("number"), charge.pop("channel_number")
    assert channel_number.isalnum()
    assert charge == {
        "state": "SUCCEEDED",
        "amount": 1250,
        "currency": "CNY",
        "captured": 1250,
        "refunded": 0,
        "capture": "AUTOMATIC",
        "action": None,
        "decline_code": None,
        "decline_message": None,
        "version": 2,
    }
    assert (await sandbox.entry("charge", number))["effects"] == {"charged": 1250, "refunded": 0}


async def test_a_manual_charge_is_only_authorised(sandbox: Caller) -> None:
    """A hold takes no money."""
    charge = (await sandbox.charge(capture="MANUAL")).body
    assert (charge["state"], charge["captured"]) == ("AUTHORIZED", 0)
    assert (await sandbox.entry("charge", charge["number"]))["effects"]["charged"] == 0


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ({"outcome": "DECLINE"}, "INSUFFICIENT_FUNDS"),
        ({"outcome": "DECLINE", "decline_code": "CARD_LOST"}, "CARD_LOST"),
    ],
)
async def test_a_declined_charge_takes_nothing(
    sandbox: Caller, script: dict[str, Any], code: str
) -> None:
    """A decline names its code and moves no money."""
    charge = (await sandbox.charge(script=script)).body
    assert (charge["state"], charge["decline_code"], charge["captured"]) == ("DECLINED", code, 0)
    assert code in charge["decline_message"]
    assert (await sandbox.summary())["by_currency"] == {}


@pytest.mark.parametrize(
    ("capture", "settle_outcome", "state"),
    [
        ("AUTOMATIC", "SUCCEED", "SUCCEEDED"),
        ("MANUAL", "SUCCEED", "AUTHORIZED"),
        ("AUTOMATIC", "DECLINE", "DECLINED"),
    ],
)
async def test_an_answer_may_come_later(
    sandbox: Caller, capture: str, settle_outcome: str, state: str
) -> None:
    """A charge that is answered PROCESSING ends by itself in what the script says."""
    script = LATER | {"settle_outcome": settle_outcome}
    charge = (await sandbox.charge(capture=capture, script=script)).body
    assert (charge["state"], charge["captured"], charge["version"]) == ("PROCESSING", 0, 1)
    ended = await sandbox.settled("charge", charge["number"], state)
    assert ended["version"] == 2


@pytest.mark.parametrize("kind", ["QR_CODE", "REDIRECT", "CHALLENGE"])
async def test_the_payer_may_have_to_act(sandbox: Caller, kind: str) -> None:
    """The action says what to do and until when, and is gone when it is done."""
    expire_time = int(time.time() * 1000) + 60_000
    script = ACTION | {"action_type": kind}
    charge = (await sandbox.charge(expire_time=expire_time, script=script)).body
    assert charge["state"] == "ACTION_REQUIRED"
    assert (charge["action"]["type"], charge["action"]["expire_time"]) == (kind, expire_time)
    assert charge["action"]["data"]
    acted = await _act(sandbox, charge["number"], "CONFIRM")
    assert (acted.status, acted.body["state"], acted.body["action"]) == (200, "SUCCEEDED", None)
    assert acted.body == (await sandbox.query("charge", charge["number"])).body


async def test_the_payer_may_refuse(sandbox: Caller) -> None:
    """A payer who refuses declines the charge."""
    charge = (await sandbox.charge(script=ACTION)).body
    assert (await _act(sandbox, charge["number"], "REFUSE")).body["state"] == "DECLINED"


async def test_the_payer_acts_once_and_only_where_asked(sandbox: Caller) -> None:
    """There is nothing to confirm twice, after the end, or on an unknown number."""
    charge = (await sandbox.charge(script=ACTION)).body
    decisions = await asyncio.gather(
        *(_act(sandbox, charge["number"], "CONFIRM") for _ in range(5)),
        *(_act(sandbox, charge["number"], "REFUSE") for _ in range(5)),
    )
    assert sorted(reply.status for reply in decisions) == [200] + [409] * 9
    assert (await _act(sandbox, number(), "CONFIRM")).status == 404
    assert (await _act(sandbox, charge["number"], "PERHAPS")).status == 400


async def test_the_simulated_payer_acts_by_himself(sandbox: Caller) -> None:
    """With a delay the payer needs nobody to play him."""
    charge = (await sandbox.charge(script=ACTION | {"settle_delay_ms": 20})).body
    assert charge["state"] == "ACTION_REQUIRED"
    await sandbox.settled("charge", charge["number"], "SUCCEEDED")


async def test_an_action_expires(sandbox: Caller) -> None:
    """What the payer did not do in time is closed, and he can do it no more."""
    charge = (await sandbox.charge(script=ACTION)).body
    await sandbox.advance(charge["action"]["expire_time"] - charge["create_time"] + 1)
    await sandbox.settled("charge", charge["number"], "CLOSED")
    assert (await _act(sandbox, charge["number"], "CONFIRM")).status == 409


async def test_the_same_request_is_the_same_charge(sandbox: Caller) -> None:
    """A repeated request is answered with the charge as it is now, and does nothing."""
    body = charge_body(script=LATER)
    first = await sandbox.ask("POST", "/v1/charges", body)
    assert first.body["state"] == "PROCESSING"
    await sandbox.settled("charge", body["number"], "SUCCEEDED")
    again = await sandbox.ask("POST", "/v1/charges", body)
    assert (again.status, again.body["state"]) == (200, "SUCCEEDED")
    assert again.body["channel_number"] == first.body["channel_number"]
    entry = await sandbox.entry("charge", body["number"])
    assert (entry["requests"], entry["effects"]["charged"]) == (2, 100)


async def test_defaults_are_parameters_too(sandbox: Caller) -> None:
    """Saying a default aloud, or in another order, is the same request."""
    body = charge_body()
    said = {"script": {"notify": "DEFAULT", "outcome": "SUCCEED"}, **dict(reversed(body.items()))}
    first = await sandbox.ask("POST", "/v1/charges", body)
    assert (await sandbox.ask("POST", "/v1/charges", said)).body == first.body


async def test_fifty_at_once_are_one_charge(sandbox: Caller) -> None:
    """Identical requests that race have one effect and one answer."""
    body = charge_body()
    replies = await asyncio.gather(*(sandbox.ask("POST", "/v1/charges", body) for _ in range(50)))
    assert all(reply.status == 200 and reply.is_signed() for reply in replies)
    assert len({reply.raw for reply in replies}) == 1
    entry = await sandbox.entry("charge", body["number"])
    assert (entry["requests"], entry["effects"]["charged"]) == (50, 100)
    totals = {"charged": 100, "refunded": 0, "paid_out": 0}
    assert (await sandbox.summary())["by_currency"] == {"CNY": totals}


@pytest.mark.parametrize(
    "other",
    [
        {"amount": 101},
        {"currency": "USD"},
        {"capture": "MANUAL"},
        {"description": "another"},
        {"payer": "another"},
        {"notify_url": "http://127.0.0.1:1/"},
        {"script": {"outcome": "DECLINE"}},
    ],
)
async def test_a_number_stands_for_one_request(sandbox: Caller, other: dict[str, Any]) -> None:
    """The same number with any other parameter is a conflict, and changes nothing."""
    body = charge_body()
    first = await sandbox.ask("POST", "/v1/charges", body)
    reply = await sandbox.ask("POST", "/v1/charges", body | other)
    assert (reply.status, reply.code) == (409, "NUMBER_CONFLICT")
    assert (await sandbox.query("charge", body["number"])).body == first.body


async def test_one_of_racing_twins_wins(sandbox: Caller) -> None:
    """Of two different requests under one number that race, one is done and the other refused."""
    bodies = [charge_body(), charge_body(amount=200)]
    bodies[1]["number"] = bodies[0]["number"]
    replies = await asyncio.gather(
        *(sandbox.ask("POST", "/v1/charges", bodies[turn % 2]) for turn in range(20))
    )
    assert sorted(reply.status for reply in replies) == [200] * 10 + [409] * 10
    charged = (await sandbox.summary())["by_currency"]["CNY"]["charged"]
    assert {reply.body["amount"] for reply in replies if reply.status == 200} == {charged}


async def test_an_unknown_number_is_not_found(sandbox: Caller) -> None:
    """Nobody knows what was never asked."""
    for kind in ("charge", "capture", "refund", "payout"):
        reply = await sandbox.query(kind, number())
        assert (reply.status, reply.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("script", [ACTION, {"outcome": "ANSWER_LATER", "settle_delay_ms": 50_000}])
async def test_close_stops_what_is_not_paid(sandbox: Caller, script: dict[str, Any]) -> None:
    """A charge that was closed before it was paid never succeeds."""
    body = charge_body(script=script)
    await sandbox.ask("POST", "/v1/charges", body)
    closed = await sandbox.close(body["number"])
    assert (closed.status, closed.body["state"], closed.body["action"]) == (200, "CLOSED", None)
    await sandbox.advance(60_000)
    await asyncio.sleep(0.05)
    assert (await sandbox.query("charge", body["number"])).body == closed.body
    assert (await sandbox.close(body["number"])).body == closed.body
    repeated = await sandbox.ask("POST", "/v1/charges", body)
    assert (repeated.status, repeated.code) == (409, "NUMBER_CLOSED")
    assert (await sandbox.entry("charge", body["number"]))["effects"]["charged"] == 0


async def test_close_releases_an_authorisation(sandbox: Caller) -> None:
    """A hold that was released cannot be captured any more."""
    charge = (await sandbox.charge(capture="MANUAL")).body
    assert (await sandbox.close(charge["number"])).body["state"] == "CLOSED"
    assert (await sandbox.capture(charge["number"])).code == "STATE_CONFLICT"


@pytest.mark.parametrize("script", [{}, {"outcome": "DECLINE"}])
async def test_close_changes_no_end(sandbox: Caller, script: dict[str, Any]) -> None:
    """A charge that ended is answered as it is."""
    charge = await sandbox.charge(script=script)
    assert (await sandbox.close(charge.body["number"])).body == charge.body


async def test_close_of_an_unknown_number_is_a_tombstone(sandbox: Caller) -> None:
    """A number can be closed before it was ever seen, and then never becomes a payment."""
    body = charge_body()
    tombstone = await sandbox.close(body["number"])
    assert (tombstone.status, tombstone.body["state"]) == (200, "CLOSED")
    assert (tombstone.body["amount"], tombstone.body["currency"]) == (None, None)
    reply = await sandbox.ask("POST", "/v1/charges", body)
    assert (reply.status, reply.code) == (409, "NUMBER_CLOSED")
    assert (await sandbox.query("charge", body["number"])).body == tombstone.body
    assert (await sandbox.refund(body["number"])).code == "STATE_CONFLICT"


async def test_close_is_a_fence_in_a_race(sandbox: Caller) -> None:
    """Whoever wins the race, a number is either paid once or closed for ever, and both know."""
    bodies = [charge_body() for _ in range(40)]
    asked = [sandbox.ask("POST", "/v1/charges", body) for body in bodies]
    fences = [sandbox.close(body["number"]) for body in bodies]
    pairs = [task for pair in zip(asked, fences, strict=True) for task in pair]
    replies = await asyncio.gather(*pairs)
    charged = 0
    for body, paid, fence in zip(bodies, replies[0::2], replies[1::2], strict=True):
        entry = await sandbox.entry("charge", body["number"])
        assert entry["state"] == fence.body["state"]
        assert paid.status == (200 if entry["state"] == "SUCCEEDED" else 409)
        charged += entry["effects"]["charged"]
        assert entry["effects"]["charged"] == (100 if paid.status == 200 else 0)
    assert charged == (await sandbox.summary())["by_currency"].get("CNY", {}).get("charged", 0)


@pytest.mark.parametrize("outcome", ["REQUIRE_ACTION", "ANSWER_LATER"])
async def test_a_payment_may_come_after_the_close(sandbox: Caller, outcome: str) -> None:
    """With `pay_after_close` nothing happens until the close, and the money comes after it."""
    script = {"outcome": outcome, "pay_after_close": True, "settle_delay_ms": 100}
    charge = (await sandbox.charge(script=script)).body
    await sandbox.advance(1_000)
    assert (await sandbox.query("charge", charge["number"])).body["state"] == charge["state"]
    assert (await sandbox.close(charge["number"])).body["state"] == "CLOSED"
    late = await sandbox.settled("charge", charge["number"], "SUCCEEDED")
    assert late["captured"] == 100
    assert (await sandbox.entry("charge", charge["number"]))["effects"]["charged"] == 100


async def _act(sandbox: Caller, of: str, decision: str) -> Any:
    return await sandbox.control("POST", f"/control/charges/{of}/act", {"decision": decision})
