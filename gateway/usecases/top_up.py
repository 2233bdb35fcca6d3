"""TopUp: take money from a channel into a payer's wallet, as a payment of the payer to himself."""

from functools import partial

from gateway.clock import Deadline
from gateway.domain.change import Change
from gateway.domain.decisions.moment import Moment
from gateway.domain.decisions.opening import open_top_up
from gateway.domain.idempotency import Claim
from gateway.domain.ports import WalletStore
from gateway.domain.wallet import WalletRef
from gateway.usecases.commands import PaymentAnswer, TopUpCommand
from gateway.usecases.enabled import enabled_channel
from gateway.usecases.execution import Execution
from gateway.usecases.intents import ExpiryTerms, top_up, top_up_claim
from gateway.usecases.opening import Open, Plan


class TopUp:
    """The use case."""

    def __init__(self, execution: Execution, wallets: WalletStore, expiry: ExpiryTerms) -> None:
        self._execution = execution
        self._wallets = wallets
        self._expiry = expiry
        self._open = Open(execution)

    async def __call__(self, command: TopUpCommand, deadline: Deadline) -> PaymentAnswer:
        """Make the top-up, or answer what its key made before. Raises GatewayError."""
        claim = top_up_claim(command, self._execution.clock)
        return await self._open(claim, partial(self._plan, command, claim), deadline)

    async def _plan(self, command: TopUpCommand, claim: Claim) -> Plan:
        """Open the wallet, too: success must find where to put the money."""
        channel = enabled_channel(self._execution.channels, command.method, command.amount)
        payment = top_up(command, claim, self._expiry.within(channel.capabilities))
        ref = WalletRef(claim.owner_id, command.amount.currency)
        wallet = await self._wallets.open_wallet(ref, claim.create_time)

        def decide(moment: Moment, _available: int) -> Change:
            return open_top_up(payment, wallet.serial, moment)

        return Plan(payment, channel, decide)
