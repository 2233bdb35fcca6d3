"""What is sent: each method's content, the parameters around it, and the signature under all."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.channels.alipay.connector import AlipayConnector
from gateway.channels.connector import Action
from gateway.domain.channel import AttemptKind
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode
from tests.channels.alipay.wire import (
    APP_ID,
    AUTH_CODE,
    AUTH_NO,
    BORN,
    CHARGE_NUMBER,
    HELD_NUMBER,
    NOW,
    NUMBER,
    PAYER_ID,
    SELLER_ID,
    TRADE_NO,
    call,
    connector,
    private_key,
    sent,
    settings,
)

CHARGE, CAPTURE = AttemptKind.CHARGE, AttemptKind.CAPTURE
CANCEL, REFUND, PAYOUT = AttemptKind.CANCEL, AttemptKind.REFUND, AttemptKind.PAYOUT
SEND, ASK, FENCE = Action.SEND, Action.ASK, Action.FENCE
ORDER = {"out_trade_no": NUMBER, "total_amount": "12.50", "subject": "茶 tea"}
END = {"time_expire": "2026-03-01 12:29:00"}
FUNDS = {"query_options": ["fund_bill_list"]}
CHARGED = {"out_trade_no": CHARGE_NUMBER}
FROZEN = {"out_order_no": CHARGE_NUMBER, "out_request_no": CHARGE_NUMBER}
HELD = {"way": "auth_code_freeze", "charge_channel_number": HELD_NUMBER}
CAPTURED = ORDER | {
    "product_code": "PRE_AUTH",
    "auth_no": AUTH_NO,
    "auth_confirm_mode": "NOT_COMPLETE",
    "seller_id": SELLER_ID,
    "buyer_id": PAYER_ID,
}
FREEZE = {
    "auth_code": AUTH_CODE,
    "auth_code_type": "bar_code",
    "out_order_no": NUMBER,
    "out_request_no": NUMBER,
    "order_title": "茶 tea",
    "amount": "12.50",
    "product_code": "PRE_AUTH",
    "pay_timeout": "30m",
    "payee_user_id": SELLER_ID,
}
BAR_CODE = {"scene": "bar_code", "auth_code": AUTH_CODE}
AGREEMENT = {
    "product_code": "GENERAL_WITHHOLDING",
    "agreement_params": {"agreement_no": "20265301000000000001"},
}
CALLS: list[tuple[Action, AttemptKind, dict[str, Any], str, dict[str, Any]]] = [
    (SEND, CHARGE, {}, "alipay.trade.precreate", ORDER | END),
    (SEND, CHARGE, {"way": "code"}, "alipay.trade.pay", ORDER | BAR_CODE | END | FUNDS),
    (SEND, CHARGE, {"way": "agreement"}, "alipay.trade.pay", ORDER | AGREEMENT | END | FUNDS),
    (SEND, CHARGE, {"way": "auth_code_freeze"}, "alipay.fund.auth.order.freeze", FREEZE),
    (ASK, CHARGE, {}, "alipay.trade.query", {"out_trade_no": NUMBER} | FUNDS),
    (FENCE, CHARGE, {}, "alipay.trade.close", {"out_trade_no": NUMBER}),
    (FENCE, CHARGE, {"way": "code"}, "alipay.trade.close", {"out_trade_no": NUMBER}),
    (SEND, CANCEL, {"way": "agreement"}, "alipay.trade.close", CHARGED),
    (ASK, CANCEL, {}, "alipay.trade.query", CHARGED | FUNDS),
    (
        SEND,
        REFUND,
        {},
        "alipay.trade.refund",
        CHARGED | {"refund_amount": "12.50", "out_request_no": NUMBER, "refund_reason": "茶 tea"},
    ),
    (
        ASK,
        REFUND,
        {},
        "alipay.trade.fastpay.refund.query",
        CHARGED | {"out_request_no": NUMBER},
    ),
    (
        ASK,
        CHARGE,
        {"way": "auth_code_freeze"},
        "alipay.fund.auth.operation.detail.query",
        {"out_order_no": NUMBER, "out_request_no": NUMBER, "operation_type": "FREEZE"},
    ),
    (
        FENCE,
        CHARGE,
        {"way": "auth_code_freeze"},
        "alipay.fund.auth.operation.cancel",
        {"out_order_no": NUMBER, "out_request_no": NUMBER, "remark": "茶 tea"},
    ),
    (
        SEND,
        CANCEL,
        {"way": "auth_code_freeze"},
        "alipay.fund.auth.operation.cancel",
        FROZEN | {"remark": "茶 tea"},
    ),
    (
        SEND,
        CANCEL,
        HELD,
        "alipay.fund.auth.order.unfreeze",
        {"auth_no": AUTH_NO, "out_request_no": NUMBER, "amount": "12.50", "remark": "茶 tea"},
    ),
    (
        ASK,
        CANCEL,
        HELD,
        "alipay.fund.auth.operation.detail.query",
        FROZEN | {"operation_type": "FREEZE"},
    ),
    (SEND, CAPTURE, HELD, "alipay.trade.pay", CAPTURED | FUNDS),
    (
        SEND,
        CAPTURE,
        HELD | {"final": True},
        "alipay.trade.pay",
        CAPTURED | {"auth_confirm_mode": "COMPLETE"} | FUNDS,
    ),
    (ASK, CAPTURE, HELD, "alipay.trade.query", {"out_trade_no": NUMBER} | FUNDS),
    (
        ASK,
        REFUND,
        HELD | {"capture_channel_number": TRADE_NO},
        "alipay.trade.fastpay.refund.query",
        {"trade_no": TRADE_NO, "out_request_no": NUMBER},
    ),
]


@pytest.mark.parametrize(("action", "kind", "how", "method", "content"), CALLS)
def test_each_call(
    action: Action, kind: AttemptKind, how: dict[str, Any], method: str, content: dict[str, Any]
) -> None:
    """Each call takes its method and says these fields and no others."""
    parameters, said = sent(call(action, kind, **how))
    assert (parameters["method"], said) == (method, content)
    begins = (action, kind) == (SEND, CHARGE)
    told = "https://pay.example.com/notify/alipay" if begins else None
    assert parameters.get("notify_url") == told


def test_refund_of_a_capture_names_its_trade() -> None:
    """What was held is refunded of the trade of its capture, with Alipay's number of that."""
    made = call(SEND, REFUND, **HELD, capture_channel_number=TRADE_NO, description="")
    assert sent(made)[1] == {
        "trade_no": TRADE_NO,
        "refund_amount": "12.50",
        "out_request_no": NUMBER,
    }


