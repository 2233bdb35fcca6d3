"""The oracle of one process: asks the gateway for every payment and refund that it sent.

Refunds are asked first, because what a payment should have brought its merchant depends on them.
A million payments take longer to ask for one by one than they took to make, so they can be read
from lists too; what is in no list is then asked for by its key.
Beside the faults it gives the sums that the payments found make, by merchant and by payer; the
command holds those of all processes against the ledger (see `books`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gatewayload.connection import Questions
from gatewayload.crowd import each
from gatewayload.deck import Deck
from gatewayload.journal import UNSENT, Journal
from gatewayload.judge import (
    Fault,
    Finding,
    Findings,
    Sent,
    booking_faults,
    net,
    payment_faults,
    refund_faults,
)
from gatewayload.lists import each_listed
from gatewayload.settings import Depth, Settings
from paymentgateway.errors import NotFound
from paymentgateway.v1 import (
    ledger_service_pb2,
    payment_pb2,
    payment_service_pb2,
    refund_pb2,
    refund_service_pb2,
)
from paymentgateway.v1.ledger_pb2 import Entry


@dataclass(slots=True)
class Audit:
    """What asking for everything has shown.

    Attributes:
        asked: payments asked for.
        found: payments that are there, by the name of their state.
        refunds: refunds asked for.
        merchants: what the payments brought each merchant, refunds taken off, in minor units.
        payers: what they took from each payer, in minor units.
        findings: what is wrong.
    """

    asked: int = 0
    refunds: int = 0
    found: Counter[str] = field(default_factory=Counter)
    merchants: Counter[str] = field(default_factory=Counter)
    payers: Counter[str] = field(default_factory=Counter)
    findings: Findings = field(default_factory=Findings)

    def merge(self, other: "Audit") -> None:
        """Add what another process has found."""
        self.asked += other.asked
        self.refunds += other.refunds
        self.found.update(other.found)
        self.merchants.update(other.merchants)
        self.payers.update(other.payers)
        self.findings.merge(other.findings)


class Auditor:
    """Asks for all payments of one journal."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        deck: Deck,
        questions: Questions,
        since: datetime,
    ) -> None:
        """Judge what a journal holds; lists begin at `since`, by our clock."""
        self._oracle, self._journal = settings.oracle, journal
        self._deck, self._questions = deck, questions
        self._settings, self._since = settings, since
        self._refunded: Counter[int] = Counter()
        self._judged = bytearray(len(journal))
        self._audit = Audit()

    @property
    def asked(self) -> int:
        """How many payments were asked for so far."""
        return self._audit.asked

    async def run(self) -> Audit:
        """Ask for everything. Raises GatewayError where the gateway no longer answers."""
        bound = self._oracle.questions_max
        refunds = range(len(self._journal.refunds.told))
        await each(refunds, self._refund, bound)
        if self._oracle.depth is Depth.LISTS:
            await each_listed(self._settings, self._questions, self._since, self._listed)
        await each(range(len(self._journal)), self._payment, bound)
        self._audit.findings.add(
            Finding(Fault.DOUBLED, self._deck.key(found.number), found.detail)
            for found in self._journal.contradictions
        )
        return self._audit

    async def _payment(self, number: int) -> None:
        if self._judged[number] or self._journal.told[number] == UNSENT:
            return
        sent = self._sent(number)
        found = await self._found(sent)
        self._judge(number, sent, found)
        if found is not None and self._oracle.depth is Depth.FULL:
            entries = await self._entries(found)
            self._audit.findings.add(booking_faults(sent, found, entries))

    def _listed(self, found: payment_pb2.Payment) -> None:
        number = self._deck.number(found.idempotency_key)
        if number is not None and number < len(self._judged) and not self._judged[number]:
            self._judge(number, self._sent(number), found)

    def _judge(self, number: int, sent: Sent, found: payment_pb2.Payment | None) -> None:
        self._judged[number] = True
        self._audit.asked += 1
        self._audit.findings.add(payment_faults(sent, found))
        if found is not None:
            self._audit.found[payment_pb2.PaymentState.Name(found.state)] += 1
            self._audit.merchants[sent.merchant_id] += net(found)
            self._audit.payers[sent.payer_id] += net(found)

    async def _refund(self, number: int) -> None:
        told = self._journal.refunds.told[number]
        if told == UNSENT:
            return
        payment = self._journal.refunds.payments[number]
        card = self._deck.card(payment)
        found = await self._found_refund(card.merchant_id, self._deck.refund_key(number))
        self._audit.refunds += 1
        self._audit.findings.add(refund_faults(self._deck.refund_key(number), told, found))
        if found is not None and found.state != refund_pb2.OPERATION_STATE_FAILED:
            self._refunded[payment] += found.amount.minor_units

    def _sent(self, number: int) -> Sent:
        card = self._deck.card(number)
        return Sent(
            key=self._deck.key(number),
            merchant_id=card.merchant_id,
            payer_id=card.payer_id,
            minor_units=card.minor_units,
            told=self._journal.told[number],
            payment_id=self._journal.ids[number],
            refunded=self._refunded[number],
        )

    async def _found(self, sent: Sent) -> payment_pb2.Payment | None:
        request = payment_service_pb2.GetPaymentRequest(
            merchant_id=sent.merchant_id, idempotency_key=sent.key
        )
        try:
            return (await self._questions.ask(self._questions.payments.GetPayment, request)).payment
        except NotFound:
            return None

    async def _found_refund(self, merchant_id: str, key: str) -> refund_pb2.Refund | None:
        request = refund_service_pb2.GetRefundRequest(merchant_id=merchant_id, idempotency_key=key)
        try:
            return (await self._questions.ask(self._questions.refunds.GetRefund, request)).refund
        except NotFound:
            return None

    async def _entries(self, found: payment_pb2.Payment) -> Sequence[Entry]:
        request = ledger_service_pb2.ListEntriesRequest(
            merchant_id=found.merchant_id, payment_id=found.payment_id
        )
        return (await self._questions.ask(self._questions.ledger.ListEntries, request)).entries
