"""A payout: money sent to a payee, of which nothing was taken from him before. Pure.

It stands for itself: no charge bounds it, so the only limit is the one on amounts. Its number can
be closed while the bank has not decided, and before it was ever seen.
"""

from dataclasses import dataclass
from typing import ClassVar

from gateway.emulators.sandbox.records import Closable, Next, Record
from gateway.emulators.sandbox.requests import Kind, PayoutRequest


@dataclass(frozen=True, kw_only=True)
class Payout(Closable):
    """Money sent to a payee."""

    kind: ClassVar[Kind] = "payout"
    prefix: ClassVar[str] = "PO"
    next_states: ClassVar[Next] = {
        "PROCESSING": frozenset(("SUCCEEDED", "DECLINED", "CLOSED")),
        "CLOSED": frozenset(("SUCCEEDED",)),  # pay_after_close only
    }


def begin(request: PayoutRequest, now: int) -> tuple[Record, ...]:
    """The states a new payout passes through before it is first answered."""
    return Payout.open(request, now).first_states(request.script, now)
