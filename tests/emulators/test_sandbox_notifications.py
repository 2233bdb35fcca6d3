"""Notifications: who gets which, how often, in what order, and how badly on request."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.emulators.core import outbox
from gateway.emulators.sandbox import server
from tests.emulators.bench import (
    ACKNOWLEDGED,
    Caller,
    Received,
    Receiver,
    charge_body,
    number,
    serving,
    until,
    until_quiet,
)

PATH = "/notify/sandbox?shop=a%20b"
QUIET_S = 0.08  # long enough for a notification that should not come
LATER = {"outcome": "ANSWER_LATER", "settle_delay_ms": 10}


async def _charge(sandbox: Caller, receiver: Receiver, **fields: Any) -> Any:
    reply = await sandbox.charge(notify_url=receiver.url + PATH, **fields)
    assert reply.status == 200
    return reply.body


async def test_a_later_end_is_notified(sandbox: Caller, receiver: Receiver) -> None:
    """By default a charge that ends after its reply is told once, signed, as it is."""
    charge = await _charge(sandbox, receiver, script=LATER)
    (received,) = await receiver.wait_for(1)
    assert received.target == PATH
    assert received.is_signed()
    assert abs(received.age_s) < 5
    assert received.headers["Content-Type"] == "application/json"
    assert received.body["kind"] == "charge"
    assert received.about == (await sandbox.query("charge", charge["number"])).body
    await until_quiet(sandbox)
    fates = (await sandbox.summary())["notifications"]
    assert fates == {"sent": 1, "acknowledged": 1, "pending": 0, "abandoned": 0}


@pytest.mark.parametrize(
    ("script", "count"),
    [
        ({}, 0),
        ({"notify": "NONE"}, 0),
        ({"notify": "ONCE"}, 1),
        (LATER | {"notify": "NONE"}, 0),
        (LATER | {"notify": "ONCE"}, 1),
        (LATER | {"notify": "BEFORE_REPLY"}, 1),
        ({"notify": "TWICE"}, 2),
        (LATER | {"notify": "TWICE"}, 2),
        ({"notify": "STORM", "notify_count": 150}, 150),
    ],
)
async def test_each_is_told_as_often_as_the_script_says(
    sandbox: Caller, receiver: Receiver, script: dict[str, Any], count: int
) -> None:
    """No more and no fewer notifications arrive than were asked for, each of them right."""
    charge = await _charge(sandbox, receiver, script=script)
    received = await receiver.wait_for(count)
    await asyncio.sleep(QUIET_S)
    assert len(receiver.received) == count
    assert all(one.is_signed() and one.about["number"] == charge["number"] for one in received)
    assert len({one.raw for one in received}) == min(count, 1)
    assert len({one.headers["Sandbox-Nonce"] for one in received}) == count


async def test_the_payers_act_is_notified(sandbox: Caller, receiver: Receiver) -> None:
    """What the payer did reaches the merchant."""
    charge = await _charge(sandbox, receiver, script={"outcome": "REQUIRE_ACTION"})
    path = f"/control/charges/{charge['number']}/act"
    await sandbox.control("POST", path, {"decision": "REFUSE"})
    (received,) = await receiver.wait_for(1)
    assert received.about["state"] == "DECLINED"


async def test_an_expiry_is_notified_and_a_close_is_not(
    sandbox: Caller, receiver: Receiver
) -> None:
    """The merchant hears of an end he did not make himself."""
    closed = await _charge(sandbox, receiver, script={"outcome": "REQUIRE_ACTION"})
    await sandbox.close(closed["number"])
    expired = await _charge(sandbox, receiver, script={"outcome": "REQUIRE_ACTION"})
    await sandbox.advance(3_600_000)
    (received,) = await receiver.wait_for(1)
    assert (received.about["number"], received.about["state"]) == (expired["number"], "CLOSED")
    await asyncio.sleep(QUIET_S)
    assert len(receiver.received) == 1


async def test_a_late_payment_is_notified(sandbox: Caller, receiver: Receiver) -> None:
    """Money that comes after the close is told."""
    script = {"outcome": "REQUIRE_ACTION", "pay_after_close": True, "settle_delay_ms": 10}
    charge = await _charge(sandbox, receiver, script=script)
    await sandbox.close(charge["number"])
    (received,) = await receiver.wait_for(1)
    assert received.about["state"] == "SUCCEEDED"


async def test_captures_and_refunds_notify_too(sandbox: Caller, receiver: Receiver) -> None:
    """A notification says what kind of thing it is about."""
    charge = (await sandbox.charge(capture="MANUAL")).body["number"]
    told = {"notify_url": receiver.url + PATH, "script": {"notify": "ONCE"}}
    capture = (await sandbox.capture(charge, **told)).body
    refund = (await sandbox.refund(charge, **told)).body
    received = await receiver.wait_for(2)
    assert {one.body["kind"] for one in received} == {"capture", "refund"}
    found = {one.body["kind"]: one.about for one in received}
    assert found == {"capture": capture, "refund": refund}


async def test_a_capture_stopped_by_the_close_is_told(sandbox: Caller, receiver: Receiver) -> None:
    """A capture that was on its way ends by the fence, after its reply, and says so."""
    charge = (await sandbox.charge(capture="MANUAL")).body["number"]
    script = {"outcome": "ANSWER_LATER", "settle_delay_ms": 3_600_000}
    capture = await sandbox.capture(charge, notify_url=receiver.url, script=script)
    await sandbox.close(charge)
    (received,) = await receiver.wait_for(1)
    assert received.about["number"] == capture.body["number"]
    assert received.about["decline_code"] == "CHARGE_CLOSED"


@pytest.mark.parametrize(("script", "old"), [({}, "PROCESSING"), (LATER, "PROCESSING")])
async def test_out_of_order(
    sandbox: Caller, receiver: Receiver, script: dict[str, Any], old: str
) -> None:
    """The end is told first, then an older state with a lower version, both properly signed."""
    charge = await _charge(sandbox, receiver, script=script | {"notify": "OUT_OF_ORDER"})
    new, late = await receiver.wait_for(2)
    assert (new.about["state"], late.about["state"]) == ("SUCCEEDED", old)
    assert late.about["version"] < new.about["version"]
    assert new.is_signed()
    assert late.is_signed()
    await until_quiet(sandbox)
    assert await sandbox.faults(charge["number"]) == ["NOTIFY_OUT_OF_ORDER"]


async def test_out_of_order_after_an_action(sandbox: Caller, receiver: Receiver) -> None:
    """The older state of a charge that waited for its payer is ACTION_REQUIRED."""
    script = {"outcome": "REQUIRE_ACTION", "settle_delay_ms": 10, "notify": "OUT_OF_ORDER"}
    await _charge(sandbox, receiver, script=script)
    new, late = await receiver.wait_for(2)
    assert (new.about["state"], late.about["state"]) == ("SUCCEEDED", "ACTION_REQUIRED")


async def test_the_older_one_waits_for_the_newer(sandbox: Caller, receiver: Receiver) -> None:
    """The older state is not sent while the newer one is still on its way."""
    receiver.hold.clear()
    await _charge(sandbox, receiver, script={"notify": "OUT_OF_ORDER"})
    await receiver.wait_for(1)
    await asyncio.sleep(QUIET_S)
    assert len(receiver.received) == 1
    receiver.hold.set()
    received = await receiver.wait_for(2)
    assert [one.about["version"] for one in received] == [2, 1]


async def test_out_of_order_even_when_the_first_is_not_heard(
    sandbox: Caller, receiver: Receiver
) -> None:
    """The older one is sent after the first attempt of the newer, whatever became of that."""
    receiver.answer = lambda one: (200 if one.about["version"] == 1 else 503, ACKNOWLEDGED)
    await _charge(sandbox, receiver, script={"notify": "OUT_OF_ORDER"})
    received = await receiver.wait_for(2)
    assert [one.about["version"] for one in received] == [2, 1]


async def test_before_the_reply(sandbox: Caller, receiver: Receiver) -> None:
    """The notification is there and acknowledged before the reply is sent."""
    receiver.hold.clear()
    body = charge_body(notify_url=receiver.url, script={"notify": "BEFORE_REPLY"})
    asked = asyncio.create_task(sandbox.ask("POST", "/v1/charges", body))
    (received,) = await receiver.wait_for(1)
    await asyncio.sleep(QUIET_S)
    assert not asked.done()
    receiver.hold.set()
    assert (await asked).body == received.about
    await asyncio.sleep(QUIET_S)
    assert len(receiver.received) == 1
    assert await sandbox.faults(body["number"]) == ["NOTIFY_BEFORE_REPLY"]


async def test_before_the_reply_but_not_for_ever(
    sandbox: Caller, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receiver that does not answer delays the reply by a bounded time, and is retried."""
    assert server.BEFORE_REPLY_TIMEOUT_S == 2
    monkeypatch.setattr(server, "BEFORE_REPLY_TIMEOUT_S", 0.2)
    receiver.hold.clear()
    start = time.monotonic()
    reply = await sandbox.charge(notify_url=receiver.url, script={"notify": "BEFORE_REPLY"})
    assert reply.status == 200
    assert 0.2 <= time.monotonic() - start < 2
    receiver.hold.set()
    await receiver.wait_for(2)


