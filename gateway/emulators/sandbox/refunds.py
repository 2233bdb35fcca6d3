"""A refund: giving captured money back, whole or in parts. Pure.

What is accepted and not declined is reserved at once, so refunds can never together exceed what was
captured. ABNORMAL means that the money is neither with the payer nor back: the amount stays
reserved.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

from gateway.emulators.core.faults import Script, SettleOutcome
from gateway.emulators.sandbox.charges import Charge, decline_message, new_channel_number
from gateway.emulators.sandbox.errors import Refusal
from gateway.emulators.sandbox.requests import RefundRequest

State = Literal["PROCESSING", "SUCCEEDED", "DECLINED", "ABNORMAL"]


@dataclass(frozen=True)
class Refund:
    """A refund as the book has it. Amounts are minor units, times milliseconds since the epoch."""

    number: str
    channel_number: str
    charge_number: str
    state: State
    amount: int
    currency: str
    create_time: int
    update_time: int
    request: str
    decline_code: str | None = None
    decline_message: str | None = None
    version: int = 1

    def view(self) -> dict[str, object]:
        """The refund as callers see it."""
        return {name: value for name, value in vars(self).items() if name != "request"}


def begin(
    request: RefundRequest, charge: Charge | None, accepted: int, now: int
) -> tuple[Refund, ...]:
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
    refund = Refund(
        number=request.number,
        channel_number=new_channel_number("RF"),
        charge_number=charge.number,
        state="PROCESSING",
        amount=request.amount,
        currency=request.currency,
        create_time=now,
        update_time=now,
        request=request.to_text(),
    )
    match request.script.outcome:
        case "ANSWER_LATER":
            return (refund,)
        case "ABNORMAL":
            return refund, _move(refund, now, state="ABNORMAL")
        case "DECLINE":
            return refund, settle(refund, "DECLINE", request.script, now)
    return refund, settle(refund, "SUCCEED", request.script, now)


def settle(refund: Refund, outcome: SettleOutcome, script: Script, now: int) -> Refund:
    """The bank has decided."""
    if outcome == "DECLINE":
        code = script.decline_code
        return _move(
            refund, now, state="DECLINED", decline_code=code, decline_message=decline_message(code)
        )
    return _move(refund, now, state="SUCCEEDED")


def _move(refund: Refund, now: int, *, state: State, **changes: Any) -> Refund:
    if refund.state != "PROCESSING":
        raise AssertionError(f"a refund may not go from {refund.state} to {state}")
    return replace(
        refund,
        state=state,
        version=refund.version + 1,
        update_time=max(now, refund.update_time),
        **changes,
    )
