"""An answer: what a channel said about an attempt, beside what we know, as of a moment."""

from gateway.domain.change import Aggregate, Change, EventType
from gateway.domain.channel import Attempt, AttemptState, Outcome
from gateway.domain.decisions.moment import Moment
from gateway.domain.operation import Operation, OperationState
from gateway.domain.payment import Failure, Payment, PaymentEvent, PaymentState, next_state
from gateway.domain.value import replace, value


@value(frozen=True, slots=True)
class Answer:
    """Everything a conclusion looks at, and the small steps that all conclusions share."""

    aggregate: Aggregate
    attempt: Attempt
    outcome: Outcome
    moment: Moment

    @property
    def payment(self) -> Payment:
        """The payment before the answer."""
        return self.aggregate.payment

    @property
    def operation(self) -> Operation:
        """The operation that the attempt is about. Raises KeyError for a charge."""
        return self.aggregate.operations[self.attempt.operation_id]  # type: ignore[index]

    def moved(self, event: PaymentEvent) -> Payment:
        """The payment after an event that its state allows, with what the channel told of it."""
        return replace(
            self.numbered(),
            state=self.state_after(event),
            next_action=None,
            funding_source=self.outcome.funding_source or self.payment.funding_source,
        )

    def numbered(self) -> Payment:
        """The payment with the channel's own number for it, once that was told."""
        number = self.outcome.channel_number or self.payment.channel_number
        return replace(self.payment, channel_number=number)

    def state_after(self, event: PaymentEvent) -> PaymentState:
        """The state after an event; asking for one that the state does not allow is a bug."""
        state = next_state(self.payment.state, event)
        if state is None:
            message = f"{event} does not move a payment that is {self.payment.state}"
            raise AssertionError(message)
        return state

    def closed(self, attempt: Attempt, state: AttemptState) -> Attempt:
        """An attempt, closed by this answer, with what proves it."""
        evidence = self.outcome.evidence or attempt.evidence
        source = self.outcome.funding_source or attempt.funding_source
        return replace(
            attempt, state=state, due_time=None, evidence=evidence, funding_source=source
        )

    def charge_funded(self) -> tuple[Attempt, ...]:
        """The charge's attempt, where only this answer about a capture told what it came from."""
        source, number = self.outcome.funding_source, self.payment.attempt_number
        return tuple(
            replace(attempt, funding_source=source)
            for attempt in self.aggregate.attempts.values()
            if source and attempt.number == number
        )

    def still_open(self, operation: Operation | None) -> tuple[Attempt, ...]:
        """The open attempts of an operation; of the charge itself for None."""
        operation_id = operation.operation_id if operation else None
        return self.aggregate.open_attempts(operation_id)

    def ended(self, operation: Operation, failure: Failure | None) -> Operation:
        """An operation, SUCCEEDED by this answer without a failure, FAILED with one."""
        return replace(
            operation,
            state=OperationState.FAILED if failure else OperationState.SUCCEEDED,
            failure=failure,
            channel_number=self.number_of(operation),
            update_time=self.moment.now,
            under_review=False,
        )

    def number_of(self, operation: Operation) -> str:
        """The channel's own number for an operation, once that was told."""
        return self.outcome.channel_number or operation.channel_number

    def change(self, event: EventType, payment: Payment, failure: Failure | None) -> Change:
        """The change that ends the operation and its attempt."""
        state = AttemptState.FAILED if failure else AttemptState.SUCCEEDED
        change = self.moment.change(event, payment, self.ended(self.operation, failure))
        return replace(change, attempts=(self.closed(self.attempt, state),))
