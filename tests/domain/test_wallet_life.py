"""Any life of a wallet keeps it at zero or above, and its row is always what the books say.

A Hypothesis state machine plays a payer, a merchant, channels and the clock against the pure
decisions: top-ups and withdrawals whose channels say anything at any time, payments at once and
holds, captures, cancels, refunds and expiries of any of them. Beside the journal and the wallet's
row it keeps a model, made from the payments' states alone.
"""

import contextlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.domain.change import Aggregate, Change, Funds
from gateway.domain.channel import Attempt, AttemptKind, AttemptState, Outcome, OutcomeClass
from gateway.domain.decisions.accept import (
    accept_cancel,
    accept_capture,
    accept_refund,
    release_authorization,
)
from gateway.domain.decisions.conclude import conclude
from gateway.domain.decisions.late import gateway_operation
from gateway.domain.decisions.moment import Moment
from gateway.domain.decisions.opening import open_top_up, open_withdrawal
from gateway.domain.decisions.wallet import pay_from_wallet
from gateway.domain.digest import state_digest
from gateway.domain.errors import GatewayError
from gateway.domain.ledger import CHART, Book, Entry
from gateway.domain.merchant import RefundPolicy
from gateway.domain.money import Money
from gateway.domain.operation import Operation, OperationKind
from gateway.domain.payment import TRANSITIONS, CaptureMode, Payment, PaymentState, Purpose
from gateway.domain.wallet import WalletRef
from tests.domain.lives import OWNER_SERIAL
from tests.domain.samples import (
    applied,
    ask,
    id_maker,
    merchant,
    moment,
    transfer,
    wallet_payment,
)

TRIED = st.integers(0, 50)
"""Which of the payments, or of the attempts, that there are."""

AMOUNTS = st.sampled_from([1, 50, 100, 333, 1_000, 3_000])
PARTS = st.sampled_from([None, 1, 50, 90, 333])
"""How much of a payment is captured or refunded: all that remains for None."""

WORDS = [OutcomeClass.SUCCESS, OutcomeClass.FAILED, *OutcomeClass]
"""What channels say, definite words more often."""

BUDGET = 2_000
OURS = WalletRef("@p-1", "CNY")


