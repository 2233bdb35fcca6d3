"""What callers ask for and what they get, in domain words.

Transports decode into these and encode from them.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from gateway.domain.money import Money
from gateway.domain.operation import Operation
from gateway.domain.payment import CaptureMode, Payer, Payment, PaymentMethod, Scene
from gateway.domain.value import value


@value(frozen=True, slots=True)
class PayCommand:
    """Ask for a payment. `expire_time` None means the default span."""

    merchant_id: str
    idempotency_key: str
    order_id: str
    amount: Money
    method: PaymentMethod
    capture_mode: CaptureMode
    payer: Payer
    scene: Scene
    description: str
    attributes: Mapping[str, str]
    expire_time: datetime | None
    caller_id: str = ""


@value(frozen=True, slots=True)
class TopUpCommand:
    """Ask for money from a channel into a payer's wallet. `expire_time` None: the default span."""

    payer: Payer
    idempotency_key: str
    amount: Money
    method: PaymentMethod
    scene: Scene
    description: str
    expire_time: datetime | None
    caller_id: str = ""


@value(frozen=True, slots=True)
class WithdrawCommand:
    """Ask for money out of a payer's wallet, to be paid out through a channel."""

    payer_id: str
    idempotency_key: str
    amount: Money
    method: PaymentMethod
    description: str
    caller_id: str = ""


@value(frozen=True, slots=True)
class CaptureCommand:
    """Ask for authorised money. `amount` None means all that remains."""

    merchant_id: str
    idempotency_key: str
    payment_id: UUID
    amount: Money | None
    final: bool
    caller_id: str = ""


@value(frozen=True, slots=True)
class CancelCommand:
    """Ask for a payment to end before money is taken."""

    merchant_id: str
    idempotency_key: str
    payment_id: UUID
    caller_id: str = ""


@value(frozen=True, slots=True)
class RefundCommand:
    """Ask for captured money to go back. `amount` None means all that remains."""

    merchant_id: str
    idempotency_key: str
    payment_id: UUID
    amount: Money | None
    description: str
    caller_id: str = ""


@value(frozen=True, slots=True)
class PaymentAnswer:
    """A payment as it is now. `replayed`: the key had been used, and nothing was executed."""

    payment: Payment
    replayed: bool


@value(frozen=True, slots=True)
class OperationAnswer:
    """An operation and its payment as they are now.

    `replayed`: the key had been used, and nothing was executed.
    """

    payment: Payment
    operation: Operation
    replayed: bool
