"""A change: everything that one commit writes, decided purely.

Use cases never write piece by piece. They hand the store a pure function from what is (`Aggregate`,
read under the payment's lock) to what shall be (`Change`), and the store makes it one commit. So a
decision sees one consistent state, and the store may put many of them into one commit without
anybody knowing.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from gateway.domain.channel import Attempt, AttemptState
from gateway.domain.ledger import Entry
from gateway.domain.operation import EXCLUSIVE_KINDS, Operation
from gateway.domain.payment import Payment
from gateway.domain.value import value
from gateway.domain.wallet import WalletMove


class EventType(StrEnum):
    """Kind of a change; the same names as PaymentEventType in the contract."""

    CREATED = "CREATED"
    CHANGED = "CHANGED"
    CAPTURE_ACCEPTED = "CAPTURE_ACCEPTED"
    CAPTURE_ENDED = "CAPTURE_ENDED"
    CANCEL_ACCEPTED = "CANCEL_ACCEPTED"
    CANCEL_ENDED = "CANCEL_ENDED"
    REFUND_ACCEPTED = "REFUND_ACCEPTED"
    REFUND_ENDED = "REFUND_ENDED"
    LATE_SUCCESS = "LATE_SUCCESS"


@value(frozen=True, slots=True)
class Event:
    """One change of a payment, one per version: what it was right after, and a digest of that."""

    event_id: UUID
    type: EventType
    payment: Payment
    digest: bytes
    digest_version: int
    create_time: datetime
    operation_id: UUID | None = None


class ReviewKind(StrEnum):
    """Why a person must look."""

    UNRESOLVED = "UNRESOLVED"
    MISMATCH = "MISMATCH"
    ABNORMAL_REFUND = "ABNORMAL_REFUND"
    LATE_SUCCESS = "LATE_SUCCESS"
    RETURN_REFUSED = "RETURN_REFUSED"
    RELEASE_REFUSED = "RELEASE_REFUSED"
    UNKNOWN_NUMBER = "UNKNOWN_NUMBER"


@value(frozen=True, slots=True)
class ReviewCase:
    """Something that only a person can decide. One per kind and subject, for ever."""

    owner_id: str
    case_id: UUID
    kind: ReviewKind
    subject: str
    detail: str
    create_time: datetime
    payment_id: UUID | None = None
    attempt_id: UUID | None = None
    resolve_time: datetime | None = None
    resolution: str = ""
    note: str = ""


@value(frozen=True, slots=True)
class Funds:
    """What a refund decision must know, read under locks, in minor units of the payment's currency.

    `merchant_balance` is what the merchant has with us unsettled; `platform_budget` what the
    platform may still advance.
    """

    merchant_balance: int = 0
    platform_budget: int = 0


@value(frozen=True, slots=True)
class Aggregate:
    """A payment with everything a decision about it needs, as of one commit."""

    payment: Payment
    operations: Mapping[UUID, Operation]
    attempts: Mapping[UUID, Attempt]
    serial: int
    funds: Funds

    @property
    def running_exclusive(self) -> Operation | None:
        """The capture or cancel under way, of which there is at most one."""
        found = (
            item
            for item in self.operations.values()
            if item.running and item.kind in EXCLUSIVE_KINDS
        )
        return next(found, None)

    def open_attempts(self, operation_id: UUID | None) -> tuple[Attempt, ...]:
        """Give the open attempts of an operation; of the charge itself for None."""
        return tuple(
            attempt
            for attempt in self.attempts.values()
            if attempt.operation_id == operation_id and attempt.state is AttemptState.OPEN
        )


@value(frozen=True, slots=True)
class Change:
    """What one commit writes.

    `payment` has the next version; operations and attempts are new or replace their row.
    """

    payment: Payment
    event: Event
    operations: tuple[Operation, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    entries: tuple[Entry, ...] = ()
    reviews: tuple[ReviewCase, ...] = ()
    advanced: int = 0
    """Minor units drawn from the platform's budget; negative where given back."""
    wallet_moves: tuple[WalletMove, ...] = ()
