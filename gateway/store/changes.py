"""Writing changes: the pieces of which every commit about a payment is made.

Everything here works on a connection that it is handed and keeps nothing of its own, and what is
written goes as arrays, so that one transaction can carry the changes of many callers.

Locks are taken in one order: the key, the payment, the guard of the merchant's balance, the
platform's budget. The budget is one row per currency, so it is locked only by a decision that draws
on it; where it changed since it was read, the decision is made again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from gateway.domain.change import Aggregate, Change, Funds
from gateway.domain.channel import Attempt
from gateway.domain.errors import GatewayError
from gateway.domain.idempotency import Claim
from gateway.domain.ports import Decide
from gateway.store import journal_rows, rows
from gateway.store.pool import Connection
from gateway.store.queries import sql
from gateway.store.rows import Row, dump, load

WRITE_CHANGES = sql("write_changes")
INSERT_CLAIM = sql("insert_claim")
REFUSE_CLAIM = sql("refuse_claim")
FIND_CLAIM = sql("find_claim")
LOCK_PAYMENT = sql("lock_payment")
LOAD_AGGREGATE = sql("load_aggregate")
LOCK_GUARD = sql("lock_guard")
INSERT_GUARD = sql("insert_guard")
READ_FUNDS = sql("read_funds")
LOCK_BUDGET = sql("lock_budget")
DRAW_BUDGET = sql("draw_budget")


async def insert_claim(connection: Connection, claim: Claim) -> bool:
    """Claim a key. False where it stands for something already; waits for a twin's commit."""
    made = await connection.fetchval(INSERT_CLAIM, dump([rows.claim_row(claim)]))
    return made is not None


async def refuse_claim(connection: Connection, claim: Claim, refusal: GatewayError) -> None:
    """Keep a refusal under a key that this transaction claimed."""
    key = (claim.owner_id, claim.idempotency_key)
    await connection.execute(REFUSE_CLAIM, *key, refusal.reason.value, refusal.message)


async def find_claim(
    connection: Connection, owner_id: str, idempotency_key: str
) -> Claim | None:
    """Read what a key stands for."""
    record = await connection.fetchrow(FIND_CLAIM, owner_id, idempotency_key)
    return rows.claim_of(record) if record else None


async def lock(connection: Connection, merchant_id: str, payment_id: UUID) -> Aggregate | None:
    """Lock a payment, then read it: what a rival committed meanwhile is seen. None: no such."""
    if await connection.fetchval(LOCK_PAYMENT, merchant_id, payment_id) is None:
        return None
    return await load_aggregate(connection, merchant_id, payment_id)


async def load_aggregate(
    connection: Connection, merchant_id: str, payment_id: UUID
) -> Aggregate | None:
    """Read a payment with its operations and attempts as of one moment, without funds."""
    record = await connection.fetchrow(LOAD_AGGREGATE, merchant_id, payment_id)
    if record is None:
        return None
    operations = [rows.operation_of(row) for row in load(record["operations"])]
    attempts = [rows.attempt_of(row) for row in load(record["attempts"])]
    return Aggregate(
        payment=rows.payment_of(load(record["payment"])),
        operations={operation.operation_id: operation for operation in operations},
        attempts={attempt.attempt_id: attempt for attempt in attempts},
        serial=record["serial"],
        funds=Funds(),
    )


async def with_funds(connection: Connection, aggregate: Aggregate) -> Aggregate:
    """Lock the merchant's balance in the payment's currency, and read what there is."""
    merchant_id, currency = aggregate.payment.merchant_id, aggregate.payment.currency
    if await connection.fetchval(LOCK_GUARD, merchant_id, currency) is None:
        await connection.execute(INSERT_GUARD, merchant_id, currency)
        await connection.fetchval(LOCK_GUARD, merchant_id, currency)
    funds = await connection.fetchrow(READ_FUNDS, merchant_id, currency)
    return replace(aggregate, funds=Funds(funds["merchant_balance"], funds["platform_budget"]))


async def decided(connection: Connection, aggregate: Aggregate, decide: Decide) -> Change | None:
    """Decide; where the platform's money is drawn on, by a budget that is locked."""
    change = decide(aggregate)
    if change is None or change.advanced <= 0:
        return change
    budget = await connection.fetchval(LOCK_BUDGET, aggregate.payment.currency) or 0
    if budget == aggregate.funds.platform_budget:
        return change
    return decide(replace(aggregate, funds=replace(aggregate.funds, platform_budget=budget)))


async def write_opened(connection: Connection, opened: Sequence[tuple[Claim, Change]]) -> set[UUID]:
    """Write new payments whose keys are free, in one statement. Give the ids of those written."""
    in_order = sorted(opened, key=lambda pair: (pair[0].owner_id, pair[0].idempotency_key))
    claims = [rows.claim_row(claim) for claim, _ in in_order]
    changes = [change for _, change in in_order]
    payments = [rows.payment_row(change.payment) for change in changes]
    return await _write(connection, claims, payments, [], changes, {})


async def write_changed(connection: Connection, change: Change, before: Aggregate) -> None:
    """Write a change of the payment that this transaction has locked and read as `before`."""
    row = rows.payment_row(change.payment)
    written = await _write(connection, [], [], [row], [change], before.attempts)
    if written != {change.payment.payment_id}:
        message = f"payment {change.payment.payment_id} is not at version {row['version'] - 1}"
        raise AssertionError(message)
    if change.advanced:
        currency = change.payment.currency
        status = await connection.execute(DRAW_BUDGET, currency, change.advanced)
        if status != "UPDATE 1":
            raise AssertionError(f"the budget in {currency} does not cover {change.advanced}")


async def _write(
    connection: Connection,
    claims: list[Row],
    opened: list[Row],
    changed: list[Row],
    changes: Sequence[Change],
    known: "dict[UUID, Attempt] | object",
) -> set[UUID]:
    raise NotImplementedError


def after(aggregate: Aggregate, change: Change) -> Aggregate:
    """The aggregate as a change leaves it."""
    operations = {item.operation_id: item for item in change.operations}
    attempts = {item.attempt_id: item for item in change.attempts}
    return replace(
        aggregate,
        payment=change.payment,
        operations={**aggregate.operations, **operations},
        attempts={**aggregate.attempts, **attempts},
    )
