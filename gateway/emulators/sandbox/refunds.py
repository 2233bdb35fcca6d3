"""A refund: giving captured money back, whole or in parts. Pure.

What is accepted and not declined is reserved at once, so refunds can never together exceed what was
captured. ABNORMAL means that the money is neither with the payer nor back: the amount stays
reserved.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from gateway.emulators.core.faults import Script
from gateway.emulators.sandbox.charges import Charge
from gateway.emulators.sandbox.errors import Refusal
from gateway.emulators.sandbox.records import Next, Record
from gateway.emulators.sandbox.requests import Kind, RefundRequest


@dataclass(frozen=True, kw_only=True)
class Refund(Record):
    """Money given back of what one charge captured."""

    amount: int
    currency: str
    request: str
    charge_number: str

    kind: ClassVar[Kind] = "refund"
    prefix: ClassVar[str] = "RF"
    next_states: ClassVar[Next] = {"PROCESSING": frozenset(("SUCCEEDED", "DECLINED", "ABNORMAL"))}

    def first_states(self, script: Script, now: int) -> tuple[Self, ...]:
        """The states it passes through before it is first answered, oldest first."""
        if script.outcome == "ABNORMAL":
            return self, self.move(now, state="ABNORMAL")
        return super().first_states(script, now)


def begin(
    request: RefundRequest, charge: Charge | None, accepted: int, now: int
) -> tuple[Record, ...]:
    """The states a new refund passes through before it is first answered. Raises Refusal.

    `accepted` is the sum of the charge's refunds that are not declined.
    """
    if charge is None:
        raise Refusal("NOT_FOUND", "There is no charge with this number.")
    if charge.captured == 0:
        raise Refusal("STATE_CONFLICT", f"Nothing was captured: the charge is {charge.state}.")
    if request.currency != charge.currency:
        raise Refusal("INVALID_REQUEST", "currency must be that of the charge.", "currency")
    if accepted + request.amount > charge.captured:
        raise Refusal("AMOUNT_EXCEEDED", "The refunds would exceed the captured amount.")
    refund = Refund.open(request, now, charge_number=charge.number)
    return refund.first_states(request.script, now)
