"""Payments to send, encoded before they are needed.

A message of protobuf is the concatenation of its fields, so a payment is put together from pieces
that were encoded once, around a fresh key and a fresh order number. That costs about a microsecond,
and so tens of thousands of messages, each as different as real ones, are ready before a run.
"""

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from paymentgateway.v1 import payment_pb2, payment_service_pb2
from paymentgateway.v1.money_pb2 import Money
from paymentgateway.v1.payment_method_pb2 import BarcodeWay, WechatMethod
from paymentgateway.v1.payment_pb2 import PaymentMethod, WalletMethod
from paymentgateway.v1.payment_service_pb2 import PayRequest
from tests.bench import frames
from tests.bench.plan import AMOUNT_MINOR_UNITS, CURRENCY, Kind, Mix, Plan

SERVICE = "/paymentgateway.v1.PaymentService/"
PATHS = {
    Kind.PAY: SERVICE + "Pay",
    Kind.BATCH_PAY: SERVICE + "BatchPay",
    Kind.REPLAY: SERVICE + "Pay",
    Kind.GET_PAYMENT: SERVICE + "GetPayment",
}
BARCODE = "130061098828009406"
METHODS = {
    "wallet": PaymentMethod(wallet=WalletMethod()),
    "wechat": PaymentMethod(wechat=WechatMethod(code=BarcodeWay(auth_code=BARCODE))),
}
KEY_BYTES = 16
REPLAY_DISTANCE = 4
"""A replay comes that many times the calls under way after its original, which so is answered."""


@dataclass
class Memory:
    """What earlier runs left to be sent again, or to be read: whole gRPC messages."""

    requests: list[bytes] = field(default_factory=list)
    reads: list[bytes] = field(default_factory=list)


@dataclass(frozen=True)
class Messages:
    """Encoded messages, and which of them carry keys that were never sent before."""

    bodies: Sequence[bytes]
    fresh: Sequence[bool]


def encode(plan: Plan, memory: Memory) -> Messages:
    """Make the messages of a run. Raises ValueError where nothing is remembered."""
    random = Random(plan.seed)
    mix = plan.mix
    if mix.kind in {Kind.REPLAY, Kind.GET_PAYMENT}:
        known = memory.requests if mix.kind is Kind.REPLAY else memory.reads
        if not known:
            raise ValueError(f"nothing is remembered under {mix.memory!r}")
        return Messages(random.choices(known, k=plan.messages), [False] * plan.messages)
    if mix.kind is Kind.BATCH_PAY:
        batches = _batches(payments(mix, random), mix.batch_size)
        bodies = list(itertools.islice(batches, plan.messages))
        return Messages(bodies, [True] * len(bodies))
    return _with_replays(plan, random, memory.requests)


def payments(mix: Mix, random: Random) -> Iterator[bytes]:
    """Make payments without end, each with a key and an order number of its own."""
    merchants = [PayRequest(merchant_id=name).SerializeToString() for name in mix.merchants]
    payers = [_payer(name) for name in mix.payers]
    asked = PayRequest(
        amount=Money(currency_code=CURRENCY, minor_units=AMOUNT_MINOR_UNITS),
        payment_method=METHODS[mix.channel],
        capture_mode=payment_pb2.CAPTURE_MODE_AUTOMATIC,
        scene=payment_pb2.SCENE_APP,
        description="One song",
    ).SerializeToString()
    key_head = _head("idempotency_key", 2 * KEY_BYTES)
    order_head = _head("order_id", len("o-") + 2 * KEY_BYTES)
    pick: Callable[[list[bytes]], bytes] = random.choice
    while True:
        key, order = os.urandom(KEY_BYTES).hex(), os.urandom(KEY_BYTES).hex()
        ids = f"{key_head}{key}{order_head}o-{order}".encode()
        yield b"".join((pick(merchants), ids, asked, pick(payers)))


def _with_replays(plan: Plan, random: Random, earlier: list[bytes]) -> Messages:
    """Mix replays in: of what was remembered, until there is enough of the run itself."""
    distance = REPLAY_DISTANCE * plan.concurrency
    bodies: list[bytes] = []
    fresh: list[bool] = []
    made = payments(plan.mix, random)
    for number in range(plan.messages):
        is_replay = random.random() < plan.mix.replays and bool(earlier or number > distance)
        if not is_replay:
            bodies.append(frames.message(next(made)))
        elif number > distance:
            bodies.append(bodies[random.randrange(number - distance)])
        else:
            bodies.append(random.choice(earlier))
        fresh.append(not is_replay)
    return Messages(bodies, fresh)


def _batches(made: Iterator[bytes], size: int) -> Iterator[bytes]:
    request = payment_service_pb2.BatchPayRequest
    tag = bytes([request.DESCRIPTOR.fields_by_name["payments"].number << 3 | 2])
    while True:
        items = itertools.islice(made, size)
        yield frames.message(b"".join(tag + _varint(len(item)) + item for item in items))


def _payer(name: str) -> bytes:
    return PayRequest(payer=payment_pb2.Payer(payer_id=name)).SerializeToString()


def _head(name: str, length: int) -> str:
    """Write what stands before a short text field."""
    return chr(PayRequest.DESCRIPTOR.fields_by_name[name].number << 3 | 2) + chr(length)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)
