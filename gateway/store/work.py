"""WorkStore: work that a crash or an unknown answer left, and review cases.

Work is taken by lease, by the database's clock, so workers of any number of replicas share it
without knowing each other, and what a dead one took comes back by itself.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from gateway.domain.change import ReviewCase, ReviewKind
from gateway.domain.channel import Attempt
from gateway.domain.ports import Backlog
from gateway.store.journal_rows import review_of, review_row
from gateway.store.pool import Pool, fetching
from gateway.store.queries import sql
from gateway.store.rows import attempt_of, dump, load

LEASE_ATTEMPTS = sql("lease_attempts")
POSTPONE_ATTEMPT = sql("postpone_attempt")
HURRY_ATTEMPTS = sql("hurry_attempts")
LEASE_EXPIRED_AUTHORIZATIONS = sql("lease_expired_authorizations")
OPEN_REVIEW = sql("open_review")
LIST_OPEN_REVIEWS = sql("list_open_reviews")
LIST_REVIEWS = sql("list_reviews")
FIND_REVIEW = sql("find_review")
RESOLVE_REVIEW = sql("resolve_review")
OPEN_ATTEMPTS = sql("open_attempts")
OPEN_REVIEWS = sql("open_reviews")
SETTLE_REVIEW = sql("settle_review")

SETTLED_BY_ITSELF = "settled by itself"
"""Resolution of a case that needed nobody in the end."""


class Work:
    """Work for workers, and for people."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def lease_attempts(self, limit: int, lease: timedelta) -> Sequence[Attempt]:
        """Take open attempts that are due, and keep other workers off them for the lease."""
        records = await self._pool.write(fetching(LEASE_ATTEMPTS, limit, lease))
        return [attempt_of(load(record["attempt"])) for record in records]

    async def postpone_attempt(self, attempt: Attempt, delay: timedelta) -> None:
        """Keep what was learned of an open attempt, and set when it is due again."""
        learned = (attempt.tries, attempt.not_found_count, attempt.fenced, delay)
        key = (attempt.merchant_id, attempt.attempt_id)
        await self._pool.write(fetching(POSTPONE_ATTEMPT, *key, *learned))

    async def hurry_attempts(
        self, merchant_id: str, payment_id: UUID, delay: timedelta, age_min: timedelta
    ) -> None:
        """Let the open attempts of a payment be due after the delay; those due sooner stay so.

        So do those that are younger than the least age.
        """
        await self._pool.write(fetching(HURRY_ATTEMPTS, merchant_id, payment_id, delay, age_min))

    async def lease_expired_authorizations(
        self, limit: int, lease: timedelta
    ) -> Sequence[tuple[str, UUID]]:
        """Take authorised payments, as (merchant, payment), whose time to capture has passed."""
        leasing = fetching(LEASE_EXPIRED_AUTHORIZATIONS, limit, lease)
        records = await self._pool.write(leasing)
        return [(record["merchant_id"], record["payment_id"]) for record in records]

    async def backlog(self) -> Backlog:
        """Count what waits: open attempts, and review cases by kind."""
        attempts = (await self._pool.read(fetching(OPEN_ATTEMPTS)))[0]
        reviews = await self._pool.read(fetching(OPEN_REVIEWS))
        return Backlog(**attempts, open_reviews={row["kind"]: row["cases"] for row in reviews})

    async def open_review(self, case: ReviewCase) -> bool:
        """Keep a review case unless one of its kind and subject is open. Tell whether it is new."""
        rows = dump([review_row(case)])
        return bool(await self._pool.write(fetching(OPEN_REVIEW, rows)))

    async def settle_review(self, owner_id: str, kind: ReviewKind, subject: str) -> None:
        """Close the case of what became clear by itself, if there is an open one."""
        await self._pool.write(
            fetching(SETTLE_REVIEW, owner_id, kind.value, subject, SETTLED_BY_ITSELF)
        )

    async def list_reviews(self, *, include_resolved: bool, limit: int) -> Sequence[ReviewCase]:
        """Read review cases, oldest first."""
        statement = LIST_REVIEWS if include_resolved else LIST_OPEN_REVIEWS
        records = await self._pool.read(fetching(statement, limit))
        return [review_of(load(record["review"])) for record in records]

    async def find_review(self, case_id: UUID) -> ReviewCase | None:
        """Read one review case."""
        records = await self._pool.read(fetching(FIND_REVIEW, case_id))
        return review_of(load(records[0]["review"])) if records else None

    async def resolve_review(self, case: ReviewCase) -> bool:
        """Close a review case with its resolution. False if it was closed before."""
        key = (case.owner_id, case.case_id)
        closing = fetching(RESOLVE_REVIEW, *key, case.resolve_time, case.resolution, case.note)
        return bool(await self._pool.write(closing))
