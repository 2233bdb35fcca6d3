"""Alipay. At the channel a code is no trade before its scan, and a capture is a trade of a hold."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, get_args

from gateway.emulators.alipay.play import SPOILS, FaultName, Notify
from paymentgateway.v1.payment_method_pb2 import (
    AgreementWay,
    AlipayMethod,
    BarcodeWay,
    QrCodeWay,
)
from paymentgateway.v1.payment_pb2 import PaymentMethod
from tests.e2e.channels.emulator import Emulator
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
from tests.faults.outside.v3style import moved
from tests.invariants.world import Row

FAULTS = tuple(name for name in get_args(FaultName) if name != "NONE")
MODES: tuple[str, ...] = get_args(Notify)
LATER_MODES = tuple(mode for mode in MODES if mode != "BEFORE_REPLY")
KEPT = {"TRADE_SUCCESS", "TRADE_FINISHED"}
CODES = "28765432"

BUYERS: tuple[Rule, ...] = (
    {"settle": "SCAN", "settle_delay_ms": 50},
    {"settle": "SUCCESS", "settle_delay_ms": 50},
    {"settle": "SUCCESS", "settle_delay_ms": 800, "notify": "NONE"},
    {"settle": "FAIL", "settle_delay_ms": 100},
)
SCANNED: tuple[Rule, ...] = (
    {"answer": "WAITING", "settle": "SUCCESS", "settle_delay_ms": 300},
    {"answer": "WAITING", "settle": "FAIL", "settle_delay_ms": 300},
    {"answer": "WAITING"},
    {"answer": "REFUSED"},
)
BANKS: tuple[Rule, ...] = (
    {"answer": "WAITING", "settle": "SUCCESS", "settle_delay_ms": 500},
    {"answer": "WAITING", "settle": "FAIL", "settle_delay_ms": 100},
)


def read(records: Records) -> Book:
    """Say what the book holds: what was frozen is a charge, and its trades are its captures."""
    held = {one["auth_no"]: one["number"] for one in records["authorizations"]}
    charges: dict[str, Row] = {
        one["number"]: booked(one["number"], one["state"], one["total"]) for one in records["codes"]
    }
    taken, captures = Counter[str](), []
    back = Counter[str]()
    for trade in records["trades"]:
        effects, number = trade["effects"], trade["number"]
        state = "SUCCEEDED" if trade["state"] in KEPT else trade["state"]
        charged, refunded = effects["charge"], effects["refund"] + effects["return"]
        if trade["auth_no"]:
            state = "SUCCEEDED" if charged else state
            captures.append(booked(number, state, trade["total"], charged=charged))
            taken[held[trade["auth_no"]]] += charged
            back[held[trade["auth_no"]]] += refunded
            continue
        comes = trade["state"] == "TRADE_CLOSED" and trade["play"]["late"] == "SUCCESS"
        charges[number] = booked(
            number,
            state,
            trade["total"],
            charged=charged,
            refunded=refunded,
            coming=comes and not charged,
        )
    for one in records["authorizations"]:
        number = one["number"]
        charges[number] = booked(
            number, one["state"], one["amount"], charged=taken[number], refunded=back[number]
        )
    refunds = [
        booked(
            refund["number"],
            "SUCCEEDED" if refund["state"] == "SUCCESS" else refund["state"],
            refund["amount"],
        )
        for refund in records["refunds"]
    ]
    return {"charges": [*charges.values()], "captures": captures, "refunds": refunds}


async def agree(emulator: Emulator, _settings: Mapping[str, str]) -> Terms:
    """Let a buyer sign that money may be taken."""
    signed: dict[str, Any] = await emulator.control("agreements", {})
    return {"agreement_no": signed["agreement_no"]}


def _barcode(serial: int) -> BarcodeWay:
    return BarcodeWay(auth_code=f"{CODES}{serial:010d}")


def _agreed(terms: Terms) -> PaymentMethod:
    way = AgreementWay(agreement_no=terms["agreement_no"])
    return PaymentMethod(alipay=AlipayMethod(agreement=way))


ALIPAY = Outside(
    name="alipay",
    ways=(
        Way(
            "precreate",
            lambda _terms, _serial: PaymentMethod(alipay=AlipayMethod(precreate=QrCodeWay())),
        ),
        Way(
            "code",
            lambda _terms, serial: PaymentMethod(alipay=AlipayMethod(code=_barcode(serial))),
        ),
        Way("agreement", lambda terms, _serial: _agreed(terms)),
        Way(
            "auth_code_freeze",
            lambda _terms, serial: PaymentMethod(
                alipay=AlipayMethod(auth_code_freeze=_barcode(serial))
            ),
            modes=(True,),
        ),
    ),
    pages=("codes", "trades", "refunds", "authorizations"),
    read=read,
    moved=moved,
    acts={
        "pays": ("trades/{}/confirm", {}),
        "refuses": ("trades/{}/refuse", {}),
        "pays late": ("trades/{}/pay-late", {"then": "SUCCESS"}),
    },
    tells=("trades/{}/notify", LATER_MODES),
    faults=dict.fromkeys(
        (
            *("precreate", "pay", "query", "close", "cancel", "refund", "query_refund"),
            *("freeze", "unfreeze", "query_authorization", "cancel_authorization"),
        ),
        FAULTS,
    ),
    plays={
        "precreate": (*telling(LATER_MODES), *LATE, *BUYERS),
        "pay": (*telling(MODES), *SCANNED),
        "freeze": (*telling(MODES), *SCANNED),
        "unfreeze": telling(LATER_MODES),
        "refund": (*telling(MODES), *BANKS),
    },
    forged=SPOILS,
    agree=agree,
    secrets=(CODES,),
)
