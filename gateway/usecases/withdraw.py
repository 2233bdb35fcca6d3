"""Withdraw: pay a payer's money out through a channel.

It leaves the wallet in the commit that accepts it, before the channel is asked.
"""

from functools import partial

from gateway.clock import Deadline
from gateway.domain.change import Change
from gateway.domain.decisions.moment import Moment
from gateway.domain.decisions.opening import open_withdrawal
from gateway.domain.errors import Reason, Refused
from gateway.domain.idempotency import Claim
from gateway.domain.ports import WalletStore
from gateway.domain.wallet import WalletRef
from gateway.usecases.commands import PaymentAnswer, WithdrawCommand
from gateway.usecases.enabled import enabled_channel
from gateway.usecases.execution import Execution
from gateway.usecases.intents import ExpiryTerms, withdraw_claim, withdrawal
from gateway.usecases.opening import Open, Plan


class Withdraw:
    """The use case."""

    def __init__(self, execution: Execution, wallets: WalletStore, expiry: ExpiryTerms) -> None:
        self._execution = execution
        self._wallets = wallets
        self._expiry = expiry
        self._open = Open(execution)

    async def __call__(self, command: WithdrawCommand, deadline: Deadline) -> PaymentAnswer:
        """Make the withdrawal, or answer what its key made before. Raises GatewayError."""
        claim = withdraw_claim(command, self._execution.clock)
        return await self._open(claim, partial(self._plan, command, claim), deadline)

    async def _plan(self, command: WithdrawCommand, claim: Claim) -> Plan:
        """Open the wallet, too: its owner must have a number before a channel can be asked."""
        channel = enabled_channel(self._execution.channels, command.method, command.amount)
        if not channel.capabilities.payouts:
            words = f"The channel {command.method.channel} pays nothing out."
            raise Refused(Reason.CHANNEL_NOT_ENABLED, words)
        payment = withdrawal(command, claim, self._expiry)
        ref = WalletRef(claim.owner_id, command.amount.currency)
        wallet = await self._wallets.open_wallet(ref, claim.create_time)

        def decide(moment: Moment, available: int) -> Change:
            return open_withdrawal(payment, wallet.serial, moment, available)

        return Plan(payment, channel, decide, ref)
