"""Deciding a batch, item by item in order of arrival, and nothing written yet.

A decision is pure and sees what the ones before it in the batch left: a key that a twin took, a
payment that two refunds change, a wallet that two payments draw on, a merchant's balance. What it
raises is its own caller's answer; a refusal that is bound to the key is written under it, any other
leaves no trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.domain.change import Aggregate, Change, Funds
from gateway.domain.errors import (
    GatewayError,
    Refused,
    key_mismatch,
    payment_not_found,
)
from gateway.domain.idempotency import Claim
from gateway.domain.ledger import customer
from gateway.domain.payment import FailureReason, Payment
from gateway.domain.ports import Changed, Opened, Opening
from gateway.domain.value import replace
from gateway.domain.wallet import WalletRef
from gateway.store.commit.ground import Ground, Holding, Key, serial_of
from gateway.store.commit.wanted import Altering, Result, Wanted
from gateway.store.errors import order_already_paid


@dataclass(slots=True)
class Decided:
    """What a batch writes, and what each of its callers will be told."""

    results: list[Result | BaseException] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    wallets: dict[WalletRef, Holding] = field(default_factory=dict)
    advanced: dict[str, int] = field(default_factory=dict)
    doubtful: bool = False
    """A payment was refused for want of what others of the batch took: certain under locks only."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self.claims and not self.changes


def decide(batch: Sequence[Wanted], ground: Ground) -> Decided:
    """Decide every item of a batch. The ground is left as it was read."""
    decided = Decided()
    ground = replace(
        ground,
        claims=dict(ground.claims),
        aggregates=dict(ground.aggregates),
        funds=dict(ground.funds),
        wallets=dict(ground.wallets),
        orders=set(ground.orders),
    )
    for item in batch:
        try:
            decided.results.append(_decide_one(item, ground, decided))
        except Exception as error:  # noqa: BLE001 - one caller's fault is not its neighbours'
            decided.results.append(error)
            if item.claim and isinstance(error, GatewayError) and error.key_bound:
                _keep_refusal(item.claim, error, ground, decided)
    return decided


def _decide_one(item: Wanted, ground: Ground, decided: Decided) -> Result:
    existing = ground.claim_before(item.claim)
    if isinstance(item, Opening):
        return _answer_opening(item, existing, ground) if existing else _open(item, ground, decided)
    if existing:
        return _answer_altering(item, existing, ground)
    return _alter(item, ground, decided)


def _open(item: Opening, ground: Ground, decided: Decided) -> Opened:
    if item.exclusive_order and (item.claim.owner_id, item.exclusive_order) in ground.orders:
        raise order_already_paid()
    holding = ground.wallets.get(item.wallet) if item.wallet else None
    change = item.decide(holding.available if holding else 0)
    payment = change.payment
    if item.wallet in decided.wallets and _wants_money(payment):
        decided.doubtful = True
    _keep(item.claim, change, ground, decided)
    attempts = {attempt.attempt_id: attempt for attempt in change.attempts}
    if item.exclusive_order and payment.holds_order:
        ground.orders.add((payment.merchant_id, payment.order_id))
    aggregate = Aggregate(payment, {}, attempts, serial_of(payment), Funds())
    ground.aggregates[payment.merchant_id, payment.payment_id] = aggregate
    return Opened(aggregate)


def _wants_money(payment: Payment) -> bool:
    failure = payment.failure
    return failure is not None and failure.reason is FailureReason.INSUFFICIENT_FUNDS


def _answer_opening(item: Opening, existing: Claim, ground: Ground) -> Opened:
    """Answer with what the key stands for: a twin's, or what an earlier try of this call made."""
    aggregate = ground.aggregates.get((existing.owner_id, existing.object_id))
    if existing.object_id != item.claim.object_id:
        return Opened(aggregate, existing)
    _raise_refusal(existing)
    return Opened(aggregate)


def _alter(item: Altering, ground: Ground, decided: Decided) -> Changed:
    before = ground.aggregates.get(item.payment)
    if before is None:
        raise payment_not_found()
    funds: Key = (before.payment.merchant_id, before.payment.currency)
    if item.lock_funds:
        before = replace(before, funds=ground.funds[funds])
    change = item.decide(before)
    if change is None:
        return Changed(before, written=False)
    if change.payment.version != before.payment.version + 1:
        raise AssertionError("a change must go to the next version of its payment")
    _keep(item.claim, change, ground, decided)
    after = ground.aggregates[item.payment] = _after(before, change)
    return Changed(after, written=True)


def _answer_altering(item: Altering, existing: Claim, ground: Ground) -> Changed:
    """Answer with who has the key, and with the payment as it is now."""
    ours = item.claim is not None and existing.object_id == item.claim.object_id
    if ours:
        _raise_refusal(existing)
    aggregate = ground.aggregates.get(item.payment)
    if aggregate is None:
        # No key was ever kept for a payment that is not there: it stands for something else.
        raise key_mismatch()
    return Changed(aggregate, written=ours, existing=None if ours else existing)


def _keep(claim: Claim | None, change: Change, ground: Ground, decided: Decided) -> None:
    """Put a change among what is written, and let what it moves be seen by the next."""
    for move in change.wallet_moves:
        available, held = ground.wallets[move.wallet]
        moved = Holding(available + move.available, held + move.held)
        ground.wallets[move.wallet] = decided.wallets[move.wallet] = moved
    if claim is not None:
        _claim(claim, ground, decided)
    decided.changes.append(change)
    if change.advanced:
        currency = change.payment.currency
        decided.advanced[currency] = decided.advanced.get(currency, 0) + change.advanced
    if ground.funds and change.entries:
        _move_funds(change, ground)


def _move_funds(change: Change, ground: Ground) -> None:
    """Let the next decision of the batch see what this one leaves of a balance and a budget."""
    payment = change.payment
    key: Key = (payment.merchant_id, payment.currency)
    unsettled = customer("merchant_unsettled", payment.merchant_id)
    moved = 0
    for entry in change.entries:
        for item in entry.transfers:
            moved += item.amount * ((item.credit == unsettled) - (item.debit == unsettled))
    if key in ground.funds:
        funds = ground.funds[key]
        ground.funds[key] = replace(funds, merchant_balance=funds.merchant_balance + moved)
    if change.advanced:
        for other, funds in ground.funds.items():
            if other[1] == payment.currency:
                left = funds.platform_budget - change.advanced
                ground.funds[other] = replace(funds, platform_budget=left)


def _keep_refusal(claim: Claim, error: GatewayError, ground: Ground, decided: Decided) -> None:
    """Write that a key stands for a refusal; one that was answered from its key stands already."""
    if ground.claim_before(claim) is None:
        refused = replace(claim, refusal=error.reason, refusal_message=error.message)
        _claim(refused, ground, decided)


def _claim(claim: Claim, ground: Ground, decided: Decided) -> None:
    """Take a key, so that a twin in the same batch finds it taken."""
    ground.claims[claim.owner_id, claim.idempotency_key] = claim
    decided.claims.append(claim)


def _raise_refusal(claim: Claim) -> None:
    if claim.refusal:
        raise Refused(claim.refusal, claim.refusal_message, key_bound=True)


def _after(aggregate: Aggregate, change: Change) -> Aggregate:
    """Give the aggregate as a change leaves it."""
    operations = {item.operation_id: item for item in change.operations}
    attempts = {item.attempt_id: item for item in change.attempts}
    return replace(
        aggregate,
        payment=change.payment,
        operations={**aggregate.operations, **operations},
        attempts={**aggregate.attempts, **attempts},
    )
