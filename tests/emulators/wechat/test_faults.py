"""Scripted faults: each spoils one thing, at the request it waits for, as often as asked."""

import asyncio
import time
from datetime import datetime, timedelta, timezone

import aiohttp
import pytest

from gateway.emulators.core import rules
from tests.emulators.v3bench import Shop, number
from tests.emulators.wechat import till

LOST = aiohttp.ClientConnectionError


@pytest.mark.parametrize(("name", "made"), [("DROP_BEFORE_EFFECT", 0), ("DROP_AFTER_EFFECT", 1)])
async def test_a_connection_is_cut_before_or_after_the_effect(
    shop: Shop, name: str, made: int
) -> None:
    """Both look the same from outside; only the book knows what happened."""
    await shop.fault("create", name)
    of = number()
    with pytest.raises(LOST):
        await till.create(shop, out_trade_no=of)
    assert (await shop.summary())["orders"] == made
    assert await shop.faults(of) == [name]
    assert (await till.create(shop, out_trade_no=of)).status == 200


@pytest.mark.parametrize(
    ("name", "status", "made", "signed"),
    [
        ("ERROR_BEFORE_EFFECT", 500, 0, True),
        ("ERROR_AFTER_EFFECT", 500, 1, True),
        ("BAD_GATEWAY_BEFORE_EFFECT", 502, 0, False),
        ("BAD_GATEWAY_AFTER_EFFECT", 502, 1, False),
        ("BUSY", 429, 0, False),
        ("SIGN_ERROR", 401, 0, False),
    ],
)
async def test_an_error_comes_before_or_after_the_effect(
    shop: Shop, name: str, status: int, made: int, *, signed: bool
) -> None:
    """500 and 502 on either side of the effect; unsigned 429 and 401 before it."""
    await shop.fault("create", name)
    reply = await till.create(shop)
    assert (reply.status, reply.signed) == (status, signed)
    assert (await shop.summary())["orders"] == made
    if status == 502:
        assert reply.raw.startswith(b"<html>")


async def test_any_error_can_be_asked_for(shop: Shop) -> None:
    """REFUSE answers with a code and a status of the test's own, in either spelling, signed."""
    await shop.fault("refund", "REFUSE", code="SYSTEMERROR", status=500)
    await shop.fault("refund", "REFUSE", code="NOT_ENOUGH", status=403)
    order = await till.paid(shop)
    found = [await till.refund(shop, order), await till.refund(shop, order)]
    assert [(r.status, r.code, r.signed) for r in found] == [
        (500, "SYSTEMERROR", True),
        (403, "NOT_ENOUGH", True),
    ]
    assert (await shop.summary())["refunds"] == 0


@pytest.mark.parametrize(
    "name",
    ["UNSIGNED", "WRONG_KEY", "UNKNOWN_SERIAL", "STALE", "ALTERED", "SIGNTEST", "PARTLY_SIGNED"],
)
async def test_a_reply_may_not_verify(shop: Shop, name: str) -> None:
    """The effect is there, the body is right, but the reply proves nothing."""
    await shop.fault("codepay", name)
    reply = await till.codepay(shop)
    assert (reply.status, reply.signed) == (200, False)
    assert reply.body["trade_state"] == "SUCCESS"
    assert (await shop.moved())["charge"] == 100


async def test_a_stale_reply_is_right_in_all_but_time(shop: Shop) -> None:
    """STALE is signed well, ten minutes ago."""
    await shop.fault("create", "STALE")
    reply = await till.create(shop)
    assert shop.platform.verifies(reply.headers, reply.raw, skew_s=3_600)
    age_s = time.time() - int(reply.headers["Wechatpay-Timestamp"])
    assert 595 < age_s < 610


async def test_a_reply_may_break_off(shop: Shop) -> None:
    """TRUNCATED announces the whole and sends half; the effect is there."""
    await shop.fault("create", "TRUNCATED")
    with pytest.raises(aiohttp.ClientPayloadError):
        await till.create(shop)
    assert (await shop.summary())["orders"] == 1


async def test_a_signed_reply_may_be_half_its_json(shop: Shop) -> None:
    """MALFORMED verifies and cannot be parsed."""
    await shop.fault("create", "MALFORMED")
    reply = await till.create(shop)
    assert reply.signed
    with pytest.raises(ValueError, match=r"Unterminated|Expecting|line 1"):
        _ = reply.body


async def test_a_signed_reply_may_lie_about_the_amount(shop: Shop) -> None:
    """WRONG_AMOUNT adds a fen to what a query says, the book stays right."""
    of = await till.paid(shop)
    await shop.fault("query", "WRONG_AMOUNT")
    assert (await till.query(shop, of)).body["amount"]["total"] == 101
    assert (await till.query(shop, of)).body["amount"]["total"] == 100


