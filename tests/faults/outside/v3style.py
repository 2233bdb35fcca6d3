"""WeChat Pay and Douyin Pay."""

from collections.abc import Mapping
from functools import partial
from typing import Any, get_args

from gateway.app.channels import douyin, wechat
from gateway.channels.douyin import contracts as douyin_contracts
from gateway.channels.wechat import contracts as wechat_contracts
from gateway.emulators.v3style.play import SPOILS, FaultName, Notify
from paymentgateway.v1.payment_method_pb2 import (
    BarcodeWay,
    ContractWay,
    DouyinMethod,
    OpenidWay,
    QrCodeWay,
    WechatMethod,
)
from paymentgateway.v1.payment_pb2 import PaymentMethod
from tests.faults.outside.channel import (
    LATE,
    Book,
    Outside,
    Records,
    Rule,
    Terms,
    Way,
    booked,
    telling,
)
from tests.faults.outside.contracts import contract_of, sign

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
PROBES = {"SIGNTEST"}
"""What WeChat Pay alone does to find out who does not verify."""

KEPT = {"SUCCESS", "REFUND"}

BUYERS: tuple[Rule, ...] = (
    {"settle": "SUCCESS", "settle_delay_ms": 50},
    {"settle": "SUCCESS", "settle_delay_ms": 800, "notify": "NONE"},
    {"settle": "FAIL", "settle_delay_ms": 100},
)
SCANNED: tuple[Rule, ...] = (
    {"answer": "USERPAYING", "settle": "SUCCESS", "settle_delay_ms": 300},
    {"answer": "USERPAYING", "settle": "FAIL", "settle_delay_ms": 300},
    {"answer": "USERPAYING"},
    {"answer": "REFUSED"},
)
DEDUCTED: tuple[Rule, ...] = (
    {"settle": "SUCCESS", "settle_delay_ms": 100},
    {"settle": "FAIL", "settle_delay_ms": 100},
)
BANKS: tuple[Rule, ...] = (
    {"answer": "SUCCESS"},
    {"settle": "SUCCESS", "settle_delay_ms": 1_500},
    {"settle": "CLOSED", "settle_delay_ms": 100},
    {"settle": "ABNORMAL", "settle_delay_ms": 100},
)


def read(records: Records) -> Book:
    """Say what the book holds."""
    charges = []
    for order in records["orders"]:
        effects, state = order["effects"], order["state"]
        comes = state == "CLOSED" and order["play"]["late"] == "SUCCESS" and not effects["charge"]
        charges.append(
            booked(
                order["number"],
                "SUCCEEDED" if state in KEPT else state,
                order["total"],
                charged=effects["charge"],
                refunded=effects["refund"] + effects["return"],
                coming=comes,
            )
        )
    refunds = [
        booked(
            refund["number"],
            "SUCCEEDED" if refund["state"] == "SUCCESS" else refund["state"],
            refund["amount"],
        )
        for refund in records["refunds"]
    ]
    return {"charges": charges, "captures": [], "refunds": refunds}


def moved(sums: Mapping[str, Any]) -> int:
    """Add up what moved to us and back, of all merchants."""
    return sum(
        sign * merchant[kind]["amount"]
        for merchant in sums.values()
        for kind, sign in (("charge", 1), ("refund", -1), ("return", -1))
    )


def _qr_code(name: str) -> PaymentMethod:
    if name == "wechat":
        return PaymentMethod(wechat=WechatMethod(native=QrCodeWay()))
    return PaymentMethod(douyin=DouyinMethod(native=QrCodeWay()))


def _openid(name: str) -> PaymentMethod:
    openid = OpenidWay(openid=OPENID)
    if name == "wechat":
        return PaymentMethod(wechat=WechatMethod(jsapi=openid))
    return PaymentMethod(douyin=DouyinMethod(jsapi=openid))


def _barcode(serial: int) -> PaymentMethod:
    code = BarcodeWay(auth_code=f"13006109{serial:010d}")
    return PaymentMethod(wechat=WechatMethod(code=code))


def _channel(name: str, ways: tuple[Way, ...], operations: tuple[str, ...], **more: Any) -> Outside:
    probes = set() if name == "wechat" else PROBES
    faults = tuple(one for one in get_args(FaultName) if one not in {"NONE", *probes})
    modes = tuple(one for one in get_args(Notify) if one not in probes)
    late_modes = tuple(one for one in modes if one != "BEFORE_REPLY")
    scanned = {"codepay": SCANNED} if name == "wechat" else {}
    return Outside(
        name=name,
        ways=(
            Way("native", lambda _terms, _serial: _qr_code(name)),
            Way("jsapi", lambda _terms, _serial: _openid(name)),
            *ways,
        ),
        pages=("orders", "refunds"),
        read=read,
        moved=moved,
        acts={
            "pays": ("orders/{}/confirm", {}),
            "refuses": ("orders/{}/refuse", {}),
            "pays late": ("orders/{}/pay-late", {"then": "SUCCESS"}),
        },
        tells=("orders/{}/notify", late_modes),
        faults=dict.fromkeys(
            (*operations, "create", "query", "close", "refund", "query_refund", "deduct"), faults
        ),
        plays={
            "create": (*telling(late_modes), *LATE, *BUYERS),
            "refund": (*telling(modes), *BANKS),
            "deduct": (*telling(modes), *DEDUCTED),
            **scanned,
        },
        forged=SPOILS,
        secrets=(OPENID, "13006109"),
        **more,
    )


def _papay(terms: Terms, serial: int) -> PaymentMethod:
    way = ContractWay(contract_id=contract_of(terms, serial))
    return PaymentMethod(wechat=WechatMethod(papay=way))


def _deduct(terms: Terms, serial: int) -> PaymentMethod:
    way = ContractWay(contract_id=contract_of(terms, serial))
    return PaymentMethod(douyin=DouyinMethod(deduct=way))


WECHAT = _channel(
    "wechat",
    (Way("code", lambda _terms, serial: _barcode(serial)), Way("papay", _papay)),
    ("codepay", "reverse"),
    chosen={"GATEWAY_WECHAT_STORE_ID": "S-1"},
    agree=partial(sign, wechat.ENTRY, wechat_contracts.pre_entrust_request),
)
DOUYIN = _channel(
    "douyin",
    (Way("deduct", _deduct),),
    (),
    agree=partial(sign, douyin.ENTRY, douyin_contracts.pre_entrust_request),
)
