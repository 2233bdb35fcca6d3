"""Any life of a payment keeps the books, walks the state table and never gives back too much.

A Hypothesis state machine plays callers, channel and clock against the pure decisions: outcomes of
any class for any attempt, repeated and in any order, late ones included, between captures, cancels
and refunds of any amount. Beside the journal it keeps a model ledger, made from operations alone.
"""

import contextlib
from collections import Counter
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.domain.change import Aggregate, Change, Funds
from gateway.domain.channel import AttemptState, Outcome, OutcomeClass
from gateway.domain.decisions.accept import (
    accept_cancel,
    accept_capture,
    accept_refund,
    release_authorization,
)
from gateway.domain.decisions.conclude import conclude
from gateway.domain.decisions.late import gateway_operation
from gateway.domain.decisions.moment import Moment
from gateway.domain.digest import state_digest
from gateway.domain.errors import GatewayError
from gateway.domain.ledger import Entry
from gateway.domain.merchant import RefundPolicy
from gateway.domain.operation import Operation, OperationKind
from gateway.domain.payment import TRANSITIONS, ActionKind, CaptureMode, NextAction, PaymentState
from tests.domain.samples import applied, ask, id_maker, moment, opened

ATTEMPTS_TRIED = 50
QR = NextAction(ActionKind.QR_CODE, "code")


