"""Writing changes: the pieces of which every commit about a payment is made.

Everything here works on a connection that it is handed and keeps nothing of its own, and what is
written goes as arrays, so that one transaction can carry the changes of many callers.

Locks are taken in one order: the key, the payment, the guard of the merchant's balance, the
platform's budget. The budget is one row per currency, so it is locked only by a decision that draws
on it; where it changed since it was read, the decision is made again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
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
    await connection.execute(
        REFUSE_CLAIM,
        claim.owner_id,
        claim.idempotency_key,
        refusal.reason.value,
        refusal.message,
    )


def refused(claim: Claim, refusal: GatewayError) -> Claim:
    """The claim of a request that was refused for ever."""
    return replace(claim, refusal=refusal.reason, refusal_message=refusal.message)


async def find_claim(connection: Connection, owner_id: str, idempotency_key: str) -> Claim | None:
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


async def write(
    connection: Connection,
    changes: Sequence[Change],
    *,
    claims: Sequence[Claim] = (),
    known: Mapping[UUID, Attempt] = MappingProxyType({}),
) -> set[UUID]:
    """Write changes in one statement and give the ids of the payments that were written.

    A payment of version 1 is new and written only if its claim is; any other only if its row still
    has the version before. `known` are the attempts as they were read.
    """
    # Sorted by what may conflict, so that two statements never wait for each other.
    claims = sorted(claims, key=lambda claim: (claim.owner_id, claim.idempotency_key))
    changes = sorted(
        changes, key=lambda change: (change.payment.merchant_id, change.payment.payment_id)
    )
    records = await connection.fetch(
        WRITE_CHANGES,
        dump([rows.claim_row(claim) for claim in claims]),
        dump([rows.payment_row(item.payment) for item in changes if item.payment.version == 1]),
        dump([rows.payment_row(item.payment) for item in changes if item.payment.version > 1]),
        dump(_operation_rows(changes)),
        dump(_attempt_rows(changes, known)),
        dump([journal_rows.event_row(change.event) for change in changes]),
        dump(journal_rows.transfer_rows(entry for item in changes for entry in item.entries)),
        dump([journal_rows.review_row(case) for item in changes for case in item.reviews]),
    )
    return {record["payment_id"] for record in records}


def _operation_rows(changes: Sequence[Change]) -> list[Row]:
    """Write what ends before what begins: a payment has at most one exclusive operation."""
    operations = [operation for change in changes for operation in change.operations]
    return [rows.operation_row(item) for item in sorted(operations, key=lambda item: item.running)]


def _attempt_rows(changes: Sequence[Change], known: Mapping[UUID, Attempt]) -> list[Row]:
    """Write attempts; a due time that the change leaves alone stays what the database made it."""
    found = []
    for change in changes:
        for attempt in change.attempts:
            before = known.get(attempt.attempt_id)
            kept = before is not None and before.due_time == attempt.due_time
            now = change.event.create_time
            found.append(rows.attempt_row(attempt, now, due_time_kept=kept))
    return found


async def draw_budget(connection: Connection, change: Change) -> None:
    """Take what a change advances from the platform's budget, or give it back."""
    if change.advanced == 0:
        return
    currency = change.payment.currency
    status = await connection.execute(DRAW_BUDGET, currency, change.advanced)
    if status != "UPDATE 1":
        raise AssertionError(f"the budget in {currency} does not cover {change.advanced}")


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
