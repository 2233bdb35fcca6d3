"""The oracle's view: pages, totals, time, and agreement between records and effects."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.emulators.core import service
from tests.emulators.bench import Caller, number, serving


async def test_health(sandbox: Caller) -> None:
    """A sandbox whose book answers is healthy."""
    reply = await sandbox.control("GET", "/healthz")
    assert (reply.status, reply.body) == (200, {"ok": True})


async def test_pages_hold_everything_once_in_order(sandbox: Caller) -> None:
    """Following `next` meets every record once, in the order of arrival."""
    numbers = [number() for _ in range(7)]
    for each in numbers:
        await sandbox.charge(number=each)
    found, pages = [], 0
    path = "/control/charges?limit=3"
    while path:
        page = (await sandbox.control("GET", path)).body
        found += [entry["number"] for entry in page["charges"]]
        pages += 1
        path = page["next"] and f"/control/charges?limit=3&after={page['next']}"
    assert found == numbers
    assert pages == 3


async def test_a_full_last_page_is_the_last(sandbox: Caller) -> None:
    """`next` is null when nothing follows."""
    for _ in range(2):
        await sandbox.charge()
    page = (await sandbox.control("GET", "/control/charges?limit=2")).body
    assert (len(page["charges"]), page["next"]) == (2, None)
    empty = (await sandbox.control("GET", "/control/refunds")).body
    assert empty == {"refunds": [], "next": None}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "after=x", "after=cmVmdW5kOjE="]
)
async def test_bad_pages_are_refused(sandbox: Caller, query: str) -> None:
    """A page size out of range, and a cursor that is forged or of another list, are refused."""
    reply = await sandbox.control("GET", f"/control/charges?{query}")
    assert (reply.status, reply.code) == (400, "INVALID_REQUEST")


async def test_an_entry_tells_everything(sandbox: Caller) -> None:
    """The oracle sees the request, the record, its effects and how often it was asked for."""
    script = {"outcome": "ANSWER_LATER", "settle_delay_ms": 3_600_000}
    charge = (await sandbox.charge(description="tea", payer="p1", script=script)).body
    entry = await sandbox.entry("charge", charge["number"])
    assert charge.items() <= entry.items()
    assert (entry["description"], entry["payer"]) == ("tea", "p1")
    assert script.items() <= entry["script"].items()
    assert (entry["effects"], entry["requests"]) == ({"charged": 0, "refunded": 0}, 1)


async def test_a_tombstone_is_an_entry_too(sandbox: Caller) -> None:
    """A number that was closed before it was seen stands in the list, with the posts it met."""
    closed = number()
    await sandbox.close(closed)
    await sandbox.charge(number=closed)
    entry = await sandbox.entry("charge", closed)
    assert (entry["state"], entry["amount"], entry["requests"]) == ("CLOSED", None, 1)


async def test_the_summary_adds_up(sandbox: Caller) -> None:
    """Totals are per currency, requests per route, and agree with the records."""
    yuan = (await sandbox.charge(amount=1_000)).body["number"]
    await sandbox.charge(amount=7, currency="USD")
    held = (await sandbox.charge(amount=500, capture="MANUAL")).body["number"]
    await sandbox.capture(held, amount=200)
    await sandbox.refund(yuan, amount=30)
    await sandbox.payout(amount=400)
    await sandbox.payout(amount=9, currency="JPY")
    await sandbox.payout(script={"outcome": "DECLINE"})
    await sandbox.query("charge", yuan)
    await sandbox.close(held)
    await sandbox.charge(amount=0)
    summary = await sandbox.summary()
    assert (summary["charges"], summary["captures"], summary["refunds"]) == (3, 1, 1)
    assert summary["payouts"] == 3
    assert summary["by_currency"] == {
        "CNY": {"charged": 1_200, "refunded": 30, "paid_out": 400},
        "JPY": {"charged": 0, "refunded": 0, "paid_out": 9},
        "USD": {"charged": 7, "refunded": 0, "paid_out": 0},
    }
    assert summary["requests"] == {
        "POST /v1/charges": 3,
        "POST /v1/charges/{number}/captures": 1,
        "POST /v1/refunds": 1,
        "POST /v1/payouts": 3,
        "GET /v1/charges/{number}": 1,
        "POST /v1/charges/{number}/close": 1,
        "INVALID_REQUEST": 1,
    }


async def test_records_and_effects_agree_after_a_storm(sandbox: Caller) -> None:
    """Whatever raced, each record's amounts equal the effects under its number."""
    held = [(await sandbox.charge(amount=100, capture="MANUAL")).body["number"] for _ in range(5)]
    later = {"outcome": "ANSWER_LATER", "settle_delay_ms": 1}
    asks: list[Any] = []
    for each in held:
        asks += [sandbox.capture(each, amount=30, script=later) for _ in range(4)]
        asks += [sandbox.refund(each, amount=20) for _ in range(4)] + [sandbox.close(each)]
    await asyncio.gather(*asks)
    await asyncio.sleep(0.1)
    page = (await sandbox.control("GET", "/control/charges")).body["charges"]
    for entry in page:
        amounts = {"charged": entry["captured"], "refunded": entry["refunded"]}
        assert entry["effects"] == amounts
        assert 0 <= entry["refunded"] <= entry["captured"] <= 100
        assert entry["state"] == ("SUCCEEDED" if entry["captured"] else "CLOSED")


