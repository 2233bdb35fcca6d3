"""Scripted faults: each spoils one thing, at the request it waits for, as often as asked."""

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest

from tests.emulators.alipay import till
from tests.emulators.alipay.merchant import Reply, Shop, cut_content, number

LOST = aiohttp.ClientConnectionError


@pytest.mark.parametrize(
    ("name", "moved"), [("DROP_BEFORE_EFFECT", {}), ("DROP_AFTER_EFFECT", {"charge": 100})]
)
async def test_a_connection_is_cut_before_or_after_the_effect(
    shop: Shop, name: str, moved: dict[str, int]
) -> None:
    """Both look the same from outside; only the book knows, and the same number settles it."""
    await shop.fault("pay", name)
    of = number()
    with pytest.raises(LOST):
        await till.pay(shop, out_trade_no=of)
    assert await shop.moved() == moved
    assert await shop.faults(of) == [name]
    expected = "ACQ.TRADE_HAS_SUCCESS" if moved else None
    assert (await till.pay(shop, out_trade_no=of)).sub_code == expected
    assert await shop.moved() == {"charge": 100}


@pytest.mark.parametrize(
    ("name", "status", "done"),
    [
        ("ERROR_BEFORE_EFFECT", 500, False),
        ("ERROR_AFTER_EFFECT", 500, True),
        ("BAD_GATEWAY_BEFORE_EFFECT", 502, False),
        ("BAD_GATEWAY_AFTER_EFFECT", 502, True),
    ],
)
async def test_a_page_of_error_comes_before_or_after_the_effect(
    shop: Shop, name: str, status: int, *, done: bool
) -> None:
    """500 and 502 as pages for people, on either side of the effect."""
    await shop.fault("pay", name)
    reply = await till.pay(shop)
    assert (reply.status, reply.raw.startswith(b"<html>")) == (status, True)
    assert await shop.moved() == ({"charge": 100} if done else {})


ANSWERS: list[tuple[str, dict[str, Any], tuple[str, str], int]] = [
    ("UNKNOWN_BEFORE_EFFECT", {}, ("20000", "isp.unknow-error"), 0),
    ("UNKNOWN_AFTER_EFFECT", {}, ("20000", "isp.unknow-error"), 1),
    (
        "UNKNOWN_AFTER_EFFECT",
        {"sub_code": "aop.ACQ.SYSTEM_ERROR"},
        ("20000", "aop.ACQ.SYSTEM_ERROR"),
        1,
    ),
    ("SYSTEM_ERROR_AFTER_EFFECT", {}, ("40004", "ACQ.SYSTEM_ERROR"), 1),
    ("REFUSE", {}, ("40004", "ACQ.SYSTEM_ERROR"), 0),
    (
        "REFUSE",
        {"code": "40006", "sub_code": "isv.insufficient-isv-permissions"},
        ("40006", "isv.insufficient-isv-permissions"),
        0,
    ),
    ("BUSY", {}, ("40005", "aop.call-limited"), 0),
    ("NOT_FOUND", {}, ("40004", "ACQ.TRADE_NOT_EXIST"), 1),
]


async def test_a_signed_answer_may_say_anything(shop: Shop) -> None:
    """Codes of every class, signed; whether the money moved is another matter."""
    moved = 0
    for name, fault, expected, effects in ANSWERS:
        await shop.fault("pay", name, **fault)
        reply = await till.pay(shop)
        assert (reply.code, reply.sub_code, reply.signed) == (*expected, True)
        moved += effects
        assert (await shop.moved()).get("charge", 0) == 100 * moved, name


@pytest.mark.parametrize("name", ["UNSIGNED", "WRONG_KEY", "ALTERED"])
async def test_an_answer_may_not_verify(shop: Shop, name: str) -> None:
    """The effect is there, the content is right, but the answer proves nothing."""
    await shop.fault("pay", name)
    reply = await till.pay(shop)
    assert (reply.code, reply.signed) == ("10000", False)
    assert await shop.moved() == {"charge": 100}


async def test_a_signature_may_be_refused(shop: Shop) -> None:
    """SIGN_ERROR is what a stranger hears: nothing was done, and nobody signs it."""
    await shop.fault("pay", "SIGN_ERROR")
    reply = await till.pay(shop)
    assert (reply.node, reply.sub_code) == ("error_response", "isv.invalid-signature")
    assert "sign" not in reply.body
    assert await shop.moved() == {}


async def test_an_answer_may_name_a_certificate_nobody_knows(shop: Shop) -> None:
    """UNKNOWN_SN, in certificate mode; the right one can be fetched by its SN."""
    shop.certified = True
    await shop.fault("query", "UNKNOWN_SN")
    of = await till.paid(shop)
    assert not (await till.query(shop, of)).signed
    fetched = await shop.ask(
        "alipay.open.app.alipaycert.download", {"alipay_cert_sn": shop.settings["cert_sn"]}
    )
    assert (fetched.code, fetched.signed) == ("10000", True)
    missing = await shop.ask("alipay.open.app.alipaycert.download", {"alipay_cert_sn": "0" * 32})
    assert missing.sub_code == "INVALID_PARAMETER"


