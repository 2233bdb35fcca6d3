"""Expire: end authorisations whose time to capture has passed; `recover` asks the channel."""

from datetime import timedelta
from uuid import UUID

from gateway.domain.change import Aggregate, Change
from gateway.domain.decisions.accept import release_authorization
from gateway.domain.decisions.late import gateway_operation
from gateway.domain.operation import OperationKind
from gateway.usecases.execution import Execution

LEASE = timedelta(minutes=5)
"""How long until an authorisation that could not be ended is looked at again."""


class Expire:
    """The use case, run by workers."""

    def __init__(self, execution: Execution, batch_max: int) -> None:
        self._execution = execution
        self._batch_max = batch_max

    async def __call__(self) -> int:
        """Start to end what is due. Give how many authorisations were taken."""
        due = await self._execution.work.lease_expired_authorizations(self._batch_max, LEASE)
        for merchant_id, payment_id in due:
            try:
                await self._release(merchant_id, payment_id)
            except Exception as fault:  # noqa: BLE001 - one payment must not stop the others
                self._execution.observer.faulted("expire", fault, payment_id)
        return len(due)

    async def _release(self, merchant_id: str, payment_id: UUID) -> None:
        def decide(aggregate: Aggregate) -> Change | None:
            moment = self._execution.moment(aggregate.payment.method.channel)
            operation = gateway_operation(aggregate.payment, OperationKind.RELEASE, moment)
            return release_authorization(aggregate, operation, moment)

        changed = await self._execution.payments.change_payment(merchant_id, payment_id, decide)
        if changed.written:
            self._execution.observer.changed(changed.aggregate.payment)
