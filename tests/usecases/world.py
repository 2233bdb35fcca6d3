"""A whole gateway over fakes, and what callers ask of it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from gateway.clock import Deadline
from gateway.domain.change import Aggregate
from gateway.domain.channel import Attempt, Outcome
from gateway.domain.ledger import Entry, Transfer, customer
from gateway.domain.money import Money
from gateway.domain.operation import Operation
from gateway.domain.payment import CaptureMode, Payer, Payment, PaymentMethod, Scene
from gateway.domain.wallet import WalletMove, WalletRef, owner_of
from gateway.usecases.cancel import Cancel
from gateway.usecases.capture import Capture
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
from gateway.usecases.execution import Execution, Timing
from gateway.usecases.expire import Expire
from gateway.usecases.intents import ExpiryTerms
from gateway.usecases.merchants import MEMORY_LIFETIME_S, MerchantBook
from gateway.usecases.notified import Notified
from gateway.usecases.pay import Pay
from gateway.usecases.pay_many import PayMany
from gateway.usecases.query import Query
from gateway.usecases.recover import Recover
from gateway.usecases.refund import Refund
from gateway.usecases.review import Review
from gateway.usecases.spend import Spend
from gateway.usecases.top_up import TopUp
from gateway.usecases.wallets import Wallets
from gateway.usecases.withdraw import Withdraw
from tests.domain.lives import HELD, NOT_FOUND, PAID, SILENT
from tests.domain.samples import merchant
from tests.usecases.fakes import FixedClock, RecordingObserver, ScriptedChannel
from tests.usecases.memory import MemoryStore

TIMING = Timing(
    lease_margin=timedelta(seconds=2),
    recovery_delay_min=timedelta(seconds=1),
    recovery_delay_max=timedelta(minutes=5),
    review_after=timedelta(hours=24),
)
EXPIRY = ExpiryTerms(default=timedelta(minutes=15), longest=timedelta(days=1))
HOLD_LIFETIME = timedelta(days=3)
"""How long a wallet holds what is not captured."""

NOT_FOUND_MAX = 3
PATIENCE_S = 60.0
"""Seconds that callers wait; more than anything takes here."""


class World:
    """One gateway process, its database and its channel."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        self.store = MemoryStore(self.clock)
        self.channel = ScriptedChannel()
        self.observer = RecordingObserver()
        self.rows = self.store.rows
        self.rows.merchants["m_1"] = merchant(
            currencies=("CNY", "USD"), channels=("sandbox", "wallet")
        )
        self.execution = Execution(
            payments=self.store,
            work=self.store,
            channels={"sandbox": self.channel},
            clock=self.clock,
            timing=TIMING,
            observer=self.observer,
        )
        self.merchants = MerchantBook(self.store, self.clock)
        spend = Spend(self.execution, self.merchants, EXPIRY, HOLD_LIFETIME)
        self.pay = Pay(self.execution, self.merchants, EXPIRY, spend)
        self.pay_many = PayMany(self.execution, self.merchants, self.pay, spend)
        self.top_up = TopUp(self.execution, self.store, EXPIRY)
        self.withdraw = Withdraw(self.execution, self.store, EXPIRY)
        self.wallets = Wallets(self.store, self.clock)
        self.capture = Capture(self.execution)
        self.cancel = Cancel(self.execution)
        self.refund = Refund(self.execution, self.merchants)
        self.query = Query(self.store, self.store)
        self.notified = Notified(self.execution, self.merchants)
        self.recover = Recover(self.execution, batch_max=10, not_found_max=NOT_FOUND_MAX)
        self.expire = Expire(self.execution, batch_max=10)
        self.review = Review(self.execution)

    async def paying(self, *outcomes: Outcome, **fields: Any) -> PaymentAnswer:
        """Pay, while the channel answers so."""
        self.channel.will("send", *outcomes)
        return await self.pay(pay_command(**fields), patience())

    async def paid(self, **fields: Any) -> Payment:
        """Make a payment that succeeded."""
        return (await self.paying(PAID, **fields)).payment

    async def authorized(self, **fields: Any) -> Payment:
        """Make a payment whose amount is held."""
        mode = CaptureMode.MANUAL
        return (await self.paying(HELD, **{"capture_mode": mode, **fields})).payment

    async def spent(self, **fields: Any) -> Payment:
        """Make a payment from a wallet."""
        return (await self.pay(wallet_command(**fields), patience())).payment

    async def held(self, **fields: Any) -> Payment:
        """Make a payment whose amount a wallet holds."""
        return await self.spent(**{"capture_mode": CaptureMode.MANUAL, **fields})

    async def topping_up(self, *outcomes: Outcome, **fields: Any) -> PaymentAnswer:
        """Top a wallet up, while the channel answers so."""
        self.channel.will("send", *outcomes)
        return await self.top_up(top_up_command(**fields), patience())

    async def withdrawing(self, *outcomes: Outcome, **fields: Any) -> PaymentAnswer:
        """Withdraw from a wallet, while the channel answers so."""
        self.channel.will("send", *outcomes)
        return await self.withdraw(withdraw_command(**fields), patience())

    async def capturing(self, payment: Payment, *outcomes: Outcome, **f: Any) -> OperationAnswer:
        """Capture, while the channel answers so."""
        self.channel.will("send", *outcomes)
        return await self.capture(capture_command(payment.payment_id, **f), patience())

    async def canceling(self, payment: Payment, *outcomes: Outcome, **f: Any) -> OperationAnswer:
        """Cancel, while the channel answers so."""
        self.channel.will("send", *outcomes)
        return await self.cancel(cancel_command(payment.payment_id, **f), patience())

    async def refunding(self, payment: Payment, *outcomes: Outcome, **f: Any) -> OperationAnswer:
        """Refund, while the channel answers so."""
        self.channel.will("send", *outcomes)
        return await self.refund(refund_command(payment.payment_id, **f), patience())

    async def lost(self) -> Payment:
        """Make a payment whose number the channel does not know, asked about one time less."""
        payment = (await self.paying(SILENT)).payment
        for _ in range(NOT_FOUND_MAX - 1):
            await self.recovering(NOT_FOUND)
        return payment

    async def recovering(self, *outcomes: Outcome) -> int:
        """Wait until every open attempt is due and let a worker ask, while the channel says so."""
        self.channel.will("ask", *outcomes)
        due = [item.due_time for item in self.rows.open_attempts() if item.due_time]
        if due:
            self.clock.advance(max(timedelta(), max(due) - self.clock.now()))
        return await self.recover()

    @asynccontextmanager
    async def while_asked(self, recovering: Coroutine[Any, Any, int]) -> AsyncIterator[None]:
        """Do what the block does while a worker waits for the channel's answer, then let it on."""
        gate = self.channel.hooks.hold("ask")
        asking = asyncio.create_task(recovering)
        await gate.arrived.wait()
        yield
        gate.opened.set()
        await asking

    def fund(self, amount: int, payer_id: str = "p-1", currency: str = "CNY") -> None:
        """Let a wallet have so much, as a top-up leaves it."""
        ref = WalletRef(owner_of(payer_id), currency)
        self.rows.open_wallet(ref)
        self.rows.move(WalletMove(ref, available=amount))
        receivable = customer("channel_receivable", "sandbox")
        transfer = Transfer(receivable, customer("wallet", payer_id), amount)
        entry_id, now = self.clock.new_id(), self.clock.now()
        self.rows.entries.append(
            Entry(ref.owner_id, entry_id, "funded", currency, (transfer,), now)
        )

    def wallet(self, payer_id: str = "p-1", currency: str = "CNY") -> tuple[int, int]:
        """What is available in a wallet, and what is held."""
        wallet = self.rows.wallets[WalletRef(owner_of(payer_id), currency)]
        return wallet.available, wallet.held

    def aggregate(self, payment: Payment) -> Aggregate:
        """A payment with all that belongs to it, as it is now."""
        return self.rows.aggregates[payment.payment_id]

    def now(self, payment: Payment) -> Payment:
        """A payment as it is now."""
        return self.aggregate(payment).payment

    def operation(self, answer: OperationAnswer) -> Operation:
        """An operation as it is now."""
        return self.aggregate(answer.payment).operations[answer.operation.operation_id]

    def attempt(self, number: str) -> Attempt:
        """The attempt with this number of ours."""
        attempts = (a for one in self.rows.aggregates.values() for a in one.attempts.values())
        return next(attempt for attempt in attempts if attempt.number == number)

    def open_attempt(self) -> Attempt:
        """The only attempt that is open."""
        (attempt,) = self.rows.open_attempts()
        return attempt

    def change_merchant(self, **fields: Any) -> None:
        """Change the merchant behind everybody's back, and let every memory of it grow old."""
        self.rows.merchants["m_1"] = replace(self.rows.merchants["m_1"], **fields)
        self.clock.advance(timedelta(seconds=MEMORY_LIFETIME_S))

    def settle(self, amount: int) -> None:
        """Let so much of what the merchant has unsettled become available, as settlement will."""
        unsettled, available = (
            customer(f"merchant_{x}", "m_1") for x in ("unsettled", "available")
        )
        transfer = Transfer(unsettled, available, amount)
        entry_id, now = self.clock.new_id(), self.clock.now()
        self.rows.entries.append(Entry("m_1", entry_id, "settled", "CNY", (transfer,), now))


