"""Each fault of the script does what it says, to the effect and to the reply, and leaves proof."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.emulators.bench import Caller, Receiver, Reply, charge_body, number, serving

CUT = aiohttp.ClientConnectionError  # no reply at all


async def _post(sandbox: Caller, body: dict[str, Any]) -> Reply:
    return await sandbox.ask("POST", "/v1/charges", body)


async def _charged(sandbox: Caller, of: str) -> int:
    return int((await sandbox.entry("charge", of))["effects"]["charged"])


@pytest.mark.parametrize("fault", ["DROP_REPLY", "REFUSE"])
async def test_the_connection_is_cut(sandbox: Caller, fault: str) -> None:
    """DROP_REPLY keeps the effect and REFUSE nothing; the caller sees the same cut."""
    body = charge_body(script={"fault": fault})
    with pytest.raises(CUT):
        await _post(sandbox, body)
    kept = (await sandbox.query("charge", body["number"])).status == 200
    assert kept == (fault == "DROP_REPLY")
    again = await _post(sandbox, body)
    assert (again.status, again.body["state"]) == (200, "SUCCEEDED")
    assert await _charged(sandbox, body["number"]) == 100
    assert await sandbox.faults(body["number"]) == [fault]


@pytest.mark.parametrize("fault", ["ERROR_AFTER_EFFECT", "ERROR_BEFORE_EFFECT"])
async def test_an_error_says_nothing_about_the_effect(sandbox: Caller, fault: str) -> None:
    """Both errors are the same signed 500; only one kept the effect."""
    body = charge_body(script={"fault": fault})
    reply = await _post(sandbox, body)
    assert (reply.status, reply.code) == (500, "INTERNAL")
    assert reply.is_signed()
    kept = (await sandbox.query("charge", body["number"])).status == 200
    assert kept == (fault == "ERROR_AFTER_EFFECT")
    assert (await _post(sandbox, body)).status == 200
    assert await _charged(sandbox, body["number"]) == 100
    assert await sandbox.faults(body["number"]) == [fault]


async def test_a_busy_channel_keeps_nothing(sandbox: Caller) -> None:
    """BUSY is an unsigned 429; the same number may be sent again."""
    body = charge_body(script={"fault": "BUSY", "fault_count": 2})
    for _ in range(2):
        reply = await _post(sandbox, body)
        assert (reply.status, reply.code) == (429, "TOO_MANY_REQUESTS")
        assert "Sandbox-Signature" not in reply.headers
    assert (await sandbox.summary())["charges"] == 0
    assert (await _post(sandbox, body)).status == 200
    assert await sandbox.faults(body["number"]) == ["BUSY", "BUSY"]


async def test_a_malformed_reply_is_signed_half_a_message(sandbox: Caller) -> None:
    """MALFORMED_REPLY is authentic and not JSON; the effect is kept."""
    body = charge_body(script={"fault": "MALFORMED_REPLY"})
    reply = await _post(sandbox, body)
    assert reply.status == 200
    assert reply.is_signed()
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.raw)
    assert await _charged(sandbox, body["number"]) == 100
    assert await sandbox.faults(body["number"]) == ["MALFORMED_REPLY"]


@pytest.mark.parametrize("fault", ["UNSIGNED_REPLY", "FORGED_REPLY"])
async def test_an_unproven_reply_tells_the_truth(sandbox: Caller, fault: str) -> None:
    """UNSIGNED_REPLY has no signature and FORGED_REPLY a wrong one; the effect is kept."""
    body = charge_body(script={"fault": fault})
    reply = await _post(sandbox, body)
    assert (reply.status, reply.body["state"]) == (200, "SUCCEEDED")
    assert ("Sandbox-Signature" in reply.headers) == (fault == "FORGED_REPLY")
    assert not reply.is_signed()
    proven = await sandbox.query("charge", body["number"])
    assert proven.is_signed()
    assert proven.body == reply.body
    assert await sandbox.faults(body["number"]) == [fault]


async def test_a_wrong_amount_is_believed(sandbox: Caller) -> None:
    """WRONG_AMOUNT is signed in the reply and in every query; the payer paid the right one."""
    body = charge_body(script={"fault": "WRONG_AMOUNT"})
    for reply in (
        await _post(sandbox, body),
        await sandbox.query("charge", body["number"]),
        await sandbox.query("charge", body["number"]),
    ):
        assert (reply.body["amount"], reply.is_signed()) == (101, True)
    assert await _charged(sandbox, body["number"]) == 100
    assert await sandbox.faults(body["number"]) == ["WRONG_AMOUNT"] * 3


async def test_a_counted_wrong_amount_ends(sandbox: Caller) -> None:
    """With a count, WRONG_AMOUNT is met that often and no more."""
    body = charge_body(script={"fault": "WRONG_AMOUNT", "fault_count": 1})
    assert (await _post(sandbox, body)).body["amount"] == 101
    assert (await sandbox.query("charge", body["number"])).body["amount"] == 100


async def test_every_request_of_the_number_counts(sandbox: Caller) -> None:
    """Queries and closes meet the fault as posts do, until it is used up."""
    body = charge_body(script={"outcome": "ANSWER_LATER", "fault": "DROP_REPLY", "fault_count": 3})
    for ask in (
        _post(sandbox, body),
        sandbox.query("charge", body["number"]),
        sandbox.close(body["number"]),
    ):
        with pytest.raises(CUT):
            await ask
    # The close was kept, although its reply was not heard.
    assert (await sandbox.query("charge", body["number"])).body["state"] == "CLOSED"
    assert await sandbox.faults(body["number"]) == ["DROP_REPLY"] * 3


async def test_zero_means_for_ever(sandbox: Caller) -> None:
    """With fault_count 0 nothing about the number is ever heard; the oracle still knows."""
    body = charge_body(script={"fault": "DROP_REPLY", "fault_count": 0})
    for _ in range(2):
        with pytest.raises(CUT):
            await _post(sandbox, body)
        with pytest.raises(CUT):
            await sandbox.query("charge", body["number"])
    assert await _charged(sandbox, body["number"]) == 100
    assert len(await sandbox.faults(body["number"])) == 4


async def test_a_refusal_before_anything_is_kept_lasts(sandbox: Caller) -> None:
    """A number under which nothing is kept still remembers how often its fault was met."""
    body = charge_body(script={"fault": "REFUSE", "fault_count": 3})
    for ask in (
        _post(sandbox, body),
        sandbox.query("charge", body["number"]),
        _post(sandbox, body),
    ):
        with pytest.raises(CUT):
            await ask
    assert (await sandbox.query("charge", body["number"])).status == 404
    assert (await _post(sandbox, body)).status == 200


async def test_a_reply_may_be_slow(sandbox: Caller) -> None:
    """The delay lies after the effect: a query sees it before the reply is there."""
    body = charge_body(script={"reply_delay_ms": 600})
    start = time.monotonic()
    slow = asyncio.create_task(_post(sandbox, body))
    await asyncio.sleep(0.1)
    assert (await sandbox.query("charge", body["number"])).body["state"] == "SUCCEEDED"
    assert not slow.done()
    assert (await slow).status == 200
    assert time.monotonic() - start >= 0.6
    assert await sandbox.faults(body["number"]) == ["REPLY_DELAY"]


async def test_the_number_is_forgotten_for_a_while(sandbox: Caller) -> None:
    """Queries are answered NOT_FOUND as often as the script says, signed; posts are not."""
    body = charge_body(script={"forget_count": 3})
    assert (await _post(sandbox, body)).status == 200
    for _ in range(3):
        reply = await sandbox.query("charge", body["number"])
        assert (reply.status, reply.code, reply.is_signed()) == (404, "NOT_FOUND", True)
    assert (await _post(sandbox, body)).status == 200
    assert (await sandbox.query("charge", body["number"])).status == 200
    assert await sandbox.faults(body["number"]) == ["FORGET"] * 3


async def test_a_kept_script_stays_in_force(sandbox: Caller) -> None:
    """What a later, conflicting request asks for changes nothing about the number."""
    body = charge_body(script={"forget_count": 1})
    await _post(sandbox, body)
    other = body | {"script": {"fault": "DROP_REPLY", "fault_count": 0}}
    assert (await _post(sandbox, other)).code == "NUMBER_CONFLICT"
    assert (await sandbox.query("charge", body["number"])).status == 404
    assert (await sandbox.query("charge", body["number"])).status == 200


async def test_the_latest_script_counts_until_one_is_kept(sandbox: Caller) -> None:
    """A request that was refused before it was kept may be sent again with another script."""
    body = charge_body(script={"fault": "ERROR_BEFORE_EFFECT", "fault_count": 0})
    assert (await _post(sandbox, body)).status == 500
    assert (await _post(sandbox, body | {"script": {}})).status == 200
    assert (await sandbox.query("charge", body["number"])).status == 200


@pytest.mark.parametrize("make", ["capture", "refund"])
async def test_captures_and_refunds_meet_faults(sandbox: Caller, make: str) -> None:
    """A fault belongs to the number it came with: the charge's own requests do not meet it."""
    mode = "MANUAL" if make == "capture" else "AUTOMATIC"
    charge = (await sandbox.charge(capture=mode)).body["number"]
    ask = sandbox.capture if make == "capture" else sandbox.refund
    fields = {"number": number(), "script": {"fault": "DROP_REPLY"}}
    with pytest.raises(CUT):
        await ask(charge, **fields)
    assert (await sandbox.query("charge", charge)).status == 200
    assert (await ask(charge, **fields)).body["state"] == "SUCCEEDED"
    hits = await sandbox.control("GET", f"/control/faults/{fields['number']}")
    assert [(hit["fault"], hit["kind"]) for hit in hits.body["faults"]] == [("DROP_REPLY", make)]
    assert hits.body["faults"][0]["time"] == pytest.approx(time.time() * 1000, abs=5_000)
    assert hits.body["total"] == 1


