"""What a pure decision cannot know by itself, and the two things that every decision makes.

Those are the change with its event, and attempts.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from gateway.domain.change import Aggregate, Change, Event, EventType, ReviewCase, ReviewKind
from gateway.domain.channel import Attempt, AttemptKind, AttemptState, Capabilities
from gateway.domain.digest import DIGEST_VERSION, state_digest
from gateway.domain.ids import channel_number
from gateway.domain.operation import Operation, OperationKind
from gateway.domain.payment import Payment
from gateway.domain.value import replace, value

ATTEMPT_KINDS = {
    OperationKind.CAPTURE: AttemptKind.CAPTURE,
    OperationKind.CANCEL: AttemptKind.CANCEL,
    OperationKind.RELEASE: AttemptKind.CANCEL,
    OperationKind.REFUND: AttemptKind.REFUND,
    OperationKind.RETURN: AttemptKind.REFUND,
}
"""What the channel is asked for each kind of operation."""


@value(frozen=True, slots=True)
class Moment:
    """The time, fresh identifiers, and the spans that decisions need.

    `lease` is how long a sender may hold an attempt before workers ask about it; `can` what the
    payment's channel can do, None where none is called.
    """

    now: datetime
    new_id: Callable[[], UUID]
    lease: timedelta = timedelta(0)
    authorization_lifetime: timedelta = timedelta(0)
    can: Capabilities | None = None

    def event(self, kind: EventType, payment: Payment, operation_id: UUID | None = None) -> Event:
        """Make the event of a change, with the digest of the state after it."""
        digest = state_digest(payment)
        return Event(self.new_id(), kind, payment, digest, DIGEST_VERSION, self.now, operation_id)

    def next_version(self, payment: Payment) -> Payment:
        """Give the payment its next version, as of now."""
        return replace(payment, version=payment.version + 1, update_time=self.now)

    def change(
        self, kind: EventType, payment: Payment, operation: Operation | None = None
    ) -> Change:
        """Make the change to the payment's next version; callers add what else it writes.

        The event names the operation only where a caller asked for it.
        """
        after = self.next_version(payment)
        event = self.event(
            kind, after, operation.operation_id if operation and operation.keyed else None
        )
        return Change(after, event, operations=(operation,) if operation else ())

    def first_attempt(
        self, payment: Payment, serial: int, kind: AttemptKind = AttemptKind.CHARGE
    ) -> Attempt:
        """Make the attempt that asks the payment's channel for its charge, or for its payout."""
        attempt_id = self.new_id()
        number = channel_number(serial, attempt_id)
        return Attempt(
            merchant_id=payment.merchant_id,
            attempt_id=attempt_id,
            payment_id=payment.payment_id,
            operation_id=None,
            kind=kind,
            channel=payment.method.channel,
            number=number,
            charge_number=number,
            money=payment.amount,
            state=AttemptState.OPEN,
            create_time=self.now,
            due_time=self.now + self.lease,
        )

    def operation_attempt(self, aggregate: Aggregate, operation: Operation) -> Attempt:
        """Make the attempt that asks the channel for an operation's effect."""
        attempt = self.first_attempt(aggregate.payment, aggregate.serial)
        return replace(
            attempt,
            operation_id=operation.operation_id,
            kind=ATTEMPT_KINDS[operation.kind],
            charge_number=aggregate.payment.attempt_number,
            money=operation.amount,
        )

    def review(self, kind: ReviewKind, attempt: Attempt, detail: str) -> ReviewCase:
        """Make the review case about an attempt."""
        return ReviewCase(
            owner_id=attempt.merchant_id,
            case_id=self.new_id(),
            kind=kind,
            subject=attempt.number,
            detail=detail,
            create_time=self.now,
            payment_id=attempt.payment_id,
            attempt_id=attempt.attempt_id,
        )