async def test_only_the_exact_acknowledgement_counts(sandbox: Caller, receiver: Receiver) -> None:
    """Anything but 200 and the exact body is retried with the same body and a new signature."""
    wrong = [
        (500, ACKNOWLEDGED),
        (201, ACKNOWLEDGED),
        (302, ACKNOWLEDGED),
        (200, b""),
        (200, b'{"acknowledged": true}'),
        (200, b'{"acknowledged":false}'),
        (200, ACKNOWLEDGED * 1_000),
    ]
    answers = iter(wrong)
    receiver.answer = lambda _: next(answers, (200, ACKNOWLEDGED))
    for _ in wrong:
        await _charge(sandbox, receiver, script={"notify": "ONCE"})
    await receiver.wait_for(2 * len(wrong))
    await until_quiet(sandbox)
    for told in {one.about["number"] for one in receiver.received}:
        first, second = (one for one in receiver.received if one.about["number"] == told)
        assert first.raw == second.raw
        assert first.headers["Sandbox-Nonce"] != second.headers["Sandbox-Nonce"]
        assert second.is_signed()
    fates = (await sandbox.summary())["notifications"]
    assert fates == {"sent": 14, "acknowledged": 7, "pending": 0, "abandoned": 0}


async def test_retries_follow_the_schedule_and_end(sandbox: Caller, receiver: Receiver) -> None:
    """Each retry waits longer, and after the last one the notification is given up."""
    receiver.answer = lambda _: (503, b"")
    await _charge(sandbox, receiver, script={"notify": "ONCE"})
    for attempt, delay_ms in enumerate(
        (200, 500, 1_000, 2_000, 5_000, 15_000, 60_000, 300_000, 1_800_000, 7_200_000), start=1
    ):
        await until_sent(sandbox, attempt)
        if delay_ms > 1_500:
            await sandbox.advance(delay_ms - 1_500)
            await asyncio.sleep(0.02)
            assert len(receiver.received) == attempt
        await sandbox.advance(delay_ms)
    await until_quiet(sandbox)
    fates = (await sandbox.summary())["notifications"]
    assert fates == {"sent": 11, "acknowledged": 0, "pending": 0, "abandoned": 1}


