"""Merchants, payments and changes for tests: as decisions make them, but no larger than needed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from gateway.clock import Clock
from gateway.domain.change import Aggregate, Change, Event, EventType, ReviewCase, ReviewKind
from gateway.domain.channel import Attempt, AttemptKind, AttemptState
from gateway.domain.errors import Reason, Refused
from gateway.domain.idempotency import Claim, ClaimKind
from gateway.domain.ids import channel_number
from gateway.domain.ledger import Entry, Transfer, customer
from gateway.domain.merchant import Merchant, OrderPolicy, RefundPolicy
from gateway.domain.money import Money
from gateway.domain.operation import Operation, OperationKind, OperationState
from gateway.domain.payment import (
    CaptureMode,
    Failure,
    FailureReason,
    Payer,
    Payment,
    PaymentMethod,
    PaymentState,
    Scene,
)

clock = Clock()
LEASE = timedelta(seconds=30)
FUNDING_SOURCE = "PCREDIT"


def merchant(merchant_id: str = "m_1", **fields: object) -> Merchant:
    now = clock.now()
    made = Merchant(
        merchant_id=merchant_id,
        display_name="Shop",
        currencies=("CNY",),
        channels=("sandbox",),
        order_policy=OrderPolicy.MANY_PAYMENTS,
        refund_policy=RefundPolicy.REFUSE,
        create_time=now,
        update_time=now,
    )
    return replace(made, **fields)


def payment(merchant_id: str = "m_1", **fields: object) -> Payment:
    now = clock.now()
    made = Payment(
        merchant_id=merchant_id,
        payment_id=clock.new_id(),
        idempotency_key=f"key-{clock.new_id()}",
        order_id="o-1",
        amount=Money("CNY", 1000),
        method=PaymentMethod("sandbox", {"charge": {"outcome": "SUCCEED"}}),
        capture_mode=CaptureMode.AUTOMATIC,
        payer=Payer("p-1"),
        scene=Scene.WEB,
        description="a song",
        attributes={"a": "b"},
        state=PaymentState.PROCESSING,
        create_time=now,
        update_time=now,
        expire_time=now + timedelta(minutes=15),
        one_per_order=False,
        fee_terms=None,
    )
    return replace(made, **fields)


def claim(of: Payment, **fields: object) -> Claim:
    made = Claim(
        owner_id=of.merchant_id,
        idempotency_key=of.idempotency_key,
        kind=ClaimKind.PAY,
        fingerprint=fingerprint("pay"),
        object_id=of.payment_id,
        create_time=of.create_time,
        caller_id="caller",
    )
    return replace(made, **fields)


def fingerprint(text: str) -> bytes:
    return sha256(text.encode()).digest()


def event(
    of: Payment, kind: EventType = EventType.CHANGED, operation_id: UUID | None = None
) -> Event:
    return Event(clock.new_id(), kind, of, fingerprint("state"), 1, clock.now(), operation_id)


def attempt(of: Payment, operation: Operation | None = None, serial: int = 1) -> Attempt:
    attempt_id = clock.new_id()
    now = clock.now()
    kinds = {OperationKind.RELEASE: "CANCEL", OperationKind.RETURN: "REFUND"}
    return Attempt(
        merchant_id=of.merchant_id,
        attempt_id=attempt_id,
        payment_id=of.payment_id,
        operation_id=operation.operation_id if operation else None,
        kind=AttemptKind(kinds.get(operation.kind, operation.kind))
        if operation
        else AttemptKind.CHARGE,
        channel=of.method.channel,
        number=channel_number(serial, attempt_id),
        charge_number=of.attempt_number or channel_number(serial, attempt_id),
        money=operation.amount if operation else of.amount,
        state=AttemptState.OPEN,
        create_time=now,
        due_time=now + LEASE,
    )


def opening(of: Payment, serial: int = 1) -> Change:
    """The change that opens a payment: with an attempt, unless it failed at once."""
    if of.state is PaymentState.FAILED:
        return Change(of, event(of, EventType.CREATED))
    made = attempt(of, serial=serial)
    opened = replace(of, attempt_number=made.number)
    told = event(opened, EventType.CREATED)
    held = replace(made, due_time=told.create_time + LEASE)
    return Change(opened, told, attempts=(held,))


def failed(of: Payment) -> Payment:
    return replace(of, state=PaymentState.FAILED, failure=Failure(FailureReason.DECLINED, "no"))


def next_version(of: Payment, **fields: object) -> Payment:
    return replace(of, version=of.version + 1, update_time=clock.now(), **fields)


def entry(
    of: Payment, kind: str, *transfers: Transfer, operation: Operation | None = None
) -> Entry:
    operation_id = operation.operation_id if operation else None
    return Entry(
        of.merchant_id,
        clock.new_id(),
        kind,
        of.currency,
        transfers,
        clock.now(),
        of.payment_id,
        operation_id,
    )


def unsettled(of: Payment):
    return customer("merchant_unsettled", of.merchant_id)


def in_transit(of: Payment):
    return customer("refund_in_transit", of.method.channel)


def receivable(of: Payment):
    return customer("channel_receivable", of.method.channel)


def succeed(aggregate: Aggregate) -> Change | None:
    """Decide that the charge succeeded, once."""
    before = aggregate.payment
    if before.state is not PaymentState.PROCESSING:
        return None
    amount = before.amount.minor_units
    after = next_version(
        before,
        state=PaymentState.SUCCEEDED,
        captured=amount,
        capture_time=clock.now(),
        funding_source=FUNDING_SOURCE,
    )
    booked = entry(after, "payment_captured", Transfer(receivable(after), unsettled(after), amount))
    closed = tuple(
        replace(item, state=AttemptState.SUCCEEDED, due_time=None, funding_source=FUNDING_SOURCE)
        for item in aggregate.attempts.values()
    )
    return Change(after, event(after), attempts=closed, entries=(booked,))


def decline(aggregate: Aggregate) -> Change | None:
    """Decide that the charge was refused, once."""
    if aggregate.payment.state is not PaymentState.PROCESSING:
        return None
    after = next_version(failed(aggregate.payment))
    closed = tuple(
        replace(item, state=AttemptState.FAILED, due_time=None)
        for item in aggregate.attempts.values()
    )
    return Change(after, event(after), attempts=closed)


def authorize(aggregate: Aggregate, lifetime: timedelta = timedelta(days=1)) -> Change:
    now = clock.now()
    after = next_version(
        aggregate.payment,
        state=PaymentState.AUTHORIZED,
        authorize_time=now,
        capture_before_time=now + lifetime,
    )
    closed = tuple(
        replace(item, state=AttemptState.SUCCEEDED, due_time=None)
        for item in aggregate.attempts.values()
    )
    return Change(after, event(after), attempts=closed)


def refund_claim(of: Payment, key: str, amount: int) -> Claim:
    return Claim(
        owner_id=of.merchant_id,
        idempotency_key=key,
        kind=ClaimKind.REFUND,
        fingerprint=fingerprint(f"refund {amount}"),
        object_id=clock.new_id(),
        create_time=clock.now(),
    )


def operation(of: Payment, kind: OperationKind, amount: int, **fields: object) -> Operation:
    now = clock.now()
    made = Operation(
        merchant_id=of.merchant_id,
        operation_id=clock.new_id(),
        payment_id=of.payment_id,
        kind=kind,
        state=OperationState.PROCESSING,
        amount=Money(of.currency, amount),
        create_time=now,
        update_time=now,
        idempotency_key="" if kind in (OperationKind.RELEASE, OperationKind.RETURN) else "key",
    )
    return replace(made, **fields)


def refund(claim_: Claim, amount: int) -> Callable[[Aggregate], Change]:
    """Decide to reserve a refund; one above what remains is kept as FAILED."""

    def decide(aggregate: Aggregate) -> Change:
        before = aggregate.payment
        if before.state is PaymentState.PROCESSING:
            raise Refused(Reason.PAYMENT_NOT_FINAL, "wait", retry_after_s=1)
        if before.state is not PaymentState.SUCCEEDED:
            raise Refused(Reason.ILLEGAL_TRANSITION, "no money", key_bound=True)
        asked = operation(
            before,
            OperationKind.REFUND,
            amount,
            operation_id=claim_.object_id,
            idempotency_key=claim_.idempotency_key,
        )
        if amount > before.refundable:
            why = Failure(FailureReason.REFUND_EXCEEDS_CAPTURED, "too much")
            after = next_version(before)
            kept = replace(asked, state=OperationState.FAILED, failure=why)
            told = event(after, EventType.REFUND_ENDED, asked.operation_id)
            return Change(after, told, operations=(kept,))
        after = next_version(before, refunded=before.refunded + amount)
        sent = attempt(after, asked, aggregate.serial)
        transfer = Transfer(unsettled(after), in_transit(after), amount)
        booked = entry(after, "refund_accepted", transfer, operation=asked)
        told = event(after, EventType.REFUND_ACCEPTED, asked.operation_id)
        named = replace(asked, attempt_number=sent.number)
        return Change(after, told, operations=(named,), attempts=(sent,), entries=(booked,))

    return decide


def refund_done(operation_id: UUID) -> Callable[[Aggregate], Change | None]:
    """Decide that the channel gave the money back, once."""

    def decide(aggregate: Aggregate) -> Change | None:
        asked = aggregate.operations[operation_id]
        if not asked.running:
            return None
        after = next_version(aggregate.payment)
        amount = asked.amount.minor_units
        transfer = Transfer(in_transit(after), receivable(after), amount)
        booked = entry(after, "refund_succeeded", transfer, operation=asked)
        done = replace(asked, state=OperationState.SUCCEEDED, update_time=clock.now())
        closed = tuple(
            replace(item, state=AttemptState.SUCCEEDED, due_time=None)
            for item in aggregate.attempts.values()
            if item.operation_id == operation_id
        )
        told = event(after, EventType.REFUND_ENDED, operation_id)
        return Change(after, told, operations=(done,), attempts=closed, entries=(booked,))

    return decide


def review(owner_id: str = "m_1", **fields: object) -> ReviewCase:
    made = ReviewCase(
        owner_id=owner_id,
        case_id=clock.new_id(),
        kind=ReviewKind.UNRESOLVED,
        subject="number",
        detail="not known",
        create_time=clock.now(),
    )
    return replace(made, **fields)


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)
