"""Scripted faults: each spoils one thing, at the request it waits for, as often as asked."""

import asyncio
import time

import aiohttp
import pytest

from tests.emulators.unionpay.till import APP, BACK, Till, number

LOST = aiohttp.ClientConnectionError


@pytest.mark.parametrize(("name", "made"), [("DROP_BEFORE_EFFECT", 0), ("DROP_AFTER_EFFECT", 1)])
async def test_a_connection_is_cut_before_or_after_the_effect(
    till: Till, name: str, made: int
) -> None:
    """Both look the same from outside; only the book knows what happened, and a query tells."""
    await till.fault("consume", name)
    asked = {**till.payment(), "accNo": "tok_1"}
    with pytest.raises(LOST):
        await till.ask(BACK, asked)
    assert (await till.summary())["orders"] == made
    assert await till.faults(asked["orderId"]) == [name]
    assert (await till.query(asked)).code == ("00" if made else "34")
    assert (await till.ask(BACK, asked)).code == ("12" if made else "00")


@pytest.mark.parametrize(
    ("name", "status", "made"),
    [
        ("ERROR_BEFORE_EFFECT", 500, 0),
        ("ERROR_AFTER_EFFECT", 500, 1),
        ("BAD_GATEWAY_BEFORE_EFFECT", 502, 0),
        ("BAD_GATEWAY_AFTER_EFFECT", 502, 1),
        ("BUSY", 429, 0),
        ("SIGN_ERROR", 200, 0),
    ],
)
async def test_an_error_comes_before_or_after_the_effect(
    till: Till, name: str, status: int, made: int
) -> None:
    """500 and 502 on either side of the effect, 429 and an unsigned 11 before it: all unsigned."""
    await till.fault("app_consume", name)
    reply = await till.app()
    assert (reply.status, reply.signed) == (status, False)
    assert (await till.summary())["orders"] == made
    assert name != "SIGN_ERROR" or reply.code == "11"


async def test_any_code_can_be_asked_for(till: Till) -> None:
    """REFUSE answers with a code of the test's own, signed, and nothing was done."""
    await till.fault("app_consume", "REFUSE")
    await till.fault("app_consume", "REFUSE", code="38")
    found = [await till.app(), await till.app()]
    assert [(r.code, r.signed) for r in found] == [("06", True), ("38", True)]
    assert (await till.summary())["orders"] == 0


SPOILS = {
    "UNSIGNED": "unsigned",
    "PARTLY_SIGNED": "unsigned",
    "ALTERED": "signature",
    "WRONG_KEY": "signature",
    "STALE": "validity",
    "WRONG_NAME": "name",
    "FORGED": "chain",
    "DOWNGRADED": "version",
}


async def test_an_answer_may_not_verify(till: Till) -> None:
    """The effect is there, the words are right, and exactly one check finds out."""
    for name, complaint in SPOILS.items():
        await till.fault("app_consume", name)
        reply = await till.app()
        assert (reply.status, reply.complaint, reply.code) == (200, complaint, "00"), name
    assert (await till.summary())["orders"] == len(SPOILS)


async def test_a_well_signed_answer_may_be_about_something_else(till: Till) -> None:
    """One field is wrong, everything else proves it: only comparing finds out."""
    paid = await till.paid()
    table = {
        "WRONG_AMOUNT": ["settleAmt", "txnAmt"],
        "WRONG_NUMBER": ["orderId"],
        "WRONG_TIME": ["txnTime"],
        "WRONG_MERCHANT": ["merId"],
        "WRONG_CURRENCY": ["currencyCode", "settleCurrencyCode"],
    }
    for name, changed in table.items():
        await till.fault("query", name)
        reply = await till.query(paid)
        differing = [k for k in paid if reply.fields[k] != paid[k] and k != "signature"]
        assert (reply.signed, sorted(differing)) == (True, changed), name