async def test_the_signature_is_over_the_text_as_it_stands(shop: Shop) -> None:
    """Written with other spaces and escapes it still verifies, but not when it is written anew."""
    of = await till.paid(shop, subject='茶 "}{" a/b')
    await shop.fault("query", "SPACED")
    spaced, plain = [await till.query(shop, of) for _ in range(2)]
    assert (spaced.signed, plain.signed) == (True, True)
    assert spaced.content == plain.content
    assert b'"subject":"\xe8\x8c\xb6 \\"}{\\" a\\/b"' in plain.raw
    for reply in (spaced, plain):
        text = cut_content(reply.raw.decode(), reply.node)
        assert json.dumps(reply.content, separators=(",", ":")) != text


async def test_an_answer_may_break_off(shop: Shop) -> None:
    """TRUNCATED announces the whole and sends half, MALFORMED is half; the effect is there."""
    await shop.fault("pay", "TRUNCATED")
    with pytest.raises(aiohttp.ClientPayloadError):
        await till.pay(shop)
    await shop.fault("pay", "MALFORMED")
    reply = await till.pay(shop)
    with pytest.raises(ValueError, match=r"Unterminated|Expecting|delimiter"):
        _ = reply.body
    assert await shop.moved() == {"charge": 200}


@pytest.mark.parametrize(
    ("operation", "name", "member"),
    [
        ("query", "WRONG_AMOUNT", "total_amount"),
        ("query", "WRONG_NUMBER", "out_trade_no"),
        ("query_refund", "WRONG_AMOUNT", "refund_amount"),
    ],
)
async def test_a_signed_answer_may_lie(shop: Shop, operation: str, name: str, member: str) -> None:
    """Well signed, one member is not the truth; the next answer is."""
    of, request = await till.paid(shop), number()
    await till.refund(shop, of, "0.50", out_request_no=request)
    await shop.fault(operation, name)

    async def ask() -> Reply:
        if operation == "query":
            return await till.query(shop, of)
        return await till.query_refund(shop, of, request)

    lie, truth = await ask(), await ask()
    assert lie.signed
    changed = [key for key in truth.content if truth.content[key] != lie.content[key]]
    assert changed == [member]


async def test_an_answer_may_be_slow(shop: Shop) -> None:
    """The effect is there at once, the answer comes late; others are not held up."""
    await shop.fault("pay", "NONE", delay_ms=300)
    start = time.monotonic()
    slow = asyncio.create_task(till.pay(shop))
    async with asyncio.timeout(5):
        while not await shop.moved():
            await asyncio.sleep(0.005)
    assert (await slow).code == "10000"
    assert time.monotonic() - start >= 0.3


async def test_a_rule_waits_for_its_request(shop: Shop) -> None:
    """It strikes only the operation and the members it names, after so many, so many times."""
    fault = {"name": "UNKNOWN_BEFORE_EFFECT"}
    await shop.rule("pay", match={"subject": "hit me"}, skip=1, count=2, fault=fault)
    assert (await till.pay(shop)).code == "10000"
    found = [(await till.pay(shop, subject="hit me")).code for _ in range(4)]
    assert found == ["10000", "20000", "20000", "10000"]
    agreement_no = await till.agreed(shop)
    path = "agreement_params.agreement_no"
    await shop.rule("pay", match={path: agreement_no}, count=0, fault=fault)
    assert (await till.deduct(shop, agreement_no)).code == "20000"
    assert (await till.pay(shop)).code == "10000"
    assert await shop.control("DELETE", "/control/rules") == {"deleted": 1}


async def test_a_fault_before_the_effect_leaves_the_play_for_the_next(shop: Shop) -> None:
    """A request that did nothing uses up no play."""
    await shop.play("pay", answer="WAITING")
    await shop.fault("pay", "UNKNOWN_BEFORE_EFFECT")
    assert [(await till.pay(shop)).code for _ in range(3)] == ["20000", "10003", "10000"]


MISTAKES: list[dict[str, object]] = [
    {},
    {"fault": {"name": "NOBODY"}},
    {"fault": {"name": "BUSY"}, "operation": "dance"},
    {"fault": {"name": "REFUSE", "code": "4"}},
    {"play": {"answer": "MAYBE"}},
    {"play": {"buyer_id": "1"}},
    {"play": {}, "fault": {"name": "BUSY"}},
]


async def test_a_rule_is_read_strictly(shop: Shop) -> None:
    """A rule that nobody would understand is refused, not ignored."""
    for rule in MISTAKES:
        assert (await shop.try_control("POST", "/control/rules", rule)).status == 400, rule
