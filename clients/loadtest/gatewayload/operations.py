"""One call of each kind: the bytes that are sent, and what its answer means for the journal.

A call is made before the moment at which it is meant to start, bytes and all, so that making it
costs no latency; `begin` then says that it is sent. It answers with one outcome per operation: a
batch of a hundred payments is one call and a hundred operations.
"""

import enum
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from gatewayload.deck import Deck
from gatewayload.intervals import FAILED, OK
from gatewayload.journal import Contradiction, Journal
from gatewayload.refusal import Refusal, of_item
from paymentgateway.v1 import payment_pb2, payment_service_pb2, refund_pb2, refund_service_pb2
from paymentgateway.v1.money_pb2 import Money

OPEN: Final = "open"
"""Outcome of an operation that was accepted and has no result yet."""

_ENDED: Final = {
    payment_pb2.PAYMENT_STATE_SUCCEEDED: OK,
    payment_pb2.PAYMENT_STATE_FAILED: FAILED,
    payment_pb2.PAYMENT_STATE_CANCELED: FAILED,
    payment_pb2.PAYMENT_STATE_EXPIRED: FAILED,
}
_REFUND_ENDED: Final = {
    refund_pb2.OPERATION_STATE_SUCCEEDED: OK,
    refund_pb2.OPERATION_STATE_FAILED: FAILED,
}


class Operation(ABC):
    """One call. `method` is its name in the contract, `kind` how it is counted."""

    method: ClassVar[str]
    kind: str
    request: bytes
    payments: int = 0  # new ones

    @abstractmethod
    def begin(self) -> None:
        """Keep in the journal that the call is sent now; called once."""

    @abstractmethod
    def answered(self, answer: Any) -> Sequence[str]:
        """Keep what was answered; give the outcome of each operation."""

    @abstractmethod
    def refused(self, refusal: Refusal) -> Sequence[str]:
        """Keep that there was no answer; give the outcome of each operation."""


class Sending(enum.Enum):
    """What is known of a payment when it is sent."""

    NEW = "new"
    """Sent for the first time, and in the run only once: a refusal says that it does not exist."""

    REPLAY = "replay"
    """Answered before: to execute it again would be to take the money twice."""

    AGAIN = "again"
    """Sent before without an answer: it may exist or not, and only an answer tells."""


@dataclass(frozen=True, slots=True)
class Item:
    """One payment of a call."""

    number: int
    sending: Sending


class Pay(Operation):
    """One payment, new or sent before."""

    method = "Pay"

    def __init__(self, journal: Journal, deck: Deck, item: Item) -> None:
        self._journal, self._item = journal, item
        self.kind = "pay" if item.sending is Sending.NEW else "replay"
        self.payments = int(item.sending is Sending.NEW)
        self.request = deck.request(item.number)

    def begin(self) -> None:
        """Keep that the payment is sent, where it is new."""
        _begin(self._journal, self._item)

    def answered(self, answer: payment_service_pb2.PayResponse) -> Sequence[str]:
        """Keep the payment."""
        return (_paid(self._journal, self._item, answer),)

    def refused(self, refusal: Refusal) -> Sequence[str]:
        """Keep that it was refused, or that nobody knows."""
        return (_unpaid(self._journal, self._item, refusal),)


class BatchPay(Operation):
    """Many payments in one call, new ones and ones that were sent before."""

    method = "BatchPay"
    kind = "batch"

    def __init__(self, journal: Journal, deck: Deck, items: Sequence[Item]) -> None:
        self._journal, self._items = journal, items
        self.payments = sum(item.sending is Sending.NEW for item in items)
        batch = payment_service_pb2.BatchPayRequest()
        for item in items:
            batch.payments.add().MergeFromString(deck.request(item.number))
        self.request = batch.SerializeToString()

    def begin(self) -> None:
        """Keep that the new payments are sent."""
        for item in self._items:
            _begin(self._journal, item)

    def answered(self, answer: payment_service_pb2.BatchPayResponse) -> Sequence[str]:
        """Keep each payment; what has no result stays unknown."""
        outcomes = [
            self._result(item, result)
            for item, result in zip(self._items, answer.results, strict=False)
        ]
        return outcomes + ["NO_RESULT"] * (len(self._items) - len(outcomes))

    def refused(self, refusal: Refusal) -> Sequence[str]:
        """Leave every item unknown: an error of the call says nothing about them."""
        return [refusal.code] * len(self._items)

    def _result(self, item: Item, result: payment_service_pb2.BatchPayResult) -> str:
        if result.WhichOneof("result") == "response":
            return _paid(self._journal, item, result.response)
        return _unpaid(self._journal, item, of_item(result.error))


class Read(Operation):
    """Reads a payment that was answered before, by its id or by its key."""

    method = "GetPayment"
    kind = "read"

    def __init__(self, journal: Journal, deck: Deck, number: int, *, by_key: bool) -> None:
        self._journal, self._number = journal, number
        request = payment_service_pb2.GetPaymentRequest(merchant_id=deck.card(number).merchant_id)
        if by_key:
            request.idempotency_key = deck.key(number)
        else:
            request.payment_id = journal.ids[number]
        self.request = request.SerializeToString()

    def begin(self) -> None:
        """A read leaves no trace."""

    def answered(self, answer: payment_service_pb2.GetPaymentResponse) -> Sequence[str]:
        """Keep what is told now; a payment that can be read is read well, whatever its state."""
        self._journal.tell(self._number, answer.payment)
        return (OK,)

    def refused(self, refusal: Refusal) -> Sequence[str]:
        """Say why nothing could be read."""
        return (refusal.code,)


class Refund(Operation):
    """Gives back the whole amount of a payment that succeeded."""

    method = "Refund"
    kind = "refund"

    def __init__(self, journal: Journal, deck: Deck, number: int, currency: str) -> None:
        self._refunds, self._number = journal.refunds, number
        payment = journal.refunds.payments[number]
        card, key = deck.card(payment), deck.refund_key(number)
        amount = Money(currency_code=currency, minor_units=card.minor_units)
        self.request = refund_service_pb2.RefundRequest(
            merchant_id=card.merchant_id,
            idempotency_key=key,
            payment_id=journal.ids[payment],
            amount=amount,
        ).SerializeToString()

    def begin(self) -> None:
        """Keep that the refund is sent."""
        self._refunds.begin(self._number)

    def answered(self, answer: refund_service_pb2.RefundResponse) -> Sequence[str]:
        """Keep the refund."""
        self._refunds.tell(self._number, answer.refund)
        return (_REFUND_ENDED.get(answer.refund.state, OPEN),)

    def refused(self, refusal: Refusal) -> Sequence[str]:
        """Keep that it was refused, or that nobody knows."""
        if refusal.nothing_kept:
            self._refunds.refuse(self._number)
        return (refusal.code,)


def _begin(journal: Journal, item: Item) -> None:
    if item.sending is Sending.NEW:
        journal.begin(item.number)


def _paid(journal: Journal, item: Item, answer: payment_service_pb2.PayResponse) -> str:
    if item.sending is Sending.REPLAY and not answer.replayed:
        detail = f"a key that was answered before was executed again: {answer.payment.payment_id}"
        journal.contradictions.append(Contradiction(item.number, detail))
    journal.tell(item.number, answer.payment)
    return _ENDED.get(answer.payment.state, OPEN)


def _unpaid(journal: Journal, item: Item, refusal: Refusal) -> str:
    if item.sending is Sending.NEW and refusal.nothing_kept:
        journal.refuse(item.number)
    return refusal.code
