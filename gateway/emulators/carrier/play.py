"""What shall happen: how operator and subscriber act (play), and how a message goes wrong (fault).

A play is about the object that a request makes or moves (a payment, a refund, their notifications)
and is kept with it. A fault is about one request: whether it arrives, whether its reply does, and
how the reply is spoiled. Both come as rules, before the request they are meant for.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal, get_args

from gateway.emulators.core import rules
from gateway.emulators.core.fields import Fields, InvalidField
from gateway.emulators.core.rules import Rule

DELAY_MS_MAX: Final = 60_000  # of a reply
SETTLE_DELAY_MS_MAX: Final = 40 * 86_400_000
SETTLE_DELAY_MS_DEFAULT: Final = 200
NOTIFY_COUNT_MAX: Final = 1_000
REASON_LENGTH_MAX: Final = 255

FAULT, PLAY = "FAULT", "PLAY"

Answer = Literal["SUCCEEDED", "PROCESSING", "RESERVED", "PENDING_VALIDATION", "DENIED"]
Settle = Literal["SUCCEEDED", "RESERVED", "PENDING_VALIDATION", "DENIED", "NEVER"]
Validation = Literal["VALIDATE", "OPEN"]
Spoil = Literal["NO_TOKEN", "WRONG_TOKEN", "MALFORMED", "WRONG_TYPE"]
Notify = Literal[
    "ONCE",
    "NONE",
    "TWICE",
    "STORM",
    "BEFORE_REPLY",
    "NO_TOKEN",
    "WRONG_TOKEN",
    "MALFORMED",
    "WRONG_TYPE",
    "STALE",
    "WRONG_STATUS",
    "WRONG_NUMBER",
]
FaultName = Literal[
    "NONE",  # only slow
    "DROP_BEFORE_EFFECT",
    "ERROR_BEFORE_EFFECT",
    "BAD_GATEWAY_BEFORE_EFFECT",
    "BUSY",
    "UNAUTHENTICATED",
    "REFUSE",
    "DROP_AFTER_EFFECT",
    "ERROR_AFTER_EFFECT",
    "BAD_GATEWAY_AFTER_EFFECT",
    "NOT_FOUND",
    "TRUNCATED",
    "MALFORMED",
    "WRONG_AMOUNT",
    "WRONG_NUMBER",
    "WRONG_CORRELATOR",
    "STALE",
]
SPOILS: Final[frozenset[str]] = frozenset(get_args(Spoil))
BEFORE_EFFECT: Final[frozenset[FaultName]] = frozenset(
    (
        "DROP_BEFORE_EFFECT",
        "ERROR_BEFORE_EFFECT",
        "BAD_GATEWAY_BEFORE_EFFECT",
        "BUSY",
        "UNAUTHENTICATED",
        "REFUSE",
    )
)
# What makes sense for what each operation makes or moves; the first is what is usual.
ANSWERS: Final[Mapping[str, tuple[Answer, ...]]] = {
    "create": ("SUCCEEDED", "PROCESSING", "DENIED"),
    "prepare": ("RESERVED", "PENDING_VALIDATION", "PROCESSING", "DENIED"),
    "confirm": ("PROCESSING", "SUCCEEDED", "DENIED"),
    "refund": ("PROCESSING", "SUCCEEDED", "DENIED"),
}
SETTLEMENTS: Final[Mapping[str, tuple[Settle, ...]]] = {
    "create": ("SUCCEEDED", "DENIED", "NEVER"),
    "prepare": ("RESERVED", "PENDING_VALIDATION", "DENIED", "NEVER"),
    "confirm": ("SUCCEEDED", "DENIED", "NEVER"),
    "refund": ("SUCCEEDED", "DENIED", "NEVER"),
}

_CODE: Final = re.compile("[A-Za-z][A-Za-z0-9_.]{0,95}")


@dataclass(frozen=True)
class Play:
    """How the others act towards one object; None is what is usual for it. Milliseconds."""

    answer: Answer | None = None
    settle: Settle | None = None
    settle_delay_ms: int | None = None
    validation: Validation = "VALIDATE"
    reason: str = "The subscriber has bills to pay."
    in_bill: bool = False
    notify: Notify = "ONCE"
    notify_count: int = 100
    notify_delay_ms: int = 0

    @classmethod
    def from_text(cls, text: str) -> "Play":
        """A play that was kept."""
        return cls(**json.loads(text))

    def to_text(self) -> str:
        """The play as it is kept."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def delay_ms(self) -> int:
        """How long a settlement takes where nothing else says."""
        return SETTLE_DELAY_MS_DEFAULT if self.settle_delay_ms is None else self.settle_delay_ms

    def for_next_step(self) -> "Play":
        """What remains of a play when its step is done: how it is told, and why it is denied."""
        return replace(self, answer=None, settle=None, settle_delay_ms=None)


@dataclass(frozen=True)
class Fault:
    """How one request goes wrong; `code` and `status` are those of REFUSE."""

    name: FaultName = "NONE"
    delay_ms: int = 0
    code: str = "INTERNAL"
    status: int = 500


NO_FAULT: Final = Fault()


def read_rule(fields: Fields, operations: frozenset[str]) -> Rule:
    """Read a rule with either a `fault` or a `play`. Raises InvalidField."""
    frame = rules.read_frame(fields, operations)
    if fields.has("fault"):
        content = read_fault(Fields(fields.take("fault"), "fault"))
        frame |= {"topic": FAULT, "content": asdict(content)}
    else:
        operation = frame.get("operation", rules.ANY)
        if operation not in ANSWERS:
            raise InvalidField("operation", f"must be one of {', '.join(ANSWERS)} for a play")
        play = read_play(Fields(fields.take("play"), "play"), operation)
        frame |= {"topic": PLAY, "content": asdict(play)}
    fields.finish()
    return Rule(**frame)


def read_fault(fields: Fields) -> Fault:
    """Read a fault strictly."""
    readers: dict[str, Callable[[str], Any]] = {
        "name": lambda name: fields.choice(name, get_args(FaultName)),
        "delay_ms": lambda name: fields.integer(name, 0, DELAY_MS_MAX),
        "code": lambda name: fields.matching(name, _CODE, "a code like CARRIER_BILLING.X"),
        "status": lambda name: fields.integer(name, 200, 599),
    }
    return Fault(**_read(fields, readers))


def read_play(fields: Fields, operation: str) -> Play:
    """Read a play strictly."""
    readers: dict[str, Callable[[str], Any]] = {
        "answer": lambda name: fields.choice(name, ANSWERS[operation]),
        "settle": lambda name: fields.choice(name, SETTLEMENTS[operation]),
        "settle_delay_ms": lambda name: fields.integer(name, 0, SETTLE_DELAY_MS_MAX),
        "validation": lambda name: fields.choice(name, get_args(Validation)),
        "reason": lambda name: fields.text(name, REASON_LENGTH_MAX, length_min=1),
        "in_bill": fields.flag,
        "notify": lambda name: fields.choice(name, get_args(Notify)),
        "notify_count": lambda name: fields.integer(name, 1, NOTIFY_COUNT_MAX),
        "notify_delay_ms": lambda name: fields.integer(name, 0, SETTLE_DELAY_MS_MAX),
    }
    return Play(**_read(fields, readers))


def _read(fields: Fields, readers: dict[str, Callable[[str], Any]]) -> dict[str, Any]:
    found = {name: read(name) for name, read in readers.items() if fields.has(name)}
    fields.finish()
    return found
