"""What went wrong in the database, told apart by SQLSTATE, and what that means above.

    LOST       the connection or the server is gone: try again, on another connection
    CONFLICT   serialisation failure or deadlock, surely undone: try again
    TIMEOUT    a lock or the statement took too long, surely undone: CONTENTION
    EXHAUSTED  no connection came free in time: OVERLOADED
    AWAY       no connection could be made in time: DATABASE_UNAVAILABLE

Everything else is a fault of our own and passes through as it is. The one thing that trying again
cannot settle by itself is a connection lost while a commit was under way; as long as nobody knows
what became of it, the answer is COMMIT_UNKNOWN, whatever the later tries met.
"""

from enum import Enum, auto

import asyncpg

from gateway.domain.errors import Contended, GatewayError, Overloaded, Reason, Refused, Unavailable

RETRY_AFTER_S = 1.0
"""Hint to callers when the database is away or busy, in seconds."""

_LOST_CLASSES = ("08", "53")
_LOST_STATES = {
    "25006",  # read-only: this was the primary once
    "25P03",  # we were too slow within a transaction
    "57P01",
    "57P02",
    "57P03",
    "57P04",
    "57P05",
    "58030",  # the server's disk
}
_CONFLICT_STATES = {"40001", "40P01"}
_TIMEOUT_STATES = {"55P03", "57014"}


DRIVER_ERRORS = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Everything that asyncpg raises by itself."""


class Kind(Enum):
    """What a fault of the database means for who met it."""

    LOST = auto()
    CONFLICT = auto()
    TIMEOUT = auto()
    EXHAUSTED = auto()
    AWAY = auto()


class Fault(Exception):
    """The database could not do it. Never leaves this room; `pool` turns it into a GatewayError.

    Args:
        kind: what it means.
        may_have_committed: whether what was asked for may have been kept all the same.
    """

    def __init__(self, kind: Kind, *, may_have_committed: bool = False) -> None:
        super().__init__(kind.name)
        self.kind = kind
        self.may_have_committed = may_have_committed


def kind_of(error: BaseException) -> Kind | None:
    """Say what an error of the driver means; None for a fault of our own."""
    if isinstance(error, asyncpg.InvalidCachedStatementError | asyncpg.OutdatedSchemaCacheError):
        return Kind.CONFLICT  # a migration came in between: the statement is prepared anew
    if isinstance(error, asyncpg.PostgresError):
        return _kind_of_state(error.sqlstate or "")
    if isinstance(error, OSError | asyncpg.TargetServerAttributeNotMatched):
        return Kind.LOST  # OSError is also a statement that was never answered
    return None


def _kind_of_state(state: str) -> Kind | None:
    if state in _CONFLICT_STATES:
        return Kind.CONFLICT
    if state in _TIMEOUT_STATES:
        return Kind.TIMEOUT
    return Kind.LOST if state in _LOST_STATES or state[:2] in _LOST_CLASSES else None


def as_seen_by_callers(kind: Kind, *, may_have_committed: bool) -> GatewayError:
    """Make the error for callers out of the last fault and whether a commit is in doubt."""
    if may_have_committed:
        return Unavailable(
            Reason.COMMIT_UNKNOWN,
            "The database was lost while it kept this. Send the same key again to find out.",
            retry_after_s=RETRY_AFTER_S,
        )
    if kind in (Kind.CONFLICT, Kind.TIMEOUT):
        return Contended(
            Reason.CONTENTION,
            "Others changed the same thing for too long. Nothing was kept; send it again.",
            retry_after_s=RETRY_AFTER_S,
        )
    if kind is Kind.EXHAUSTED:
        return Overloaded(
            Reason.OVERLOADED,
            "All connections to the database are busy. Nothing was kept; send it again.",
            retry_after_s=RETRY_AFTER_S,
        )
    return Unavailable(
        Reason.DATABASE_UNAVAILABLE,
        "The database cannot be reached. Nothing was kept; send it again.",
        retry_after_s=RETRY_AFTER_S,
    )


def order_already_paid() -> Refused:
    """Say that the merchant wants one payment per order and this one has it."""
    return Refused(
        Reason.ORDER_ALREADY_PAID,
        "This order has a payment that is live or successful, and may have only one.",
        key_bound=True,
    )


def why(error: BaseException) -> str:
    """Give the words of what was at the bottom of an error."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__
