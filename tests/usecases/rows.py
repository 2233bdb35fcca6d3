"""What a database of the gateway's holds, in memory, with the rules that it keeps by itself.

Nothing here gives way to others, so each method is one commit, whole or not at all.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from uuid import UUID

from gateway.domain.change import Aggregate, Change, Event, Funds, ReviewCase, ReviewKind
from gateway.domain.channel import Attempt, AttemptState
from gateway.domain.errors import GatewayError, Reason, Refused, payment_not_found
from gateway.domain.idempotency import Claim
from gateway.domain.ledger import AccountRef, Entry, customer
from gateway.domain.merchant import Merchant
from gateway.domain.ports import Changed, Decide
from tests.domain.samples import applied, sums


@dataclass
class Rows:
    """Everything that was committed."""

    claims: dict[tuple[str, str], Claim] = field(default_factory=dict)
    aggregates: dict[UUID, Aggregate] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    reviews: dict[UUID, ReviewCase] = field(default_factory=dict)
    merchants: dict[str, Merchant] = field(default_factory=dict)
    budgets: Counter[str] = field(default_factory=Counter)

    def aggregate(self, merchant_id: str, payment_id: UUID) -> Aggregate | None:
        """A payment of this merchant with all that belongs to it."""
        found = self.aggregates.get(payment_id)
        return found if found and found.payment.merchant_id == merchant_id else None

    def owned(self, merchant_id: str) -> list[Aggregate]:
        """All payments of one merchant, oldest first."""
        found = self.aggregates.values()
        return [item for item in found if item.payment.merchant_id == merchant_id]

    def open_attempts(self) -> list[Attempt]:
        """Every attempt whose outcome is not known, oldest first."""
        attempts = (item for one in self.aggregates.values() for item in one.attempts.values())
        return [item for item in attempts if item.state is AttemptState.OPEN]

    def open_payment(self, claim: Claim, change: Change) -> Claim | None:
        """Write a new payment under its key; give the older claim on that key instead."""
        if existing := self.claims.get(_key(claim)):
            return existing
        payment = change.payment
        if payment.holds_order and any(
            rival.payment.holds_order and rival.payment.order_id == payment.order_id
            for rival in self.owned(payment.merchant_id)
        ):
            words = "The order has a payment that is live or successful."
            refusal = Refused(Reason.ORDER_ALREADY_PAID, words, key_bound=True)
            self._keep_refusal(claim, refusal)
            raise refusal
        self.claims[_key(claim)] = claim
        serial = self.merchants[payment.merchant_id].serial
        self._write(Aggregate(payment, {}, {}, serial, Funds()), change)
        return None

    def change_payment(
        self,
        payment: tuple[str, UUID],
        decide: Decide,
        claim: Claim | None,
        *,
        lock_funds: bool,
    ) -> Changed:
        """Decide about a payment and write what was decided, or the refusal if it is bound."""
        aggregate = self.aggregate(*payment)
        if aggregate is None:
            raise payment_not_found()
        if claim and _key(claim) in self.claims:
            return Changed(aggregate, written=False, existing=self.claims[_key(claim)])
        try:
            change = decide(self._with_funds(aggregate) if lock_funds else aggregate)
        except GatewayError as refusal:
            if claim and refusal.key_bound:
                self._keep_refusal(claim, refusal)
            raise
        if change is None:
            return Changed(aggregate, written=False)
        assert change.payment.version == aggregate.payment.version + 1
        if claim:
            self.claims[_key(claim)] = claim
        return Changed(self._write(aggregate, change), written=True)

    def put_attempt(self, attempt: Attempt) -> Attempt:
        """Replace an attempt."""
        aggregate = self.aggregates[attempt.payment_id]
        attempts = {**aggregate.attempts, attempt.attempt_id: attempt}
        self.aggregates[attempt.payment_id] = replace(aggregate, attempts=attempts)
        return attempt

    def open_review(self, case: ReviewCase) -> bool:
        """Keep a review case unless there is one of its kind and subject."""
        subject = (case.owner_id, case.kind, case.subject)
        if any((i.owner_id, i.kind, i.subject) == subject for i in self.reviews.values()):
            return False
        self.reviews[case.case_id] = case
        return True

    def settle_review(self, owner_id: str, kind: ReviewKind, subject: str) -> None:
        """Close the case of what became clear by itself."""
        for case_id, case in self.reviews.items():
            same = (case.owner_id, case.kind, case.subject) == (owner_id, kind, subject)
            if same and not case.resolve_time:
                self.reviews[case_id] = replace(
                    case, resolve_time=case.create_time, resolution="settled by itself"
                )

    def balance(self, account: AccountRef, currency: str = "CNY") -> int:
        """What an account has."""
        found = (item for item in sums(self.entries) if item.account == account)
        return next((item.balance for item in found if item.currency == currency), 0)

    def balances(self) -> dict[str, int]:
        """What each account has, by its code; accounts that are even are left out."""
        return {item.account.code: item.balance for item in sums(self.entries) if item.balance}

    def _write(self, before: Aggregate, change: Change) -> Aggregate:
        after = applied(before, change)
        self.aggregates[change.payment.payment_id] = after
        self.entries += change.entries
        self.events.append(change.event)
        for case in change.reviews:
            self.open_review(case)
        self.budgets[change.payment.currency] -= change.advanced
        return after

    def _keep_refusal(self, claim: Claim, refusal: GatewayError) -> None:
        kept = replace(claim, refusal=refusal.reason, refusal_message=refusal.message)
        self.claims[_key(claim)] = kept

    def _with_funds(self, aggregate: Aggregate) -> Aggregate:
        payment = aggregate.payment
        unsettled = customer("merchant_unsettled", payment.merchant_id)
        balance = self.balance(unsettled, payment.currency)
        return replace(aggregate, funds=Funds(balance, self.budgets[payment.currency]))


def _key(claim: Claim) -> tuple[str, str]:
    return claim.owner_id, claim.idempotency_key
