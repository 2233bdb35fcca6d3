"""What was sent and what was told, by the number of the payment in its process.

The oracle needs to know of every payment what the gateway said about it, and at a million payments
an object for each would be most of the generator. So the journal keeps columns: one byte for what
was told, and the id. Everything else about a payment follows from its number (see `deck`).

What is told is a state of the contract, or one of three numbers that no state has. A payment is
UNKNOWN from the moment it is sent until an answer or a definite refusal is told; later answers to
the same key are held against the first.
"""

import random
from dataclasses import dataclass, field
from typing import Final

from paymentgateway.v1 import payment_pb2, refund_pb2

UNKNOWN: Final = 255
"""Sent, and no answer so far that says what became of it."""

NOT_EXECUTED: Final = 254
"""Refused with a reason that means: nothing was kept."""

UNSENT: Final = 253
"""Made, and not sent so far."""

FINAL_STATES: Final = frozenset(
    {
        payment_pb2.PAYMENT_STATE_SUCCEEDED,
        payment_pb2.PAYMENT_STATE_FAILED,
        payment_pb2.PAYMENT_STATE_CANCELED,
        payment_pb2.PAYMENT_STATE_EXPIRED,
    }
)
FINAL_REFUND_STATES: Final = frozenset(
    {refund_pb2.OPERATION_STATE_SUCCEEDED, refund_pb2.OPERATION_STATE_FAILED}
)

_TRIES: Final = 8
"""How many payments are looked at to find one that fits, before a new one is sent instead."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two answers to one key that cannot both be true."""

    number: int
    detail: str


@dataclass(slots=True)
class Refunds:
    """Refunds of one process, by their number: the payment of each, and what was told."""

    payments: list[int] = field(default_factory=list)
    told: bytearray = field(default_factory=bytearray)

    def open(self, payment: int) -> int:
        """Number a new refund of a payment, when it is made."""
        self.payments.append(payment)
        self.told.append(UNSENT)
        return len(self.told) - 1

    def begin(self, number: int) -> None:
        """Keep that a refund is sent now."""
        self.told[number] = UNKNOWN

    def tell(self, number: int, refund: refund_pb2.Refund) -> None:
        """Keep what an answer says about a refund."""
        self.told[number] = int(refund.state)

    def refuse(self, number: int) -> None:
        """Keep that a refund was refused, and nothing of it was kept."""
        self.told[number] = NOT_EXECUTED

    def unsettled(self) -> list[int]:
        """Give the refunds that were sent and have no result so far."""
        settled = FINAL_REFUND_STATES | {NOT_EXECUTED, UNSENT}
        return [number for number, told in enumerate(self.told) if told not in settled]


class Journal:
    """All payments of one process."""

    def __init__(self) -> None:
        self.told = bytearray()
        self.ids: list[str] = []
        self.refunds = Refunds()
        self.contradictions: list[Contradiction] = []
        self._refunded: set[int] = set()

    def __len__(self) -> int:
        """How many payments were made."""
        return len(self.told)

    def open(self) -> int:
        """Number a new payment, when it is made."""
        self.told.append(UNSENT)
        self.ids.append("")
        return len(self.told) - 1

    def begin(self, number: int) -> None:
        """Keep that a payment is sent now."""
        self.told[number] = UNKNOWN

    def tell(self, number: int, payment: payment_pb2.Payment) -> None:
        """Keep what an answer says about a payment."""
        if self.ids[number] not in ("", payment.payment_id):
            detail = f"one key was answered with {self.ids[number]} and with {payment.payment_id}"
            self.contradictions.append(Contradiction(number, detail))
            return
        self.ids[number] = payment.payment_id
        if self.told[number] not in FINAL_STATES:  # a slower answer may be an older one
            self.told[number] = int(payment.state)

    def refuse(self, number: int) -> None:
        """Keep that a payment was refused, and nothing of it was kept."""
        self.told[number] = NOT_EXECUTED

    def unsettled(self) -> list[int]:
        """Give the payments that were sent and have no result so far."""
        settled = FINAL_STATES | {NOT_EXECUTED, UNSENT}
        return [number for number, told in enumerate(self.told) if told not in settled]

    def any_answered(self, draw: random.Random) -> int | None:
        """Draw a payment that was answered, from the whole run; None where none was met."""
        for _ in range(_TRIES if self.told else 0):
            number = draw.randrange(len(self.told))
            if self.ids[number]:
                return number
        return None

    def any_refundable(self, draw: random.Random) -> int | None:
        """Draw a payment that succeeded and has no refund yet, and mark that it has one now."""
        for _ in range(_TRIES if self.told else 0):
            number = draw.randrange(len(self.told))
            succeeded = self.told[number] == payment_pb2.PAYMENT_STATE_SUCCEEDED
            if succeeded and number not in self._refunded:
                self._refunded.add(number)
                return number
        return None
