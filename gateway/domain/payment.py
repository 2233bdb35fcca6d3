"""A payment: one intent to take money from a payer for a merchant, and the table of its states.

Every rule about states lives in `TRANSITIONS`: an event that is not in the row of a state changes
nothing. Terminal states have empty rows. The README's diagram is drawn from this table and the
property tests walk it.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from gateway.domain.fees import FeeTerms
from gateway.domain.money import Money
from gateway.domain.value import value


class PaymentState(StrEnum):
    """Where a payment is in its life."""

    PROCESSING = "PROCESSING"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    AUTHORIZED = "AUTHORIZED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


class PaymentEvent(StrEnum):
    """What can happen to a payment."""

    ACTION_REQUIRED = "action required"
    ACTED = "payer acted"
    CHARGED = "charged"
    AUTHORIZED = "authorised"
    CAPTURED = "captured, last"
    RELEASED = "rest released"
    DECLINED = "declined"
    CANCELED = "canceled"
    EXPIRED = "expired"


_S, _E = PaymentState, PaymentEvent

TRANSITIONS: Mapping[PaymentState, Mapping[PaymentEvent, PaymentState]] = {
    _S.PROCESSING: {
        _E.ACTION_REQUIRED: _S.REQUIRES_ACTION,
        _E.CHARGED: _S.SUCCEEDED,
        _E.AUTHORIZED: _S.AUTHORIZED,
        _E.DECLINED: _S.FAILED,
        _E.CANCELED: _S.CANCELED,
        _E.EXPIRED: _S.EXPIRED,
    },
    _S.REQUIRES_ACTION: {
        _E.ACTED: _S.PROCESSING,
        _E.CHARGED: _S.SUCCEEDED,
        _E.AUTHORIZED: _S.AUTHORIZED,
        _E.DECLINED: _S.FAILED,
        _E.CANCELED: _S.CANCELED,
        _E.EXPIRED: _S.EXPIRED,
    },
    _S.AUTHORIZED: {
        _E.CAPTURED: _S.SUCCEEDED,
        _E.RELEASED: _S.SUCCEEDED,
        _E.CANCELED: _S.CANCELED,
        _E.EXPIRED: _S.EXPIRED,
    },
    _S.SUCCEEDED: {},
    _S.FAILED: {},
    _S.CANCELED: {},
    _S.EXPIRED: {},
}

OPEN_STATES = frozenset({_S.PROCESSING, _S.REQUIRES_ACTION})
"""States in which the channel has not yet decided about the charge."""

UNPAID_STATES = frozenset({_S.FAILED, _S.CANCELED, _S.EXPIRED})
"""Terminal states in which no money was taken."""

ORDER_HOLDING_STATES = frozenset({_S.PROCESSING, _S.REQUIRES_ACTION, _S.AUTHORIZED, _S.SUCCEEDED})
"""States that keep an order from being paid again, where it may have one payment only."""


def next_state(state: PaymentState, event: PaymentEvent) -> PaymentState | None:
    """Give the state after an event; None where the event changes nothing."""
    return TRANSITIONS[state].get(event)


class CaptureMode(StrEnum):
    """When money is taken."""

    AUTOMATIC = "AUTOMATIC"
    MANUAL = "MANUAL"


class Purpose(StrEnum):
    """What a payment is for: a merchant's sale, or money into or out of a payer's wallet."""

    PURCHASE = "PURCHASE"
    TOP_UP = "TOP_UP"
    WITHDRAWAL = "WITHDRAWAL"


class Scene(StrEnum):
    """Where the payer stands when paying."""

    APP = "APP"
    WEB = "WEB"
    MINI_PROGRAM = "MINI_PROGRAM"
    IN_STORE = "IN_STORE"
    OFF_SESSION = "OFF_SESSION"


class FailureReason(StrEnum):
    """Why a payment or an operation definitely failed; the same names as in the contract."""

    DECLINED = "DECLINED"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    PAYER_REFUSED = "PAYER_REFUSED"
    NOT_ACCEPTED = "NOT_ACCEPTED"
    CHANNEL_UNAVAILABLE = "CHANNEL_UNAVAILABLE"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    EXPIRED = "EXPIRED"
    REFUND_EXCEEDS_CAPTURED = "REFUND_EXCEEDS_CAPTURED"
    INSUFFICIENT_MERCHANT_BALANCE = "INSUFFICIENT_MERCHANT_BALANCE"
    INSUFFICIENT_PLATFORM_FUNDS = "INSUFFICIENT_PLATFORM_FUNDS"
    CAPTURE_EXCEEDS_AUTHORIZED = "CAPTURE_EXCEEDS_AUTHORIZED"
    AUTHORIZATION_EXPIRED = "AUTHORIZATION_EXPIRED"
    ALREADY_PAID = "ALREADY_PAID"
    REFUND_WINDOW_CLOSED = "REFUND_WINDOW_CLOSED"
    TOO_MANY_REFUNDS = "TOO_MANY_REFUNDS"
    TOO_MANY_CAPTURES = "TOO_MANY_CAPTURES"
    PARTIAL_CAPTURE_UNSUPPORTED = "PARTIAL_CAPTURE_UNSUPPORTED"


@value(frozen=True, slots=True)
class Failure:
    """Definite failure: reason to branch on, the channel's own code, a sentence for people."""

    reason: FailureReason
    message: str
    channel_code: str = ""


