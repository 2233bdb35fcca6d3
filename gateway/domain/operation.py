"""Operations: captures, cancels and refunds of a payment.

Each has attempts of its own at the channel, whose outcome can be unknown too.

    PROCESSING -> SUCCEEDED | FAILED

A refused one is kept as FAILED under its key. Two kinds are the gateway's own and have no key:
RELEASE ends an authorisation whose time ran out or that came late, RETURN gives back money that
arrived for a payment that was no longer open.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from gateway.domain.money import Money
from gateway.domain.payment import Failure
from gateway.domain.value import value


class OperationKind(StrEnum):
    """What is done to a payment."""

    CAPTURE = "CAPTURE"
    CANCEL = "CANCEL"
    RELEASE = "RELEASE"
    REFUND = "REFUND"
    RETURN = "RETURN"


class OperationState(StrEnum):
    """Where an operation is in its life. SUCCEEDED and FAILED are terminal."""

    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


EXCLUSIVE_KINDS = frozenset({OperationKind.CAPTURE, OperationKind.CANCEL, OperationKind.RELEASE})
"""Kinds of which a payment has at most one under way."""

ID_PREFIXES = {
    OperationKind.CAPTURE: "cap",
    OperationKind.CANCEL: "can",
    OperationKind.RELEASE: "rel",
    OperationKind.REFUND: "ref",
    OperationKind.RETURN: "ret",
}


@value(frozen=True, slots=True)
class Operation:
    """One capture, cancel or refund as it is now.

    `advanced` is what the platform lent the merchant for a refund, in minor units. `under_review`
    says that the channel called the refund abnormal: its amount is never given free before a person
    decided.
    """

    merchant_id: str
    operation_id: UUID
    payment_id: UUID
    kind: OperationKind
    state: OperationState
    amount: Money
    create_time: datetime
    update_time: datetime
    idempotency_key: str = ""
    final: bool = False
    advanced: int = 0
    description: str = ""
    failure: Failure | None = None
    attempt_number: str = ""
    channel_number: str = ""
    under_review: bool = False
    caller_id: str = ""

    @property
    def running(self) -> bool:
        """Whether the outcome is not yet known."""
        return self.state is OperationState.PROCESSING

    @property
    def keyed(self) -> bool:
        """Whether a caller asked for it; the gateway's own operations have no key."""
        return bool(self.idempotency_key)

    @property
    def succeeded(self) -> bool:
        """Whether it was done."""
        return self.state is OperationState.SUCCEEDED
