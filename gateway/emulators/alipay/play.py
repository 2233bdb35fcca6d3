"""What shall happen: how the other people act (play), and how a message goes wrong (fault).

A play is about the object that a request makes (the buyer, the bank, the notifications) and is kept
with it. A fault is about one request: whether it arrives at all, whether its answer does, and how
the answer is spoiled. Both come as rules, before the request they are meant for.
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from gateway.emulators.alipay.errors import FAILED, UNAVAILABLE, UNKNOWN_ERROR
from gateway.emulators.core import rules
from gateway.emulators.core.fields import Fields
from gateway.emulators.core.rules import Rule

DELAY_MS_MAX: Final = 60_000  # of an answer
SETTLE_DELAY_MS_MAX: Final = 40 * 86_400_000
SETTLE_DELAY_MS_DEFAULT: Final = 200
NOTIFY_COUNT_MAX: Final = 1_000

FAULT, PLAY = "FAULT", "PLAY"

Answered = Literal["SUCCESS", "WAITING", "REFUSED"]
Settle = Literal["SUCCESS", "FAIL", "SCAN", "NEVER"]
Late = Literal["NO", "SUCCESS", "REFUNDED"]
FundChannel = Literal["ALIPAYACCOUNT", "PCREDIT", "BANKCARD", "MONEYFUND"]
Spoil = Literal["UNSIGNED", "WRONG_KEY", "ALTERED"]
Lie = Literal["WRONG_AMOUNT", "WRONG_NUMBER", "WRONG_SELLER", "WRONG_APP"]
Notify = Literal[
    "ONCE",
    "NONE",
    "TWICE",
    "STORM",
    "BEFORE_REPLY",
    "STALE",
    "EARLIER_STATE",
    "UNSIGNED",
    "WRONG_KEY",
    "ALTERED",
    "WRONG_AMOUNT",
    "WRONG_NUMBER",
    "WRONG_SELLER",
    "WRONG_APP",
]
FaultName = Literal[
    "NONE",  # only slow
    "DROP_BEFORE_EFFECT",
    "ERROR_BEFORE_EFFECT",
    "BAD_GATEWAY_BEFORE_EFFECT",
    "UNKNOWN_BEFORE_EFFECT",
    "BUSY",
    "SIGN_ERROR",
    "REFUSE",
    "DROP_AFTER_EFFECT",
    "ERROR_AFTER_EFFECT",
    "BAD_GATEWAY_AFTER_EFFECT",
    "UNKNOWN_AFTER_EFFECT",
    "SYSTEM_ERROR_AFTER_EFFECT",
    "NOT_FOUND",
    "TRUNCATED",
    "MALFORMED",
    "WRONG_AMOUNT",
    "WRONG_NUMBER",
    "SPACED",
    "UNKNOWN_SN",
    "UNSIGNED",
    "WRONG_KEY",
    "ALTERED",
]
SPOILS: Final[frozenset[str]] = frozenset(get_args(Spoil))
LIES: Final[frozenset[str]] = frozenset(get_args(Lie))
BEFORE_EFFECT: Final[frozenset[FaultName]] = frozenset(
    (
        "DROP_BEFORE_EFFECT",
        "ERROR_BEFORE_EFFECT",
        "BAD_GATEWAY_BEFORE_EFFECT",
        "UNKNOWN_BEFORE_EFFECT",
        "BUSY",
        "SIGN_ERROR",
        "REFUSE",
    )
)

_CODE: Final = re.compile("[0-9]{5}")
_SUB_CODE: Final = re.compile("[A-Za-z][A-Za-z0-9_.-]{0,63}")
_BUYER: Final = re.compile("2088[0-9]{12}")


@dataclass(frozen=True)
class Play:
    """How the others act towards one object; None is what is usual for it. Milliseconds."""

    answer: Answered = "SUCCESS"
    sub_code: str = "ACQ.BUYER_BALANCE_NOT_ENOUGH"
    settle: Settle | None = None
    settle_delay_ms: int = SETTLE_DELAY_MS_DEFAULT
    buyer_id: str | None = None
    fund_channel: FundChannel | None = None
    late: Late = "NO"
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

    def acts_after(self, now: int) -> int | None:
        """When whoever is waited for acts by himself, if he does."""
        return None if self.settle in (None, "NEVER") else now + self.settle_delay_ms


@dataclass(frozen=True)
class Fault:
    """How one request goes wrong; codes are those of REFUSE and UNKNOWN, None as usual there."""

    name: FaultName = "NONE"
    delay_ms: int = 0
    code: str | None = None
    sub_code: str | None = None

    @property
    def codes(self) -> tuple[str, str]:
        """The code and the sub code of an answer that is asked for by them."""
        refuses = self.name == "REFUSE"
        usual = (FAILED, "ACQ.SYSTEM_ERROR") if refuses else (UNAVAILABLE, UNKNOWN_ERROR)
        return self.code or usual[0], self.sub_code or usual[1]


NO_FAULT: Final = Fault()
PLAIN: Final = Play()


def read_rule(fields: Fields, operations: frozenset[str]) -> Rule:
    """Read a rule with either a `fault` or a `play`. Raises InvalidField."""
    frame = rules.read_frame(fields, operations)
    if fields.has("fault"):
        fault = read_fault(Fields(fields.take("fault"), "fault"))
        frame |= {"topic": FAULT, "content": asdict(fault)}
    else:
        play = read_play(Fields(fields.take("play"), "play"))
        frame |= {"topic": PLAY, "content": asdict(play)}
    fields.finish()
    return Rule(**frame)


def read_fault(fields: Fields) -> Fault:
    """Read a fault strictly."""
    readers: dict[str, Callable[[str], Any]] = {
        "name": lambda name: fields.choice(name, get_args(FaultName)),
        "delay_ms": lambda name: fields.integer(name, 0, DELAY_MS_MAX),
        "code": lambda name: fields.matching(name, _CODE, "five digits"),
        "sub_code": lambda name: read_sub_code(fields, name),
    }
    return Fault(**_read(fields, readers))


def read_play(fields: Fields) -> Play:
    """Read a play strictly."""
    readers: dict[str, Callable[[str], Any]] = {
        "answer": lambda name: fields.choice(name, get_args(Answered)),
        "sub_code": lambda name: read_sub_code(fields, name),
        "settle": lambda name: fields.choice(name, get_args(Settle)),
        "settle_delay_ms": lambda name: fields.integer(name, 0, SETTLE_DELAY_MS_MAX),
        "buyer_id": lambda name: read_buyer(fields, name),
        "fund_channel": lambda name: fields.choice(name, get_args(FundChannel)),
        "late": lambda name: fields.choice(name, get_args(Late)),
        "notify": lambda name: fields.choice(name, get_args(Notify)),
        "notify_count": lambda name: fields.integer(name, 1, NOTIFY_COUNT_MAX),
        "notify_delay_ms": lambda name: fields.integer(name, 0, SETTLE_DELAY_MS_MAX),
    }
    return Play(**_read(fields, readers))


def read_buyer(fields: Fields, name: str) -> str:
    """The id of a buyer."""
    return fields.matching(name, _BUYER, "16 digits that begin with 2088")


def read_sub_code(fields: Fields, name: str) -> str:
    """A sub code, whatever table it is from."""
    return fields.matching(name, _SUB_CODE, "a sub code such as ACQ.SYSTEM_ERROR")


def _read(fields: Fields, readers: dict[str, Callable[[str], Any]]) -> dict[str, Any]:
    found = {name: read(name) for name, read in readers.items() if fields.has(name)}
    fields.finish()
    return found
