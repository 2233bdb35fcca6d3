"""What all records of the book share: one thing asked for under a number, on its way to an end.

Pure. A record never changes: every visible change makes the next version of it, and the table
`next_states` of its kind says which state may follow which. Time never runs backwards within one
record, whatever the machine's clock does.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

from gateway.emulators.core.faults import Script, SettleOutcome
from gateway.emulators.sandbox.requests import Kind, Posted

State = Literal[
    "PROCESSING",
    "ACTION_REQUIRED",
    "AUTHORIZED",
    "SUCCEEDED",
    "DECLINED",
    "CLOSED",
    "ABNORMAL",
]
Next = Mapping[State, frozenset[State]]


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record as the book has it. Amounts are minor units, times milliseconds since the epoch."""

    number: str
    channel_number: str
    state: State
    amount: int | None
    currency: str | None
    create_time: int
    update_time: int
    request: str | None  # None: closed before it was ever seen
    decline_code: str | None = None
    decline_message: str | None = None
    version: int = 1

    kind: ClassVar[Kind]
    prefix: ClassVar[str]  # of the channel's own numbers
    next_states: ClassVar[Next]  # a state without a row is an end

    @classmethod
    def open(cls, request: Posted, now: int, **own: Any) -> Self:
        """What a request asks for, not yet decided; `own` are the fields of this kind alone."""
        return cls(
            number=request.number,
            channel_number=_channel_number(cls.prefix),
            state="PROCESSING",
            amount=request.amount,
            currency=request.currency,
            create_time=now,
            update_time=now,
            request=request.to_text(),
            **own,
        )

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The record that a row of the book holds."""
        return cls(**row)

    def view(self) -> dict[str, object]:
        """The record as callers see it."""
        return {name: value for name, value in vars(self).items() if name != "request"}

    def first_states(self, script: Script, now: int) -> tuple[Self, ...]:
        """The states it passes through before it is first answered, oldest first."""
        if script.outcome == "ANSWER_LATER":
            return (self,)
        outcome: SettleOutcome = "DECLINE" if script.outcome == "DECLINE" else "SUCCEED"
        return self, self.settle(outcome, script, now)

    def settle(self, outcome: SettleOutcome, script: Script, now: int) -> Self:
        """The bank has decided."""
        if outcome == "DECLINE":
            return self.decline(script.decline_code, now)
        return self.succeed(now)

    def succeed(self, now: int) -> Self:
        """The bank did what was asked."""
        return self.move(now, state="SUCCEEDED")

    def decline(self, code: str, now: int) -> Self:
        """It moved nothing and never will."""
        message = f"The bank declined: {code}."
        return self.move(now, state="DECLINED", decline_code=code, decline_message=message)

    def move(self, now: int, *, state: State, **changes: Any) -> Self:
        """The next version, in a state that may follow this one."""
        if state not in self.next_states.get(self.state, ()):
            raise AssertionError(f"a {self.kind} may not go from {self.state} to {state}")
        return replace(
            self,
            state=state,
            version=self.version + 1,
            update_time=max(now, self.update_time),
            **changes,
        )


@dataclass(frozen=True, kw_only=True)
class Closable(Record):
    """A record whose number can be closed: the caller's fence, whether it was ever seen or not.

    CLOSED is for ever: only the scripted late success (`pay_after_close`) leaves it, because real
    channels do that too and a gateway must survive it.
    """

    @classmethod
    def tombstone(cls, number: str, now: int) -> Self:
        """A number closed before it was ever seen: it can never move money."""
        return cls(
            number=number,
            channel_number=_channel_number(cls.prefix),
            state="CLOSED",
            amount=None,
            currency=None,
            create_time=now,
            update_time=now,
            request=None,
        )

    def close(self, now: int) -> Self:
        """Closed for ever, where it can still be; else as it is."""
        if "CLOSED" not in self.next_states.get(self.state, ()):
            return self
        return self.move(now, state="CLOSED")


def _channel_number(prefix: str) -> str:
    """A number of the sandbox's own, 28 characters."""
    return prefix + secrets.token_hex(13)
