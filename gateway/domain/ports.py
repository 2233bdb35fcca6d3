"""What the use cases need from the outside, as narrow as their need. Ports speak domain types only.

A store method that writes is one commit. No connection, transaction or unit of work crosses a port,
so the store may put many callers' commits into one.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from gateway.domain.change import Aggregate, Change, Event, ReviewCase, ReviewKind
from gateway.domain.channel import (
    Acknowledgement,
    Attempt,
    Capabilities,
    ChannelRequest,
    Notice,
    Outcome,
)
from gateway.domain.idempotency import Claim
from gateway.domain.ledger import AccountSum, Entry
from gateway.domain.merchant import Merchant
from gateway.domain.operation import Operation, OperationKind, OperationState
from gateway.domain.payment import Payment, PaymentState
from gateway.domain.value import value
from gateway.domain.wallet import Wallet, WalletRef

Decide = Callable[[Aggregate], Change | None]
"""Pure decision: what is -> what shall be written, or None for nothing.

May raise a GatewayError to refuse.
"""


@value(frozen=True, slots=True)
class Changed:
    """Result of a change: the payment with its operations after the commit.

    `existing` is the older claim on the same key, if there is one; `written` is false where the
    decision wrote nothing.
    """

    aggregate: Aggregate
    written: bool
    existing: Claim | None = None


@value(frozen=True, slots=True)
class Opening:
    """A new payment to be committed under its key.

    `decide` is pure: it is given what is available in the payer's wallet, in minor units (0 where
    `wallet` names none, or one that there is not), and may be called again. `exclusive_order` is
    the order that no other live or successful payment may have; empty where any number may.
    """

    claim: Claim
    decide: Callable[[int], Change]
    wallet: WalletRef | None = None
    exclusive_order: str = ""


@value(frozen=True, slots=True)
class Opened:
    """Result of an opening: the payment as it is now.

    With `existing`, the older claim on the key, nothing was written; it may stand for something
    else, and then there is no aggregate.
    """

    aggregate: Aggregate | None
    existing: Claim | None = None


@value(frozen=True, slots=True)
class PaymentFilter:
    """Which payments to list. None and empty mean any."""

    merchant_id: str
    order_id: str = ""
    state: PaymentState | None = None
    channel: str = ""
    create_time_from: datetime | None = None
    create_time_to: datetime | None = None


@value(frozen=True, slots=True)
class OperationFilter:
    """Which operations of one kind to list. None means any."""

    merchant_id: str
    kind: OperationKind
    payment_id: UUID | None = None
    state: OperationState | None = None
    create_time_from: datetime | None = None
    create_time_to: datetime | None = None


@value(frozen=True, slots=True)
class FeedPosition:
    """A place in the feed of one merchant's events: everything up to it was seen.

    `deployment_id` names the database.
    """

    deployment_id: UUID
    transaction_id: int
    event_id: UUID


@value(frozen=True, slots=True)
class Backlog:
    """What waits: open attempts with the age of the oldest in seconds, and review cases by kind."""

    open_attempts: int
    oldest_age_s: float
    open_reviews: Mapping[str, int]


class PaymentStore(Protocol):
    """Payments, their operations and attempts, and what their keys stand for."""

    async def open_payment(self, opening: Opening) -> Opened:
        """Commit a new payment under its key, or read what the key stands for already.

        Raises:
            Refused: ORDER_ALREADY_PAID, bound to the key.
            Overloaded: too much waits to be committed; nothing was kept.

        """

    async def open_payments(self, openings: Sequence[Opening]) -> Sequence[Opened | Exception]:
        """Do the same for many, each for itself, and give what each would have given or raised.

        They are decided in the order in which they are given.

        Raises:
            Overloaded: too much waits to be committed; nothing of any was kept.

        """

    async def change_payment(
        self,
        merchant_id: str,
        payment_id: UUID,
        decide: Decide,
        *,
        claim: Claim | None = None,
        lock_funds: bool = False,
    ) -> Changed:
        """Lock the payment, decide, commit.

        With a claim, the key is claimed in the same commit; a bound refusal is kept under it.

        Raises:
            NotFound: the merchant has no such payment.
            GatewayError: what `decide` raised.

        """

    async def find_claim(self, owner_id: str, idempotency_key: str) -> Claim | None:
        """Read what a key stands for."""

    async def load(self, merchant_id: str, payment_id: UUID) -> Aggregate | None:
        """Read a payment with its operations and attempts."""

    async def find_payment(self, merchant_id: str, payment_id: UUID) -> Payment | None:
        """Read a payment alone."""

    async def find_operation(self, merchant_id: str, operation_id: UUID) -> Operation | None:
        """Read one operation."""

    async def find_attempt(self, merchant_id: str, attempt_id: UUID) -> Attempt | None:
        """Read one attempt."""

    async def list_payments(
        self, chosen: PaymentFilter, before: UUID | None, limit: int
    ) -> Sequence[Payment]:
        """Read payments, newest first, created before the one named."""

    async def list_operations(
        self, chosen: OperationFilter, before: UUID | None, limit: int
    ) -> Sequence[Operation]:
        """Read operations, newest first, created before the one named."""


class WorkStore(Protocol):
    """Work that a crash or an unknown answer left, shared by the workers of all replicas."""

    async def lease_attempts(self, limit: int, lease: timedelta) -> Sequence[Attempt]:
        """Take open attempts that are due, and keep other workers off them for the lease.

        Time is the database's.
        """

    async def postpone_attempt(self, attempt: Attempt, delay: timedelta) -> None:
        """Keep what was learned of an open attempt, and set when it is due again.

        That is its tries, its not-found count and its fence.
        """

    async def hurry_attempts(
        self, merchant_id: str, payment_id: UUID, delay: timedelta, age_min: timedelta
    ) -> None:
        """Let the open attempts of a payment be due after the delay; those due sooner stay so.

        So do those younger than `age_min`, which their sender may still hold; a worker's lease
        ends then, too. Time is the database's.
        """

    async def lease_expired_authorizations(
        self, limit: int, lease: timedelta
    ) -> Sequence[tuple[str, UUID]]:
        """Take authorised payments, as (merchant, payment), whose time to capture has passed."""

    async def backlog(self) -> Backlog:
        """Count what waits."""

    async def open_review(self, case: ReviewCase) -> bool:
        """Keep a review case unless there is one of its kind and subject. Tell if it is new."""

    async def settle_review(self, owner_id: str, kind: ReviewKind, subject: str) -> None:
        """Close the case of what became clear by itself, if there is an open one."""

    async def list_reviews(self, *, include_resolved: bool, limit: int) -> Sequence[ReviewCase]:
        """Read review cases, oldest first."""

    async def find_review(self, case_id: UUID) -> ReviewCase | None:
        """Read one review case."""

    async def resolve_review(self, case: ReviewCase) -> bool:
        """Close a review case with its resolution. False if it was closed before."""


class WalletStore(Protocol):
    """Payers' wallets."""

    async def open_wallet(self, ref: WalletRef, now: datetime) -> Wallet:
        """Make a wallet, or read the one that there is."""

    async def get_wallet(self, ref: WalletRef) -> Wallet | None:
        """Read one wallet."""

    async def list_entries(
        self, ref: WalletRef, before: UUID | None, limit: int
    ) -> Sequence[Entry]:
        """Read the entries that touched a wallet, newest first, booked before the one named."""