class WalletLife(RuleBasedStateMachine):
    """One wallet and one merchant, lived at random."""

    @initialize(others=st.integers(0, 2_000), first=st.sampled_from([100, 6_000]))
    def begin(self, others: int, first: int) -> None:
        """Begin with a top-up, and a merchant whose other business has used up so much."""
        self.new_id = id_maker()
        self.passed = timedelta()
        self.others = others
        self.budget = BUDGET
        self.available = self.held = 0
        self.aggregates: dict[UUID, Aggregate] = {}
        self.folded: Counter[str] = Counter()
        self.top_up(first)
        (attempt,) = self.attempts()
        self.conclude(attempt, Outcome(OutcomeClass.SUCCESS, evidence="paid"))

    @rule(seconds=st.sampled_from([1, 600, 86_400, 8 * 86_400]))
    def time_passes(self, seconds: int) -> None:
        """Let time pass."""
        self.passed += timedelta(seconds=seconds)

    @rule(amount=AMOUNTS)
    def top_up(self, amount: int) -> None:
        """Ask for money into the wallet."""
        wanted = self.asked(transfer(self.new_id, Purpose.TOP_UP), amount)
        self.open(wanted, open_top_up(wanted, OWNER_SERIAL, self.now()))

    @rule(amount=AMOUNTS)
    def withdraw(self, amount: int) -> None:
        """Ask for money out of the wallet."""
        wanted = self.asked(transfer(self.new_id, Purpose.WITHDRAWAL), amount)
        self.open(wanted, open_withdrawal(wanted, OWNER_SERIAL, self.now(), self.available))

    @rule(amount=AMOUNTS, mode=st.sampled_from(CaptureMode))
    def pay(self, amount: int, mode: CaptureMode) -> None:
        """Pay from the wallet, or let it hold an amount."""
        wanted = self.asked(wallet_payment(self.new_id, capture_mode=mode), amount)
        self.open(wanted, pay_from_wallet(wanted, merchant(), self.now(), self.available))

    @precondition(lambda self: self.attempts())
    @rule(
        which=TRIED,
        words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
        closed=st.booleans(),
    )
    def channel_speaks(self, which: int, words: list[OutcomeClass], *, closed: bool) -> None:
        """Let a channel say anything about any attempt, old ones too, and more than once."""
        attempt = self.attempts()[which % len(self.attempts())]
        for kind in words:
            ended = closed and kind is OutcomeClass.FAILED
            self.conclude(attempt, Outcome(kind, closed=ended, evidence="said so"))

    @rule(which=TRIED, amount=PARTS, final=st.booleans())
    def capture(self, which: int, amount: int | None, *, final: bool) -> None:
        """Ask for a capture."""
        for payment in self.one_of(which, PaymentState.AUTHORIZED):
            with contextlib.suppress(GatewayError):
                wish = ask(self.new_id, amount, final=final)
                self.write(payment, accept_capture(payment, wish, self.now()))

    @rule(which=TRIED)
    def cancel(self, which: int) -> None:
        """Ask for a cancel."""
        for payment in self.one_of(which, PaymentState.AUTHORIZED):
            with contextlib.suppress(GatewayError):
                self.write(payment, accept_cancel(payment, ask(self.new_id), self.now()))

    @rule(which=TRIED, amount=PARTS, policy=st.sampled_from(RefundPolicy))
    def refund(self, which: int, amount: int | None, policy: RefundPolicy) -> None:
        """Ask for a refund, where other business may have used up the merchant's balance."""
        balance = self.folded["merchant_unsettled"] - self.others
        for payment in self.one_of(which, PaymentState.SUCCEEDED):
            funded = replace(payment, funds=Funds(balance, self.budget))
            with contextlib.suppress(GatewayError):
                wish = ask(self.new_id, amount)
                self.write(payment, accept_refund(funded, wish, policy, self.now()))

    @rule()
    def expire(self) -> None:
        """Let a worker look for holds whose time is over."""
        for aggregate in list(self.aggregates.values()):
            operation = gateway_operation(aggregate.payment, OperationKind.RELEASE, self.now())
            self.write(aggregate, release_authorization(aggregate, operation, self.now()))

    def now(self) -> Moment:
        """The moment."""
        return moment(self.new_id, self.passed)

    def asked(self, payment: Payment, amount: int) -> Payment:
        """A payment as it is asked for now."""
        now = self.now().now
        later = now + timedelta(minutes=15)
        return replace(
            payment,
            amount=Money("CNY", amount),
            create_time=now,
            update_time=now,
            expire_time=later,
        )

    def one_of(self, which: int, state: PaymentState) -> list[Aggregate]:
        """One of the merchant's payments, where there is one; in this state, where there is one."""
        found = [it for it in self.aggregates.values() if it.payment.merchant_id == "m_1"]
        found = [it for it in found if it.payment.state is state] or found
        return [found[which % len(found)]] if found else []

    def attempts(self) -> list[Attempt]:
        """Everything that channels were ever asked."""
        return [item for it in self.aggregates.values() for item in it.attempts.values()]

    def conclude(self, attempt: Attempt, outcome: Outcome) -> None:
        """Write what an outcome means."""
        aggregate = self.aggregates[attempt.payment_id]
        self.write(aggregate, conclude(aggregate, attempt.attempt_id, outcome, self.now()))

    def open(self, wanted: Payment, change: Change) -> None:
        """Write a new payment."""
        assert change.payment.version == 1
        self.keep(Aggregate(wanted, {}, {}, 0, Funds()), change)

    def write(self, before: Aggregate, change: Change | None) -> None:
        """Write a change and check what every single one must keep."""
        if change is None:
            return
        state, after = before.payment.state, change.payment.state
        assert change.payment.version == before.payment.version + 1
        assert state == after or after in TRANSITIONS[state].values()
        for operation_id, operation in before.operations.items():
            changed = {item.operation_id: item for item in change.operations}
            assert operation.running or changed.get(operation_id, operation) == operation
        self.keep(before, change)

    def keep(self, before: Aggregate, change: Change) -> None:
        """Keep everything that a change writes, the wallet's row too, as the store does."""
        assert change.event.payment == change.payment
        assert change.event.digest == state_digest(change.payment)
        if before.payment.merchant_id == "m_1":
            assert change.attempts == ()
            assert not any(item.running for item in change.operations)
        assert {move.wallet for move in change.wallet_moves} <= {OURS}
        self.available += sum(move.available for move in change.wallet_moves)
        self.held += sum(move.held for move in change.wallet_moves)
        self.fold(change.entries)
        self.budget -= change.advanced
        self.aggregates[change.payment.payment_id] = applied(before, change)

    def fold(self, entries: Iterable[Entry]) -> None:
        """Fold the journal: credits less debits per account code."""
        for part in (part for entry in entries for part in entry.transfers):
            self.folded[part.debit.code] -= part.amount
            self.folded[part.credit.code] += part.amount

    @invariant()
    def wallets_are_never_below_zero(self) -> None:
        """Neither what is available nor what is held is ever below zero."""
        assert self.available >= 0
        assert self.held >= 0

    @invariant()
    def the_row_is_what_is_booked(self) -> None:
        """What stands in the wallet's row is the fold of its two accounts."""
        booked = (self.folded["wallet"], self.folded["wallet_held"])
        assert (self.available, self.held) == booked

    @invariant()
    def the_row_equals_the_model(self) -> None:
        """It is also what the states of all payments say that it must be."""
        payments = [aggregate.payment for aggregate in self.aggregates.values()]
        assert self.available == sum(map(_brought, payments))
        assert self.held == sum(map(_set_aside, payments))

    @invariant()
    def the_journal_equals_the_model(self) -> None:
        """Each other account is what payments, operations and attempts alone say."""
        folded = self.folded
        purchases, top_ups, withdrawals = (self.of(purpose) for purpose in Purpose)
        refunds, returns = (
            self.done(kind) for kind in (OperationKind.REFUND, OperationKind.RETURN)
        )
        advanced = sum(item.advanced for item in refunds if item.succeeded)
        captured = sum(item.captured for item in purchases)
        assert folded["merchant_unsettled"] == captured + advanced - _given(refunds)
        running = [item for item in withdrawals if item.state is PaymentState.PROCESSING]
        assert folded["payout_in_transit"] == sum(item.amount.minor_units for item in running)
        late = self.late(AttemptKind.PAYOUT)
        paid_out = sum(item.captured for item in withdrawals) + late
        assert folded["reserve_bank"] == paid_out
        returned_late = self.late(AttemptKind.REFUND)
        refused = sum(item.amount.minor_units for item in returns if item.failure)
        assert folded["suspense"] == refused - returned_late - late
        waiting = sum(item.amount.minor_units for item in returns if item.running)
        assert folded["refund_in_transit"] == waiting
        came = sum(item.captured for item in top_ups)
        came += sum(item.amount.minor_units for item in returns)
        assert -folded["channel_receivable"] == came - _given(returns) - returned_late
        assert self.budget == BUDGET - advanced

    @invariant()
    def the_books_balance(self) -> None:
        """Customers' assets equal customers' liabilities, and the books meet in equal amounts."""
        assert sum(self.folded[code] for code in CHART[Book.CUSTOMER]) == 0
        assert self.folded["due_to_own"] == -self.folded["due_from_reserve"]

    def of(self, purpose: Purpose) -> list[Payment]:
        """Payments of one purpose."""
        payments = [aggregate.payment for aggregate in self.aggregates.values()]
        return [payment for payment in payments if payment.purpose is purpose]

    def done(self, kind: OperationKind) -> list[Operation]:
        """Operations of one kind, on any payment."""
        every = [item for it in self.aggregates.values() for item in it.operations.values()]
        return [item for item in every if item.kind is kind]

    def late(self, kind: AttemptKind) -> int:
        """How much went out after its attempt had failed."""
        total = 0
        for aggregate in self.aggregates.values():
            for attempt in aggregate.attempts.values():
                operation = aggregate.operations.get(attempt.operation_id or UUID(int=0))
                failure = (operation or aggregate.payment).failure
                if attempt.kind is kind and failure and attempt.state is AttemptState.SUCCEEDED:
                    total += attempt.money.minor_units
        return total


def _brought(payment: Payment) -> int:
    """What a payment brought to what is available, or took from it."""
    if payment.state is PaymentState.FAILED:
        return 0
    if payment.purpose is Purpose.TOP_UP:
        return payment.captured
    if payment.purpose is Purpose.WITHDRAWAL:
        return -payment.amount.minor_units
    taken = _set_aside(payment) + payment.captured
    return payment.refunded - taken


def _set_aside(payment: Payment) -> int:
    """What a payment holds."""
    return payment.uncaptured if payment.state is PaymentState.AUTHORIZED else 0


def _given(operations: list[Operation]) -> int:
    return sum(item.amount.minor_units for item in operations if item.succeeded)


TestWalletLife = WalletLife.TestCase
TestWalletLife.settings = settings(max_examples=20, stateful_step_count=40, deadline=None)
