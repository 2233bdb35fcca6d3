"""What may be asked of the channel: the strictly read commands that routes make of requests.

Pure. `body` is everything that was asked, with its defaults; two requests under one number are the
same exactly when their bodies are equal.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from gateway.emulators.core.shapes import Value, canonical
from gateway.emulators.v3style.orders import OrderKind

BillVariant = Literal["ALL", "SUCCESS", "REFUND"]


@dataclass(frozen=True, kw_only=True)
class Command:
    """What every command carries: who asks, and the number that it is about, if any."""

    mchid: str
    number: str = ""


@dataclass(frozen=True, kw_only=True)
class Making(Command):
    """A command that makes something under the caller's number."""

    body: Value

    @property
    def text(self) -> str:
        """The canonical text of the body."""
        return canonical(self.body)


@dataclass(frozen=True, kw_only=True)
class NewOrder(Making):
    """Ask a buyer for money. Amounts are fen, times milliseconds since the epoch."""

    kind: OrderKind
    trade_type: str
    appid: str
    total: int
    notify_url: str | None = None
    expire_time: int | None = None
    openid: str | None = None
    contract_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class QueryOrder(Command):
    """How an order stands, by the merchant's number or the channel's."""

    transaction_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class CloseOrder(Command):
    """Nobody shall pay this any more."""


@dataclass(frozen=True, kw_only=True)
class ReverseOrder(Command):
    """Undo a payment by the buyer's code, whether it was made or not."""

    appid: str


@dataclass(frozen=True, kw_only=True)
class NewRefund(Making):
    """Give money of an order back."""

    order_number: str | None
    transaction_id: str | None
    amount: int
    total: int
    notify_url: str | None


@dataclass(frozen=True, kw_only=True)
class QueryRefund(Command):
    """How a refund stands."""


@dataclass(frozen=True, kw_only=True)
class RedirectRefund(Command):
    """Send an abnormal refund another way."""

    refund_id: str


@dataclass(frozen=True, kw_only=True)
class NewContract(Making):
    """Ask a buyer to sign a contract; `number` is the merchant's code of it."""

    appid: str | None  # None: the merchant's only one
    plan_id: str


@dataclass(frozen=True, kw_only=True)
class QueryContract(Command):
    """How a contract stands, by the merchant's code or the channel's id."""

    plan_id: str | None = None
    contract_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class EndContract(QueryContract):
    """End a contract."""

    remark: str


@dataclass(frozen=True, kw_only=True)
class AnnounceDeduction(Command):
    """Tell the buyer that money will be deducted."""

    contract_id: str
    appid: str
    amount: int
    days: int = 1


@dataclass(frozen=True, kw_only=True)
class ListCertificates(Command):
    """The platform's certificates, sealed."""


@dataclass(frozen=True, kw_only=True)
class AskBill(Command):
    """Where the bill of a day can be fetched."""

    day: date
    variant: BillVariant
    gzip: bool
    host: str  # as the caller names us


@dataclass(frozen=True, kw_only=True)
class FetchBill(Command):
    """Fetch a bill, once."""

    token: str