async def test_a_receiver_may_be_away(sandbox: Caller, receiver: Receiver) -> None:
    """A refused connection is an attempt like any other."""
    script = {"notify": "ONCE"}
    reply = await sandbox.charge(notify_url="http://127.0.0.1:9/away", script=script)
    assert reply.status == 200
    await until_sent(sandbox, 2)
    assert (await sandbox.summary())["notifications"]["pending"] == 1


async def test_a_forged_one_comes_once_and_nothing_after_it(
    sandbox: Caller, receiver: Receiver
) -> None:
    """FORGED has a wrong signature and no retry."""
    receiver.answer = lambda _: (401, b"")
    charge = await _charge(sandbox, receiver, script=LATER | {"notify": "FORGED"})
    (received,) = await receiver.wait_for(1)
    assert not received.is_signed()
    assert received.about["number"] == charge["number"]
    await until_quiet(sandbox)
    assert len(receiver.received) == 1
    assert await sandbox.faults(charge["number"]) == ["NOTIFY_FORGED"]


async def test_a_stale_one_is_a_day_old(sandbox: Caller, receiver: Receiver) -> None:
    """STALE is properly signed, over a timestamp of yesterday."""
    await _charge(sandbox, receiver, script={"notify": "STALE"})
    (received,) = await receiver.wait_for(1)
    assert received.is_signed()
    assert received.age_s == pytest.approx(86_400, abs=5)


