"""Pay: take money from a payer for a merchant, once per key, for ever.

A channel is asked in the way that `opening` describes; a wallet needs nobody outside, see `spend`.
"""

from functools import partial

from gateway.clock import Deadline
from gateway.domain.change import Change
from gateway.domain.decisions.moment import Moment
from gateway.domain.decisions.opening import open_payment
from gateway.domain.idempotency import Claim
from gateway.domain.wallet import WALLET_CHANNEL
from gateway.usecases.commands import PayCommand, PaymentAnswer
from gateway.usecases.enabled import check_merchant, enabled_channel
from gateway.usecases.execution import Execution
from gateway.usecases.intents import ExpiryTerms, pay_claim, purchase
from gateway.usecases.merchants import MerchantBook
from gateway.usecases.opening import Open, Plan
from gateway.usecases.spend import Spend


class Pay:
    """The use case."""

    def __init__(
        self, execution: Execution, merchants: MerchantBook, expiry: ExpiryTerms, spend: Spend
    ) -> None:
        self._execution = execution
        self._merchants = merchants
        self._expiry = expiry
        self._spend = spend
        self._open = Open(execution)

    async def __call__(self, command: PayCommand, deadline: Deadline) -> PaymentAnswer:
        """Make the payment, or answer what its key made before. Raises GatewayError."""
        claim = pay_claim(command, self._execution.clock)
        if command.method.channel == WALLET_CHANNEL:
            return await self._spend(command, claim, deadline)
        return await self._open(claim, partial(self._plan, command, claim), deadline)

    async def _plan(self, command: PayCommand, claim: Claim) -> Plan:
        merchant = await self._merchants.get(command.merchant_id)
        check_merchant(command, merchant)
        channel = enabled_channel(
            self._execution.channels, command.method, command.amount, command.capture_mode
        )
        expiry = self._expiry.within(channel.capabilities)
        payment = purchase(command, merchant, claim, expiry)

        def decide(moment: Moment, _available: int) -> Change:
            return open_payment(payment, merchant, moment)

        return Plan(payment, channel, decide)
