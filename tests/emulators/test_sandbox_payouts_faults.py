"""Payouts under every fault and every way to notify: one effect, and proof of the fault."""

import asyncio
import json
from pathlib import Path
from typing import Any, get_args

import aiohttp
import pytest

from gateway.emulators.core.faults import FAULTS_BEFORE_EFFECT, Fault, Notify
from tests.emulators.bench import (
    Caller,
    Receiver,
    Reply,
    number,
    payout_body,
    serving,
    until_quiet,
)

CUT = aiohttp.ClientConnectionError  # no reply at all
QUIET_S = 0.08  # long enough for a notification that should not come
FAULTS = [fault for fault in get_args(Fault) if fault not in {"NONE", "WRONG_AMOUNT"}]
LATER = {"outcome": "ANSWER_LATER", "settle_delay_ms": 10}
TOLD = {  # how many notifications each mode makes of an end that the reply carried already
    "DEFAULT": 0,
    "NONE": 0,
    "ONCE": 1,
    "TWICE": 2,
    "OUT_OF_ORDER": 2,
    "BEFORE_REPLY": 1,
    "STORM": 7,
    "FORGED": 1,
    "STALE": 1,
    "WRONG_AMOUNT": 1,
    "WRONG_NUMBER": 1,
}


async def _ask(sandbox: Caller, method: str, target: str, body: Any = None) -> Reply | None:
    """A reply, or None when the connection was cut."""
    try:
        return await sandbox.ask(method, target, body)
    except CUT:
        return None


async def _post(sandbox: Caller, body: dict[str, Any]) -> Reply | None:
    return await _ask(sandbox, "POST", "/v1/payouts", body)


async def _paid_out(sandbox: Caller, of: str) -> int:
    return int((await sandbox.entry("payout", of))["effects"]["paid_out"])


def _is_spoiled(fault: str, reply: Reply | None) -> bool:
    """Whether a reply is what the protocol says of the fault."""
    if reply is None:
        return fault in {"DROP_REPLY", "REFUSE"}
    seal = "Sandbox-Signature" in reply.headers, reply.is_signed()
    return (reply.status, *seal, _is_json(reply.raw)) == {
        "BUSY": (429, False, False, True),
        "ERROR_BEFORE_EFFECT": (500, True, True, True),
        "ERROR_AFTER_EFFECT": (500, True, True, True),
        "MALFORMED_REPLY": (200, True, True, False),
        "UNSIGNED_REPLY": (200, False, False, True),
        "FORGED_REPLY": (200, True, False, True),
    }.get(fault)


def _is_json(raw: bytes) -> bool:
    try:
        json.loads(raw)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_hits_and_the_payee_is_paid_once(sandbox: Caller, fault: str) -> None:
    """The reply is spoiled as said, the effect kept or not, and a second try never pays twice."""
    body = payout_body(script={"fault": fault})
    assert _is_spoiled(fault, await _post(sandbox, body))
    kept = (await sandbox.query("payout", body["number"])).status == 200
    assert kept == (fault not in FAULTS_BEFORE_EFFECT)
    again = await sandbox.ask("POST", "/v1/payouts", body)
    assert (again.status, again.body["state"], again.is_signed()) == (200, "SUCCEEDED", True)
    assert await _paid_out(sandbox, body["number"]) == 100
    hits = (await sandbox.control("GET", f"/control/faults/{body['number']}")).body["faults"]
    assert [(hit["fault"], hit["kind"]) for hit in hits] == [(fault, "payout")]


@pytest.mark.parametrize("fault", FAULTS)
async def test_queries_and_closes_meet_the_fault_too(sandbox: Caller, fault: str) -> None:
    """A channel that stays away about one payout stays away for its questions and fence as well."""
    body = payout_body(script=LATER | {"settle_delay_ms": 60_000, "fault": fault, "fault_count": 3})
    target = f"/v1/payouts/{body['number']}"
    for method, path, sent in (
        ("POST", "/v1/payouts", body),
        ("GET", target, None),
        ("POST", f"{target}/close", {}),
    ):
        assert _is_spoiled(fault, await _ask(sandbox, method, path, sent))
    heard = await sandbox.query("payout", body["number"])
    known = "NOT_FOUND" if fault in FAULTS_BEFORE_EFFECT else "CLOSED"
    assert heard.body.get("state", heard.body.get("error", {}).get("code")) == known
    assert await sandbox.faults(body["number"]) == [fault] * 3


async def test_a_wrong_amount_is_believed(sandbox: Caller) -> None:
    """WRONG_AMOUNT is signed in the reply and in every query; the payee got the right one."""
    body = payout_body(script={"fault": "WRONG_AMOUNT"})
    for reply in (
        await sandbox.ask("POST", "/v1/payouts", body),
        await sandbox.query("payout", body["number"]),
        await sandbox.close(body["number"], "payout"),
    ):
        assert (reply.body["amount"], reply.is_signed()) == (101, True)
    assert await _paid_out(sandbox, body["number"]) == 100
    assert await sandbox.faults(body["number"]) == ["WRONG_AMOUNT"] * 3