def test_capture_names_the_payer_by_the_id_that_is_known() -> None:
    """Where Alipay told an open id instead of a user id, that one is sent; where none, none."""
    content = sent(call(SEND, CAPTURE, **HELD | {"charge_channel_number": f"{AUTH_NO} 03_a-b"}))[1]
    assert (content["auth_no"], content["buyer_open_id"]) == (AUTH_NO, "03_a-b")
    assert "buyer_id" not in content
    content = sent(call(SEND, CAPTURE, **HELD | {"charge_channel_number": AUTH_NO}))[1]
    assert content["auth_no"] == AUTH_NO
    assert content.keys().isdisjoint({"buyer_id", "buyer_open_id"})


def test_envelope() -> None:
    """A request is a form, of which every parameter but the signature is signed, in order."""
    request = connector().build(call())
    assert (request.method, request.path) == ("POST", "/gateway.do")
    assert request.headers == {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
    parameters, _ = sent(call())
    signature = parameters.pop("sign")
    assert parameters == {
        "app_id": APP_ID,
        "method": "alipay.trade.precreate",
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": "2026-03-01 12:00:00",
        "version": "1.0",
        "notify_url": "https://pay.example.com/notify/alipay",
    }
    content = (
        '{"out_trade_no":"0000010123456789ABCDEFGHIJKL","total_amount":"12.50",'
        '"subject":"茶 tea","time_expire":"2026-03-01 12:29:00"}'
    )
    text = (
        f"app_id={APP_ID}&biz_content={content}&charset=utf-8&format=JSON"
        "&method=alipay.trade.precreate&notify_url=https://pay.example.com/notify/alipay"
        "&sign_type=RSA2&timestamp=2026-03-01 12:00:00&version=1.0"
    )
    key = private_key("app").public_key()
    key.verify(base64.b64decode(signature), text.encode(), PKCS1v15(), SHA256())


def test_re_send_repeats_the_content() -> None:
    """Sent again at another moment with another nonce, the content is the same."""
    for way in ("precreate", "code", "agreement", "auth_code_freeze"):
        made = call(way=way)
        again = replace(made, moment=NOW + timedelta(seconds=7), nonce="f" * 32)
        (first, content), (second, repeated) = sent(made), sent(again)
        assert content == repeated
        assert first["timestamp"] != second["timestamp"]


def test_times_are_of_beijing() -> None:
    """A moment in any zone is told in Beijing's time, over the day's end."""
    moment = datetime(2026, 12, 31, 16, 0, 1, tzinfo=UTC)
    parameters, _ = sent(replace(call(), moment=moment))
    assert parameters["timestamp"] == "2027-01-01 00:00:01"


@pytest.mark.parametrize(
    ("lifetime", "end", "timeout"),
    [
        (timedelta(seconds=5), "2026-03-01 12:00:00", "1m"),
        (timedelta(seconds=119), "2026-03-01 12:00:59", "1m"),
        (timedelta(hours=2), "2026-03-01 13:59:00", "120m"),
        (timedelta(days=40), "2026-03-16 11:59:00", "21600m"),
    ],
)
def test_end_of_an_order(lifetime: timedelta, end: str, timeout: str) -> None:
    """An order ends at its time, but not before a minute and not after fifteen days."""
    expiry = BORN + lifetime
    assert sent(call(expire_time=expiry))[1]["time_expire"] == end
    made = call(way="auth_code_freeze", expire_time=expiry)
    assert sent(made)[1]["pay_timeout"] == timeout


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (1, "0.01"),
        (10, "0.10"),
        (100, "1.00"),
        (1_234_567, "12345.67"),
        (10_000_000_000, "100000000.00"),
    ],
)
def test_amounts_are_yuan_as_text(fen: int, text: str) -> None:
    """Fen are written as yuan with two decimals, to the last fen of a hundred million yuan."""
    assert sent(call(money=Money("CNY", fen)))[1]["total_amount"] == text
    assert sent(call(SEND, REFUND, money=Money("CNY", fen)))[1]["refund_amount"] == text
    assert sent(call(way="auth_code_freeze", money=Money("CNY", fen)))[1]["amount"] == text


