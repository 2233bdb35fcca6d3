"""A capture: taking authorised money, whole or in parts. Pure.

What is accepted and not declined is reserved at once, so captures that are still on their way can
never together exceed the authorisation. A `final` capture that is accepted is the last one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from gateway.emulators.sandbox.charges import Charge
from gateway.emulators.sandbox.errors import Refusal
from gateway.emulators.sandbox.records import Next, Record
from gateway.emulators.sandbox.requests import CaptureRequest, Kind

CAPTURES_PER_CHARGE_MAX = 1_000
CLOSED_CODE = "CHARGE_CLOSED"  # the decline of a capture that was on its way when its charge closed


@dataclass(frozen=True, kw_only=True)
class Capture(Record):
    """Money taken of what one charge holds."""

    amount: int
    currency: str
    request: str
    charge_number: str
    final: bool

    kind: ClassVar[Kind] = "capture"
    prefix: ClassVar[str] = "CP"
    next_states: ClassVar[Next] = {"PROCESSING": frozenset(("SUCCEEDED", "DECLINED"))}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The capture that a row of the book holds."""
        return cls(**{**row, "final": bool(row["final"])})


@dataclass(frozen=True)
class CaptureSums:
    """All captures of one charge that are not declined: their sum, and what they imply."""

    accepted: int
    processing: int
    final: bool
    count: int


def begin(
    request: CaptureRequest, charge: Charge | None, sums: CaptureSums, now: int
) -> tuple[Record, ...]:
    """The states a new capture passes through before it is first answered. Raises Refusal."""
    if charge is None:
        raise Refusal("NOT_FOUND", "There is no charge with this number.")
    if charge.state != "AUTHORIZED" or sums.final or sums.count >= CAPTURES_PER_CHARGE_MAX:
        raise Refusal("STATE_CONFLICT", f"Nothing can be captured: the charge is {charge.state}.")
    if request.currency != charge.currency:
        raise Refusal("INVALID_REQUEST", "currency must be that of the charge.", "currency")
    if sums.accepted + request.amount > (charge.amount or 0):
        raise Refusal("AMOUNT_EXCEEDED", "The captures would exceed the authorised amount.")
    capture = Capture.open(request, now, charge_number=charge.number, final=request.final)
    return capture.first_states(request.script, now)


def completes(charge: Charge, sums: CaptureSums) -> bool:
    """Whether a charge with these captures is done: none on its way, a final one or all taken."""
    return sums.processing == 0 and (sums.final or sums.accepted == charge.amount)
