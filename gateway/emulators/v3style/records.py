"""What all records of the book share: each change makes the next version, and only legal ones.

Pure. The table `next_states` of a kind says which state may follow which. Time never runs backwards
within one record, whatever the machine's clock does.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

from gateway.emulators.core import beijing

Kind = Literal["order", "refund", "contract"]
View = dict[str, object]
Next = Mapping[str, frozenset[str]]


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record as the book has it. Amounts are fen, times milliseconds since the epoch."""

    mchid: str
    state: str
    create_time: int
    update_time: int
    request: str
    seq: int = 0  # given by the book
    version: int = 1

    kind_name: ClassVar[Kind]
    next_states: ClassVar[Next]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The record that a row of the book holds."""
        return cls(**row)

    @property
    def asked(self) -> dict[str, Any]:
        """What the request said."""
        members: dict[str, Any] = json.loads(self.request)
        return members

    def may_become(self, state: str) -> bool:
        """Whether that state may follow this one."""
        return state in self.next_states.get(self.state, ())

    def move(self, now: int, state: str, **changes: Any) -> Self:
        """The next version, in a state that may follow this one."""
        if not self.may_become(state):
            raise AssertionError(f"a {self.kind_name} may not go from {self.state} to {state}")
        return replace(
            self,
            state=state,
            version=self.version + 1,
            update_time=max(now, self.update_time),
            **changes,
        )


def new_number(prefix: str, now: int, digits: int) -> str:
    """A number of the channel's own: a prefix, the day, and digits that nobody can guess."""
    return f"{prefix}{beijing.at(now):%Y%m%d}{secrets.randbelow(10**digits):0{digits}d}"