def test_other_currencies_are_not_sent() -> None:
    """Alipay takes yuan only, and nothing is sent in anything else."""
    with pytest.raises(ValueError, match="CNY"):
        connector().build(call(money=Money("USD", 1250)))


@pytest.mark.parametrize(
    ("text", "subject", "title"),
    [
        ("", NUMBER, NUMBER),
        ("a/b=c&d,e", "a b c d e", "a b c d e"),
        ("茶" * 300, "茶" * 256, "茶" * 100),
        ("x" + "🍵" * 300, "x" + "🍵" * 127, "x" + "🍵" * 49),
    ],
)
def test_titles_are_bounded_in_characters_of_java(text: str, subject: str, title: str) -> None:
    """A title is cut where Java counts too many, between characters, and holds no `/=&,`."""
    assert sent(call(description=text))[1]["subject"] == subject
    made = call(way="auth_code_freeze", description=text)
    assert sent(made)[1]["order_title"] == title


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("", NUMBER),
        ("x," * 51, "x " * 50),
        ("茶" * 60, "茶" * 50),
        ("x" + "茶" * 60, "x" + "茶" * 49),
    ],
)
def test_remarks_are_bounded_in_letters(text: str, remark: str) -> None:
    """A remark has a hundred letters, of which a Chinese character is two."""
    assert sent(call(SEND, CANCEL, **HELD, description=text))[1]["remark"] == remark


def test_reason_of_a_refund_is_bounded() -> None:
    """A reason has 256 characters, without commas, and none is sent where there is none."""
    assert sent(call(SEND, REFUND, description="a,b"))[1]["refund_reason"] == "a b"
    assert len(sent(call(SEND, REFUND, description="茶" * 300))[1]["refund_reason"]) == 256
    assert "refund_reason" not in sent(call(SEND, REFUND, description=""))[1]


@pytest.mark.parametrize(
    ("way", "options", "said"),
    [
        ("precreate", {"instalments": 3}, {"hb_fq_num": "3", "hb_fq_seller_percent": "0"}),
        ("code", {"instalments": 12}, {"hb_fq_num": "12", "hb_fq_seller_percent": "0"}),
        ("code", {"instalments": 0, "disable_pay_later": False}, None),
    ],
)
def test_instalments(way: str, options: dict[str, Any], said: dict[str, str] | None) -> None:
    """Instalments are asked for in text, at the payer's cost."""
    content = sent(call(way=way, options=options))[1]
    assert content.get("extend_params") == said
    assert "disable_pay_channels" not in content


