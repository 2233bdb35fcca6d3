"""Pages of payments and operations, newest first.

A list goes down from a position, a time with an id, so that pages stay right while rows are added,
and is read through the index that begins with its narrowest filter.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from gateway.domain.operation import Operation
from gateway.domain.payment import Payment
from gateway.domain.ports import OperationFilter, PaymentFilter
from gateway.store.pool import Connection
from gateway.store.queries import sql
from gateway.store.rows import load, operation_of, payment_of

FIND_PAYMENT_TIME = sql("find_payment_time")
FIND_OPERATION_TIME = sql("find_operation_time")
LIST_PAYMENTS = sql("list_payments")
LIST_PAYMENTS_OF_ORDER = sql("list_payments_of_order")
LIST_PAYMENTS_IN_STATE = sql("list_payments_in_state")
LIST_PAYMENTS_THROUGH_CHANNEL = sql("list_payments_through_channel")
LIST_OPERATIONS = sql("list_operations")
LIST_OPERATIONS_OF_PAYMENT = sql("list_operations_of_payment")
LIST_OPERATIONS_IN_STATE = sql("list_operations_in_state")

DAWN = datetime(1970, 1, 1, tzinfo=UTC)
DUSK = datetime(9999, 12, 31, tzinfo=UTC)
FIRST_ID = UUID(int=0)

Position = tuple[datetime, UUID]


async def payments(
    connection: Connection, chosen: PaymentFilter, before: UUID | None, limit: int
) -> Sequence[Payment]:
    """Read a page of payments."""
    top = await _top(
        connection, FIND_PAYMENT_TIME, chosen.merchant_id, before, chosen.create_time_to
    )
    if top is None:
        return []
    page = (chosen.merchant_id, *top, chosen.create_time_from or DAWN, limit)
    statement, filters = _payment_filters(chosen)
    records = await connection.fetch(statement, *page, *filters)
    return [payment_of({**record, **load(record["payment"])}) for record in records]


async def operations(
    connection: Connection, chosen: OperationFilter, before: UUID | None, limit: int
) -> Sequence[Operation]:
    """Read a page of operations."""
    top = await _top(
        connection, FIND_OPERATION_TIME, chosen.merchant_id, before, chosen.create_time_to
    )
    if top is None:
        return []
    page = (chosen.merchant_id, *top, chosen.create_time_from or DAWN, limit, chosen.kind.value)
    statement, filters = _operation_filters(chosen)
    records = await connection.fetch(statement, *page, *filters)
    return [operation_of(load(record["operation"])) for record in records]


async def _top(
    connection: Connection,
    find_time: str,
    merchant_id: str,
    before: UUID | None,
    time_to: datetime | None,
) -> Position | None:
    """Say where a page begins; None where the object it should begin before is not there."""
    end = (time_to or DUSK, FIRST_ID)
    if before is None:
        return end
    create_time: datetime | None = await connection.fetchval(find_time, merchant_id, before)
    return min((create_time, before), end) if create_time else None


def _payment_filters(chosen: PaymentFilter) -> tuple[str, tuple[object, ...]]:
    state = chosen.state.value if chosen.state else ""
    if chosen.order_id:
        return LIST_PAYMENTS_OF_ORDER, (chosen.order_id, state, chosen.channel)
    if state:
        return LIST_PAYMENTS_IN_STATE, (state, chosen.channel)
    if chosen.channel:
        return LIST_PAYMENTS_THROUGH_CHANNEL, (chosen.channel,)
    return LIST_PAYMENTS, ()


def _operation_filters(chosen: OperationFilter) -> tuple[str, tuple[object, ...]]:
    state = chosen.state.value if chosen.state else ""
    if chosen.payment_id:
        return LIST_OPERATIONS_OF_PAYMENT, (chosen.payment_id, state)
    return (LIST_OPERATIONS_IN_STATE, (state,)) if state else (LIST_OPERATIONS, ())
