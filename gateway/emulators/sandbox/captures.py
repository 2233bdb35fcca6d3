"""A capture: taking authorised money, whole or in parts. Pure.

What is accepted and not declined is reserved at once, so captures that are still on their way can
never together exceed the authorisation. A `final` capture that is accepted is the last one.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

from gateway.emulators.core.faults import Script, SettleOutcome
from gateway.emulators.sandbox.charges import Charge, decline_message, new_channel_number
from gateway.emulators.sandbox.errors import Refusal
from gateway.emulators.sandbox.requests import CaptureRequest

CAPTURES_PER_CHARGE_MAX = 1_000
CLOSED_CODE = "CHARGE_CLOSED"  # the decline of a capture that was on its way when its charge closed

State = Literal["PROCESSING", "SUCCEEDED", "DECLINED"]


@dataclass(frozen=True)
class Capture:
    """A capture as the book has it. Amounts are minor units, times milliseconds since the epoch."""

    number: str
    channel_number: str
    charge_number: str
    state: State
    amount: int
    currency: str
    final: bool
    create_time: int
    update_time: int
    request: str
    decline_code: str | None = None
    decline_message: str | None = None
    version: int = 1

    def view(self) -> dict[str, object]:
        """The capture as callers see it."""
        return {name: value for name, value in vars(self).items() if name != "request"}


@dataclass(frozen=True)
class CaptureSums:
    """All captures of one charge that are not declined: their sum, and what they imply."""

    accepted: int
    processing: int
    final: bool
    count: int


def begin(
    request: CaptureRequest, charge: Charge | None, sums: CaptureSums, now: int
) -> tuple[Capture, ...]:
    """The states a new capture passes through before it is first answered. Raises Refusal."""
    if charge is None:
        raise Refusal("NOT_FOUND", "There is no charge with this number.")
    if charge.state != "AUTHORIZED" or sums.final or sums.count >= CAPTURES_PER_CHARGE_MAX:
        raise Refusal("STATE_CONFLICT", f"Nothing can be captured: the charge is {charge.state}.")
    if request.currency != charge.currency:
        raise Refusal("INVALID_REQUEST", "currency must be that of the charge.", "currency")
    if sums.accepted + request.amount > (charge.amount or 0):
        raise Refusal("AMOUNT_EXCEEDED", "The captures would exceed the authorised amount.")
    capture = Capture(
        number=request.number,
        channel_number=new_channel_number("CP"),
        charge_number=charge.number,
        state="PROCESSING",
        amount=request.amount,
        currency=request.currency,
        final=request.final,
        create_time=now,
        update_time=now,
        request=request.to_text(),
    )
    match request.script.outcome:
        case "ANSWER_LATER":
            return (capture,)
        case "DECLINE":
            return capture, settle(capture, "DECLINE", request.script, now)
    return capture, settle(capture, "SUCCEED", request.script, now)


def settle(capture: Capture, outcome: SettleOutcome, script: Script, now: int) -> Capture:
    """The payer's bank has decided."""
    if outcome == "DECLINE":
        return decline(capture, script.decline_code, now)
    return _move(capture, now, state="SUCCEEDED")


def decline(capture: Capture, code: str, now: int) -> Capture:
    """The capture took nothing and never will."""
    return _move(
        capture, now, state="DECLINED", decline_code=code, decline_message=decline_message(code)
    )


def completes(charge: Charge, sums: CaptureSums) -> bool:
    """Whether a charge with these captures is done: none on its way, a final one or all taken."""
    return sums.processing == 0 and (sums.final or sums.accepted == charge.amount)


def _move(capture: Capture, now: int, *, state: State, **changes: Any) -> Capture:
    if capture.state != "PROCESSING":
        raise AssertionError(f"a capture may not go from {capture.state} to {state}")
    return replace(
        capture,
        state=state,
        version=capture.version + 1,
        update_time=max(now, capture.update_time),
        **changes,
    )
