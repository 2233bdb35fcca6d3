"""Ways to be wrong: rows of a change to a request that is right, and the path that names it."""

from collections.abc import Callable
from operator import methodcaller
from typing import Any

import grpc
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from tests.rpc.fakes import House

INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
ZERO_UUID = "00000000-0000-0000-0000-000000000000"
BIDI = "gro\u202ess"
TOO_LARGE = "z" * 22
UNKNOWN = b"\xf8\x07\x01"
"""Field 127, which no message has: the number 1."""

CHARGE = "payment_method.sandbox.charge"

Change = Callable[[Any], Any]
Row = tuple[Change, str]


def wrong(path: str, *values: Any, named: str = "") -> list[Row]:
    """Make rows that put these values at a path, each named by it."""
    *above, last = path.split(".")

    def put(value: Any) -> Change:
        def change(request: Any) -> None:
            for name in above:
                request = getattr(request, name)
            setattr(request, last, value)

        return change

    return [(put(value), named or path) for value in values]


def missing(*fields: str) -> list[Row]:
    """Make rows that leave out these fields."""
    return [(methodcaller("ClearField", field), field) for field in fields]


def attribute(key: str, value: str, named: str) -> Row:
    """Make a row with this label on the payment."""
    return (lambda request: request.attributes.update({key: value}), f"attributes{named}")


def paying(method: dict[str, Any], named: str) -> Row:
    """Make a row that pays in another way, wrong at this path below the method."""

    def change(request: Any) -> None:
        request.payment_method.Clear()
        ParseDict(method, request.payment_method)

    return change, f"payment_method.{named}"


KEY_ROWS = wrong(
    "idempotency_key", *["", "k" * 65, " k", "k ", "k\tk", "k\nk", "k\x00", "k\x7f"],
    *["ключ", "k\u00a0", ZERO_UUID],
)  # fmt: skip
AMOUNT_ROWS = [
    *wrong("amount.minor_units", 0, -1, INT64_MIN, INT64_MAX, 10**12 + 1),
    *wrong("amount.currency_code", "", "cny", " CNY", "CNY ", "CNY\x00", "XXX", "CNYX"),
    *wrong("amount.currency_code", "СNY", "ＣＮＹ"),  # another alphabet, another width
]
TEXT_ROWS = wrong("description", "a\x00b", "a\nb", BIDI, "\ufeffa", "d" * 129, "é" * 65)
PAYER_ROWS = [
    *wrong("payer.payer_id", "", "p" * 65, "a@b", "p\x00"),
    *wrong("payer.device_id", "d" * 129),
    *wrong("payer.ip_address", "1.2.3", "::g", "1.2.3.4 "),
    *wrong("payer.region", "cn", "CHN", "CN-", "CN-1234"),
]
METHOD_ROWS = [
    *wrong(f"{CHARGE}.outcome", 99),
    *wrong(f"{CHARGE}.fault_count", -1),
    *wrong("payment_method.sandbox.refund.notify", 99),
    *missing("payment_method"),
    (lambda request: request.payment_method.ClearField("sandbox"), "payment_method.method"),
]
OUTSIDE_ROWS = [
    paying({"wechat": {}}, "wechat.way"),
    paying({"douyin": {}}, "douyin.way"),
    paying({"alipay": {"instalments": 3}}, "alipay.way"),
    paying({"unionpay": {}}, "unionpay.way"),
    *(
        paying({"wechat": {"jsapi": {"openid": openid}}}, "wechat.jsapi.openid")
        for openid in ("", "o" * 129, "o 1", "o\n", "о1")
    ),
    *(
        paying({"wechat": {"code": {"auth_code": code}}}, "wechat.code.auth_code")
        for code in ("", "1" * 15, "1" * 25, f"{'1' * 17}a", "１" * 18)
    ),
    *(
        paying({"douyin": {"deduct": {"contract_id": name}}}, "douyin.deduct.contract_id")
        for name in ("", "c" * 65, "c/1")
    ),
    paying({"alipay": {"agreement": {"agreement_no": ""}}}, "alipay.agreement.agreement_no"),
    *(
        paying({"alipay": {"precreate": {}, "instalments": number}}, "alipay.instalments")
        for number in (-3, 1, 9, 24)
    ),
    paying({"alipay": {"precreate": {}, "instalments": 6, "disable_pay_later": True}}, "alipay"),
    *(
        paying({"alipay": {way: details, "instalments": 3}}, "alipay")
        for way, details in (
            ("agreement", {"agreement_no": "20170322450983769228"}),
            ("auth_code_freeze", {"auth_code": "281234567890123456"}),
        )
    ),
    *(
        paying({"unionpay": {"back": {"account_token": token}}}, "unionpay.back.account_token")
        for token in ("", "t" * 5, "t" * 41, "token-1")
    ),
    *(
        paying({"carrier": {"phone_number": number}}, "carrier.phone_number")
        for number in (
            "",
            "13800138000",
            "+0138001380",
            "+1234",
            f"+{'1' * 16}",
            "+86 138",
            "+86\x00",
        )
    ),
]
SCENE_ROWS = wrong("scene", 0, 99, -1)
EXPIRY_ROWS = [
    *wrong("expire_time.nanos", -1, 10**9, 2**31 - 1, named="expire_time"),
    *wrong("expire_time.seconds", -1, 253402300800, INT64_MAX, named="expire_time"),
]
PAY_ROWS = [
    *KEY_ROWS,
    *AMOUNT_ROWS,
    *wrong("merchant_id", "", "Shop", "-shop", "shop ", "s" * 65, "shop\n", "s\x00", "'; drop"),
    *wrong("order_id", "", "o 1", "o" * 65, "o\x00", "ö"),
    *TEXT_ROWS,
    *PAYER_ROWS,
    *METHOD_ROWS,
    *OUTSIDE_ROWS,
    *SCENE_ROWS,
    *EXPIRY_ROWS,
    *wrong("capture_mode", 0, 99, -1),
    *missing("amount", "payer"),
    attribute("b c", "x", '["b c"]'),
    attribute("", "x", '[""]'),
    attribute("\u202e\x00", "x", r'["\u202e\u0000"]'),
    attribute("x" * 99, "x", f'["{"x" * 64}"]'),
    attribute("k", BIDI, '["k"]'),
    attribute("k", "é" * 129, '["k"]'),
    (lambda request: request.attributes.update({f"k{n}": "" for n in range(16)}), "attributes"),
]


async def assert_refused(house: House, method: str, request: Message | bytes, path: str) -> None:
    """Check that a call is refused for this path alone, and that nothing was executed."""
    refusal = await house.refusal(method, request)
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.reason == "INVALID_REQUEST"
    assert refusal.violations.keys() == {path}
    assert refusal.retry_ms is None
    assert house.asked == []
