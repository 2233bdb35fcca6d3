"""UnionPay. Its book lists every transaction: charges, completions, refunds and voids alike."""

from typing import Any

from gateway.emulators.unionpay.play import FAULTS, NOTIFY, SPOILS
from paymentgateway.v1.payment_method_pb2 import AccountTokenWay, InAppWay, UnionpayMethod
from paymentgateway.v1.payment_pb2 import PaymentMethod
from tests.faults.outside.channel import LATE, Book, Outside, Records, Rule, Way, booked, telling
from tests.faults.outside.v3style import moved
from tests.invariants.world import Row

TOKEN = "6235240000020757577"
CHARGES = {"01", "02"}
COMPLETION, REFUND = "03", "04"

EITHER = (False, True)
FAULT_NAMES = tuple(name for name in FAULTS if name != "NONE")
LATER_MODES = tuple(mode for mode in NOTIFY if mode != "BEFORE_REPLY")

BUYERS: tuple[Rule, ...] = (
    {"settle": "00", "settle_delay_ms": 50},
    {"settle": "00", "settle_delay_ms": 800, "notify": "NONE"},
    {"settle": "64", "settle_delay_ms": 100},
)
BANKS: tuple[Rule, ...] = (
    {"answer": "03"},
    {"answer": "05", "settle_delay_ms": 800},
    {"pending": "34", "settle_delay_ms": 800},
    {"settle": "A6", "settle_delay_ms": 100},
    {"settle": "64", "settle_delay_ms": 100, "tell_failure": True},
    {"answer": "51"},
)


def read(records: Records) -> Book:
    """Say what the book holds; what was completed belongs to the charge that was authorised."""
    orders = {order["seq"]: order for order in records["orders"]}
    charges: dict[int, Row] = {}
    book: Book = {"charges": [], "captures": [], "refunds": []}
    for seq, order in orders.items():
        kind, effects = order["txn_type"], order["effects"]
        row = booked(
            order["order_id"],
            order["state"],
            order["amount"],
            charged=effects["charge"],
            refunded=effects["refund"] + effects["return"],
            coming=_comes(order),
        )
        if kind in CHARGES:
            charges[seq] = row
        elif kind == COMPLETION:
            book["captures"].append(row)
            for name, amount in row["effects"].items():
                charges[order["orig_seq"]]["effects"][name] += amount
        elif kind == REFUND:
            book["refunds"].append(row)
    return book | {"charges": [*charges.values()]}


def _comes(order: dict[str, Any]) -> bool:
    late = order["state"] == "EXPIRED" and order["play"]["late"] == "SUCCESS"
    return late and not order["effects"]["charge"]


def _back() -> PaymentMethod:
    return PaymentMethod(unionpay=UnionpayMethod(back=AccountTokenWay(account_token=TOKEN)))


UNIONPAY = Outside(
    name="unionpay",
    ways=(
        Way(
            "app",
            lambda _terms, _serial: PaymentMethod(unionpay=UnionpayMethod(app=InAppWay())),
            modes=EITHER,
        ),
        Way("back", lambda _terms, _serial: _back(), modes=EITHER),
    ),
    pages=("orders",),
    read=read,
    moved=moved,
    acts={
        "pays": ("orders/{}/confirm", {}),
        "refuses": ("orders/{}/refuse", {}),
        "pays late": ("orders/{}/pay-late", {"then": "SUCCESS"}),
    },
    tells=("orders/{}/notify", LATER_MODES),
    faults=dict.fromkeys(
        (
            *("app_consume", "app_authorize", "consume", "authorize", "complete"),
            *("refund", "void_authorization", "query"),
        ),
        FAULT_NAMES,
    ),
    plays={
        "app_consume": (*telling(LATER_MODES), *LATE, *BUYERS),
        "app_authorize": (*telling(LATER_MODES), *BUYERS),
        "consume": (*telling(NOTIFY), *BANKS),
        "authorize": (*telling(NOTIFY), *BANKS),
        "complete": (*telling(NOTIFY), *BANKS),
        "void_authorization": (*telling(NOTIFY), *BANKS),
        "refund": (*telling(NOTIFY), *BANKS),
    },
    forged=SPOILS,
    chosen={"GATEWAY_UNIONPAY_TOKEN_REQUESTER_ID": "99988877766"},
    secrets=(TOKEN,),
)
