"""A charge and every way it may change: pure functions from a charge to the next one.

The whole life is the table `next_states`. What was captured stays captured, what was not can be
released for ever by a close; refunds change a charge's amounts, never its state.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from gateway.emulators.sandbox.errors import Refusal
from gateway.emulators.sandbox.records import Closable, Next, Record
from gateway.emulators.sandbox.requests import CaptureMode, ChargeRequest, Kind

ACTION_TTL_MS_DEFAULT = 900_000


@dataclass(frozen=True, kw_only=True)
class Charge(Closable):
    """Money taken from a payer, at once or, captured by hand, in parts."""

    capture: CaptureMode | None = None
    captured: int = 0
    refunded: int = 0
    action_type: str | None = None
    action_data: str | None = None
    action_expire_time: int | None = None

    kind: ClassVar[Kind] = "charge"
    prefix: ClassVar[str] = "CH"
    next_states: ClassVar[Next] = {
        "PROCESSING": frozenset(
            ("ACTION_REQUIRED", "AUTHORIZED", "SUCCEEDED", "DECLINED", "CLOSED")
        ),
        "ACTION_REQUIRED": frozenset(("AUTHORIZED", "SUCCEEDED", "DECLINED", "CLOSED")),
        "AUTHORIZED": frozenset(("AUTHORIZED", "SUCCEEDED", "CLOSED")),
        "SUCCEEDED": frozenset(("SUCCEEDED",)),  # refunds
        "CLOSED": frozenset(("AUTHORIZED", "SUCCEEDED")),  # pay_after_close only
    }

    def view(self) -> dict[str, object]:
        """The charge as callers see it."""
        hidden = ("action_type", "action_data", "action_expire_time")
        members = {name: value for name, value in super().view().items() if name not in hidden}
        return {**members, "action": self._action()}

    def succeed(self, now: int) -> Self:
        """The payer's bank took the money, or holds it where it is captured by hand."""
        if self.capture == "MANUAL":
            return self.move(now, state="AUTHORIZED")
        return self.move(now, state="SUCCEEDED", captured=self.amount)

    def close(self, now: int) -> Self:
        """The fence. What was captured stays captured, what was not is released for ever."""
        if self.state == "AUTHORIZED" and self.captured:
            return self.move(now, state="SUCCEEDED")
        return super().close(now)

    def _action(self) -> dict[str, object] | None:
        if self.state != "ACTION_REQUIRED":
            return None
        return {
            "type": self.action_type,
            "data": self.action_data,
            "expire_time": self.action_expire_time,
        }


def begin(request: ChargeRequest, now: int) -> tuple[Record, ...]:
    """The states a new charge passes through before it is first answered. Raises Refusal."""
    if request.expire_time is not None and request.expire_time <= now:
        raise Refusal("INVALID_REQUEST", "expire_time must lie in the future.", "expire_time")
    charge = Charge.open(request, now, capture=request.capture)
    if request.script.outcome == "REQUIRE_ACTION":
        return charge, _ask_payer(charge, request, now)
    return charge.first_states(request.script, now)


def add_captured(charge: Charge, amount: int, now: int, *, done: bool) -> Charge:
    """A capture ended with `amount` taken (0: declined); `done` releases the rest for good."""
    if not amount and not done:
        return charge
    state = "SUCCEEDED" if done else charge.state
    return charge.move(now, state=state, captured=charge.captured + amount)


def add_refunded(charge: Charge, amount: int, now: int) -> Charge:
    """A refund gave its amount back."""
    return charge.move(now, state=charge.state, refunded=charge.refunded + amount)


def _ask_payer(charge: Charge, request: ChargeRequest, now: int) -> Charge:
    return charge.move(
        now,
        state="ACTION_REQUIRED",
        action_type=request.script.action_type,
        action_data=f"sandbox://pay/{charge.channel_number}",
        action_expire_time=request.expire_time or now + ACTION_TTL_MS_DEFAULT,
    )
