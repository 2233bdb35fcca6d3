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
from gateway.domain.ports import Changed, Decide, Opened, Opening
from gateway.domain.wallet import Wallet, WalletMove, WalletRef, payer_of
from tests.domain.samples import START, applied, sums

OWNER_SERIAL_MIN = 1 << 35
"""Serial numbers of wallets' owners begin where those of merchants end."""


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
    owners: list[str] = field(default_factory=list)
    wallets: dict[WalletRef, Wallet] = field(default_factory=dict)

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

    def open_payment(self, opening: Opening) -> Opened:
        """Write a new payment under its key; answer what has the key already instead."""
        claim = opening.claim
        if existing := self.claims.get(_key(claim)):
            return Opened(self.aggregate(claim.owner_id, existing.object_id), existing)
        wallet = self.wallets.get(opening.wallet) if opening.wallet else None
        change = opening.decide(wallet.available if wallet else 0)
        payment = change.payment
        assert opening.exclusive_order == (payment.order_id if payment.one_per_order else "")
        if payment.holds_order and any(
            rival.payment.holds_order and rival.payment.order_id == payment.order_id
            for rival in self.owned(payment.merchant_id)
        ):
            words = "The order has a payment that is live or successful."
            refusal = Refused(Reason.ORDER_ALREADY_PAID, words, key_bound=True)
            self._keep_refusal(claim, refusal)
            raise refusal
        self.claims[_key(claim)] = claim
        serial = self.serial(payment.merchant_id)
        return Opened(self._write(Aggregate(payment, {}, {}, serial, Funds()), change))

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

    def serial(self, owner_id: str) -> int:
        """The number of a merchant, or of an owner of wallets."""
        if owner_id in self.merchants:
            return self.merchants[owner_id].serial
        return OWNER_SERIAL_MIN + self.owners.index(owner_id)

    def owner(self, serial: int) -> str | None:
        """Whose number it is."""
        known = [*self.merchants, *self.owners]
        return next((owner_id for owner_id in known if self.serial(owner_id) == serial), None)

    def open_wallet(self, ref: WalletRef) -> Wallet:
        """Make a wallet unless it is there."""
        payer_id = payer_of(ref.owner_id)
        assert payer_id is not None
        if ref.owner_id not in self.owners:
            self.owners.append(ref.owner_id)
        serial = self.serial(ref.owner_id)
        made = Wallet(payer_id, ref.currency, 0, 0, START, START, serial)
        return self.wallets.setdefault(ref, made)

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
        """What all accounts of a code have, by the code; what is even is left out."""
        found: Counter[str] = Counter()
        for item in sums(self.entries):
            found[item.account.code] += item.balance
        return {code: balance for code, balance in found.items() if balance}

    def _write(self, before: Aggregate, change: Change) -> Aggregate:
        after = applied(before, change)
        self.aggregates[change.payment.payment_id] = after
        self.entries += change.entries
        self.events.append(change.event)
        for case in change.reviews:
            self.open_review(case)
        self.budgets[change.payment.currency] -= change.advanced
        for move in change.wallet_moves:
            self.move(move)
        return after

    def move(self, move: WalletMove) -> None:
        """Change what a wallet has, which must be there and is never below zero."""
        before = self.wallets[move.wallet]
        available, held = before.available + move.available, before.held + move.held
        assert available >= 0, "a wallet below zero"
        assert held >= 0, "a hold below zero"
        self.wallets[move.wallet] = replace(before, available=available, held=held)

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
