"""A charge and every way it may change: pure functions from a charge to the next one.

The whole life is the table `_NEXT`. CLOSED is for ever: only the scripted late success
(`pay_after_close`) leaves it, because real channels do that too and a gateway must survive it. Each
visible change raises `version` by one; time never runs backwards within one charge, whatever the
machine's clock does.
"""

import secrets
from dataclasses import dataclass, replace
from typing import Any, Literal

from gateway.emulators.core.faults import Script, SettleOutcome
from gateway.emulators.sandbox.errors import Refusal
from gateway.emulators.sandbox.requests import CaptureMode, ChargeRequest

ACTION_TTL_MS_DEFAULT = 900_000

State = Literal["PROCESSING", "ACTION_REQUIRED", "AUTHORIZED", "SUCCEEDED", "DECLINED", "CLOSED"]

_NEXT: dict[State, frozenset[State]] = {
    "PROCESSING": frozenset(("ACTION_REQUIRED", "AUTHORIZED", "SUCCEEDED", "DECLINED", "CLOSED")),
    "ACTION_REQUIRED": frozenset(("AUTHORIZED", "SUCCEEDED", "DECLINED", "CLOSED")),
    "AUTHORIZED": frozenset(("AUTHORIZED", "SUCCEEDED", "CLOSED")),
    "SUCCEEDED": frozenset(("SUCCEEDED",)),  # refunds change its amount, never its state
    "DECLINED": frozenset(),
    "CLOSED": frozenset(("AUTHORIZED", "SUCCEEDED")),  # pay_after_close only
}


@dataclass(frozen=True)
class Charge:
    """A charge as the book has it. Amounts are minor units, times milliseconds since the epoch."""

    number: str
    channel_number: str
    state: State
    amount: int | None
    currency: str | None
    capture: CaptureMode | None
    create_time: int
    update_time: int
    request: str | None  # None: closed before it was ever seen
    captured: int = 0
    refunded: int = 0
    action_type: str | None = None
    action_data: str | None = None
    action_expire_time: int | None = None
    decline_code: str | None = None
    decline_message: str | None = None
    version: int = 1

    def view(self) -> dict[str, object]:
        """The charge as callers see it."""
        hidden = ("request", "action_type", "action_data", "action_expire_time")
        members = {name: value for name, value in vars(self).items() if name not in hidden}
        return {**members, "action": self._action()}

    def _action(self) -> dict[str, object] | None:
        if self.state != "ACTION_REQUIRED":
            return None
        return {
            "type": self.action_type,
            "data": self.action_data,
            "expire_time": self.action_expire_time,
        }


def new_channel_number(prefix: str) -> str:
    """A number of the sandbox's own, 28 characters."""
    return prefix + secrets.token_hex(13)


def decline_message(code: str) -> str:
    """What a person reads beside a decline code."""
    return f"The payer's bank declined: {code}."


def begin(request: ChargeRequest, now: int) -> tuple[Charge, ...]:
    """The states a new charge passes through before it is first answered, oldest first."""
    if request.expire_time is not None and request.expire_time <= now:
        raise Refusal("INVALID_REQUEST", "expire_time must lie in the future.", "expire_time")
    charge = Charge(
        number=request.number,
        channel_number=new_channel_number("CH"),
        state="PROCESSING",
        amount=request.amount,
        currency=request.currency,
        capture=request.capture,
        create_time=now,
        update_time=now,
        request=request.to_text(),
    )
    match request.script.outcome:
        case "ANSWER_LATER":
            return (charge,)
        case "REQUIRE_ACTION":
            return charge, _ask_payer(charge, request, now)
        case "DECLINE":
            return charge, settle(charge, "DECLINE", request.script, now)
    return charge, settle(charge, "SUCCEED", request.script, now)


def tombstone(number: str, now: int) -> Charge:
    """A number closed before it was ever seen: it can never become a payment."""
    return Charge(
        number=number,
        channel_number=new_channel_number("CH"),
        state="CLOSED",
        amount=None,
        currency=None,
        capture=None,
        create_time=now,
        update_time=now,
        request=None,
    )


def settle(charge: Charge, outcome: SettleOutcome, script: Script, now: int) -> Charge:
    """The payer's bank has decided: taken (or held, when captured by hand), or declined."""
    if outcome == "DECLINE":
        code = script.decline_code
        return _move(
            charge, now, state="DECLINED", decline_code=code, decline_message=decline_message(code)
        )
    if charge.capture == "MANUAL":
        return _move(charge, now, state="AUTHORIZED")
    return _move(charge, now, state="SUCCEEDED", captured=charge.amount)


def close(charge: Charge, now: int) -> Charge:
    """The fence. What was captured stays captured, what was not is released for ever."""
    if charge.state in ("SUCCEEDED", "DECLINED", "CLOSED"):
        return charge
    return _move(charge, now, state="SUCCEEDED" if charge.captured else "CLOSED")


def add_captured(charge: Charge, amount: int, now: int, *, done: bool) -> Charge:
    """A capture ended with `amount` taken (0: declined); `done` releases the rest for good."""
    if not amount and not done:
        return charge
    state: State = "SUCCEEDED" if done else charge.state
    return _move(charge, now, state=state, captured=charge.captured + amount)


def add_refunded(charge: Charge, amount: int, now: int) -> Charge:
    """A refund gave its amount back."""
    return _move(charge, now, refunded=charge.refunded + amount)


def _ask_payer(charge: Charge, request: ChargeRequest, now: int) -> Charge:
    return _move(
        charge,
        now,
        state="ACTION_REQUIRED",
        action_type=request.script.action_type,
        action_data=f"sandbox://pay/{charge.channel_number}",
        action_expire_time=request.expire_time or now + ACTION_TTL_MS_DEFAULT,
    )


def _move(charge: Charge, now: int, *, state: State | None = None, **changes: Any) -> Charge:
    target = charge.state if state is None else state
    if target not in _NEXT[charge.state]:
        raise AssertionError(f"a charge may not go from {charge.state} to {target}")
    return replace(
        charge,
        state=target,
        version=charge.version + 1,
        update_time=max(now, charge.update_time),
        **changes,
    )