async def test_counts_survive_a_restart(tmp_path: Path) -> None:
    """A restart neither repeats nor forgets the faults that were met."""
    body = charge_body(script={"fault": "REFUSE", "fault_count": 2})
    async with serving(tmp_path) as sandbox:
        with pytest.raises(CUT):
            await _post(sandbox, body)
    async with serving(tmp_path) as sandbox:
        with pytest.raises(CUT):
            await _post(sandbox, body)
        assert (await _post(sandbox, body)).status == 200
        assert await sandbox.faults(body["number"]) == ["REFUSE", "REFUSE"]


async def test_concurrent_requests_meet_a_fault_exactly_as_often(sandbox: Caller) -> None:
    """Of racing requests exactly `fault_count` are hit, and the effect is still one."""
    body = charge_body(script={"fault": "DROP_REPLY", "fault_count": 7})
    replies = await asyncio.gather(
        *(_post(sandbox, body) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(reply, CUT) for reply in replies) == 7
    assert await _charged(sandbox, body["number"]) == 100


async def test_a_fault_does_not_stop_the_notification(sandbox: Caller, receiver: Receiver) -> None:
    """A caller whose reply was dropped can still learn the outcome by notification."""
    script = {"fault": "DROP_REPLY", "notify": "ONCE"}
    body = charge_body(script=script, notify_url=receiver.url)
    with pytest.raises(CUT):
        await _post(sandbox, body)
    (received,) = await receiver.wait_for(1)
    assert received.about["state"] == "SUCCEEDED"
