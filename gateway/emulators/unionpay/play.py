"""What shall happen: how the other people act (play), and how a message goes wrong (fault).

A play is about the order that a request makes (the buyer, the bank, the notifications) and is kept
with it. A fault is about one request: whether it arrives at all, whether its reply does, and how
the reply is spoiled. Both come as rules, before the request they are meant for.
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from gateway.emulators.core import rules
from gateway.emulators.core.fields import Fields
from gateway.emulators.core.rules import Rule
from gateway.emulators.unionpay.codes import ACCEPTED, SUCCESS, UNKNOWN_ORDER

DELAY_MS_MAX: Final = 60_000  # of a reply
SETTLE_DELAY_MS_MAX: Final = 40 * 86_400_000
SETTLE_DELAY_MS_DEFAULT: Final = 200
NOTIFY_COUNT_MAX: Final = 1_000
NEVER: Final = "NEVER"

FAULT, PLAY = "FAULT", "PLAY"

Late = Literal["NO", "SUCCESS", "REFUNDED"]
Pending = Literal["03", "04", "05", "34"]
Spoil = Literal[
    "UNSIGNED",
    "PARTLY_SIGNED",
    "ALTERED",
    "WRONG_KEY",
    "STALE",
    "WRONG_NAME",
    "FORGED",
    "DOWNGRADED",
]
Lie = Literal["WRONG_AMOUNT", "WRONG_NUMBER", "WRONG_TIME", "WRONG_MERCHANT", "WRONG_CURRENCY"]
Delivery = Literal["ONCE", "NONE", "TWICE", "STORM", "BEFORE_REPLY"]
Strike = Literal[
    "NONE",  # only slow
    "DROP_BEFORE_EFFECT",
    "ERROR_BEFORE_EFFECT",
    "BAD_GATEWAY_BEFORE_EFFECT",
    "BUSY",
    "SIGN_ERROR",
    "REFUSE",
    "DROP_AFTER_EFFECT",
    "ERROR_AFTER_EFFECT",
    "BAD_GATEWAY_AFTER_EFFECT",
    "NOT_FOUND",
    "TRUNCATED",
    "MALFORMED",
]
SPOILS: Final[tuple[str, ...]] = get_args(Spoil)
LIES: Final[tuple[str, ...]] = get_args(Lie)
NOTIFY: Final[tuple[str, ...]] = (*get_args(Delivery), *SPOILS, *LIES)
FAULTS: Final[tuple[str, ...]] = (*get_args(Strike), *SPOILS, *LIES)
BEFORE_EFFECT: Final = frozenset(
    (
        "DROP_BEFORE_EFFECT",
        "ERROR_BEFORE_EFFECT",
        "BAD_GATEWAY_BEFORE_EFFECT",
        "BUSY",
        "SIGN_ERROR",
        "REFUSE",
    )
)

_CODE: Final = re.compile("[0-9A-Z][0-9A-Z]")
_SETTLE: Final = re.compile("[0-9A-Z][0-9A-Z]|NEVER")
_CODE_RULE: Final = "a code of two characters"


@dataclass(frozen=True)
class Play:
    """How the others act towards one order; None is what is usual for it. Milliseconds."""

    answer: str = SUCCESS
    pending: Pending | None = None
    settle: str | None = None
    settle_delay_ms: int = SETTLE_DELAY_MS_DEFAULT
    late: Late = "NO"
    notify: str = "ONCE"
    notify_count: int = 100
    notify_delay_ms: int = 0
    tell_failure: bool = False

    @classmethod
    def from_text(cls, text: str) -> "Play":
        """A play that was kept."""
        return cls(**json.loads(text))

    def to_text(self) -> str:
        """The play as it is kept."""
        return json.dumps(asdict(self), sort_keys=True)

    def pending_code(self, *, waits_for_buyer: bool) -> str:
        """What queries say of an order that is not decided."""
        return self.pending or (UNKNOWN_ORDER if waits_for_buyer else ACCEPTED)


@dataclass(frozen=True)
class Fault:
    """How one request goes wrong; `code` is that of REFUSE."""

    name: str = "NONE"
    delay_ms: int = 0
    code: str = "06"


NO_FAULT: Final = Fault()


def read_rule(fields: Fields, operations: frozenset[str]) -> Rule:
    """Read a rule with either a `fault` or a `play`. Raises InvalidField."""
    frame = rules.read_frame(fields, operations)
    if fields.has("fault"):
        content = read_fault(Fields(fields.take("fault"), "fault"))
        frame |= {"topic": FAULT, "content": asdict(content)}
    else:
        play = read_play(Fields(fields.take("play"), "play"))
        frame |= {"topic": PLAY, "content": asdict(play)}
    fields.finish()
    return Rule(**frame)


def read_fault(fields: Fields) -> Fault:
    """Read a fault strictly."""
    readers: dict[str, Callable[[str], Any]] = {
        "name": lambda name: fields.choice(name, FAULTS),
        "delay_ms": lambda name: fields.integer(name, 0, DELAY_MS_MAX),
        "code": lambda name: read_code(fields, name),
    }
    return Fault(**_read(fields, readers))


def read_play(fields: Fields) -> Play:
    """Read a play strictly."""
    readers: dict[str, Callable[[str], Any]] = {
        "answer": lambda name: read_code(fields, name),
        "pending": lambda name: fields.choice(name, get_args(Pending)),
        "settle": lambda name: fields.matching(name, _SETTLE, f"{_CODE_RULE}, or NEVER"),
        "settle_delay_ms": lambda name: fields.integer(name, 0, SETTLE_DELAY_MS_MAX),
        "late": lambda name: fields.choice(name, get_args(Late)),
        "notify": lambda name: fields.choice(name, NOTIFY),
        "notify_count": lambda name: fields.integer(name, 1, NOTIFY_COUNT_MAX),
        "notify_delay_ms": lambda name: fields.integer(name, 0, SETTLE_DELAY_MS_MAX),
        "tell_failure": fields.flag,
    }
    return Play(**_read(fields, readers))


def read_code(fields: Fields, name: str) -> str:
    """A response code."""
    return fields.matching(name, _CODE, _CODE_RULE)


def _read(fields: Fields, readers: dict[str, Callable[[str], Any]]) -> dict[str, Any]:
    found = {name: read(name) for name, read in readers.items() if fields.has(name)}
    fields.finish()
    return found
