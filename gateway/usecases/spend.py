"""Spend: pay from a wallet. One commit decides and does it, so the first answer is the last.

The busiest path of the gateway. Nothing here is a task of its own: once the commit has begun it is
the store's, and a caller who leaves only stops waiting for it; before, nothing is kept of him.
"""

from datetime import timedelta
from functools import partial

from gateway.clock import Deadline
from gateway.domain.decisions.moment import Moment
from gateway.domain.decisions.wallet import pay_from_wallet
from gateway.domain.errors import GatewayError
from gateway.domain.idempotency import Claim
from gateway.domain.merchant import Merchant
from gateway.domain.ports import Opened, Opening
from gateway.domain.wallet import WalletRef, owner_of
from gateway.usecases.commands import PayCommand, PaymentAnswer
from gateway.usecases.enabled import check_merchant
from gateway.usecases.execution import Execution, committed, in_time
from gateway.usecases.intents import ExpiryTerms, purchase
from gateway.usecases.merchants import MerchantBook
from gateway.usecases.opening import exclusive_order
from gateway.usecases.replay import opened_under, replay_or_raise


class Spend:
    """The use case. `authorization_lifetime` is how long a wallet holds what is not captured."""

    def __init__(
        self,
        execution: Execution,
        merchants: MerchantBook,
        expiry: ExpiryTerms,
        authorization_lifetime: timedelta,
    ) -> None:
        self._payments = execution.payments
        self._observer = execution.observer
        self._clock = execution.clock
        self._merchants = merchants
        self._expiry = expiry
        self._lifetime = authorization_lifetime

    async def __call__(
        self, command: PayCommand, claim: Claim, deadline: Deadline
    ) -> PaymentAnswer:
        """Make the payment, or answer what its key made before. Raises GatewayError."""
        try:
            merchant = self._merchants.recall(command.merchant_id)
            if merchant is None:
                merchant = await in_time(self._merchants.read(command.merchant_id), deadline)
            opening = self.opening(command, claim, merchant)
        except GatewayError as refusal:
            return await in_time(replay_or_raise(self._payments, claim, refusal), deadline)
        opened = await committed(partial(self._payments.open_payment, opening), deadline)
        return self.answer(claim, opened)

    def opening(self, command: PayCommand, claim: Claim, merchant: Merchant) -> Opening:
        """Say what is to be committed. Raises GatewayError, with the key left free."""
        check_merchant(command, merchant)
        payment = purchase(command, merchant, claim, self._expiry)
        moment = Moment(
            claim.create_time, self._clock.new_id, authorization_lifetime=self._lifetime
        )
        decide = partial(pay_from_wallet, payment, merchant, moment)
        wallet = WalletRef(owner_of(command.payer.payer_id), command.amount.currency)
        return Opening(claim, decide, wallet, exclusive_order(payment))

    def answer(self, claim: Claim, opened: Opened) -> PaymentAnswer:
        """Answer what was committed under the key, now or before. Raises Refused."""
        payment = opened_under(claim, opened).payment
        replayed = opened.existing is not None
        if not replayed:
            self._observer.changed(payment)
        return PaymentAnswer(payment, replayed)