class ActionKind(StrEnum):
    """What the payer is asked to do."""

    QR_CODE = "QR_CODE"
    REDIRECT = "REDIRECT"
    CHALLENGE = "CHALLENGE"


@value(frozen=True, slots=True)
class NextAction:
    """What the payer must do, and until when."""

    kind: ActionKind
    content: str
    expire_time: datetime | None = None


@value(frozen=True, slots=True)
class PaymentMethod:
    """How the payer pays: the channel, and what only its connector reads (JSON-able).

    Details may name the payer at the channel, so nothing that is printed shows them.
    """

    channel: str
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)


@value(frozen=True, slots=True)
class Payer:
    """Who pays: an opaque id and the context that risk checks look at. No personal data."""

    payer_id: str
    device_id: str = ""
    ip_address: str = field(default="", repr=False)
    region: str = ""


@value(frozen=True, slots=True)
class Payment:
    """One payment as of one version. Amounts are in `amount`'s currency, in minor units.

    `funding_source` is where the payer's money came from, in the channel's own word.

    `merchant_id` is its owner: the merchant that is paid, or `@payer` where the payer's own wallet
    is topped up or withdrawn from. For a withdrawal "captured" is what was paid out.
    """

    merchant_id: str
    payment_id: UUID
    idempotency_key: str
    order_id: str
    amount: Money
    method: PaymentMethod
    capture_mode: CaptureMode
    payer: Payer
    scene: Scene
    description: str
    attributes: Mapping[str, str]
    state: PaymentState
    create_time: datetime
    update_time: datetime
    expire_time: datetime
    one_per_order: bool
    fee_terms: FeeTerms | None
    attempt_number: str = ""
    captured: int = 0
    refunded: int = 0
    fee_millionths: int = 0
    fee_returned_millionths: int = 0
    next_action: NextAction | None = None
    failure: Failure | None = None
    channel_number: str = ""
    authorize_time: datetime | None = None
    capture_time: datetime | None = None
    capture_before_time: datetime | None = None
    caller_id: str = ""
    version: int = 1
    purpose: Purpose = Purpose.PURCHASE
    funding_source: str = ""

    @property
    def currency(self) -> str:
        """Currency of every amount of this payment."""
        return self.amount.currency

    @property
    def uncaptured(self) -> int:
        """What is left to capture, in minor units."""
        return self.amount.minor_units - self.captured

    @property
    def refundable(self) -> int:
        """What is left to refund, in minor units."""
        return self.captured - self.refunded

    @property
    def holds_order(self) -> bool:
        """Whether no other payment of the same order may be made."""
        return self.one_per_order and self.state in ORDER_HOLDING_STATES
