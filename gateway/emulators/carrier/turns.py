"""One request at its turn: the transaction it runs in, who asks, what the house rules say.

A play is taken only by a request that makes or moves something, so a repeated one uses none up.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.emulators.carrier import rows
from gateway.emulators.carrier.errors import Refusal
from gateway.emulators.carrier.house import House
from gateway.emulators.carrier.payments import Payment
from gateway.emulators.carrier.play import PLAY, Play
from gateway.emulators.carrier.refunds import Refund
from gateway.emulators.carrier.tokens import Caller
from gateway.emulators.core import rules
from gateway.emulators.core.book import Transaction


@dataclass(frozen=True)
class Turn:
    """What a decision needs besides the command; `now` is virtual, `now_s` real time."""

    txn: Transaction
    caller: Caller
    house: House
    operation: str
    flat: Mapping[str, str]
    now: int
    now_s: int

    def take_play(self) -> Play | None:
        """The play that waits for this request, used up by it."""
        content = rules.take(self.txn, PLAY, self.operation, self.flat)
        return None if content is None else Play(**content)

    def own_payment(self, payment_id: str) -> Payment:
        """A payment that the caller may see. Raises Refusal NOT_FOUND."""
        payment = rows.read_payment(self.txn, payment_id)
        if payment is None or not self.caller.may_see(payment.client, payment.phone):
            raise Refusal("NOT_FOUND", "The specified resource is not found.")
        return payment

    def own_refund(self, payment_id: str, refund_id: str) -> Refund:
        """A refund of a payment that the caller may see. Raises Refusal NOT_FOUND."""
        payment = self.own_payment(payment_id)
        refund = rows.read_refund(self.txn, refund_id)
        if refund is None or refund.payment_seq != payment.seq:
            raise Refusal("NOT_FOUND", "The specified resource is not found.")
        return refund
