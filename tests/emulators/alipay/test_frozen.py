"""Frozen money: confirmed, paid out of, given free, called off; and it always adds up."""

import asyncio

import pytest

from tests.emulators.alipay import till
from tests.emulators.alipay.merchant import OTHER_APP_ID, Shop, number


async def frozen(shop: Shop, amount: str = "10.00") -> str:
    """The number of an authorisation in force."""
    reply = await till.freeze(shop, amount=amount)
    assert reply.code == "10000", reply.raw
    return str(reply.content["auth_no"])


async def rest(shop: Shop, auth_no: str) -> tuple[str, str, str]:
    """What the channel says of an authorisation: its state, what was paid, what is frozen."""
    request = (await shop.control("GET", "/control/authorizations"))["authorizations"]
    own = next(entry for entry in request if entry["auth_no"] == auth_no)
    told = await till.query_frozen(
        shop, auth_no=auth_no, out_request_no=own["request"]["out_request_no"]
    )
    content = told.content
    return content["order_status"], content["total_pay_amount"], content["rest_amount"]


async def test_frozen_money_from_first_to_last(shop: Shop) -> None:
    """Frozen, a part paid, a part freed, the rest freed by the last payment: every fen is told."""
    body = {"out_order_no": number(), "out_request_no": number(), "amount": "10.00"}
    reply = await till.freeze(shop, **body)
    assert (reply.code, reply.content["status"], reply.signed) == ("10000", "SUCCESS", True)
    auth_no, buyer = reply.content["auth_no"], reply.content["payer_user_id"]
    assert await shop.moved() == {"freeze": 1_000}
    paid = await till.capture(shop, auth_no, total_amount="3.00", buyer_id=buyer)
    assert (paid.code, paid.content["buyer_user_id"]) == ("10000", buyer)
    assert await rest(shop, auth_no) == ("AUTHORIZED", "3.00", "7.00")
    free = await till.unfreeze(shop, auth_no, "2.00")
    assert (free.content["status"], free.content["amount"]) == ("SUCCESS", "2.00")
    last = await till.capture(shop, auth_no, total_amount="1.00", auth_confirm_mode="COMPLETE")
    assert last.code == "10000"
    assert await rest(shop, auth_no) == ("FINISH", "4.00", "0.00")
    assert await shop.moved() == {"freeze": 1_000, "unfreeze": 600, "charge": 400}
    assert (await till.capture(shop, auth_no)).sub_code == "ACQ.AUTH_NO_ERROR"
    assert (await till.unfreeze(shop, auth_no)).sub_code == "ORDER_ALREADY_CLOSED"


async def test_the_buyer_of_a_capture_is_whose_money_is_frozen(shop: Shop) -> None:
    """The buyer may be named by either id; whoever names another pays nothing."""
    told = (await till.freeze(shop, amount="10.00")).content
    auth_no, user_id, open_id = (
        told[name] for name in ("auth_no", "payer_user_id", "payer_open_id")
    )
    stranger = await shop.as_app(OTHER_APP_ID)
    await shop.play("freeze", buyer_id=user_id)
    theirs = (await till.freeze(stranger, amount="10.00")).content
    assert theirs["payer_user_id"] == user_id
    for wrong in (
        {"buyer_id": "2088000000000000"},
        {"buyer_open_id": theirs["payer_open_id"]},
        {"buyer_id": user_id, "buyer_open_id": "nobody"},
    ):
        reply = await till.capture(shop, auth_no, **wrong)
        assert reply.sub_code == "ACQ.TRADE_BUYER_NOT_MATCH"
    for right in ({"buyer_id": user_id}, {"buyer_open_id": open_id}):
        assert (await till.capture(shop, auth_no, **right)).code == "10000"


async def test_no_more_than_is_frozen(shop: Shop) -> None:
    """More than what rests is neither paid nor freed, also when two ask at once."""
    auth_no = await frozen(shop)
    assert (await till.capture(shop, auth_no, total_amount="10.01")).sub_code == (
        "ACQ.AUTH_AMOUNT_NOT_ENOUGH"
    )
    assert (await till.unfreeze(shop, auth_no, "10.01")).sub_code == "REQUEST_AMOUNT_EXCEED"
    replies = await asyncio.gather(
        *(till.capture(shop, auth_no, total_amount="6.00") for _ in range(3)),
        *(till.unfreeze(shop, auth_no, "6.00") for _ in range(3)),
    )
    assert sum(reply.code == "10000" for reply in replies) == 1
    moved = await shop.moved()
    assert moved.pop("freeze") == 1_000
    assert list(moved.values()) == [600]


async def test_the_same_again_is_the_same(shop: Shop) -> None:
    """Freezing and unfreezing repeated do nothing; with other parameters they are refused."""
    body = {"out_order_no": number(), "out_request_no": number(), "amount": "10.00"}
    first, again = [await till.freeze(shop, **body) for _ in range(2)]
    assert again.content == first.content
    changed = await till.freeze(shop, **{**body, "amount": "11.00"})
    reused = await till.freeze(shop, **{**body, "out_order_no": number()})
    assert changed.sub_code == reused.sub_code == "ILLEGAL_ARGUMENT"
    auth_no, request = first.content["auth_no"], number()
    one, two = [
        await till.unfreeze(shop, auth_no, "4.00", out_request_no=request) for _ in range(2)
    ]
    assert one.content == two.content
    other = await till.unfreeze(shop, auth_no, "4.01", out_request_no=request)
    assert other.sub_code == "ILLEGAL_ARGUMENT"
    assert await shop.moved() == {"freeze": 1_000, "unfreeze": 400}


