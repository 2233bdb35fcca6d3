"""Carrier billing. A payment is known there by our correlator; amounts are thousandths."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, get_args

from gateway.emulators.carrier.play import SPOILS, FaultName, Notify
from paymentgateway.v1.payment_method_pb2 import CarrierMethod
from paymentgateway.v1.payment_pb2 import PaymentMethod
from tests.faults.outside.channel import Book, Outside, Records, Rule, Way, booked, telling

PHONES = "+86138001"
PER_FEN = 10
"""Thousandths of a yuan in a fen."""

EITHER = (False, True)
FAULTS = tuple(name for name in get_args(FaultName) if name != "NONE")
MAKING = ("create", "prepare", "refund")
ASKING = ("token", "confirm", "cancel", "query", "list", "query_refund", "list_refunds")
HONEST = tuple(name for name in FAULTS if name != "NOT_FOUND")
"""What may go wrong where something is made: there, a 404 is documented to be a refusal for good,
so an operator who says it and takes the money breaks its word, which no rule can mend."""

MODES: tuple[str, ...] = get_args(Notify)

ONE_STEP: tuple[Rule, ...] = (
    {"answer": "PROCESSING", "settle": "SUCCEEDED", "settle_delay_ms": 500},
    {"answer": "PROCESSING", "settle": "DENIED", "settle_delay_ms": 100},
    {"answer": "DENIED"},
)
PREPARED: tuple[Rule, ...] = (
    {"answer": "PENDING_VALIDATION"},
    {"answer": "PENDING_VALIDATION", "validation": "OPEN"},
    {"answer": "PROCESSING", "settle": "RESERVED", "settle_delay_ms": 300},
    {"answer": "PROCESSING", "settle": "DENIED", "settle_delay_ms": 100},
    {"answer": "DENIED"},
)
DECIDED: tuple[Rule, ...] = (
    {"answer": "SUCCEEDED"},
    {"settle": "SUCCEEDED", "settle_delay_ms": 800},
    {"settle": "DENIED", "settle_delay_ms": 100},
)


def read(records: Records) -> Book:
    """Say what the book holds; a confirmation has no number of its own."""
    charges = [
        booked(
            one["correlator"],
            "SUCCEEDED" if one["state"] == "succeeded" else one["state"],
            _fen(one["amount"]),
            charged=_cents(one["effects"]["charge"]),
            refunded=_cents(one["effects"]["refund"]),
        )
        for one in records["payments"]
    ]
    refunds = [
        booked(
            one["correlator"],
            "SUCCEEDED" if one["state"] == "succeeded" else one["state"],
            _fen(one["amount"]),
        )
        for one in records["refunds"]
    ]
    return {"charges": charges, "captures": [], "refunds": refunds}


def moved(sums: Mapping[str, Any]) -> int:
    """Add up what moved to us and back, in fen."""
    return sum(
        sign * _cents(total["amount"])
        for client in sums.values()
        for kind, sign in (("charge", 1), ("refund", -1))
        for total in client[kind].values()
    )


def _fen(thousandths: int) -> int:
    assert thousandths % PER_FEN == 0, f"{thousandths} thousandths are no fen"
    return thousandths // PER_FEN


def _cents(text: str) -> int:
    return _fen(int(Decimal(text).scaleb(3)))


CARRIER = Outside(
    name="carrier",
    ways=(
        Way(
            "phone",
            lambda _terms, serial: PaymentMethod(
                carrier=CarrierMethod(phone_number=f"{PHONES}{serial % 100_000:05d}")
            ),
            modes=EITHER,
        ),
    ),
    pages=("payments", "refunds"),
    read=read,
    moved=moved,
    acts={
        "pays": ("payments/{}/validate", {"agrees": True}),
        "refuses": ("payments/{}/validate", {"agrees": False}),
    },
    tells=("payments/{}/notify", tuple(mode for mode in MODES if mode != "BEFORE_REPLY")),
    faults=dict.fromkeys(MAKING, HONEST) | dict.fromkeys(ASKING, FAULTS),
    plays={
        "create": (*telling(MODES), *ONE_STEP),
        "prepare": (*telling(MODES), *PREPARED),
        "confirm": DECIDED,
        "refund": (*telling(MODES), *DECIDED),
    },
    forged=SPOILS,
    leaps=False,
    secrets=(PHONES,),
)
