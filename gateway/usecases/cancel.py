"""Cancel: end a payment before money is taken."""

from gateway.clock import Deadline
from gateway.domain.decisions.accept import Ask, accept_cancel
from gateway.domain.idempotency import ClaimKind
from gateway.usecases.commands import CancelCommand, OperationAnswer
from gateway.usecases.execution import Execution
from gateway.usecases.operate import Operate, Wish


class Cancel:
    """The use case."""

    def __init__(self, execution: Execution) -> None:
        self._clock = execution.clock
        self._operate = Operate(execution)

    async def __call__(self, command: CancelCommand, deadline: Deadline) -> OperationAnswer:
        """Cancel, or answer what the key did before. Raises GatewayError."""
        ask = Ask(
            operation_id=self._clock.new_id(),
            idempotency_key=command.idempotency_key,
            caller_id=command.caller_id,
        )
        wish = Wish(
            kind=ClaimKind.CANCEL,
            merchant_id=command.merchant_id,
            payment_id=command.payment_id,
            ask=ask,
            significant={},
            accept=accept_cancel,
        )
        return await self._operate(wish, deadline)
