"""What may be asked of the operator: the strictly read commands that routes make of requests.

Pure. `body` is everything that was asked, with its defaults; two requests under one correlator are
the same exactly when their bodies are equal.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from gateway.emulators.carrier.payments import PaymentKind
from gateway.emulators.carrier.records import Sink
from gateway.emulators.carrier.refunds import RefundType
from gateway.emulators.core.shapes import Value, canonical

Order = Literal["asc", "desc"]


@dataclass(frozen=True, kw_only=True)
class Command:
    """What every command is."""


@dataclass(frozen=True, kw_only=True)
class AskToken(Command):
    """A client wants a token; `scopes` None: all that it may have."""

    client_id: str
    client_secret: str = field(repr=False)
    scopes: frozenset[str] | None


@dataclass(frozen=True, kw_only=True)
class Making(Command):
    """A command that makes something: what was asked, and where its events go."""

    body: Value
    sink: Sink

    @property
    def transaction(self) -> Value:
        """The amountTransaction."""
        raise NotImplementedError

    @property
    def text(self) -> str:
        """The canonical text of the body."""
        return canonical(self.body)

    @property
    def correlator(self) -> str | None:
        """The clientCorrelator."""
        given: str | None = self.transaction.get("clientCorrelator")
        return given

    @property
    def reference(self) -> str:
        """The referenceCode."""
        return str(self.transaction["referenceCode"])


@dataclass(frozen=True, kw_only=True)
class NewPayment(Making):
    """Ask a subscriber for money; the body is the amountTransaction without the number."""

    kind: PaymentKind
    phone: str | None

    @property
    def transaction(self) -> Value:
        """The amountTransaction."""
        return self.body

    @property
    def charging(self) -> Value:
        """Amount, currency and the like."""
        charging: Value = self.body["paymentAmount"]["chargingInformation"]
        return charging

    @property
    def merchant(self) -> str | None:
        """The merchantIdentifier."""
        return _merchant(self.body["paymentAmount"])


@dataclass(frozen=True, kw_only=True)
class NewRefund(Making):
    """Give money of a payment back."""

    payment_id: str
    type: RefundType

    @property
    def transaction(self) -> Value:
        """The amountTransaction."""
        transaction: Value = self.body["amountTransaction"]
        return transaction

    @property
    def refund_amount(self) -> Value:
        """What is given back; of a total refund next to nothing."""
        refund_amount: Value = self.transaction["refundAmount"]
        return refund_amount

    @property
    def merchant(self) -> str | None:
        """The merchantIdentifier."""
        return _merchant(self.refund_amount)


@dataclass(frozen=True, kw_only=True)
class QueryPayment(Command):
    """How a payment stands."""

    payment_id: str


@dataclass(frozen=True, kw_only=True)
class ValidatePayment(Command):
    """The subscriber typed a code."""

    payment_id: str
    authorization_id: str
    code: str


@dataclass(frozen=True, kw_only=True)
class ConfirmPayment(Command):
    """Charge what is reserved."""

    payment_id: str
    phone: str | None


@dataclass(frozen=True, kw_only=True)
class CancelPayment(Command):
    """Give up what is reserved."""

    payment_id: str
    phone: str | None


@dataclass(frozen=True, kw_only=True)
class QueryRefund(Command):
    """How a refund stands."""

    payment_id: str
    refund_id: str


@dataclass(frozen=True, kw_only=True)
class QueryRemaining(Command):
    """What could still be given back."""

    payment_id: str


@dataclass(frozen=True, kw_only=True)
class Listing(Command):
    """Which records a list shall have; times of creation in milliseconds, both included."""

    page: int
    per_page: int
    from_time: int | None
    to_time: int | None
    order: Order
    states: tuple[str, ...] | None
    merchant: str | None


@dataclass(frozen=True, kw_only=True)
class ListPayments(Listing):
    """Payments of the client."""


@dataclass(frozen=True, kw_only=True)
class ListRefunds(Listing):
    """Refunds of one payment."""

    payment_id: str


def _merchant(amount: Value) -> str | None:
    metadata: dict[str, Any] = amount.get("chargingMetaData", {})
    merchant: str | None = metadata.get("merchantIdentifier")
    return merchant
