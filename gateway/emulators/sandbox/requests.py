"""What may be asked of the sandbox: the strictly checked commands that `parsing` makes of bytes.

Pure. Two requests are the same when their canonical texts are equal: defaults filled in, members
sorted.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import ClassVar, Literal, Self, get_args

from gateway.emulators.core.faults import Script

Kind = Literal["charge", "capture", "refund", "payout"]
CaptureMode = Literal["AUTOMATIC", "MANUAL"]

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Posted:
    """What every request that makes something carries. Amounts are minor units."""

    number: str
    amount: int
    currency: str
    notify_url: str | None = field(default=None, kw_only=True)
    script: Script = field(default=Script(), kw_only=True)

    kind: ClassVar[Kind]
    route: ClassVar[str]

    def to_text(self) -> str:
        """The canonical text: equal for two requests exactly when they ask the same."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The request that was kept as this text."""
        members = json.loads(text)
        return cls(**{**members, "script": Script(**members["script"])})


@dataclass(frozen=True)
class ChargeRequest(Posted):
    """POST /v1/charges. Times are milliseconds since the Unix epoch."""

    capture: CaptureMode
    description: str | None = None
    payer: str | None = None
    scene: str | None = None
    expire_time: int | None = None

    kind: ClassVar[Kind] = "charge"
    route: ClassVar[str] = "POST /v1/charges"


@dataclass(frozen=True)
class CaptureRequest(Posted):
    """POST /v1/charges/{charge_number}/captures."""

    charge_number: str
    final: bool

    kind: ClassVar[Kind] = "capture"
    route: ClassVar[str] = "POST /v1/charges/{number}/captures"


@dataclass(frozen=True)
class RefundRequest(Posted):
    """POST /v1/refunds."""

    charge_number: str
    reason: str | None = None

    kind: ClassVar[Kind] = "refund"
    route: ClassVar[str] = "POST /v1/refunds"


@dataclass(frozen=True)
class PayoutRequest(Posted):
    """POST /v1/payouts."""

    payee: str
    description: str | None = None

    kind: ClassVar[Kind] = "payout"
    route: ClassVar[str] = "POST /v1/payouts"


@dataclass(frozen=True)
class Query:
    """GET of one record."""

    kind: Kind
    number: str

    @property
    def route(self) -> str:
        """The route as it is counted."""
        return f"GET /v1/{self.kind}s/{{number}}"


@dataclass(frozen=True)
class Close:
    """POST /v1/charges/{number}/close, and the same of payouts."""

    kind: Kind
    number: str

    @property
    def route(self) -> str:
        """The route as it is counted."""
        return f"POST /v1/{self.kind}s/{{number}}/close"


Post = ChargeRequest | CaptureRequest | RefundRequest | PayoutRequest
Command = Post | Query | Close

POSTS: dict[Kind, type[Post]] = {
    "charge": ChargeRequest,
    "capture": CaptureRequest,
    "refund": RefundRequest,
    "payout": PayoutRequest,
}
"""Which request makes a record of which kind."""