class Life(RuleBasedStateMachine):
    """One payment, lived at random."""

    @initialize(mode=st.sampled_from(CaptureMode), others=st.integers(0, 5_000))
    def begin(self, mode: CaptureMode, others: int) -> None:
        """Open a payment for a merchant who has so much from other payments."""
        self.new_id = id_maker()
        self.passed = timedelta()
        self.manual = mode is CaptureMode.MANUAL
        self.others = others
        self.budget = 2_000
        self.aggregate: Aggregate = opened(self.new_id, capture_mode=mode)
        self.entries: list[Entry] = []
        self.states = [self.aggregate.payment.state]

    @rule(seconds=st.sampled_from([1, 600, 86_400, 8 * 86_400]))
    def time_passes(self, seconds: int) -> None:
        """Let time pass."""
        self.passed += timedelta(seconds=seconds)

    @rule(
        which=st.integers(0, ATTEMPTS_TRIED),
        kind=st.sampled_from(OutcomeClass),
        closed=st.booleans(),
        acting=st.booleans(),
        abnormal=st.booleans(),
    )
    def channel_speaks(
        self, which: int, kind: OutcomeClass, *, closed: bool, acting: bool, abnormal: bool
    ) -> None:
        """Let the channel say anything about any attempt, old ones too."""
        attempts = list(self.aggregate.attempts.values())
        attempt = attempts[which % len(attempts)]
        pending = kind is OutcomeClass.PENDING
        outcome = Outcome(
            kind,
            authorized=self.manual and kind is OutcomeClass.SUCCESS,
            closed=closed and kind is OutcomeClass.FAILED,
            abnormal=abnormal and pending and attempt.kind == "REFUND",
            next_action=QR if acting and pending else None,
            evidence="said so",
        )
        self.write(conclude(self.aggregate, attempt.attempt_id, outcome, self.now()))

    @rule(amount=st.none() | st.integers(1, 3_500), final=st.booleans())
    def capture(self, amount: int | None, *, final: bool) -> None:
        """Ask for a capture."""
        with contextlib.suppress(GatewayError):
            wish = ask(self.new_id, amount, final=final)
            self.write(accept_capture(self.aggregate, wish, self.now()))

    @rule()
    def cancel(self) -> None:
        """Ask for a cancel."""
        with contextlib.suppress(GatewayError):
            self.write(accept_cancel(self.aggregate, ask(self.new_id), self.now()))

    @rule(amount=st.none() | st.integers(1, 3_500), policy=st.sampled_from(RefundPolicy))
    def refund(self, amount: int | None, policy: RefundPolicy) -> None:
        """Ask for a refund, where other refunds may have used up the merchant's balance."""
        balance = self.balances()["merchant_unsettled"] - self.others
        funds = Funds(merchant_balance=balance, platform_budget=self.budget)
        aggregate = Aggregate(
            self.aggregate.payment, self.aggregate.operations, self.aggregate.attempts, 7, funds
        )
        with contextlib.suppress(GatewayError):
            self.write(accept_refund(aggregate, ask(self.new_id, amount), policy, self.now()))

    @rule()
    def expire(self) -> None:
        """Let a worker look for an authorisation whose time is over."""
        operation = gateway_operation(self.aggregate.payment, OperationKind.RELEASE, self.now())
        self.write(release_authorization(self.aggregate, operation, self.now()))

    def now(self) -> Moment:
        """The moment."""
        return moment(self.new_id, self.passed)

    def write(self, change: Change | None) -> None:
        """Write a change and check what every single one must keep."""
        if change is None:
            return
        before = self.aggregate
        after = applied(before, change)
        assert change.payment.version == before.payment.version + 1
        assert change.event.payment == change.payment
        assert change.event.digest == state_digest(change.payment)
        for operation_id, operation in before.operations.items():
            assert operation.running or after.operations[operation_id] == operation
        self.entries += change.entries
        self.budget -= change.advanced
        self.aggregate = after
        self.states.append(after.payment.state)

    def balances(self) -> Counter[str]:
        """Fold the journal: credits less debits per account code."""
        folded: Counter[str] = Counter()
        for entry in self.entries:
            for transfer in entry.transfers:
                folded[transfer.debit.code] -= transfer.amount
                folded[transfer.credit.code] += transfer.amount
        return folded

    @invariant()
    def states_walk_the_table(self) -> None:
        """Each state follows from the one before by the table, and terminal states are final."""
        for one, other in zip(self.states, self.states[1:], strict=False):
            assert one == other or other in TRANSITIONS[one].values()

    @invariant()
    def amounts_are_ordered(self) -> None:
        """0 <= refunded <= captured <= amount, and the fee is that of what was captured."""
        payment = self.aggregate.payment
        assert 0 <= payment.refunded <= payment.captured <= payment.amount.minor_units
        assert payment.fee_terms
        assert payment.fee_millionths == payment.fee_terms.accrued(payment.captured)
        assert 0 <= payment.fee_returned_millionths <= payment.fee_millionths

    @invariant()
    def the_journal_equals_the_model(self) -> None:
        """The folded journal is what the operations alone say it must be."""
        folded = self.balances()
        captured = self.aggregate.payment.captured
        refunds = self.operations(OperationKind.REFUND)
        returns = self.operations(OperationKind.RETURN)
        kept = [item for item in refunds if item.running or item.succeeded]
        advanced = _total(kept, "advanced")
        assert self.aggregate.payment.refunded == _total(kept)
        assert folded["merchant_unsettled"] == captured - _total(kept) + advanced
        assert folded["refund_in_transit"] == _total(_running(refunds)) + _total(_running(returns))
        late = _total([item for item in (*refunds, *returns) if self.succeeded_after_all(item)])
        assert folded["suspense"] == _total([item for item in returns if item.failure]) - late
        given_back = _total(_done(refunds)) + _total(_done(returns)) + late
        assert -folded["channel_receivable"] == captured + _total(returns) - given_back
        assert folded["due_to_own"] == folded["merchant_debt"] == -advanced
        assert folded["due_from_reserve"] == advanced
        assert self.budget == 2_000 - advanced

    @invariant()
    def one_exclusive_operation_runs(self) -> None:
        """At most one capture or cancel is under way."""
        running = [item for item in self.aggregate.operations.values() if item.running]
        exclusive = [item for item in running if item.kind in ("CAPTURE", "CANCEL", "RELEASE")]
        assert len(exclusive) <= 1

    @invariant()
    def unpaid_payments_hold_no_money(self) -> None:
        """Failed, canceled and expired payments captured nothing; succeeded ones did."""
        payment = self.aggregate.payment
        if payment.state is PaymentState.SUCCEEDED:
            assert payment.captured > 0
        if payment.state in ("FAILED", "CANCELED", "EXPIRED", "PROCESSING", "REQUIRES_ACTION"):
            assert payment.captured == 0
        assert (payment.failure is not None) == (payment.state is PaymentState.FAILED)
        assert (payment.next_action is None) or payment.state is PaymentState.REQUIRES_ACTION

    def succeeded_after_all(self, operation: Operation) -> bool:
        """Whether the channel did what it had refused."""
        attempts = self.aggregate.attempts.values()
        said = {item.state for item in attempts if item.operation_id == operation.operation_id}
        return operation.failure is not None and AttemptState.SUCCEEDED in said

    def operations(self, kind: OperationKind) -> list[Operation]:
        """Operations of one kind."""
        return [item for item in self.aggregate.operations.values() if item.kind is kind]


def _total(operations: list[Operation], field: str = "amount") -> int:
    if field == "advanced":
        return sum(item.advanced for item in operations)
    return sum(item.amount.minor_units for item in operations)


def _running(operations: list[Operation]) -> list[Operation]:
    return [item for item in operations if item.running]


def _done(operations: list[Operation]) -> list[Operation]:
    return [item for item in operations if item.succeeded]


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
