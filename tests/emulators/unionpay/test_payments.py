"""Payments: with a phone and with a token, asked after while nobody knows, sent again."""

import asyncio
from typing import Any

import pytest

from tests.emulators.unionpay.till import OTHER_MER_ID, Till, number, present


async def test_a_buyer_pays_with_a_phone(till: Till) -> None:
    """A tn opens what is to be paid; once it is paid a query says everything about it."""
    asked = till.payment(orderDesc="Image形象店", txnAmt="1234", payTimeout=present(minutes=15))
    reply = await till.ask("/gateway/api/appTransReq.do", asked)
    tn = reply.fields["tn"]
    assert (len(tn), "queryId" in reply.fields) == (21, False)
    opened = await till.control("POST", "/control/scan", {"tn": tn})
    assert (opened["amount"], opened["description"]) == (1234, "Image形象店")
    await till.control("POST", f"/control/orders/{asked['orderId']}/confirm", {})
    found = await till.query(asked)
    assert found.signed
    expected = {
        "respCode": "00",
        "origRespCode": "00",
        "origRespMsg": "成功[0000000]",
        "merId": asked["merId"],
        "orderId": asked["orderId"],
        "txnTime": asked["txnTime"],
        "txnType": "01",
        "txnSubType": "01",
        "bizType": "000000",
        "txnAmt": "1234",
        "settleAmt": "1234",
        "currencyCode": "156",
        "settleCurrencyCode": "156",
        "traceTime": asked["txnTime"][4:],
    }
    assert {name: found.fields[name] for name in expected} == expected
    assert len(found.fields["queryId"]) == 21
    assert (len(found.fields["settleDate"]), len(found.fields["traceNo"])) == (4, 6)
    assert "*" in found.fields["accNo"]
    assert await till.moved() == {"charge": 1234, "refund": 0, "return": 0}
    paid_again = f"/control/orders/{asked['orderId']}/confirm"
    assert (await till.try_control("POST", paid_again, {})).status == 409


async def test_until_a_buyer_pays_a_query_knows_nothing_for_sure(till: Till) -> None:
    """Not found, processing and failure are all intermediate: the money still comes."""
    for pending in (None, "05"):
        if pending is not None:
            await till.play("app_consume", pending=pending)
        asked = (await till.app()).fields
        path = f"/control/orders/{asked['orderId']}"
        first = (await till.query(asked)).fields
        if pending is None:
            assert (first["respCode"], "origRespCode" in first) == ("34", False)
        else:
            assert (first["respCode"], first["origRespCode"], first["settleAmt"]) == (
                "00",
                "05",
                "0",
            )
        await till.control("POST", f"{path}/refuse", {"code": "65"})
        second = (await till.query(asked)).fields
        assert (second["respCode"], second["origRespCode"]) == ("00", "65")
        assert "queryId" not in second
        await till.control("POST", f"{path}/confirm", {})
        assert (await till.query(asked)).fields["origRespCode"] == "00"
    assert (await till.moved())["charge"] == 200


async def test_a_query_names_the_order_and_its_time(till: Till) -> None:
    """Both must match, and the merchant too; else there is no such order."""
    paid = await till.paid()
    assert (await till.query(paid)).code == "00"
    assert (await till.query(paid, txnTime="20260101000000")).code == "34"
    assert (await till.query(paid, orderId=number())).code == "34"
    other = till.as_merchant(OTHER_MER_ID)
    assert (await other.query(paid)).code == "34"


async def test_after_its_time_nobody_pays(till: Till) -> None:
    """When payTimeout is over the order is, whatever was tried; the moment is the merchant's."""
    asked = (await till.app(payTimeout=present(minutes=15))).fields
    lazy = (await till.app()).fields
    await till.advance(minutes=10)
    path = f"/control/orders/{asked['orderId']}"
    await till.control("POST", f"{path}/refuse", {})
    await till.advance(minutes=5, seconds=1)
    assert (await till.try_control("POST", f"{path}/confirm", {})).status == 409
    assert (await till.query(asked)).fields["origRespCode"] == "64"
    await till.advance(days=1)
    assert (
        await till.try_control("POST", f"/control/orders/{lazy['orderId']}/confirm", {})
    ).status == 409
    assert (await till.query(lazy)).code == "34"


@pytest.mark.parametrize(("late", "code", "kept"), [("SUCCESS", "00", 100), ("REFUNDED", "42", 0)])
async def test_money_may_come_late(till: Till, late: str, code: str, kept: int) -> None:
    """After the end it stands, or goes back without a word; by a play or by hand, once."""
    await till.play("app_consume", late=late, settle_delay_ms=600_000)
    orders = [(await till.app(payTimeout=present(minutes=5))).fields for _ in range(2)]
    await till.advance(minutes=5, seconds=1)
    path = f"/control/orders/{orders[1]['orderId']}/pay-late"
    await till.control("POST", path, {"then": late})
    assert (await till.try_control("POST", path, {"then": late})).status == 409
    await till.advance(minutes=10)
    for asked in orders:
        assert (await till.query(asked)).fields["origRespCode"] == code
    moved = await till.moved()
    assert moved == {"charge": 200, "refund": 0, "return": 200 - 2 * kept}


