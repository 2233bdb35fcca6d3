"""The store's ports kept in memory, word by word as their docstrings say.

Every method gives way to others before it does anything. Hooks stand before every method, named as
it is, and behind those that write (with "'s reply" added): what fails at the first wrote nothing;
what fails at the second wrote everything, and nobody was told. What is opened is committed whether
or not anybody waits.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from gateway.clock import Clock
from gateway.domain.change import Aggregate, Event, ReviewCase, ReviewKind
from gateway.domain.channel import Attempt
from gateway.domain.idempotency import Claim
from gateway.domain.ledger import AccountSum, Entry, customer
from gateway.domain.merchant import Merchant
from gateway.domain.operation import Operation
from gateway.domain.payment import Payment, PaymentState
from gateway.domain.ports import (
    Backlog,
    Changed,
    Decide,
    FeedPosition,
    Opened,
    Opening,
    OperationFilter,
    PaymentFilter,
)
from gateway.domain.wallet import Wallet, WalletRef, payer_of
from tests.domain.samples import sums
from tests.usecases.fakes import Hooks
from tests.usecases.rows import Rows

T = TypeVar("T")

DEPLOYMENT = UUID(int=1 << 100)


class MemoryStore:
    """Payments, work, wallets, merchants, events and ledger of one database."""

    def __init__(self, clock: Clock) -> None:
        self.hooks = Hooks()
        self.rows = Rows()
        self._clock = clock
        self._leases: dict[UUID, datetime] = {}
        self._locks: defaultdict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._commits: set[asyncio.Task[Any]] = set()

    async def open_payment(self, opening: Opening) -> Opened:
        return await self._by_itself(self._open(opening))

    async def open_payments(self, openings: Sequence[Opening]) -> Sequence[Opened | Exception]:
        return await self._by_itself(self._open_all(openings))

    async def drain(self) -> None:
        """Wait for the commits that nobody waits for any more."""
        while self._commits:
            await asyncio.wait(set(self._commits))

    async def change_payment(
        self,
        merchant_id: str,
        payment_id: UUID,
        decide: Decide,
        *,
        claim: Claim | None = None,
        lock_funds: bool = False,
    ) -> Changed:
        async with self._locks[payment_id]:
            await self.hooks.reach("change_payment")
            payment = (merchant_id, payment_id)
            changed = self.rows.change_payment(payment, decide, claim, lock_funds=lock_funds)
        await self.hooks.reach("change_payment's reply")
        return changed

    async def find_claim(self, owner_id: str, idempotency_key: str) -> Claim | None:
        await self.hooks.reach("find_claim")
        return self.rows.claims.get((owner_id, idempotency_key))

    async def load(self, merchant_id: str, payment_id: UUID) -> Aggregate | None:
        await self.hooks.reach("load")
        return self.rows.aggregate(merchant_id, payment_id)

    async def find_payment(self, merchant_id: str, payment_id: UUID) -> Payment | None:
        await self.hooks.reach("find_payment")
        found = self.rows.aggregate(merchant_id, payment_id)
        return found.payment if found else None

    async def find_operation(self, merchant_id: str, operation_id: UUID) -> Operation | None:
        await self.hooks.reach("find_operation")
        found = (item.operations.get(operation_id) for item in self.rows.owned(merchant_id))
        return next((operation for operation in found if operation), None)

    async def find_attempt(self, merchant_id: str, attempt_id: UUID) -> Attempt | None:
        await self.hooks.reach("find_attempt")
        found = (item.attempts.get(attempt_id) for item in self.rows.owned(merchant_id))
        return next((attempt for attempt in found if attempt), None)

    async def list_payments(
        self, chosen: PaymentFilter, before: UUID | None, limit: int
    ) -> Sequence[Payment]:
        raise NotImplementedError  # transports list from the store itself; no use case does

    async def list_operations(
        self, chosen: OperationFilter, before: UUID | None, limit: int
    ) -> Sequence[Operation]:
        raise NotImplementedError  # as above

    async def lease_attempts(self, limit: int, lease: timedelta) -> Sequence[Attempt]:
        await self.hooks.reach("lease_attempts")
        now, attempts = self._clock.now(), self.rows.open_attempts()
        due = [item for item in attempts if item.due_time and item.due_time <= now]
        return [self.rows.put_attempt(replace(item, due_time=now + lease)) for item in due[:limit]]

    async def postpone_attempt(self, attempt: Attempt, delay: timedelta) -> None:
        await self.hooks.reach("postpone_attempt")
        if attempt.attempt_id in {item.attempt_id for item in self.rows.open_attempts()}:
            self.rows.put_attempt(replace(attempt, due_time=self._clock.now() + delay))

    async def hurry_attempts(
        self, merchant_id: str, payment_id: UUID, delay: timedelta, age_min: timedelta
    ) -> None:
        await self.hooks.reach("hurry_attempts")
        soon, old = self._clock.now() + delay, self._clock.now() - age_min
        for attempt in self.rows.open_attempts():
            ours = (attempt.merchant_id, attempt.payment_id) == (merchant_id, payment_id)
            if ours and attempt.create_time <= old and attempt.due_time and attempt.due_time > soon:
                self.rows.put_attempt(replace(attempt, due_time=soon))

    async def lease_expired_authorizations(
        self, limit: int, lease: timedelta
    ) -> Sequence[tuple[str, UUID]]:
        await self.hooks.reach("lease_expired_authorizations")
        now = self._clock.now()
        payments = [aggregate.payment for aggregate in self.rows.aggregates.values()]
        due = [payment for payment in payments if self._look_at(payment) <= now][:limit]
        self._leases |= {payment.payment_id: now + lease for payment in due}
        return [(payment.merchant_id, payment.payment_id) for payment in due]

    async def backlog(self) -> Backlog:
        raise NotImplementedError  # the gauges count it; no use case does

    async def open_review(self, case: ReviewCase) -> bool:
        await self.hooks.reach("open_review")
        return self.rows.open_review(case)

    async def settle_review(self, owner_id: str, kind: ReviewKind, subject: str) -> None:
        """Close the case of what became clear by itself."""
        await self.hooks.reach("settle_review")
        self.rows.settle_review(owner_id, kind, subject)

    async def list_reviews(self, *, include_resolved: bool, limit: int) -> Sequence[ReviewCase]:
        await self.hooks.reach("list_reviews")
        cases = sorted(self.rows.reviews.values(), key=lambda case: case.create_time)
        return [case for case in cases if include_resolved or not case.resolve_time][:limit]

    async def find_review(self, case_id: UUID) -> ReviewCase | None:
        await self.hooks.reach("find_review")
        return self.rows.reviews.get(case_id)

    async def resolve_review(self, case: ReviewCase) -> bool:
        await self.hooks.reach("resolve_review")
        if self.rows.reviews[case.case_id].resolve_time:
            return False
        self.rows.reviews[case.case_id] = case
        return True

    async def open_wallet(self, ref: WalletRef, now: datetime) -> Wallet:
        await self.hooks.reach("open_wallet")
        return self.rows.open_wallet(ref)

    async def get_wallet(self, ref: WalletRef) -> Wallet | None:
        await self.hooks.reach("get_wallet")
        return self.rows.wallets.get(ref)

    async def list_entries(
        self, ref: WalletRef, before: UUID | None, limit: int
    ) -> Sequence[Entry]:
        await self.hooks.reach("list_entries")
        found = [entry for entry in self.rows.entries if _touches(entry, ref)]
        older = [entry for entry in found if before is None or entry.entry_id < before]
        return sorted(older, key=lambda entry: entry.entry_id, reverse=True)[:limit]

    async def create_merchant(self, merchant: Merchant) -> Merchant:
        await self.hooks.reach("create_merchant")
        numbered = replace(merchant, serial=len(self.rows.merchants) + 1)
        return self.rows.merchants.setdefault(merchant.merchant_id, numbered)

    async def update_merchant(self, merchant: Merchant, expected_version: int) -> Merchant | None:
        await self.hooks.reach("update_merchant")
        known = self.rows.merchants.get(merchant.merchant_id)
        if known is None or known.version != expected_version:
            return None
        kept = replace(merchant, serial=known.serial, create_time=known.create_time)
        self.rows.merchants[merchant.merchant_id] = kept
        return kept

    async def get_merchant(self, merchant_id: str) -> Merchant | None:
        await self.hooks.reach("get_merchant")
        return self.rows.merchants.get(merchant_id)

    async def find_owner_by_serial(self, serial: int) -> str | None:
        await self.hooks.reach("find_owner_by_serial")
        return self.rows.owner(serial)

    async def list_merchants(self, prefix: str, after: str, limit: int) -> Sequence[Merchant]:
        await self.hooks.reach("list_merchants")
        known = self.rows.merchants
        ids = sorted(item for item in known if item.startswith(prefix) and item > after)
        return [known[merchant_id] for merchant_id in ids[:limit]]

    async def feed_end(self) -> FeedPosition:
        await self.hooks.reach("feed_end")
        return self.position(len(self.rows.events))

    async def read_events(
        self, merchant_id: str, after: FeedPosition, limit: int
    ) -> tuple[Sequence[tuple[FeedPosition, Event]], FeedPosition]:
        await self.hooks.reach("read_events")
        found = [
            (self.position(place), event)
            for place, event in enumerate(self.rows.events, 1)
            if place > after.transaction_id and event.payment.merchant_id == merchant_id
        ]
        if len(found) > limit:
            return found[:limit], found[limit - 1][0]
        return found, self.position(len(self.rows.events))

    def position(self, place: int) -> FeedPosition:
        """The position after so many events."""
        return FeedPosition(DEPLOYMENT, place, UUID(int=place))

    async def merchant_accounts(self, merchant_id: str) -> Sequence[AccountSum]:
        await self.hooks.reach("merchant_accounts")
        return [item for item in sums(self.rows.entries) if item.account.key == merchant_id]

    async def trial_balance(self, owner_id: str) -> Sequence[AccountSum]:
        await self.hooks.reach("trial_balance")
        return sums(item for item in self.rows.entries if owner_id in ("", item.owner_id))

    async def payment_entries(self, merchant_id: str, payment_id: UUID) -> Sequence[Entry]:
        await self.hooks.reach("payment_entries")
        return [item for item in self.rows.entries if item.payment_id == payment_id]

    async def fold(self) -> int:
        raise NotImplementedError  # nothing is cached here

    async def _open(self, opening: Opening) -> Opened:
        await self.hooks.reach("open_payment")
        opened = self.rows.open_payment(opening)
        await self.hooks.reach("open_payment's reply")
        return opened

    async def _open_all(self, openings: Sequence[Opening]) -> Sequence[Opened | Exception]:
        await self.hooks.reach("open_payments")
        found = [self._tried(opening) for opening in openings]
        await self.hooks.reach("open_payments' reply")
        return found

    def _tried(self, opening: Opening) -> Opened | Exception:
        try:
            return self.rows.open_payment(opening)
        except Exception as error:  # noqa: BLE001 - as the port says
            return error

    async def _by_itself(self, commit: Coroutine[Any, Any, T]) -> T:
        """Commit whether or not anybody waits for it."""
        task = asyncio.create_task(commit)
        self._commits.add(task)
        task.add_done_callback(self._commits.discard)
        return await asyncio.shield(task)

    def _look_at(self, payment: Payment) -> datetime:
        """When workers next look whether an authorisation has ended."""
        if payment.state is not PaymentState.AUTHORIZED or payment.capture_before_time is None:
            return datetime.max.replace(tzinfo=self._clock.now().tzinfo)
        return self._leases.get(payment.payment_id, payment.capture_before_time)


def _touches(entry: Entry, ref: WalletRef) -> bool:
    """Whether an entry moved what is in a wallet."""
    ours = {customer(code, payer_of(ref.owner_id) or "") for code in ("wallet", "wallet_held")}
    sides = {side for part in entry.transfers for side in (part.debit, part.credit)}
    return entry.currency == ref.currency and bool(sides & ours)