async def test_a_query_may_not_find_what_is_there(shop: Shop) -> None:
    """NOT_FOUND as often as asked, then the truth."""
    of = await till.paid(shop)
    await shop.fault("query", "NOT_FOUND", count=3)
    codes = [(await till.query(shop, of)).body.get("code") for _ in range(4)]
    assert codes == ["ORDER_NOT_EXIST"] * 3 + [None]
    assert await shop.faults(of) == ["NOT_FOUND"] * 3


async def test_a_reply_may_be_slow(shop: Shop) -> None:
    """The effect is there at once, the reply comes late; others are not held up."""
    await shop.fault("create", "NONE", delay_ms=300)
    start = time.monotonic()
    slow = asyncio.create_task(till.create(shop))
    while (await shop.summary())["orders"] == 0:
        await asyncio.sleep(0.005)
    assert not slow.done()
    assert (await slow).status == 200
    assert time.monotonic() - start >= 0.3


async def test_a_rule_waits_for_its_request(shop: Shop) -> None:
    """It strikes only the operation and the fields it names, after so many, so many times."""
    await shop.rule(
        "create",
        match={"description": "hit me"},
        skip=1,
        count=2,
        fault={"name": "ERROR_BEFORE_EFFECT"},
    )
    assert (await till.create(shop)).status == 200
    found = [(await till.create(shop, description="hit me")).status for _ in range(4)]
    assert found == [200, 500, 500, 200]
    assert (await shop.control("GET", "/control/rules"))["rules"] == []


async def test_a_rule_may_wait_for_a_number_in_the_path(shop: Shop) -> None:
    """Values of path and query can be waited for like those of a body."""
    of, other = await till.paid(shop), await till.paid(shop)
    await shop.rule("query", match={"out_trade_no": of}, count=0, fault={"name": "NOT_FOUND"})
    assert [(await till.query(shop, n)).status for n in (of, other, of)] == [404, 200, 404]
    assert len((await shop.control("GET", "/control/rules"))["rules"]) == 1
    assert await shop.control("DELETE", "/control/rules") == {"deleted": 1}
    assert (await till.query(shop, of)).status == 200


async def test_rules_are_taken_back_one_by_one(shop: Shop) -> None:
    """A rule has an id, shows what it waits for, and can be deleted before it strikes."""
    await shop.fault("close", "BUSY")
    await shop.play("create", late="SUCCESS")
    found = (await shop.control("GET", "/control/rules"))["rules"]
    assert [rule["operation"] for rule in found] == ["close", "create"]
    assert found[0]["fault"]["name"] == "BUSY"
    await shop.control("DELETE", f"/control/rules/{found[0]['id']}")
    assert (await till.close(shop, number())).status == 404


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"fault": {"name": "NOBODY"}},
        {"fault": {"name": "BUSY"}, "operation": "dance"},
        {"fault": {"name": "BUSY"}, "count": -1},
        {"fault": {"name": "BUSY", "extra": 1}},
        {"play": {"answer": "MAYBE"}},
        {"play": {}, "fault": {"name": "BUSY"}},
        {"play": {}, "match": {"a": 1}},
    ],
)
async def test_a_rule_is_read_strictly(shop: Shop, rule: dict[str, object]) -> None:
    """A rule that nobody would understand is refused, not ignored."""
    assert (await shop.try_control("POST", "/control/rules", rule)).status == 400


async def test_rules_are_bounded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """One rule too many is refused with 409; those that wait are kept."""
    monkeypatch.setattr(rules, "RULES_MAX", 1)
    rule = {"fault": {"name": "BUSY"}}
    statuses = [(await shop.try_control("POST", "/control/rules", rule)).status for _ in range(2)]
    assert statuses == [200, 409]
    assert len((await shop.control("GET", "/control/rules"))["rules"]) == 1


async def test_a_fault_before_the_effect_leaves_the_play_for_the_next(shop: Shop) -> None:
    """A request that did nothing uses up no play."""
    await shop.play("codepay", answer="USERPAYING")
    await shop.fault("codepay", "ERROR_BEFORE_EFFECT")
    assert [(await till.codepay(shop)).status for _ in range(3)] == [500, 202, 200]


@pytest.mark.parametrize(
    "body", [{"advance_ms": -1}, {"time": "2001-01-01T00:00:00Z"}, {"time": "x"}, {}]
)
async def test_time_only_moves_forward(shop: Shop, body: dict[str, object]) -> None:
    """The virtual clock refuses to go back, or to a time it cannot read."""
    assert (await shop.try_control("POST", "/control/clock", body)).status == 400


async def test_the_clock_can_be_set_to_a_time(shop: Shop) -> None:
    """Virtual time jumps to what RFC 3339 says, in whatever zone; orders are paid then."""
    zone = timezone(timedelta(hours=3))
    target = (datetime.now(zone) + timedelta(days=40)).replace(microsecond=0)
    found = await shop.control("POST", "/control/clock", {"time": target.isoformat()})
    assert 0 <= found["time_ms"] - target.timestamp() * 1_000 < 2_000
    of = await till.paid(shop)
    success_time = datetime.fromisoformat((await till.query(shop, of)).body["success_time"])
    assert timedelta(0) <= success_time - target < timedelta(seconds=10)
