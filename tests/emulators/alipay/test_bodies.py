"""Allow-lists: what may stand in a biz_content, in which form; and nothing else."""

from typing import Any

from tests.emulators.alipay import till
from tests.emulators.alipay.merchant import Shop, number

PAY = "alipay.trade.pay"
BY_CODE = {"scene": "bar_code", "auth_code": till.BARCODE}


async def refused(shop: Shop, method: str, body: Any) -> str | None:
    """The sub code of what must be refused, signed, and do nothing."""
    reply = await shop.ask(method, body)
    assert (reply.code, reply.signed) == ("40004", True), reply.raw
    summary = await shop.summary()
    assert (summary["trades"], summary["codes"], summary["authorizations"]) == (0, 0, 0)
    return reply.sub_code


async def test_amounts_are_text_of_yuan(shop: Shop) -> None:
    """Numbers, signs, three decimals, nothing, too much, other digits: none is an amount."""
    for amount in (1, 1.0, "1.001", "0", "0.00", "-1", "+1", "1e2", " 1", "01", ".5", "1.", "",
                   "100000000.01", "٣", None, True):  # fmt: skip
        body = till.order(total_amount=amount)
        assert await refused(shop, "alipay.trade.precreate", body) == "ACQ.INVALID_PARAMETER"
    for good in ("0.01", "1", "1.5", "100000000", "100000000.00"):
        assert (await till.pay(shop, total_amount=good)).code == "10000"


PAYERS: list[dict[str, Any]] = [
    {"ext_user_info": {"name": "x", "mobile": "x", "cert_no": "x"}},
    {"buyer_logon_id": "x@example.com"},
    {"buyer_id": "2088111111111111"},
    {"business_params": {"mc_create_trade_ip": "10.0.0.1"}},
    {"receiver_address_info": {"name": "x"}},
    {"client_ip": "10.0.0.1"},
    {"phone": "13800000000"},
]


async def test_nothing_of_the_payer_may_arrive(shop: Shop) -> None:
    """Names, phones, papers, addresses, accounts: a payment that carries any is refused by name."""
    for payer in PAYERS:
        reply = await shop.ask(PAY, BY_CODE | till.order() | payer)
        assert reply.sub_code == "ACQ.INVALID_PARAMETER"
        assert next(iter(payer)) in reply.content["sub_msg"]
    assert await shop.moved() == {}


BROKEN: list[tuple[str, Any, str]] = [
    (PAY, till.order(), "ACQ.INVALID_PARAMETER"),
    (PAY, BY_CODE | till.order(auth_code="12345678901234567"), "ACQ.INVALID_PARAMETER"),
    (PAY, BY_CODE | till.order(scene="wave_code"), "ACQ.INVALID_PARAMETER"),
    (PAY, BY_CODE | till.order(out_trade_no="a-b"), "ACQ.INVALID_PARAMETER"),
    (PAY, BY_CODE | till.order(out_trade_no="a" * 65), "ACQ.INVALID_PARAMETER"),
    (PAY, BY_CODE | till.order(subject="x" * 257), "ACQ.INVALID_PARAMETER"),
    (PAY, BY_CODE | till.order(subject="a\nb"), "ACQ.INVALID_PARAMETER"),
    (PAY, BY_CODE | till.order(subject=None), "ACQ.INVALID_PARAMETER"),
    (PAY, BY_CODE | till.order(timeout_express="1.5h"), "ACQ.INVALID_PARAMETER"),
    (PAY, BY_CODE | till.order(timeout_express="16d"), "ACQ.INVALID_PARAMETER"),
    (PAY, BY_CODE | till.order(time_expire="2099-01-01"), "ACQ.INVALID_PARAMETER"),
    (
        PAY,
        BY_CODE | till.order(agreement_params={"agreement_no": "1" * 20}),
        "ACQ.INVALID_PARAMETER",
    ),
    (PAY, "{", "ACQ.INVALID_PARAMETER"),
    (PAY, "[]", "ACQ.INVALID_PARAMETER"),
    (PAY, '{"\\ud800": "\\udfff"}', "ACQ.INVALID_PARAMETER"),
    (PAY, '{"a":' * 900 + "1" + "}" * 900, "ACQ.INVALID_PARAMETER"),
    (PAY, "[" * 20_000, "ACQ.INVALID_PARAMETER"),
    (PAY, '{"scene":"bar_code","scene":"bar_code"}', "ACQ.INVALID_PARAMETER"),
    ("alipay.trade.refund", {"out_trade_no": "x", "refund_amount": 1}, "ACQ.INVALID_PARAMETER"),
    ("alipay.trade.query", {"out_trade_no": "x", "org_pid": "x"}, "ACQ.INVALID_PARAMETER"),
    ("alipay.fund.auth.order.freeze", {"amount": "1.00"}, "ILLEGAL_ARGUMENT"),
    ("alipay.fund.auth.order.unfreeze", {"auth_no": "x"}, "ILLEGAL_ARGUMENT"),
    ("alipay.user.agreement.query", {}, "INVALID_PARAMETER"),
    ("alipay.user.agreement.query", {"alipay_logon_id": "x"}, "INVALID_PARAMETER"),
    (
        "alipay.data.dataservice.bill.downloadurl.query",
        {"bill_type": "trade"},
        "INVAILID_ARGUMENTS",
    ),
]


async def test_each_method_takes_its_own_members_only(shop: Shop) -> None:
    """Missing, unknown, misspelled, too long, of another kind: refused in the product's code."""
    for method, body, sub_code in BROKEN:
        assert await refused(shop, method, body) == sub_code, body


async def test_what_arrived_is_known_by_name(shop: Shop) -> None:
    """Every header, parameter and member is on record by operation, refused ones too; no values."""
    await till.pay(shop, store_id="NJ_001")
    await shop.ask(PAY, BY_CODE | till.order() | {"buyer_logon_id": "secret@example.com"})
    found = (await shop.control("GET", "/control/fields"))["fields"]
    assert {"app_id", "method", "sign", "timestamp"} <= set(found["pay"]["query"])
    members = {name for name in found["pay"]["body"] if name.startswith("biz_content.")}
    assert members == {
        f"biz_content.{name}"
        for name in (
            *("out_trade_no", "total_amount", "subject", "scene", "auth_code"),
            *("store_id", "buyer_logon_id"),
        )
    }
    assert "content-type" in found["pay"]["header"]
    assert "secret" not in str(found)


async def test_a_close_needs_a_number(shop: Shop) -> None:
    """Without either number there is nothing to close, cancel or refund."""
    for method in ("alipay.trade.close", "alipay.trade.cancel"):
        assert (await shop.ask(method, {})).sub_code == "ACQ.INVALID_PARAMETER"
    body = {"refund_amount": "1.00", "out_request_no": number()}
    assert (await shop.ask("alipay.trade.refund", body)).sub_code == "ACQ.INVALID_PARAMETER"
