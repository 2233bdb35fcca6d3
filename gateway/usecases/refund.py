"""Refund: give captured money back. The amount is reserved before the channel is called."""

from gateway.clock import Deadline
from gateway.domain.change import Aggregate, Change
from gateway.domain.decisions.accept import Ask, accept_refund
from gateway.domain.decisions.moment import Moment
from gateway.domain.errors import NotFound, payment_not_found
from gateway.domain.idempotency import ClaimKind
from gateway.domain.merchant import RefundPolicy
from gateway.usecases.commands import OperationAnswer, RefundCommand
from gateway.usecases.execution import Execution, in_time
from gateway.usecases.merchants import MerchantBook
from gateway.usecases.operate import Operate, Wish


class Refund:
    """The use case."""

    def __init__(self, execution: Execution, merchants: MerchantBook) -> None:
        self._clock = execution.clock
        self._merchants = merchants
        self._operate = Operate(execution)

    async def __call__(self, command: RefundCommand, deadline: Deadline) -> OperationAnswer:
        """Refund, or answer what the key did before. Raises GatewayError."""
        policy = await in_time(self._policy(command.merchant_id), deadline)
        ask = Ask(
            operation_id=self._clock.new_id(),
            idempotency_key=command.idempotency_key,
            caller_id=command.caller_id,
            amount=command.amount,
            description=command.description,
        )
        significant = {
            "currency": command.amount.currency if command.amount else None,
            "minor_units": command.amount.minor_units if command.amount else None,
            "description": command.description,
        }

        def accept(aggregate: Aggregate, ask: Ask, moment: Moment) -> Change:
            return accept_refund(aggregate, ask, policy, moment)

        wish = Wish(
            kind=ClaimKind.REFUND,
            merchant_id=command.merchant_id,
            payment_id=command.payment_id,
            ask=ask,
            significant=significant,
            accept=accept,
            lock_funds=True,
        )
        return await self._operate(wish, deadline)

    async def _policy(self, merchant_id: str) -> RefundPolicy:
        try:
            return (await self._merchants.get(merchant_id)).refund_policy
        except NotFound as missing:
            raise payment_not_found() from missing