def patience() -> Deadline:
    """A deadline that nothing here takes so long to reach."""
    return Deadline.after(PATIENCE_S)


def pay_command(**fields: Any) -> PayCommand:
    """Ask for 30.00 CNY."""
    base = PayCommand(
        merchant_id="m_1",
        idempotency_key="pay-1",
        order_id="o-1",
        amount=Money("CNY", 3_000),
        method=PaymentMethod("sandbox"),
        capture_mode=CaptureMode.AUTOMATIC,
        payer=Payer("p-1"),
        scene=Scene.WEB,
        description="",
        attributes={},
        expire_time=None,
    )
    return replace(base, **fields)


def wallet_command(**fields: Any) -> PayCommand:
    """Ask for 30.00 CNY from the payer's wallet."""
    return pay_command(**{"method": PaymentMethod("wallet"), **fields})


def top_up_command(**fields: Any) -> TopUpCommand:
    """Ask for 30.00 CNY into the payer's wallet."""
    base = TopUpCommand(
        payer=Payer("p-1"),
        idempotency_key="top-up-1",
        amount=Money("CNY", 3_000),
        method=PaymentMethod("sandbox"),
        scene=Scene.APP,
        description="",
        expire_time=None,
    )
    return replace(base, **fields)


def withdraw_command(**fields: Any) -> WithdrawCommand:
    """Ask for 30.00 CNY out of the payer's wallet."""
    base = WithdrawCommand(
        payer_id="p-1",
        idempotency_key="withdraw-1",
        amount=Money("CNY", 3_000),
        method=PaymentMethod("sandbox"),
        description="",
    )
    return replace(base, **fields)


def capture_command(payment_id: UUID, **fields: Any) -> CaptureCommand:
    """Ask for all that is held."""
    base = CaptureCommand("m_1", "capture-1", payment_id, amount=None, final=False)
    return replace(base, **fields)


def cancel_command(payment_id: UUID, **fields: Any) -> CancelCommand:
    """Ask for the payment to end."""
    return replace(CancelCommand("m_1", "cancel-1", payment_id), **fields)


def refund_command(payment_id: UUID, **fields: Any) -> RefundCommand:
    """Ask for all that was captured."""
    base = RefundCommand("m_1", "refund-1", payment_id, amount=None, description="")
    return replace(base, **fields)
