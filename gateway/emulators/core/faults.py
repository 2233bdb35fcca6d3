"""The fault script: how a stand-in shall behave, asked for per request, never by the amount.

A script is kept with the object it came with and stays in force for it. `fault` is met by *every*
request that names the number (posts, queries, closes), `fault_count` times in all; so a channel
that stays away, or that never answers about one payment at all, can be played too. A wrong amount
has no count unless one is given: a channel that believes a wrong amount says so each time.
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from gateway.emulators.core.fields import Fields

FAULT_COUNT_MAX = 1_000_000
REPLY_DELAY_MS_MAX = 60_000
FORGET_COUNT_MAX = 1_000
NOTIFY_COUNT_MAX = 1_000
SETTLE_DELAY_MS_MAX = 3_600_000
SETTLE_DELAY_MS_DEFAULT = 200

Outcome = Literal["SUCCEED", "DECLINE", "REQUIRE_ACTION", "ANSWER_LATER", "ABNORMAL"]
SettleOutcome = Literal["SUCCEED", "DECLINE"]
ActionType = Literal["QR_CODE", "REDIRECT", "CHALLENGE"]
Fault = Literal[
    "NONE",
    "DROP_REPLY",
    "REFUSE",
    "ERROR_BEFORE_EFFECT",
    "ERROR_AFTER_EFFECT",
    "MALFORMED_REPLY",
    "UNSIGNED_REPLY",
    "FORGED_REPLY",
    "WRONG_AMOUNT",
    "BUSY",
]
Notify = Literal[
    "DEFAULT",
    "NONE",
    "ONCE",
    "TWICE",
    "OUT_OF_ORDER",
    "BEFORE_REPLY",
    "STORM",
    "FORGED",
    "STALE",
    "WRONG_AMOUNT",
    "WRONG_NUMBER",
]

FAULTS_BEFORE_EFFECT: Final[frozenset[Fault]] = frozenset(("REFUSE", "ERROR_BEFORE_EFFECT", "BUSY"))

_CODE = re.compile("[A-Z_][A-Z0-9_]{0,63}")


@dataclass(frozen=True)
class Script:
    """How the stand-in shall behave towards one number. Delays and times are milliseconds."""

    outcome: Outcome = "SUCCEED"
    decline_code: str = "INSUFFICIENT_FUNDS"
    action_type: ActionType = "QR_CODE"
    fault: Fault = "NONE"
    fault_count: int = 1  # 0: every request
    reply_delay_ms: int = 0
    forget_count: int = 0
    notify: Notify = "DEFAULT"
    notify_count: int = 100
    settle_delay_ms: int | None = None
    settle_outcome: SettleOutcome = "SUCCEED"
    pay_after_close: bool = False

    @classmethod
    def from_text(cls, text: str | None) -> "Script":
        """A script that was kept; None is the one that asks for nothing."""
        return _PLAIN if text is None else cls(**json.loads(text))

    def to_text(self) -> str:
        """The script as it is kept."""
        return json.dumps(asdict(self), sort_keys=True)

    def fault_after(self, hits: int) -> Fault:
        """The fault that the next request meets when `hits` have met it already."""
        return self.fault if self.fault_count == 0 or hits < self.fault_count else "NONE"

    def settle_delay(self) -> int:
        """How long a settlement takes when it was not said."""
        return SETTLE_DELAY_MS_DEFAULT if self.settle_delay_ms is None else self.settle_delay_ms


_PLAIN = Script()


def parse_script(fields: Fields, outcomes: tuple[Outcome, ...]) -> Script:
    """Read a script strictly; `outcomes` are those that make sense for the object at hand."""
    readers: dict[str, Callable[[str], Any]] = {
        "outcome": lambda name: fields.choice(name, outcomes),
        "decline_code": lambda name: fields.matching(name, _CODE, "a code in UPPER_SNAKE_CASE"),
        "action_type": lambda name: fields.choice(name, get_args(ActionType)),
        "fault": lambda name: fields.choice(name, get_args(Fault)),
        "fault_count": lambda name: fields.integer(name, 0, FAULT_COUNT_MAX),
        "reply_delay_ms": lambda name: fields.integer(name, 0, REPLY_DELAY_MS_MAX),
        "forget_count": lambda name: fields.integer(name, 0, FORGET_COUNT_MAX),
        "notify": lambda name: fields.choice(name, get_args(Notify)),
        "notify_count": lambda name: fields.integer(name, 1, NOTIFY_COUNT_MAX),
        "settle_delay_ms": lambda name: fields.integer(name, 0, SETTLE_DELAY_MS_MAX),
        "settle_outcome": lambda name: fields.choice(name, get_args(SettleOutcome)),
        "pay_after_close": fields.flag,
    }
    found = {name: read(name) for name, read in readers.items() if fields.has(name)}
    fields.finish()
    if found.get("fault") == "WRONG_AMOUNT":
        found.setdefault("fault_count", 0)
    return Script(**found)