async def test_a_token_pays_without_the_buyer(till: Till) -> None:
    """The first answer is only that it was accepted, under UnionPay's number; the bank decides."""
    await till.play("consume", settle_delay_ms=60_000)
    reply = await till.back()
    assert (reply.signed, reply.code, len(reply.fields["queryId"])) == (True, "00", 21)
    assert "tn" not in reply.fields
    assert (await till.query(reply.fields)).fields["origRespCode"] == "05"
    assert (await till.moved())["charge"] == 0
    await till.advance(minutes=1)
    found = (await till.query(reply.fields)).fields
    assert (found["origRespCode"], found["queryId"]) == ("00", reply.fields["queryId"])
    assert (await till.moved())["charge"] == 100


@pytest.mark.parametrize("code", ["03", "04", "05"])
async def test_an_answer_may_be_intermediate(till: Till, code: str) -> None:
    """Neither the first answer nor queries say what becomes of it, until it is decided."""
    await till.play("consume", answer=code, settle_delay_ms=60_000)
    reply = await till.back()
    assert (reply.code, "queryId" in reply.fields) == (code, False)
    assert (await till.query(reply.fields)).fields["origRespCode"] == code
    await till.control("POST", f"/control/orders/{reply.fields['orderId']}/settle", {"code": "00"})
    assert (await till.query(reply.fields)).fields["origRespCode"] == "00"


@pytest.mark.parametrize(
    ("play", "first", "then", "charge"),
    [
        ({"answer": "64"}, "64", "64", 0),
        ({"settle": "61"}, "00", "61", 0),
        ({"settle": "A6"}, "00", "A6", 100),
        ({"answer": "04", "settle": "38"}, "04", "38", 0),
    ],
)
async def test_a_bank_may_refuse_or_accept_with_a_flaw(
    till: Till, play: dict[str, Any], first: str, then: str, charge: int
) -> None:
    """At once or later; A6 is a success."""
    await till.play("consume", **play, settle_delay_ms=0)
    reply = await till.back()
    assert reply.code == first
    async with asyncio.timeout(5):
        while (await till.query(reply.fields)).fields["origRespCode"] != then:
            await asyncio.sleep(0.01)
    assert (await till.moved())["charge"] == charge


async def test_what_nobody_decides_stays_open(till: Till) -> None:
    """NEVER leaves it accepted for ever, unless somebody decides by hand."""
    await till.play("consume", settle="NEVER")
    reply = await till.back()
    await till.advance(days=100)
    assert (await till.query(reply.fields)).fields["origRespCode"] == "05"
    path = f"/control/orders/{reply.fields['orderId']}/settle"
    await till.control("POST", path, {"code": "04"})
    assert (await till.query(reply.fields)).fields["origRespCode"] == "04"
    await till.control("POST", path, {})
    assert (await till.query(reply.fields)).fields["origRespCode"] == "00"
    assert (await till.try_control("POST", path, {})).status == 409


async def test_an_order_is_made_once(till: Till) -> None:
    """The same orderId and txnTime do nothing a second time, whatever else is asked."""
    asked = till.payment()
    first, again = [await till.ask("/gateway/api/appTransReq.do", asked) for _ in range(2)]
    assert (first.code, again.code, first.fields["tn"]) == ("00", "00", again.fields["tn"])
    changed = await till.ask("/gateway/api/appTransReq.do", {**asked, "txnAmt": "101"})
    assert changed.code == "12"
    await till.control("POST", f"/control/orders/{asked['orderId']}/confirm", {})
    assert (await till.ask("/gateway/api/appTransReq.do", asked)).code == "12"
    token = {**till.payment(), "accNo": "tok_1"}
    codes = [(await till.ask("/gateway/api/backTransReq.do", token)).code for _ in range(3)]
    assert codes == ["00", "12", "12"]
    await till.settled(token)
    assert (await till.moved())["charge"] == 200
    assert (await till.summary())["orders"] == 2


async def test_twins_are_one(till: Till) -> None:
    """Twenty at once under one number: one is accepted, the others hear so; money moves once."""
    asked = {**till.payment(), "accNo": "tok_1"}
    replies = await asyncio.gather(
        *(till.ask("/gateway/api/backTransReq.do", asked) for _ in range(20))
    )
    assert sorted(reply.code for reply in replies) == ["00"] + ["12"] * 19
    await till.settled(asked)
    assert (await till.moved())["charge"] == 100


async def test_a_buyer_may_act_by_himself(till: Till) -> None:
    """A play lets him pay, or fail and leave it open."""
    await till.play("app_consume", settle="00", settle_delay_ms=10)
    await till.play("app_consume", settle="64", settle_delay_ms=10)
    paid, failed = [(await till.app()).fields for _ in range(2)]
    found: dict[str, str | None] = {}
    for asked in (paid, failed):
        async with asyncio.timeout(5):
            while (code := (await till.query(asked)).fields.get("origRespCode")) is None:
                await asyncio.sleep(0.01)
        found[asked["orderId"]] = code
    assert list(found.values()) == ["00", "64"]
    await till.control("POST", f"/control/orders/{failed['orderId']}/confirm", {})
    assert (await till.moved())["charge"] == 200
