"""Outcomes as channels give them, and payments as they are after something happened to them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from gateway.domain.change import Aggregate, Change, Funds
from gateway.domain.channel import Attempt, Outcome, OutcomeClass
from gateway.domain.decisions.accept import (
    accept_cancel,
    accept_capture,
    accept_refund,
    release_authorization,
)
from gateway.domain.decisions.conclude import conclude
from gateway.domain.decisions.late import gateway_operation
from gateway.domain.decisions.opening import open_top_up, open_withdrawal
from gateway.domain.decisions.wallet import pay_from_wallet
from gateway.domain.merchant import RefundPolicy
from gateway.domain.operation import Operation, OperationKind
from gateway.domain.payment import (
    ActionKind,
    CaptureMode,
    Failure,
    FailureReason,
    NextAction,
    Payment,
    PaymentState,
    Purpose,
)
from tests.domain.samples import (
    LIFETIME,
    applied,
    ask,
    funded,
    merchant,
    moment,
    opened,
    transfer,
    wallet_payment,
)

QR = NextAction(ActionKind.QR_CODE, "https://channel.example/qr/1")
TOO_LITTLE = Failure(FailureReason.INSUFFICIENT_FUNDS, "The payer has too little.", "51")

PAID = Outcome(OutcomeClass.SUCCESS, channel_number="ch-1", evidence="paid")
HELD = Outcome(OutcomeClass.SUCCESS, authorized=True, channel_number="ch-1", evidence="held")
DONE = Outcome(OutcomeClass.SUCCESS, channel_number="ch-2", evidence="done")
DECLINED = Outcome(OutcomeClass.FAILED, failure=TOO_LITTLE, evidence="declined")
REFUSED = Outcome(OutcomeClass.FAILED, evidence="refused")
CLOSED = Outcome(OutcomeClass.FAILED, closed=True, evidence="closed")
WAITING = Outcome(OutcomeClass.PENDING, evidence="waiting")
ACTED = Outcome(OutcomeClass.PENDING, acted=True, evidence="acted")
ACTING = Outcome(OutcomeClass.PENDING, next_action=QR, evidence="acting")
ABNORMAL = Outcome(OutcomeClass.PENDING, abnormal=True, evidence="abnormal")
SILENT = Outcome(OutcomeClass.UNKNOWN)
NOT_FOUND = Outcome(OutcomeClass.UNKNOWN, not_found=True)
NOT_SENT = Outcome(OutcomeClass.NOT_SENT)
NOT_BUILT = Outcome(
    OutcomeClass.NOT_SENT, failure=Failure(FailureReason.NOT_ACCEPTED, "No such request.")
)

HOUR = timedelta(hours=1)
"""Longer than a sample payment stays open unpaid, shorter than an authorisation lives."""

NewId = Callable[[], UUID]


OWNER_SERIAL = 1 << 35
"""Serial number of the payer whose wallet it is."""


def charge_of(aggregate: Aggregate) -> Attempt:
    """The attempt that asks for the payment's charge, or for its payout."""
    return next(item for item in aggregate.attempts.values() if item.operation_id is None)


def attempt_for(aggregate: Aggregate, operation: Operation) -> Attempt:
    """The attempt that asks for an operation's effect."""
    found = (
        item for item in aggregate.attempts.values() if item.operation_id == operation.operation_id
    )
    return next(found)


def latest(aggregate: Aggregate) -> Operation:
    """The operation made last."""
    return list(aggregate.operations.values())[-1]


def of_kind(aggregate: Aggregate, kind: OperationKind) -> list[Operation]:
    """The operations of one kind, oldest first."""
    return [item for item in aggregate.operations.values() if item.kind is kind]


def said(
    aggregate: Aggregate,
    outcome: Outcome,
    new_id: NewId,
    operation: Operation | None = None,
    after: timedelta = timedelta(),
) -> Change | None:
    """What it means when the channel says so about an operation; about the charge for None."""
    attempt = attempt_for(aggregate, operation) if operation else charge_of(aggregate)
    return conclude(aggregate, attempt.attempt_id, outcome, moment(new_id, after))


