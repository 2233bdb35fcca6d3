"""Capture, cancel, refund: the part they share. Claim the key and accept in one commit, then send.

One file per verb says what is significant about its request and how it is accepted.
"""

from collections.abc import Callable, Mapping
from functools import partial
from uuid import UUID

from gateway.clock import Deadline
from gateway.domain.change import Aggregate, Change
from gateway.domain.decisions.accept import Ask
from gateway.domain.decisions.moment import Moment
from gateway.domain.errors import GatewayError, payment_not_found
from gateway.domain.idempotency import Claim, ClaimKind, Field, fingerprint
from gateway.domain.value import value
from gateway.usecases.commands import OperationAnswer
from gateway.usecases.execution import Begun, Execution, in_time
from gateway.usecases.replay import check_same, replayed


@value(frozen=True, slots=True)
class Wish:
    """A keyed operation on a payment: what is asked, what of it the key stands for, who decides."""

    kind: ClaimKind
    merchant_id: str
    payment_id: UUID
    ask: Ask
    significant: Mapping[str, Field]
    accept: Callable[[Aggregate, Ask, Moment], Change]
    lock_funds: bool = False


class Operate:
    """Runs one keyed operation on a payment."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    async def __call__(self, wish: Wish, deadline: Deadline) -> OperationAnswer:
        """Carry out, or answer what the key did before. Raises GatewayError."""
        claim = self._claim(wish)
        try:
            channel = await in_time(self._channel(wish), deadline)
            place = self._execution.place(channel)
        except GatewayError as refusal:
            begun = await in_time(self._replay_or_raise(claim, refusal), deadline)
        else:
            begun = await self._execution.answer(partial(self._begin, wish, claim), place, deadline)
        operation = begun.aggregate.operations[begun.object_id]
        return OperationAnswer(begun.aggregate.payment, operation, begun.replayed)

    async def _begin(self, wish: Wish, claim: Claim) -> Begun:
        execution = self._execution

        def decide(aggregate: Aggregate) -> Change:
            moment = execution.moment(aggregate.payment.method.channel)
            return wish.accept(aggregate, wish.ask, moment)

        changed = await execution.payments.change_payment(
            wish.merchant_id, wish.payment_id, decide, claim=claim, lock_funds=wish.lock_funds
        )
        if changed.existing:
            check_same(claim, changed.existing)
            return replayed(changed.aggregate, changed.existing)
        execution.observer.changed(changed.aggregate.payment)
        attempts = changed.aggregate.open_attempts(wish.ask.operation_id)
        attempt = attempts[0] if attempts else None
        return Begun(changed.aggregate, attempt, wish.ask.operation_id, replayed=False)

    async def _channel(self, wish: Wish) -> str:
        payment = await self._execution.payments.find_payment(wish.merchant_id, wish.payment_id)
        if payment is None:
            raise payment_not_found()
        return payment.method.channel

    async def _replay_or_raise(self, claim: Claim, refusal: GatewayError) -> Begun:
        payments = self._execution.payments
        existing = await payments.find_claim(claim.owner_id, claim.idempotency_key)
        if existing is None:
            raise refusal
        check_same(claim, existing)
        operation = await payments.find_operation(claim.owner_id, existing.object_id)
        if operation is None:
            raise payment_not_found()
        aggregate = await payments.load(claim.owner_id, operation.payment_id)
        if aggregate is None:
            raise payment_not_found()
        return replayed(aggregate, existing)

    def _claim(self, wish: Wish) -> Claim:
        significant = {"payment_id": str(wish.payment_id), **wish.significant}
        return Claim(
            owner_id=wish.merchant_id,
            idempotency_key=wish.ask.idempotency_key,
            kind=wish.kind,
            fingerprint=fingerprint(wish.kind, significant),
            object_id=wish.ask.operation_id,
            create_time=self._execution.clock.now(),
            caller_id=wish.ask.caller_id,
        )