@pytest.mark.parametrize(
    ("act", "state", "rests"), [("confirm", "AUTHORIZED", "1.00"), ("refuse", "CLOSED", "0.00")]
)
async def test_a_buyer_is_waited_for(shop: Shop, act: str, state: str, rests: str) -> None:
    """10003 and INIT until the buyer decides; nothing can be paid out of it before."""
    await shop.play("freeze", answer="WAITING")
    of = number()
    reply = await till.freeze(shop, out_order_no=of)
    assert (reply.code, reply.content["status"]) == ("10003", "INIT")
    auth_no = reply.content["auth_no"]
    assert (await till.capture(shop, auth_no)).sub_code == "ACQ.AUTH_NO_ERROR"
    await shop.control("POST", f"/control/authorizations/{of}/{act}", {})
    assert await rest(shop, auth_no) == (state, "0.00", rests)
    again = await shop.try_control("POST", f"/control/authorizations/{of}/{act}", {})
    assert again.status == 409


async def test_an_unconfirmed_freezing_runs_out(shop: Shop) -> None:
    """At its time it closes by itself; a refused one leaves nothing at all."""
    await shop.play("freeze", answer="WAITING")
    reply = await till.freeze(shop, timeout_express="5m")
    await shop.advance(minutes=5)
    assert (await rest(shop, reply.content["auth_no"]))[0] == "CLOSED"
    await shop.play("freeze", answer="REFUSED", sub_code="PAYER_NOT_EXIST")
    of = number()
    refused = await till.freeze(shop, out_order_no=of)
    assert (refused.code, refused.sub_code) == ("40004", "PAYER_NOT_EXIST")
    missing = await till.query_frozen(shop, out_order_no=of, out_request_no=number())
    assert missing.sub_code == "AUTH_ORDER_NOT_EXIST"


async def test_an_authorisation_is_called_off(shop: Shop) -> None:
    """Before the buyer confirms it closes, after it all is freed, once; not what was paid."""
    await shop.play("freeze", answer="WAITING")
    body = {"out_order_no": number(), "out_request_no": number()}
    await till.freeze(shop, **body)
    assert (await till.call_off(shop, **body)).content["action"] == "close"
    body = {"out_order_no": number(), "out_request_no": number()}
    await till.freeze(shop, **body)
    actions = [(await till.call_off(shop, **body)).content["action"] for _ in range(2)]
    assert actions == ["unfreeze", "unfreeze"]
    assert await shop.moved() == {"freeze": 100, "unfreeze": 100}
    body = {"out_order_no": number(), "out_request_no": number(), "amount": "2.00"}
    auth_no = (await till.freeze(shop, **body)).content["auth_no"]
    await till.capture(shop, auth_no)
    del body["amount"]
    assert (await till.call_off(shop, **body)).sub_code == "ORDER_ALREADY_CLOSED"


async def test_a_payment_must_fit_its_authorisation(shop: Shop) -> None:
    """Another product, another buyer, an unknown number: refused, nothing moved."""
    auth_no = await frozen(shop)
    product = await till.capture(shop, auth_no, product_code="PRE_AUTH_ONLINE")
    buyer = await till.capture(shop, auth_no, buyer_id="2088" + "9" * 12)
    unknown = await till.capture(shop, "1" * 28)
    codes = [reply.sub_code for reply in (product, buyer, unknown)]
    assert codes == ["ACQ.AUTH_NO_ERROR", "ACQ.TRADE_BUYER_NOT_MATCH", "ACQ.AUTH_NO_ERROR"]
    operation = await till.query_frozen(shop, auth_no=auth_no, out_request_no=number())
    assert operation.sub_code == "AUTH_OPERATION_NOT_EXIST"
    assert await shop.moved() == {"freeze": 1_000}


async def test_the_book_of_frozen_money_adds_up(shop: Shop) -> None:
    """For each authorisation: frozen is paid and freed and rest, by operations and by effects."""
    auth_no = await frozen(shop)
    await till.capture(shop, auth_no, total_amount="2.50")
    await till.unfreeze(shop, auth_no, "1.25")
    [entry] = (await shop.control("GET", "/control/authorizations"))["authorizations"]
    assert entry["effects"] == {"freeze": 1_000, "unfreeze": 125}
    by_kind = {each["kind"]: each["amount"] for each in entry["operations"]}
    assert by_kind == {"FREEZE": 1_000, "PAY": 250, "UNFREEZE": 125}
    assert (entry["paid"], entry["unfrozen"]) == (250, 125)
    assert await rest(shop, auth_no) == ("AUTHORIZED", "2.50", "6.25")
