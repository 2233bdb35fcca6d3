"""Everything the gateway can be asked for, as one value.

The composition root fills it, transports call it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from gateway.clock import Deadline
from gateway.domain.errors import GatewayError
from gateway.domain.ledger import AccountSum, Entry
from gateway.domain.merchant import Merchant
from gateway.domain.operation import Operation
from gateway.domain.payment import Payment, Purpose
from gateway.domain.ports import EventFeed, FeedPosition, OperationFilter, PaymentFilter
from gateway.domain.wallet import Wallet, WalletRef
from gateway.usecases.commands import (
    CancelCommand,
    CaptureCommand,
    OperationAnswer,
    PayCommand,
    PaymentAnswer,
    RefundCommand,
    TopUpCommand,
    WithdrawCommand,
)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Name an object by its id or by the key that made it. Exactly one is set."""

    merchant_id: str
    object_id: UUID | None = None
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, ready to be called. Each raises GatewayError for what a caller can meet.

    `pay_many` gives one answer or error per command, in their order, and itself raises only for
    what concerns all of them. `get_transfer` reads a top-up or a withdrawal; its Lookup names the
    owner, `@payer`, in place of the merchant.

    Lists take the identifier to read before (newest first) and how many at most; `watch` starts now
    where no position is given.
    """

    pay: Callable[[PayCommand, Deadline], Awaitable[PaymentAnswer]]
    pay_many: Callable[
        [Sequence[PayCommand], Deadline], Awaitable[Sequence[PaymentAnswer | GatewayError]]
    ]
    capture: Callable[[CaptureCommand, Deadline], Awaitable[OperationAnswer]]
    cancel: Callable[[CancelCommand, Deadline], Awaitable[OperationAnswer]]
    refund: Callable[[RefundCommand, Deadline], Awaitable[OperationAnswer]]
    get_payment: Callable[[Lookup], Awaitable[Payment]]
    list_payments: Callable[[PaymentFilter, UUID | None, int], Awaitable[Sequence[Payment]]]
    watch_payments: Callable[[str, FeedPosition | None], EventFeed]
    get_refund: Callable[[Lookup], Awaitable[Operation]]
    list_refunds: Callable[[OperationFilter, UUID | None, int], Awaitable[Sequence[Operation]]]
    open_wallet: Callable[[WalletRef], Awaitable[Wallet]]
    get_wallet: Callable[[WalletRef], Awaitable[Wallet]]
    top_up: Callable[[TopUpCommand, Deadline], Awaitable[PaymentAnswer]]
    withdraw: Callable[[WithdrawCommand, Deadline], Awaitable[PaymentAnswer]]
    get_transfer: Callable[[Lookup, Purpose], Awaitable[Payment]]
    list_wallet_entries: Callable[[WalletRef, UUID | None, int], Awaitable[Sequence[Entry]]]
    create_merchant: Callable[[Merchant], Awaitable[Merchant]]
    get_merchant: Callable[[str], Awaitable[Merchant]]
    update_merchant: Callable[[Merchant], Awaitable[Merchant]]
    list_merchants: Callable[[str, str, int], Awaitable[Sequence[Merchant]]]
    list_accounts: Callable[[str], Awaitable[Sequence[AccountSum]]]
    list_entries: Callable[[str, UUID], Awaitable[Sequence[Entry]]]
    trial_balance: Callable[[str], Awaitable[Sequence[AccountSum]]]
