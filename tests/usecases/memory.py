"""The store's ports kept in memory, word by word as their docstrings say.

A method that writes decides and writes without giving way in between, so each is one commit. Hooks
stand before every commit (named as its method) and behind it (with "'s reply" added): what fails at
the first wrote nothing, what fails at the second wrote everything and nobody was told.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from gateway.clock import Clock
from gateway.domain.change import Aggregate, Change, Event, Funds, ReviewCase
from gateway.domain.channel import Attempt, AttemptState
from gateway.domain.errors import GatewayError, Reason, Refused, payment_not_found
from gateway.domain.idempotency import Claim
from gateway.domain.ledger import AccountRef, AccountSum, Entry
from gateway.domain.merchant import Merchant
from gateway.domain.operation import Operation
from gateway.domain.payment import Payment, PaymentState
from gateway.domain.ports import Changed, Decide, FeedPosition, OperationFilter, PaymentFilter
from tests.domain.samples import applied
from tests.usecases.fakes import Hooks

DEPLOYMENT = UUID(int=1 << 100)


class MemoryStore:
    """Payments, work, merchants and events of one database."""

    def __init__(self, clock: Clock) -> None:
        self.hooks = Hooks()
        self.claims: dict[tuple[str, str], Claim] = {}
        self.aggregates: dict[UUID, Aggregate] = {}
        self.entries: list[Entry] = []
        self.events: list[Event] = []
        self.reviews: dict[UUID, ReviewCase] = {}
        self.merchants: dict[str, Merchant] = {}
        self.budgets: Counter[str] = Counter()
        self.funds_locked: list[UUID] = []
        self._leases: dict[UUID, datetime] = {}
        self._locks: defaultdict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._clock = clock

    # --- PaymentStore

    async def open_payment(self, claim: Claim, change: Change) -> Claim | None:
        await self.hooks.reach("open_payment")
        existing = self.claims.get(_key(claim))
        if existing is None:
            self._open(claim, change)
        await self.hooks.reach("open_payment's reply")
        return existing

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
            changed = self._change(merchant_id, payment_id, decide, claim, lock_funds=lock_funds)
        await self.hooks.reach("change_payment's reply")
        return changed

    async def find_claim(self, owner_id: str, idempotency_key: str) -> Claim | None:
        await self.hooks.reach("find_claim")
        return self.claims.get((owner_id, idempotency_key))

    async def load(self, merchant_id: str, payment_id: UUID) -> Aggregate | None:
        await self.hooks.reach("load")
        return self._of(merchant_id, payment_id)

    async def find_operation(self, merchant_id: str, operation_id: UUID) -> Operation | None:
        await self.hooks.reach("find_operation")
        found = (item.operations.get(operation_id) for item in self._owned(merchant_id))
        return next((operation for operation in found if operation), None)

    async def find_attempt(self, merchant_id: str, attempt_id: UUID) -> Attempt | None:
        await self.hooks.reach("find_attempt")
        found = (item.attempts.get(attempt_id) for item in self._owned(merchant_id))
        return next((attempt for attempt in found if attempt), None)

    async def list_payments(
        self, chosen: PaymentFilter, before: UUID | None, limit: int
    ) -> Sequence[Payment]:
        raise NotImplementedError  # no use case lists payments: transports ask the store

    async def list_operations(
        self, chosen: OperationFilter, before: UUID | None, limit: int
    ) -> Sequence[Operation]:
        raise NotImplementedError  # the same

    # --- WorkStore

    async def lease_attempts(self, limit: int, lease: timedelta) -> Sequence[Attempt]:
        await self.hooks.reach("lease_attempts")
        now = self._clock.now()
        due = [item for item in self.open_attempts() if item.due_time and item.due_time <= now]
        return [self._put(replace(item, due_time=now + lease)) for item in due[:limit]]

    async def postpone_attempt(self, attempt: Attempt, delay: timedelta) -> None:
        await self.hooks.reach("postpone_attempt")
        if self.aggregates[attempt.payment_id].attempts[attempt.attempt_id] in self.open_attempts():
            self._put(replace(attempt, due_time=self._clock.now() + delay))

    async def lease_expired_authorizations(
        self, limit: int, lease: timedelta
    ) -> Sequence[tuple[str, UUID]]:
        await self.hooks.reach("lease_expired_authorizations")
        now = self._clock.now()
        held = [p for p in self.payments() if p.state is PaymentState.AUTHORIZED]
        due = [p for p in held if self._leases.get(p.payment_id, _end(p)) <= now][:limit]
        self._leases |= {payment.payment_id: now + lease for payment in due}
        return [(payment.merchant_id, payment.payment_id) for payment in due]

    async def open_review(self, case: ReviewCase) -> bool:
        await self.hooks.reach("open_review")
        return self._open_review(case)

    async def list_reviews(self, *, include_resolved: bool, limit: int) -> Sequence[ReviewCase]:
        await self.hooks.reach("list_reviews")
        cases = sorted(self.reviews.values(), key=lambda case: (case.create_time, case.case_id))
        return [case for case in cases if include_resolved or not case.resolve_time][:limit]

    async def find_review(self, case_id: UUID) -> ReviewCase | None:
        await self.hooks.reach("find_review")
        return self.reviews.get(case_id)

    async def resolve_review(self, case: ReviewCase) -> bool:
        await self.hooks.reach("resolve_review")
        if self.reviews[case.case_id].resolve_time:
            return False
        self.reviews[case.case_id] = case
        return True

    # --- MerchantStore

    async def create_merchant(self, merchant: Merchant) -> Merchant:
        await self.hooks.reach("create_merchant")
        numbered = replace(merchant, serial=len(self.merchants) + 1)
        return self.merchants.setdefault(merchant.merchant_id, numbered)

    async def update_merchant(self, merchant: Merchant, expected_version: int) -> Merchant | None:
        await self.hooks.reach("update_merchant")
        known = self.merchants.get(merchant.merchant_id)
        if known is None or known.version != expected_version:
            return None
        kept = replace(merchant, serial=known.serial, create_time=known.create_time)
        self.merchants[merchant.merchant_id] = kept
        return kept

    async def get_merchant(self, merchant_id: str) -> Merchant | None:
        await self.hooks.reach("get_merchant")
        return self.merchants.get(merchant_id)

    async def find_merchant_by_serial(self, serial: int) -> Merchant | None:
        await self.hooks.reach("find_merchant_by_serial")
        return next((item for item in self.merchants.values() if item.serial == serial), None)

    async def list_merchants(self, prefix: str, after: str, limit: int) -> Sequence[Merchant]:
        await self.hooks.reach("list_merchants")
        ids = sorted(item for item in self.merchants if item.startswith(prefix) and item > after)
        return [self.merchants[merchant_id] for merchant_id in ids[:limit]]

    # --- EventStore

    async def feed_end(self) -> FeedPosition:
        await self.hooks.reach("feed_end")
        return self._position(len(self.events))

    async def read_events(
        self, merchant_id: str, after: FeedPosition, limit: int
    ) -> tuple[Sequence[tuple[FeedPosition, Event]], FeedPosition]:
        await self.hooks.reach("read_events")
        found = [
            (self._position(place), event)
            for place, event in enumerate(self.events, 1)
            if place > after.transaction_id and event.payment.merchant_id == merchant_id
        ]
        page = found[:limit]
        return page, page[-1][0] if len(found) > limit else self._position(len(self.events))

    # --- for the tests

    def payments(self) -> list[Payment]:
        """Every payment, oldest first."""
        return [aggregate.payment for aggregate in self.aggregates.values()]

    def open_attempts(self) -> list[Attempt]:
        """Every attempt whose outcome is not known."""
        attempts = (item for one in self.aggregates.values() for item in one.attempts.values())
        return [item for item in attempts if item.state is AttemptState.OPEN]

    def balances(self) -> dict[str, int]:
        """What each account has, by its code; accounts that are even are left out."""
        summed = {item.account.code: item.balance for item in sums(self.entries)}
        return {code: balance for code, balance in summed.items() if balance}

    def _open(self, claim: Claim, change: Change) -> None:
        payment = change.payment
        rivals = (item for item in self.payments() if item.merchant_id == payment.merchant_id)
        if payment.holds_order and any(
            rival.holds_order and rival.order_id == payment.order_id for rival in rivals
        ):
            words = "The order has a payment that is live or successful."
            refusal = Refused(Reason.ORDER_ALREADY_PAID, words, key_bound=True)
            self._keep_refusal(claim, refusal)
            raise refusal
        self.claims[_key(claim)] = claim
        serial = self.merchants[payment.merchant_id].serial
        self._write(Aggregate(payment, {}, {}, serial, Funds()), change)

    def _change(
        self,
        merchant_id: str,
        payment_id: UUID,
        decide: Decide,
        claim: Claim | None,
        *,
        lock_funds: bool,
    ) -> Changed:
        aggregate = self._of(merchant_id, payment_id)
        if aggregate is None:
            raise payment_not_found()
        if claim and _key(claim) in self.claims:
            return Changed(aggregate, written=False, existing=self.claims[_key(claim)])
        try:
            change = decide(self._with_funds(aggregate) if lock_funds else aggregate)
        except GatewayError as refusal:
            if claim and refusal.key_bound:
                self._keep_refusal(claim, refusal)
            raise
        if change is None:
            return Changed(aggregate, written=False)
        assert change.payment.version == aggregate.payment.version + 1
        if claim:
            self.claims[_key(claim)] = claim
        return Changed(self._write(aggregate, change), written=True)

    def _write(self, aggregate: Aggregate, change: Change) -> Aggregate:
        after = applied(aggregate, change)
        self.aggregates[change.payment.payment_id] = after
        self.entries += change.entries
        self.events.append(change.event)
        for case in change.reviews:
            self._open_review(case)
        self.budgets[change.payment.currency] -= change.advanced
        return after

    def _keep_refusal(self, claim: Claim, refusal: GatewayError) -> None:
        kept = replace(claim, refusal=refusal.reason, refusal_message=refusal.message)
        self.claims[_key(claim)] = kept

    def _open_review(self, case: ReviewCase) -> bool:
        same = (case.owner_id, case.kind, case.subject)
        open_cases = (item for item in self.reviews.values() if not item.resolve_time)
        if any((item.owner_id, item.kind, item.subject) == same for item in open_cases):
            return False
        self.reviews[case.case_id] = case
        return True

    def _with_funds(self, aggregate: Aggregate) -> Aggregate:
        payment = aggregate.payment
        self.funds_locked.append(payment.payment_id)
        owned = AccountSum(_unsettled(payment), payment.currency, 0, 0)
        for item in sums(self.entries):
            if (item.account, item.currency) == (owned.account, owned.currency):
                owned = item
        return replace(aggregate, funds=Funds(owned.balance, self.budgets[payment.currency]))

    def _put(self, attempt: Attempt) -> Attempt:
        aggregate = self.aggregates[attempt.payment_id]
        attempts = {**aggregate.attempts, attempt.attempt_id: attempt}
        self.aggregates[attempt.payment_id] = replace(aggregate, attempts=attempts)
        return attempt

    def _of(self, merchant_id: str, payment_id: UUID) -> Aggregate | None:
        found = self.aggregates.get(payment_id)
        return found if found and found.payment.merchant_id == merchant_id else None

    def _owned(self, merchant_id: str) -> list[Aggregate]:
        return [a for a in self.aggregates.values() if a.payment.merchant_id == merchant_id]

    def _position(self, place: int) -> FeedPosition:
        return FeedPosition(DEPLOYMENT, place, UUID(int=place))
