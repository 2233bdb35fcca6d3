"""Writing what a batch decided, in one statement, whole or not at all."""

from itertools import chain
from typing import Any

from gateway.store.commit import rows
from gateway.store.commit.decide import Decided
from gateway.store.pool import Connection
from gateway.store.queries import sql

WRITE_CHANGES = sql("write_changes")
DRAW_BUDGET = sql("draw_budget")


async def write(connection: Connection, decided: Decided) -> bool:
    """Write. False where somebody else was first with a key: then all of it has to be undone."""
    record = await connection.fetchrow(WRITE_CHANGES, *_arguments(decided))
    if record["claimed"] != len(decided.claims):
        return False
    _check_whole(decided, record)
    for currency, advanced in decided.advanced.items():
        if advanced:
            status = await connection.execute(DRAW_BUDGET, currency, advanced)
            if status != "UPDATE 1":
                raise AssertionError(f"the budget in {currency} does not cover {advanced}")
    return True


def _check_whole(decided: Decided, record: Any) -> None:
    """Raise AssertionError where a decision was wrong about what it changes: a bug of ours."""
    older = sum(1 for change in decided.changes if change.payment.version > 1)
    if record["changed"] != older:
        raise AssertionError("a change must go to the next version of its payment")
    wallets = {move.wallet for change in decided.changes for move in change.wallet_moves}
    if record["moved"] != len(wallets):
        raise AssertionError("a change moves a wallet that there is not")


def _arguments(decided: Decided) -> list[list[rows.Tuple]]:
    changes = decided.changes
    # Sorted by what may wait for another batch: keys by themselves, new payments by their order.
    claims = sorted(decided.claims, key=lambda claim: (claim.owner_id, claim.idempotency_key))
    opened = [item.payment for item in changes if item.payment.version == 1]
    opened.sort(key=lambda payment: (payment.merchant_id, payment.order_id))
    return [
        [rows.claim(claim) for claim in claims],
        [rows.payment(payment) for payment in opened],
        [rows.changed_payment(item.payment) for item in changes if item.payment.version > 1],
        _operations(decided),
        [
            rows.attempt(attempt, decided.known.get(attempt.attempt_id), change.event.create_time)
            for change in changes
            for attempt in change.attempts
        ],
        [rows.event(change.event) for change in changes],
        [*chain.from_iterable(rows.transfers(e) for change in changes for e in change.entries)],
        [rows.review(case) for change in changes for case in change.reviews],
        [
            rows.wallet_move(move, change.event.create_time)
            for change in changes
            for move in change.wallet_moves
        ],
    ]


def _operations(decided: Decided) -> list[rows.Tuple]:
    """Write what ends before what begins: a payment has at most one exclusive operation."""
    operations = [item for change in decided.changes for item in change.operations]
    operations.sort(key=lambda item: item.running)
    return [rows.operation(item) for item in operations]