class MerchantStore(Protocol):
    """Merchants."""

    async def create_merchant(self, merchant: Merchant) -> Merchant:
        """Keep a new merchant, or read the one that has the id already."""

    async def update_merchant(self, merchant: Merchant, expected_version: int) -> Merchant | None:
        """Replace a merchant if it still has the expected version; None otherwise."""

    async def get_merchant(self, merchant_id: str) -> Merchant | None:
        """Read one merchant."""

    async def find_owner_by_serial(self, serial: int) -> str | None:
        """Find whose serial number it is: a merchant's, or that of an owner of wallets."""

    async def list_merchants(self, prefix: str, after: str, limit: int) -> Sequence[Merchant]:
        """Read merchants by id, after the one named."""


class EventStore(Protocol):
    """The feed of state changes."""

    async def feed_end(self) -> FeedPosition:
        """Give the position before which nothing more can be committed."""

    async def read_events(
        self, merchant_id: str, after: FeedPosition, limit: int
    ) -> tuple[Sequence[tuple[FeedPosition, Event]], FeedPosition]:
        """Read a merchant's events after a position, in commit order, and the position reached."""


class LedgerStore(Protocol):
    """The journal and its balances."""

    async def merchant_accounts(self, merchant_id: str) -> Sequence[AccountSum]:
        """Sum up the accounts that are the merchant's own."""

    async def trial_balance(self, owner_id: str) -> Sequence[AccountSum]:
        """Sum up all accounts, or with an owner those that its events touched."""

    async def payment_entries(self, merchant_id: str, payment_id: UUID) -> Sequence[Entry]:
        """Read a payment's entries, oldest first."""

    async def fold(self) -> int:
        """Fold new transfers into the cached balances. Give how many accounts changed."""


class Channel(Protocol):
    """One channel, ready to be called.

    All calls end within its own timeout and never raise for what the channel does.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def admit(self) -> AbstractContextManager[None]:
        """Take a place among the calls in flight, or refuse before anything is kept.

        Raises:
            Overloaded: too many calls are in flight.
            Unavailable: the channel is known to be down.
        """

    async def send(self, request: ChannelRequest) -> Outcome:
        """Ask for the effect. The same number never has it twice."""

    async def ask(self, request: ChannelRequest) -> Outcome:
        """Ask what became of the number."""

    async def fence(self, request: ChannelRequest) -> Outcome:
        """Close the number of a charge, so that it can never succeed, and tell what it is then."""

    def read_notification(self, path: str, headers: Mapping[str, str], body: bytes) -> Notice:
        """Verify and read a notification.

        Raises:
            NotificationRefused: it is forged, stale or malformed.
        """

    def acknowledge(self, *, accepted: bool) -> Acknowledgement:
        """Give the answer that this channel wants for a notification."""

    async def reachable(self) -> bool:
        """Tell whether the channel answers at all, for checks by people."""


class Observer(Protocol):
    """Told of what use cases cannot answer to anybody: they neither log nor measure."""

    def changed(self, payment: Payment) -> None:
        """A payment was changed by a commit."""

    def faulted(self, where: str, fault: BaseException, payment_id: UUID | None) -> None:
        """Something failed after the intent was committed; it will be tried again."""

    def review_opened(self, case: ReviewCase) -> None:
        """A person must look."""


EventFeed = AsyncGenerator[tuple[FeedPosition, Event | None], None]
"""A merchant's events, each with the position after it; None instead of an event is a heartbeat."""
