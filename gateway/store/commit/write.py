"""Writing what a batch decided, in one statement, whole or not at all."""

from collections.abc import Collection, Sequence
from itertools import chain

from gateway.domain.change import Change
from gateway.domain.channel import Attempt
from gateway.domain.payment import Payment
from gateway.store.commit import rows
from gateway.store.commit.decide import Decided
from gateway.store.commit.ground import Ground
from gateway.store.pool import Connection
from gateway.store.queries import sql

WRITE_CHANGES = sql("write_changes")
DRAW_BUDGET = sql("draw_budget")


async def write(
    connection: Connection, ground: Ground, decided: Decided, lock_timeout_ms: int
) -> None:
    """Write, waiting so long for a lock.

    Wallets are moved by what was decided, not set to it: somebody else may have moved them too.
    Raises asyncpg.DivisionByZeroError where the ground does not bear any more what was decided.
    """
    arguments = _arguments(ground, decided)
    await connection.execute(WRITE_CHANGES, *arguments, str(lock_timeout_ms))


async def draw_budgets(connection: Connection, decided: Decided) -> None:
    """Take from the platform's locked budgets what a batch advances, or give back."""
    for currency, advanced in decided.advanced.items():
        if advanced:
            status = await connection.execute(DRAW_BUDGET, currency, advanced)
            if status != "UPDATE 1":
                raise AssertionError(f"the budget in {currency} does not cover {advanced}")


def _changed_payments(decided: Decided) -> Collection[Payment]:
    """Give payments that were there before, each as the last change of the batch leaves it."""
    changed = (change.payment for change in decided.changes if change.payment.version > 1)
    return {payment.payment_id: payment for payment in changed}.values()


def _arguments(ground: Ground, decided: Decided) -> list[list[rows.Tuple]]:
    changes = decided.changes
    # Sorted by what may wait for another batch: keys by themselves, new payments by their order.
    claims = sorted(decided.claims, key=lambda claim: (claim.owner_id, claim.idempotency_key))
    opened = [item.payment for item in changes if item.payment.version == 1]
    opened.sort(key=lambda payment: (payment.merchant_id, payment.order_id))
    return [
        [rows.claim(claim) for claim in claims],
        [rows.payment(payment) for payment in opened],
        [rows.payment(payment) for payment in _changed_payments(decided)],
        _operations(changes),
        _attempts(ground, changes),
        [rows.event(change.event) for change in changes],
        [*chain.from_iterable(rows.transfers(e) for change in changes for e in change.entries)],
        [rows.review(case) for change in changes for case in change.reviews],
        [
            rows.wallet(ref, holding, ground.wallets[ref], changes[-1].event.create_time)
            for ref, holding in sorted(decided.wallets.items())
        ],
    ]


def _operations(changes: Sequence[Change]) -> list[rows.Tuple]:
    """Write what ends before what begins: a payment has at most one exclusive operation."""
    last = {item.operation_id: item for change in changes for item in change.operations}
    return [rows.operation(item) for item in sorted(last.values(), key=lambda item: item.running)]


def _attempts(ground: Ground, changes: Sequence[Change]) -> list[rows.Tuple]:
    last = {
        item.attempt_id: rows.attempt(item, _before(ground, item), change.event.create_time)
        for change in changes
        for item in change.attempts
    }
    return list(last.values())


def _before(ground: Ground, attempt: Attempt) -> Attempt | None:
    """Give an attempt as it was read, if it was there."""
    aggregate = ground.aggregates.get((attempt.merchant_id, attempt.payment_id))
    return aggregate.attempts.get(attempt.attempt_id) if aggregate else None