async def test_the_number_is_forgotten_for_a_while(sandbox: Caller) -> None:
    """Queries are answered NOT_FOUND as often as the script says; a fence finds the truth."""
    body = payout_body(script={"forget_count": 2})
    await sandbox.ask("POST", "/v1/payouts", body)
    for _ in range(2):
        reply = await sandbox.query("payout", body["number"])
        assert (reply.status, reply.code, reply.is_signed()) == (404, "NOT_FOUND", True)
        assert (await sandbox.close(body["number"], "payout")).body["state"] == "SUCCEEDED"
    assert (await sandbox.query("payout", body["number"])).status == 200
    assert await sandbox.faults(body["number"]) == ["FORGET"] * 2


async def test_a_reply_may_be_slow(sandbox: Caller) -> None:
    """The delay lies after the effect: a query sees it before the reply is there."""
    body = payout_body(script={"reply_delay_ms": 300})
    slow = asyncio.create_task(sandbox.ask("POST", "/v1/payouts", body))
    found = await sandbox.settled("payout", body["number"], "SUCCEEDED")
    assert not slow.done()
    assert (await slow).body == found
    assert await sandbox.faults(body["number"]) == ["REPLY_DELAY"]


async def test_a_fault_of_a_payout_is_no_fault_of_a_charge(sandbox: Caller) -> None:
    """Under one number, the script of the payout says nothing about the charge."""
    shared = number()
    script = {"fault": "DROP_REPLY", "fault_count": 0, "forget_count": 9}
    assert await _post(sandbox, payout_body(number=shared, script=script)) is None
    assert (await sandbox.charge(number=shared)).status == 200
    assert (await sandbox.query("charge", shared)).status == 200


async def test_counts_survive_a_restart(tmp_path: Path) -> None:
    """A restart neither repeats nor forgets the faults that were met."""
    body = payout_body(script={"fault": "REFUSE", "fault_count": 2})
    for spoiled in (True, True, False):
        async with serving(tmp_path) as sandbox:
            assert (await _post(sandbox, body) is None) == spoiled
    async with serving(tmp_path) as sandbox:
        assert await sandbox.faults(body["number"]) == ["REFUSE", "REFUSE"]
        assert await _paid_out(sandbox, body["number"]) == 100


def test_every_way_to_notify_is_tried() -> None:
    """The table of the tests below has a row for each mode there is."""
    assert TOLD.keys() == set(get_args(Notify))


@pytest.mark.parametrize("notify", TOLD)
async def test_each_way_to_notify(sandbox: Caller, receiver: Receiver, notify: str) -> None:
    """As many as were asked for arrive, each wrong in just what was asked for, with the proof."""
    script = {"notify": notify, "notify_count": 7}
    payout = (await sandbox.payout(notify_url=receiver.url, script=script)).body
    received = await receiver.wait_for(TOLD[notify])
    await asyncio.sleep(QUIET_S)
    await until_quiet(sandbox)
    assert len(receiver.received) == TOLD[notify]
    for one in received:
        assert one.body.keys() == {"kind", "payout"}
        assert one.is_signed() == (notify != "FORGED")
        assert (one.age_s > 80_000) == (notify == "STALE")
        assert (one.about["number"] == payout["number"]) == (notify != "WRONG_NUMBER")
        assert one.about["amount"] == (101 if notify == "WRONG_AMOUNT" else 100)
    if notify == "OUT_OF_ORDER":
        seen = [(one.about["state"], one.about["version"]) for one in received]
        assert seen == [("SUCCEEDED", 2), ("PROCESSING", 1)]
    proof = [] if notify in {"DEFAULT", "NONE", "ONCE"} else [f"NOTIFY_{notify}"]
    assert await sandbox.faults(payout["number"]) == proof


@pytest.mark.parametrize(("outcome", "state"), [("SUCCEED", "SUCCEEDED"), ("DECLINE", "DECLINED")])
async def test_a_later_end_is_notified(
    sandbox: Caller, receiver: Receiver, outcome: str, state: str
) -> None:
    """By default a payout that ends after its reply is told once, signed, as it is."""
    script = LATER | {"settle_outcome": outcome}
    payout = (await sandbox.payout(notify_url=receiver.url, script=script)).body
    (received,) = await receiver.wait_for(1)
    assert received.is_signed()
    assert (received.body["kind"], received.about["state"]) == ("payout", state)
    assert received.about == (await sandbox.query("payout", payout["number"])).body


async def test_a_close_is_not_notified_and_a_late_success_is(
    sandbox: Caller, receiver: Receiver
) -> None:
    """The caller hears of an end he did not make himself."""
    script = LATER | {"pay_after_close": True}
    for asked in (LATER | {"settle_delay_ms": 60_000}, script):
        payout = (await sandbox.payout(notify_url=receiver.url, script=asked)).body
        await sandbox.close(payout["number"], "payout")
    (received,) = await receiver.wait_for(1)
    assert (received.about["number"], received.about["state"]) == (payout["number"], "SUCCEEDED")
    await asyncio.sleep(QUIET_S)
    assert len(receiver.received) == 1


async def test_a_fault_does_not_stop_the_notification(sandbox: Caller, receiver: Receiver) -> None:
    """A caller whose reply was dropped can still learn the outcome by notification."""
    script = {"fault": "DROP_REPLY", "notify": "ONCE"}
    assert await _post(sandbox, payout_body(script=script, notify_url=receiver.url)) is None
    (received,) = await receiver.wait_for(1)
    assert received.about["state"] == "SUCCEEDED"