def told(
    aggregate: Aggregate,
    outcome: Outcome,
    new_id: NewId,
    operation: Operation | None = None,
    after: timedelta = timedelta(),
) -> Aggregate:
    """What is after the channel said so and it was written."""
    change = said(aggregate, outcome, new_id, operation, after)
    assert change is not None, f"{outcome} changes nothing"
    return applied(aggregate, change)


def capturing(aggregate: Aggregate, new_id: NewId, amount: int | None = None) -> Aggregate:
    """A payment with a capture under way."""
    return applied(aggregate, accept_capture(aggregate, ask(new_id, amount), moment(new_id)))


def canceling(aggregate: Aggregate, new_id: NewId) -> Aggregate:
    """A payment with a cancel under way."""
    return applied(aggregate, accept_cancel(aggregate, ask(new_id), moment(new_id)))


def refunding(
    aggregate: Aggregate, new_id: NewId, amount: int | None = None, balance: int = 3_000
) -> Aggregate:
    """A payment with a refund under way; the platform lends what the balance does not cover."""
    before = funded(aggregate, balance, budget=3_000)
    change = accept_refund(before, ask(new_id, amount), RefundPolicy.ADVANCE, moment(new_id))
    return applied(before, change)


def begun(payment: Payment, change: Change, serial: int = OWNER_SERIAL) -> Aggregate:
    """What is after a payment was opened."""
    return applied(Aggregate(payment, {}, {}, serial, Funds()), change)


def spent(new_id: NewId, available: int = 5_000, **fields: Any) -> Aggregate:
    """A payment from a wallet that has so much."""
    wanted = wallet_payment(new_id, **fields)
    change = pay_from_wallet(wanted, merchant(), moment(new_id), available)
    return begun(wanted, change, merchant().serial)


def held(new_id: NewId, **fields: Any) -> Aggregate:
    """A payment whose amount a wallet holds."""
    return spent(new_id, capture_mode=CaptureMode.MANUAL, **fields)


def topping_up(new_id: NewId, **fields: Any) -> Aggregate:
    """A top-up that waits for its channel."""
    wanted = transfer(new_id, Purpose.TOP_UP, **fields)
    return begun(wanted, open_top_up(wanted, OWNER_SERIAL, moment(new_id)))


def withdrawing(new_id: NewId, available: int = 5_000, **fields: Any) -> Aggregate:
    """A withdrawal that waits for its channel, from a wallet that had so much."""
    wanted = transfer(new_id, Purpose.WITHDRAWAL, **fields)
    change = open_withdrawal(wanted, OWNER_SERIAL, moment(new_id), available)
    return begun(wanted, change)


def releasing(aggregate: Aggregate, new_id: NewId) -> Change | None:
    """What a worker writes who finds that the time to capture has passed."""
    now = moment(new_id, LIFETIME)
    operation = gateway_operation(aggregate.payment, OperationKind.RELEASE, now)
    return release_authorization(aggregate, operation, now)


def in_state(state: PaymentState, new_id: NewId, **fields: Any) -> Aggregate:
    """A payment in a state, come there by the shortest way."""
    manual = state is PaymentState.AUTHORIZED
    mode = CaptureMode.MANUAL if manual else CaptureMode.AUTOMATIC
    begun = opened(new_id, **{"capture_mode": mode, **fields})
    if state is PaymentState.PROCESSING:
        return begun
    if state is PaymentState.CANCELED:
        asked = canceling(begun, new_id)
        return told(asked, DONE, new_id, latest(asked))
    outcome, after = _SHORTEST[state]
    return told(begun, outcome, new_id, after=after)


_SHORTEST = {
    PaymentState.REQUIRES_ACTION: (ACTING, timedelta()),
    PaymentState.AUTHORIZED: (HELD, timedelta()),
    PaymentState.SUCCEEDED: (PAID, timedelta()),
    PaymentState.FAILED: (DECLINED, timedelta()),
    PaymentState.EXPIRED: (CLOSED, HOUR),
}
