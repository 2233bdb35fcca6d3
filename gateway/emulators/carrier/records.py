"""What payments and refunds share: each change makes the next version, and only legal ones.

Pure. The table `next_states` of a kind says which state may follow which. Time never runs backwards
within one record, whatever the machine's clock does.
"""

import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Literal, Self

from gateway.emulators.carrier.play import Play

Kind = Literal["payment", "refund"]
View = dict[str, object]
Next = Mapping[str, frozenset[str]]

ID_LENGTH: Final = 26
_ALPHABET: Final = string.ascii_uppercase + string.digits


@dataclass(frozen=True, kw_only=True)
class Sink:
    """Where events of one object go, and the token that they carry; seconds of real time."""

    url: str | None = None
    token: str | None = None
    expire_s: int | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record as the book has it. Amounts are thousandths, times milliseconds since the epoch."""

    client: str
    state: str
    correlator: str | None
    reference: str
    amount: int
    currency: str
    merchant: str | None
    create_time: int
    update_time: int
    request: str
    play: str
    sink: str | None = None
    sink_token: str | None = None
    sink_expire_s: int | None = None
    sink_gone: int = 0  # the receiver said that it wants no more
    success_time: int | None = None
    denial: str | None = None
    listed: int = 1  # 0: the lists keep silent about it
    skew: int = 0  # how many thousandths more the lists say
    seq: int = 0  # given by the book
    version: int = 1

    kind_name: ClassVar[Kind]
    next_states: ClassVar[Next]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The record that a row of the book holds."""
        return cls(**row)

    @property
    def number(self) -> str:
        """The operator's id of it."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """What tests know it by: the client's own number where it gave one."""
        return self.correlator or self.number

    @property
    def asked(self) -> dict[str, Any]:
        """What the request said."""
        members: dict[str, Any] = json.loads(self.request)
        return members

    @property
    def played(self) -> Play:
        """How the others act towards it."""
        return Play.from_text(self.play)

    def may_become(self, state: str) -> bool:
        """Whether that state may follow this one."""
        return state in self.next_states.get(self.state, ())

    def move(self, now: int, state: str, **changes: Any) -> Self:
        """The next version, in a state that may follow this one."""
        if not self.may_become(state):
            raise AssertionError(f"a {self.kind_name} may not go from {self.state} to {state}")
        if state == "succeeded":
            changes["success_time"] = now
        return self.change(now, state=state, **changes)

    def change(self, now: int, **changes: Any) -> Self:
        """The next version."""
        update_time = max(now, self.update_time)
        return replace(self, version=self.version + 1, update_time=update_time, **changes)


def new_id(prefix: str) -> str:
    """An id that nobody can guess."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(ID_LENGTH - len(prefix)))


def new_code(digits: int) -> str:
    """A code that a subscriber is told."""
    return f"{secrets.randbelow(10**digits):0{digits}d}"