async def test_time_only_jumps_ahead(sandbox: Caller) -> None:
    """The clock takes a bounded step forward and nothing else."""
    for wrong in ({"advance_ms": -1}, {"advance_ms": 10**13}, {}, {"set": 1}):
        reply = await sandbox.control("POST", "/control/clock", wrong)
        assert (reply.status, reply.code) == (400, "INVALID_REQUEST")
    before = (await sandbox.summary())["time"]
    await sandbox.advance(3_600_000)
    assert (await sandbox.summary())["time"] - before == pytest.approx(3_600_000, abs=5_000)


async def test_time_stays_where_it_jumped(tmp_path: Path) -> None:
    """Virtual time does not fall back at a restart, and signatures never follow it."""
    async with serving(tmp_path) as sandbox:
        await sandbox.advance(86_400_000)
        before = (await sandbox.summary())["time"]
    async with serving(tmp_path) as sandbox:
        assert (await sandbox.summary())["time"] >= before
        reply = await sandbox.charge()
        assert reply.is_signed()
        assert reply.body["create_time"] >= before


async def test_unknown_control_paths_are_not_served(sandbox: Caller) -> None:
    """A wrong control path is 404 and a wrong method 405."""
    assert (await sandbox.control("GET", "/control/nothing")).status == 404
    assert (await sandbox.control("POST", "/control/summary")).status == 405


async def test_requests_in_flight_are_bounded(
    sandbox: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above the bound a request is refused unsigned, before anything of it is read."""
    monkeypatch.setattr(service, "REQUESTS_IN_FLIGHT_MAX", 1)
    slow = asyncio.create_task(sandbox.charge(script={"reply_delay_ms": 600}))
    await asyncio.sleep(0.1)
    busy = await sandbox.charge()
    assert (busy.status, busy.code) == (429, "TOO_MANY_REQUESTS")
    assert "Sandbox-Signature" not in busy.headers
    assert (await slow).status == 200
    assert (await sandbox.summary())["charges"] == 1


async def test_a_body_that_breaks_off_harms_nobody(sandbox: Caller) -> None:
    """A caller who hangs up in mid-body, or sends broken chunks, leaves nothing behind."""
    host, port = sandbox.url.removeprefix("http://").split(":")
    for head in ("Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\nzz\r\n"):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"POST /v1/charges HTTP/1.1\r\nHost: x\r\n{head}".encode())
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.close()
        await writer.wait_closed()
    assert (await sandbox.charge()).status == 200
    assert (await sandbox.summary())["requests"] == {"POST /v1/charges": 1}
