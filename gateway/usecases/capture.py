"""Capture: take all or part of an authorised amount."""

from gateway.clock import Deadline
from gateway.domain.decisions.accept import Ask, accept_capture
from gateway.domain.idempotency import ClaimKind
from gateway.usecases.commands import CaptureCommand, OperationAnswer
from gateway.usecases.execution import Execution
from gateway.usecases.operate import Operate, Wish


class Capture:
    """The use case."""

    def __init__(self, execution: Execution) -> None:
        self._clock = execution.clock
        self._operate = Operate(execution)

    async def __call__(self, command: CaptureCommand, deadline: Deadline) -> OperationAnswer:
        """Capture, or answer what the key did before. Raises GatewayError."""
        ask = Ask(
            operation_id=self._clock.new_id(),
            idempotency_key=command.idempotency_key,
            caller_id=command.caller_id,
            amount=command.amount,
            final=command.final,
        )
        significant = {
            "currency": command.amount.currency if command.amount else None,
            "minor_units": command.amount.minor_units if command.amount else None,
            "final": command.final,
        }
        wish = Wish(
            kind=ClaimKind.CAPTURE,
            merchant_id=command.merchant_id,
            payment_id=command.payment_id,
            ask=ask,
            significant=significant,
            accept=accept_capture,
        )
        return await self._operate(wish, deadline)
