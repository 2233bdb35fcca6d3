"""What shall happen: how the other people act (play), and how a message goes wrong (fault).

A play is about the object that a request makes (the buyer, the bank, the notifications) and is kept
with it. A fault is about one request: whether it arrives at all, whether its reply does, and how
the reply is spoiled. Both come as rules, before the request they are meant for.
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from gateway.emulators.core import rules
from gateway.emulators.core.fields import Fields, InvalidField
from gateway.emulators.core.rules import Rule

DELAY_MS_MAX: Final = 60_000  # of a reply
SETTLE_DELAY_MS_MAX: Final = 40 * 86_400_000
SETTLE_DELAY_MS_DEFAULT: Final = 200
NOTIFY_COUNT_MAX: Final = 1_000

FAULT, PLAY = "FAULT", "PLAY"

Answer = Literal["SUCCESS", "USERPAYING", "REFUSED", "PROCESSING"]
Settle = Literal["SUCCESS", "FAIL", "ABNORMAL", "CLOSED", "NEVER"]
Late = Literal["NO", "SUCCESS", "REFUNDED"]
Resend = Literal["FRESH", "KEPT"]
Spoil = Literal[
    "UNSIGNED", "WRONG_KEY", "UNKNOWN_SERIAL", "STALE", "ALTERED", "SIGNTEST", "PARTLY_SIGNED"
]
Notify = Literal[
    "ONCE",
    "NONE",
    "TWICE",
    "STORM",
    "BEFORE_REPLY",
    "UNSIGNED",
    "WRONG_KEY",
    "UNKNOWN_SERIAL",
    "STALE",
    "ALTERED",
    "SIGNTEST",
    "PARTLY_SIGNED",
    "WRONG_AMOUNT",
    "WRONG_NUMBER",
    "WRONG_MERCHANT",
    "WRONG_API_V3_KEY",
]
FaultName = Literal[
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
    "WRONG_AMOUNT",
    "UNSIGNED",
    "WRONG_KEY",
    "UNKNOWN_SERIAL",
    "STALE",
    "ALTERED",
    "SIGNTEST",
    "PARTLY_SIGNED",
]
SPOILS: Final[frozenset[str]] = frozenset(get_args(Spoil))
BEFORE_EFFECT: Final[frozenset[FaultName]] = frozenset(
    (
        "DROP_BEFORE_EFFECT",
        "ERROR_BEFORE_EFFECT",
        "BAD_GATEWAY_BEFORE_EFFECT",
        "BUSY",
        "SIGN_ERROR",
        "REFUSE",
    )
)

_CODE: Final = re.compile("[A-Z][A-Z0-9_]{0,63}")


@dataclass(frozen=True)
class Play:
    """How the others act towards one object; None is what is usual for it. Milliseconds."""

    answer: Answer | None = None
    settle: Settle | None = None
    settle_delay_ms: int | None = None
    code: str = "NOT_ENOUGH"
    late: Late = "NO"
    notify: Notify = "ONCE"
    notify_count: int = 100
    notify_delay_ms: int = 0
    resend: Resend = "FRESH"

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


@dataclass(frozen=True)
class Fault:
    """How one request goes wrong; `code` and `status` are those of REFUSE."""

    name: FaultName = "NONE"
    delay_ms: int = 0
    code: str = "SYSTEM_ERROR"
    status: int = 500


NO_FAULT: Final = Fault()


def read_rule(fields: Fields, operations: frozenset[str], *, has_probe: bool) -> Rule:
    """Read a rule with either a `fault` or a `play`. Raises InvalidField."""
    frame = rules.read_frame(fields, operations)
    if fields.has("fault"):
        content = read_fault(Fields(fields.take("fault"), "fault"))
        frame |= {"topic": FAULT, "content": asdict(content)}
        probes = content.name == "SIGNTEST"
    else:
        play = read_play(Fields(fields.take("play"), "play"))
        frame |= {"topic": PLAY, "content": asdict(play)}
        probes = play.notify == "SIGNTEST"
    fields.finish()
    if probes and not has_probe:
        raise InvalidField("SIGNTEST", "is nothing that this channel does")
    return Rule(**frame)


def read_fault(fields: Fields) -> Fault:
    """Read a fault strictly."""
    readers: dict[str, Callable[[str], Any]] = {
        "name": lambda name: fields.choice(name, get_args(FaultName)),
        "delay_ms": lambda name: fields.integer(name, 0, DELAY_MS_MAX),
        "code": lambda name: fields.matching(name, _CODE, "a code in UPPER_SNAKE_CASE"),
        "status": lambda name: fields.integer(name, 200, 599),
    }
    return Fault(**_read(fields, readers))


def read_play(fields: Fields) -> Play:
    """Read a play strictly."""
    readers: dict[str, Callable[[str], Any]] = {
        "answer": lambda name: fields.choice(name, get_args(Answer)),
        "settle": lambda name: fields.choice(name, get_args(Settle)),
        "settle_delay_ms": lambda name: fields.integer(name, 0, SETTLE_DELAY_MS_MAX),
        "code": lambda name: fields.matching(name, _CODE, "a code in UPPER_SNAKE_CASE"),
        "late": lambda name: fields.choice(name, get_args(Late)),
        "notify": lambda name: fields.choice(name, get_args(Notify)),
        "notify_count": lambda name: fields.integer(name, 1, NOTIFY_COUNT_MAX),
        "notify_delay_ms": lambda name: fields.integer(name, 0, SETTLE_DELAY_MS_MAX),
        "resend": lambda name: fields.choice(name, get_args(Resend)),
    }
    return Play(**_read(fields, readers))


def _read(fields: Fields, readers: dict[str, Callable[[str], Any]]) -> dict[str, Any]:
    found = {name: read(name) for name, read in readers.items() if fields.has(name)}
    fields.finish()
    return found