async def test_an_answer_may_lack_its_code_or_its_end(till: Till) -> None:
    """MALFORMED verifies and says nothing; TRUNCATED breaks off on the wire."""
    await till.fault("app_consume", "MALFORMED")
    reply = await till.app()
    assert (reply.signed, "respCode" in reply.fields) == (True, False)
    await till.fault("app_consume", "TRUNCATED")
    with pytest.raises(aiohttp.ClientPayloadError):
        await till.app()
    assert (await till.summary())["orders"] == 2


async def test_a_query_may_not_find_what_is_there(till: Till) -> None:
    """NOT_FOUND as often as asked, then the truth."""
    paid = await till.paid()
    await till.fault("query", "NOT_FOUND", count=3)
    codes = [(await till.query(paid)).code for _ in range(4)]
    assert codes == ["34"] * 3 + ["00"]
    assert await till.faults(paid["orderId"]) == ["NOT_FOUND"] * 3


async def test_an_answer_may_be_slow(till: Till) -> None:
    """The effect is there at once, the answer comes late; others are not held up."""
    await till.fault("app_consume", "NONE", delay_ms=300)
    start = time.monotonic()
    slow = asyncio.create_task(till.app())
    async with asyncio.timeout(5):
        while (await till.summary())["orders"] == 0:
            await asyncio.sleep(0.005)
    assert (await slow).code == "00"
    assert time.monotonic() - start >= 0.3


async def test_a_rule_waits_for_its_request(till: Till) -> None:
    """It strikes only the operation and the fields it names, after so many, so many times."""
    await till.rule("app_consume", match={"txnAmt": "7"}, skip=1, count=2, fault={"name": "REFUSE"})
    assert (await till.app()).code == "00"
    assert [(await till.app(txnAmt="7")).code for _ in range(4)] == ["00", "06", "06", "00"]
    assert (await till.control("GET", "/control/rules"))["rules"] == []


async def test_a_play_waits_for_a_new_order(till: Till) -> None:
    """What did nothing uses up no play: a fault before the effect, a refusal, a repetition."""
    asked = till.payment()
    assert (await till.ask(APP, asked)).code == "00"
    await till.play("app_consume", pending="03")
    await till.fault("app_consume", "ERROR_BEFORE_EFFECT")
    assert (await till.app()).status == 500
    assert (await till.app(txnAmt="0")).code == "10"
    assert (await till.ask(APP, asked)).code == "00"
    last = await till.app()
    assert (await till.query(last.fields)).fields["origRespCode"] == "03"


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"fault": {"name": "NOBODY"}},
        {"fault": {"name": "BUSY"}, "operation": "dance"},
        {"fault": {"name": "REFUSE", "code": "x"}},
        {"play": {"answer": "MAYBE"}},
        {"play": {"pending": "00"}},
        {"play": {}, "fault": {"name": "BUSY"}},
    ],
)
async def test_a_rule_is_read_strictly(till: Till, rule: dict[str, object]) -> None:
    """A rule that nobody would understand is refused, not ignored."""
    assert (await till.try_control("POST", "/control/rules", rule)).status == 400


async def test_control_says_what_is_not_there(till: Till) -> None:
    """404 for what nobody knows, 409 for what cannot happen now, 400 for what cannot be read."""
    waiting = f"/control/orders/{(await till.app()).fields['orderId']}"
    unknown = f"/control/orders/{number()}"
    table = [
        (f"{unknown}/confirm", {}, 404),
        ("/control/scan", {"tn": "1" * 21}, 404),
        (f"{waiting}/settle", {}, 409),
        (f"{waiting}/notify", {}, 409),
        (f"{waiting}/pay-late", {"then": "SUCCESS"}, 409),
        (f"{waiting}/refuse", {"code": "00"}, 409),
        (f"{waiting}/refuse", {"code": "000"}, 400),
        (f"{waiting}/confirm", {"extra": 1}, 400),
        (f"{waiting}/pay-late", {"then": "NO"}, 400),
        ("/control/bill-faults", {"day": "x"}, 400),
        ("/control/keys/rotate", {"what": "ALL"}, 400),
    ]
    for path, body, status in table:
        assert (await till.try_control("POST", path, body)).status == status, (path, body)
    for path in ("/control/book?day=yesterday", "/control/orders?limit=x"):
        assert (await till.try_control("GET", path)).status == 400