def test_instalments_at_the_seller_s_cost() -> None:
    """A seller who bears the cost of instalments says so."""
    by = AlipayConnector(settings(seller_bears_instalments=True))
    content = sent(call(options={"instalments": 6}), by)[1]
    assert content["extend_params"] == {"hb_fq_num": "6", "hb_fq_seller_percent": "100"}


@pytest.mark.parametrize("way", ["precreate", "code", "agreement"])
def test_pay_later_can_be_forbidden(way: str) -> None:
    """Both forms of pay-later are forbidden where the merchant does not want them."""
    content = sent(call(way=way, options={"disable_pay_later": True}))[1]
    assert content["disable_pay_channels"] == "pcredit,pcreditpayInstallment"


def test_holds_without_pay_later_name_no_payee() -> None:
    """An amount is held from pay-later only where the payee is named."""
    content = sent(call(way="auth_code_freeze", options={"disable_pay_later": True}))[1]
    assert content == {name: value for name, value in FREEZE.items() if name != "payee_user_id"}


def test_deductions_for_periodic_contracts() -> None:
    """A seller who signed up for periodic deductions names that product."""
    by = AlipayConnector(settings(agreement_product="CYCLE_PAY_AUTH"))
    assert sent(call(way="agreement"), by)[1]["product_code"] == "CYCLE_PAY_AUTH"


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"details": {}}, "name one of"),
        ({"details": {"precreate": {}, "code": {"auth_code": AUTH_CODE}}}, "name one of"),
        ({"details": {"native": {}}}, "name one of"),
        ({"details": {"code": {}}}, "auth_code"),
        ({"details": {"code": {"auth_code": "1" * 15}}}, "barcode"),
        ({"details": {"code": {"auth_code": "1" * 25}}}, "barcode"),
        ({"details": {"code": {"auth_code": "28477602431857398x"}}}, "barcode"),
        ({"details": {"agreement": {"agreement_no": ""}}}, "agreement_no"),
        ({"capture_mode": CaptureMode.MANUAL}, "capture"),
        ({"way": "auth_code_freeze", "capture_mode": CaptureMode.AUTOMATIC}, "capture"),
        ({"options": {"instalments": 24}}, "3, 6 or 12"),
        ({"options": {"instalments": 3, "disable_pay_later": True}}, "do not disable"),
        ({"way": "agreement", "options": {"instalments": 3}}, "no instalments"),
        ({"way": "auth_code_freeze", "options": {"instalments": 3}}, "no instalments"),
    ],
)
def test_what_cannot_be_sent(how: dict[str, Any], words: str) -> None:
    """What Alipay has not, or what lacks something, is not sent."""
    with pytest.raises(ValueError, match=words):
        connector().build(call(**how))


@pytest.mark.parametrize(
    ("action", "kind", "how"),
    [
        (SEND, CAPTURE, {}),
        (ASK, CAPTURE, {"way": "code"}),
        (FENCE, CAPTURE, HELD),
        (FENCE, CANCEL, {}),
        (FENCE, REFUND, {}),
        (SEND, PAYOUT, {}),
        (SEND, CAPTURE, {"way": "auth_code_freeze"}),
        (SEND, REFUND, HELD),
        (ASK, REFUND, HELD),
    ],
)
def test_calls_that_alipay_has_not(action: Action, kind: AttemptKind, how: dict[str, Any]) -> None:
    """There is no fence but a charge's, no capture or refund of what is not there, no payout."""
    with pytest.raises(ValueError, match=r"this channel|needs the channel's number"):
        connector().build(call(action, kind, **how))


def test_capabilities() -> None:
    """What Alipay can do is told as data."""
    can = connector().capabilities
    assert (can.channel, can.currencies) == ("alipay", frozenset({"CNY"}))
    assert (can.amount_min, can.amount_max) == (1, 10_000_000_000)
    assert can.expiry_max == timedelta(days=15)
    assert can.refund_window == timedelta(days=365)
    assert (can.captures_max, can.partial_capture) == (1, True)
    assert can.partial_refunds_max is None
    assert can.fenceable == {CHARGE}
    assert can.expiry_margin == timedelta(minutes=5)
    assert can.methods == ("precreate", "code", "agreement", "auth_code_freeze")
    assert (can.manual_capture, can.manual_methods) == (True, frozenset({"auth_code_freeze"}))
