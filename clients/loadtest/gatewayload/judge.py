"""The oracle's verdict on one payment: what was sent and told, against what the gateway has now.

    LOST         acknowledged, and not to be found under its key
    CHANGED      told a final result, and has another one now
    DOUBLED      one key or order with two payments, or one payment booked twice
    ALTERED      another merchant, payer, amount or order than was sent
    PHANTOM      refused as not executed, and yet there
    OPEN         no result within the time that was given
    UNBALANCED   the ledger holds another sum than the payments do
    STRANGER     a payment of one of this run's merchants that this run did not send

Everything here is pure: it is asked elsewhere, and judged here.
"""

import enum
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from gatewayload.journal import FINAL_REFUND_STATES, FINAL_STATES, NOT_EXECUTED
from paymentgateway.v1 import payment_pb2, refund_pb2
from paymentgateway.v1.ledger_pb2 import Entry

EXAMPLES_MAX: Final = 10
"""Faults of one kind that are shown one by one; all are counted."""

UNSETTLED_CODE: Final = "merchant_unsettled"
"""Account on which a merchant's money stands between payment and settlement."""


class Fault(enum.StrEnum):
    """What can be wrong."""

    LOST = "lost"
    CHANGED = "changed"
    DOUBLED = "doubled"
    ALTERED = "altered"
    PHANTOM = "phantom"
    OPEN = "open"
    UNBALANCED = "unbalanced"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: `about` names the key, merchant or payer."""

    fault: Fault
    about: str
    detail: str


@dataclass(slots=True)
class Findings:
    """All faults, counted, with the first examples of each kind."""

    counts: Counter[Fault] = field(default_factory=Counter)
    examples: list[Finding] = field(default_factory=list)

    def add(self, findings: Iterable[Finding]) -> None:
        """Count faults, and keep the first of each kind."""
        for finding in findings:
            if self.counts[finding.fault] < EXAMPLES_MAX:
                self.examples.append(finding)
            self.counts[finding.fault] += 1

    def merge(self, other: "Findings") -> None:
        """Add the faults of another process."""
        shown = Counter(finding.fault for finding in self.examples)
        self.counts.update(other.counts)
        for finding in other.examples:
            if shown[finding.fault] < EXAMPLES_MAX:
                shown[finding.fault] += 1
                self.examples.append(finding)


@dataclass(frozen=True, slots=True)
class Sent:
    """What the generator knows of a payment: what it sent, and what it was told.

    `refunded` is the sum of its refunds that have not failed, in minor units.
    """

    key: str
    merchant_id: str
    payer_id: str
    minor_units: int
    told: int
    payment_id: str
    refunded: int = 0


def payment_faults(sent: Sent, found: payment_pb2.Payment | None) -> Iterator[Finding]:
    """Judge one payment that was sent by what its key finds now; None means NOT_FOUND."""
    if sent.told == NOT_EXECUTED:
        if found is not None:
            yield Finding(Fault.PHANTOM, sent.key, "refused as not executed, and yet there")
    elif found is None:
        yield _missing(sent)
    else:
        yield from _differences(sent, found)


def booking_faults(
    sent: Sent, found: payment_pb2.Payment, entries: Sequence[Entry]
) -> Iterator[Finding]:
    """Judge what was booked for a payment: as much for the merchant as it says, and once."""
    expected = net(found)
    booked = sum(_for_merchant(entry, sent.merchant_id) for entry in entries)
    if booked == expected:
        return
    twice = expected > 0 and booked >= 2 * expected
    fault = Fault.DOUBLED if twice else Fault.UNBALANCED
    detail = f"the entries give the merchant {booked}, the payment says {expected}"
    yield Finding(fault, sent.key, detail)


def refund_faults(key: str, told: int, found: refund_pb2.Refund | None) -> Iterator[Finding]:
    """Judge one refund that was sent by what its key finds now; None means NOT_FOUND."""
    if told == NOT_EXECUTED:
        if found is not None:
            yield Finding(Fault.PHANTOM, key, "refund refused as not executed, and yet there")
    elif told not in FINAL_REFUND_STATES:
        yield Finding(Fault.OPEN, key, "refund without a result in the time given")
    elif found is None:
        yield Finding(Fault.LOST, key, "refund acknowledged, and not found by its key")
    elif found.state != told:
        yield Finding(Fault.CHANGED, key, f"refund told {told}, now {found.state}")


def net(payment: payment_pb2.Payment) -> int:
    """What a payment has brought its merchant, refunds taken off, in minor units."""
    return payment.captured.minor_units - payment.refunded.minor_units


def _missing(sent: Sent) -> Finding:
    if sent.payment_id:
        return Finding(Fault.LOST, sent.key, f"acknowledged as {sent.payment_id}, and not found")
    return Finding(Fault.OPEN, sent.key, "no answer to its key in the time given")


def _differences(sent: Sent, found: payment_pb2.Payment) -> Iterator[Finding]:
    if sent.payment_id not in ("", found.payment_id):
        detail = f"its key was answered with {sent.payment_id}, and finds {found.payment_id}"
        yield Finding(Fault.DOUBLED, sent.key, detail)
    yield from _altered(sent, found)
    if sent.told not in FINAL_STATES:
        yield Finding(Fault.OPEN, sent.key, f"still {_state(found.state)} in the time given")
    elif found.state != sent.told:
        detail = f"told {_state(sent.told)}, now {_state(found.state)}"
        yield Finding(Fault.CHANGED, sent.key, detail)
    elif net(found) != _net_expected(sent):
        detail = f"captured less refunded is {net(found)}, and should be {_net_expected(sent)}"
        yield Finding(Fault.UNBALANCED, sent.key, detail)


def _altered(sent: Sent, found: payment_pb2.Payment) -> Iterator[Finding]:
    pairs = (
        ("merchant", sent.merchant_id, found.merchant_id),
        ("key", sent.key, found.idempotency_key),
        ("order", sent.key, found.order_id),
        ("payer", sent.payer_id, found.payer.payer_id),
        ("amount", sent.minor_units, found.amount.minor_units),
    )
    for name, ours, theirs in pairs:
        if ours != theirs:
            yield Finding(Fault.ALTERED, sent.key, f"{name} {ours} was sent, {theirs} is there")


def _net_expected(sent: Sent) -> int:
    taken = sent.told == payment_pb2.PAYMENT_STATE_SUCCEEDED
    return sent.minor_units - sent.refunded if taken else 0


def _for_merchant(entry: Entry, merchant_id: str) -> int:
    """What an entry gives to a merchant's money that waits for settlement, in minor units."""
    total = 0
    for transfer in entry.transfers:
        for name, sign in ((transfer.credit, 1), (transfer.debit, -1)):
            if name.code == UNSETTLED_CODE and name.key == merchant_id:
                total += sign * transfer.minor_units
    return total


def _state(state: int) -> str:
    known = payment_pb2.PaymentState.DESCRIPTOR.values_by_number.get(state)
    return known.name.removeprefix("PAYMENT_STATE_") if known else "without an answer"
