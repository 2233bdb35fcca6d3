"""Reads by id, gathered like writes: what many callers look up at the same time is one question.

A read sees what was committed before it was asked for, since it never joins a question that was
asked before it came.
"""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from gateway.domain.payment import Payment
from gateway.store import rows
from gateway.store.commit.gather import GatherBounds, Gatherer, Waiting
from gateway.store.commit.wanted import Owned
from gateway.store.pool import Connection, Pool
from gateway.store.queries import sql

FIND_PAYMENTS = sql("find_payments")


class Lookups:
    """Looks up payments by id."""

    def __init__(self, pool: Pool, bounds: GatherBounds) -> None:
        self._pool = pool
        self._gatherer: Gatherer[Owned, Payment | None] = Gatherer(self._run, bounds)

    async def payment(self, merchant_id: str, payment_id: UUID) -> Payment | None:
        """Read one payment. Raises GatewayError."""
        [found] = await self._gatherer.submit([(merchant_id, payment_id)])
        if isinstance(found, BaseException):
            raise found
        return found

    async def _run(self, batch: Sequence[Waiting[Owned, Payment | None]]) -> None:
        try:
            wanted = {waiting.item for waiting in batch}
            found = await self._pool.read(partial(_find, wanted=list(wanted)))
        except Exception as error:  # noqa: BLE001 - everybody who asked is told
            for waiting in batch:
                waiting.tell(error)
        else:
            for waiting in batch:
                waiting.tell(found.get(waiting.item))


async def _find(connection: Connection, wanted: Sequence[Owned]) -> dict[Owned, Payment]:
    owners, ids = zip(*wanted, strict=True)
    records = await connection.fetch(FIND_PAYMENTS, owners, ids)
    payments = map(rows.payment_of, records)
    return {(payment.merchant_id, payment.payment_id): payment for payment in payments}