async def test_a_wrong_amount_and_a_wrong_number(sandbox: Caller, receiver: Receiver) -> None:
    """Both are properly signed and wrong in exactly one field."""
    amount = await _charge(sandbox, receiver, script={"notify": "WRONG_AMOUNT"})
    stranger = await _charge(sandbox, receiver, script={"notify": "WRONG_NUMBER"})
    found = {_differs(one, amount, stranger) for one in await receiver.wait_for(2)}
    assert found == {("amount",), ("number",)}


def _differs(one: Received, *originals: dict[str, Any]) -> tuple[str, ...]:
    assert one.is_signed()
    original = next(o for o in originals if o["channel_number"] == one.about["channel_number"])
    return tuple(name for name in original if original[name] != one.about[name])


async def test_many_at_once_are_all_delivered(sandbox: Caller, receiver: Receiver) -> None:
    """More notifications than fit in flight all arrive, each once."""
    script = {"notify": "ONCE"}
    numbers = [number() for _ in range(150)]
    bodies = [charge_body(number=n, notify_url=receiver.url, script=script) for n in numbers]
    await asyncio.gather(*(sandbox.ask("POST", "/v1/charges", body) for body in bodies))
    received = await receiver.wait_for(150)
    assert sorted(one.about["number"] for one in received) == sorted(numbers)
    await until_quiet(sandbox)
    assert (await sandbox.summary())["notifications"]["sent"] == 150


async def test_a_full_outbox_lets_nothing_new_happen(
    sandbox: Caller, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While no notification fits, a charge that needs one is refused and a settlement waits."""
    receiver.answer = lambda _: (503, b"")
    waiting = await _charge(sandbox, receiver, script=LATER | {"settle_delay_ms": 60_000})
    await _charge(sandbox, receiver, script={"notify": "ONCE"})
    monkeypatch.setattr(outbox, "PENDING_NOTIFICATIONS_MAX", 1)
    body = charge_body(notify_url=receiver.url, script={"notify": "ONCE"})
    busy = await sandbox.ask("POST", "/v1/charges", body)
    assert (busy.status, busy.code) == (429, "TOO_MANY_REQUESTS")
    assert "Sandbox-Signature" not in busy.headers
    assert (await sandbox.query("charge", body["number"])).status == 404
    await sandbox.advance(60_000)
    await asyncio.sleep(QUIET_S)
    assert (await sandbox.query("charge", waiting["number"])).body["state"] == "PROCESSING"
    monkeypatch.setattr(outbox, "PENDING_NOTIFICATIONS_MAX", 10)
    await sandbox.advance(2_000)
    await sandbox.settled("charge", waiting["number"], "SUCCEEDED")
    assert (await sandbox.ask("POST", "/v1/charges", body)).status == 200


async def test_without_a_url_nobody_is_told(sandbox: Caller) -> None:
    """A charge without `notify_url` notifies nobody, whatever its script says."""
    await sandbox.charge(script={"notify": "STORM"})
    assert (await sandbox.summary())["notifications"]["pending"] == 0


async def test_what_is_pending_survives_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    """A notification that was not acknowledged, and a settlement not yet due, go on later."""
    receiver.answer = lambda _: (503, b"")
    async with serving(tmp_path) as sandbox:
        await _charge(sandbox, receiver, script={"notify": "ONCE"})
        await _charge(sandbox, receiver, script=LATER | {"settle_delay_ms": 300})
        await until(lambda: len(receiver.received) == 1)
    receiver.answer = lambda _: (200, ACKNOWLEDGED)
    async with serving(tmp_path) as sandbox:
        received = await receiver.wait_for(3)
        assert len({one.about["number"] for one in received}) == 2
        await until_quiet(sandbox)
        assert (await sandbox.summary())["notifications"]["acknowledged"] == 2


async def until_sent(sandbox: Caller, count: int) -> None:
    """Wait until so many attempts are recorded."""
    async with asyncio.timeout(5):
        while (await sandbox.summary())["notifications"]["sent"] < count:
            await asyncio.sleep(0.01)
