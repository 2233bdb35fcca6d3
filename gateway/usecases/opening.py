"""Pay, top up, withdraw through a channel: the part they share.

The key comes before whatever time or state can change. Asking for the key first would cost every
payment a round trip, so it is asked only when the payment is about to be refused; if nothing
refuses it, the first commit itself finds an older claim.

One file per verb says what is kept of its request and how it is decided.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from gateway.clock import Deadline
from gateway.domain.change import Change
from gateway.domain.decisions.moment import Moment
from gateway.domain.errors import GatewayError
from gateway.domain.idempotency import Claim
from gateway.domain.payment import Payment
from gateway.domain.ports import Channel, Opening
from gateway.domain.value import value
from gateway.domain.wallet import WalletRef
from gateway.usecases.commands import PaymentAnswer
from gateway.usecases.execution import Begun, Execution, admitted, in_time
from gateway.usecases.replay import opened_under, replay_or_raise


@value(frozen=True, slots=True)
class Plan:
    """A payment that nothing refuses before its commit: the channel to ask, and who decides.

    `decide` is given what is available in the wallet, 0 without one.
    """

    payment: Payment
    channel: Channel
    decide: Callable[[Moment, int], Change]
    wallet: WalletRef | None = None


class Open:
    """Opens one payment through a channel and carries it out."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    async def __call__(
        self, claim: Claim, prepare: Callable[[], Awaitable[Plan]], deadline: Deadline
    ) -> PaymentAnswer:
        """Carry out what is prepared, or answer what the key made before. Raises GatewayError."""
        try:
            plan = await in_time(prepare(), deadline)
            place = admitted(plan.channel)
        except GatewayError as refusal:
            replay = replay_or_raise(self._execution.payments, claim, refusal)
            return await in_time(replay, deadline)
        begun = await self._execution.answer(partial(self._begin, claim, plan), place, deadline)
        return PaymentAnswer(begun.aggregate.payment, begun.replayed)

    async def _begin(self, claim: Claim, plan: Plan) -> Begun:
        execution, payment = self._execution, plan.payment
        decide = partial(plan.decide, execution.moment(payment.method.channel))
        opened = await execution.payments.open_payment(
            Opening(claim, decide, plan.wallet, exclusive_order(payment))
        )
        aggregate = opened_under(claim, opened)
        if opened.existing:
            return Begun(aggregate, None, opened.existing.object_id, replayed=True)
        execution.observer.changed(aggregate.payment)
        attempt = next(iter(aggregate.attempts.values()), None)
        return Begun(aggregate, attempt, payment.payment_id, replayed=False)


def exclusive_order(payment: Payment) -> str:
    """Name the order of which this must be the only payment; empty where it need not be."""
    return payment.order_id if payment.one_per_order else ""
