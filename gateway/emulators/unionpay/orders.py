"""An order and every way it may change: pure functions from an order to the next one.

Everything that ACP does is an order of its own under the merchant's orderId and txnTime: payments
and authorisations, completions, voids and refunds, which name the one they are about. WAITING is
for the buyer, ACCEPTED for the bank; what is decided stays decided. EXPIRED is the end of what no
buyer paid in time, but for money that comes late: real networks have that, so it can be played.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar, Final, Literal

from gateway.emulators.unionpay import clearing
from gateway.emulators.unionpay.codes import FLAWED_SUCCESS, SUCCESS
from gateway.emulators.unionpay.play import Play

State = Literal["WAITING", "ACCEPTED", "SUCCEEDED", "FAILED", "EXPIRED"]
View = dict[str, object]

LIFE_MS: Final = 86_400_000  # of what no buyer pays, where no payTimeout says otherwise


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order as the book has it. Amounts are fen, times milliseconds since the epoch."""

    mer_id: str
    order_id: str
    txn_time: str
    txn_type: str
    txn_sub_type: str
    way: str
    state: State
    amount: int
    back_url: str
    code: str  # what queries say
    account: str
    trace_no: str
    expire_time: int
    create_time: int
    update_time: int
    request: str
    play: str
    orig_seq: int | None = None
    tn: str | None = None
    query_id: str | None = None
    settle_day: str | None = None
    seq: int = 0  # given by the book
    version: int = 1

    kind_name: ClassVar[str] = "order"
    next_states: ClassVar[Mapping[State, frozenset[State]]] = {
        "WAITING": frozenset(("WAITING", "SUCCEEDED", "EXPIRED")),
        "ACCEPTED": frozenset(("ACCEPTED", "SUCCEEDED", "FAILED")),
        "EXPIRED": frozenset(("EXPIRED", "SUCCEEDED")),  # late money only
    }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Order":
        """The order that a row of the book holds."""
        return cls(**row)

    @property
    def asked(self) -> dict[str, str]:
        """What the request said."""
        members: dict[str, str] = json.loads(self.request)
        return members

    @property
    def played(self) -> Play:
        """How the others act towards it."""
        return Play.from_text(self.play)

    @property
    def settled(self) -> date:
        """The clearing day of a success."""
        assert self.settle_day is not None
        return date.fromisoformat(self.settle_day)

    def succeed(self, now: int, code: str = SUCCESS) -> "Order":
        """The bank says yes."""
        assert code in (SUCCESS, FLAWED_SUCCESS)
        query_id = self.query_id or new_query_id(now, self.trace_no)
        settle_day = clearing.day(now).isoformat()
        return self.move(now, "SUCCEEDED", code=code, query_id=query_id, settle_day=settle_day)

    def move(self, now: int, state: State, **changes: Any) -> "Order":
        """The next version, in a state that may follow this one."""
        if state not in self.next_states.get(self.state, ()):
            raise AssertionError(f"an order may not go from {self.state} to {state}")
        return replace(
            self,
            state=state,
            version=self.version + 1,
            update_time=max(now, self.update_time),
            **changes,
        )


def new_trace_no() -> str:
    """A number of six digits, as the card network counts."""
    return f"{secrets.randbelow(10**6):06d}"


def new_query_id(now: int, trace_no: str) -> str:
    """UnionPay's own number of an order: 21 digits, the time and the trace in them."""
    head, tail = secrets.randbelow(100), secrets.randbelow(10)
    return f"{head:02d}{clearing.to_text(now)[2:]}{trace_no}{tail}"


def new_tn() -> str:
    """What a phone opens: 21 digits."""
    return f"{secrets.randbelow(10**21):021d}"


def new_account() -> str:
    """The masked number of a buyer's card."""
    return f"6226{'*' * 8}{secrets.randbelow(10**4):04d}"
