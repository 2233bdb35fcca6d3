"""What all records of the book share: each change makes the next version, and only legal ones.

Pure. The table `next_states` of a kind says which state may follow which. Time never runs backwards
within one record, whatever the machine's clock does.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Literal, Self

from gateway.emulators.alipay.play import Play
from gateway.emulators.core import beijing

Kind = Literal["code", "trade", "refund", "authorization", "agreement"]
View = dict[str, object]
Next = Mapping[str, frozenset[str]]

BUYER_PREFIX: Final = "2088"


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record as the book has it. Amounts are fen, times milliseconds since the epoch."""

    app_id: str
    number: str  # the merchant's own
    state: str
    create_time: int
    update_time: int
    request: str
    play: str
    notify_url: str | None = None
    certified: int = 0  # 1: it was asked for in certificate mode, and is told of in it
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
        return replace(
            self,
            state=state,
            version=self.version + 1,
            update_time=max(now, self.update_time),
            **changes,
        )


def new_number(now: int, digits: int) -> str:
    """A number of the channel's own: the day, and digits that nobody can guess."""
    return f"{beijing.at(now):%Y%m%d}{secrets.randbelow(10**digits):0{digits}d}"


def new_buyer() -> str:
    """The id of a buyer whom nobody named."""
    return f"{BUYER_PREFIX}{secrets.randbelow(10**12):012d}"


def open_id(app_id: str, buyer_id: str) -> str:
    """The id by which one app alone knows a buyer."""
    return hashlib.sha256(f"{app_id} {buyer_id}".encode()).hexdigest()


def logon_id(buyer_id: str) -> str:
    """The name under which a buyer logs on, as merchants see it."""
    return f"159****{buyer_id[-4:]}"
