"""Sample values that the tests of the pure rules share."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from gateway.domain.change import Aggregate, Change, Funds
from gateway.domain.decisions.accept import Ask
from gateway.domain.decisions.moment import Moment
from gateway.domain.decisions.opening import open_payment
from gateway.domain.fees import FeeTerms
from gateway.domain.ledger import AccountRef, AccountSum, Entry
from gateway.domain.merchant import Merchant, OrderPolicy, RefundPolicy
from gateway.domain.money import Money
from gateway.domain.payment import (
    CaptureMode,
    Payer,
    Payment,
    PaymentMethod,
    PaymentState,
    Purpose,
    Scene,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
LIFETIME = timedelta(days=7)


def id_maker() -> Callable[[], UUID]:
    """Make identifiers that count up, so that failures read the same every time."""
    numbers = itertools.count(1)
    return lambda: UUID(int=next(numbers))


def moment(new_id: Callable[[], UUID], after: timedelta = timedelta()) -> Moment:
    """Make a moment that long after the start."""
    return Moment(START + after, new_id, timedelta(seconds=12), LIFETIME)


def merchant(**fields: Any) -> Merchant:
    """Make a merchant that may do everything."""
    base = Merchant(
        merchant_id="m_1",
        display_name="One",
        currencies=("CNY",),
        channels=("sandbox", "wallet"),
        order_policy=OrderPolicy.MANY_PAYMENTS,
        refund_policy=RefundPolicy.REFUSE,
        create_time=START,
        update_time=START,
        serial=7,
    )
    return replace(base, **fields)


def payment(new_id: Callable[[], UUID], **fields: Any) -> Payment:
    """Make a payment of 30.00 CNY as a caller asks for it."""
    base = Payment(
        merchant_id="m_1",
        payment_id=new_id(),
        idempotency_key="key-1",
        order_id="o-1",
        amount=Money("CNY", 3_000),
        method=PaymentMethod("sandbox"),
        capture_mode=CaptureMode.AUTOMATIC,
        payer=Payer("p-1"),
        scene=Scene.WEB,
        description="",
        attributes={},
        state=PaymentState.PROCESSING,
        create_time=START,
        update_time=START,
        expire_time=START + timedelta(minutes=15),
        one_per_order=False,
        fee_terms=FeeTerms(rate_millionths=6_000, returned_on_refund=True),
    )
    return replace(base, **fields)


def wallet_payment(new_id: Callable[[], UUID], **fields: Any) -> Payment:
    """Make a payment of 30.00 CNY from the payer's wallet."""
    return payment(new_id, **{"method": PaymentMethod("wallet"), **fields})


def transfer(new_id: Callable[[], UUID], purpose: Purpose, **fields: Any) -> Payment:
    """Make a payment of 30.00 CNY into the payer's wallet or out of it."""
    own: dict[str, Any] = {"merchant_id": "@p-1", "order_id": "key-1", "fee_terms": None}
    return payment(new_id, **{"purpose": purpose, **own, **fields})


def opened(new_id: Callable[[], UUID], **fields: Any) -> Aggregate:
    """Make a payment that was accepted and waits for its channel."""
    wanted = payment(new_id, **fields)
    change = open_payment(wanted, merchant(), moment(new_id))
    return applied(Aggregate(wanted, {}, {}, 7, Funds()), change)


def applied(aggregate: Aggregate, change: Change) -> Aggregate:
    """Give what is after a change was written."""
    operations = {item.operation_id: item for item in change.operations}
    attempts = {item.attempt_id: item for item in change.attempts}
    return replace(
        aggregate,
        payment=change.payment,
        operations={**aggregate.operations, **operations},
        attempts={**aggregate.attempts, **attempts},
    )


def ask(new_id: Callable[[], UUID], minor_units: int | None = None, **fields: Any) -> Ask:
    """Ask for something to be done to a payment, for an amount in fen."""
    amount = Money("CNY", minor_units) if minor_units is not None else None
    return Ask(new_id(), f"key-{new_id().int}", "", amount=amount, **fields)


def funded(aggregate: Aggregate, balance: int, budget: int = 0) -> Aggregate:
    """Give the merchant a balance and the platform a budget, in fen."""
    return replace(aggregate, funds=Funds(merchant_balance=balance, platform_budget=budget))


def sums(entries: Iterable[Entry]) -> list[AccountSum]:
    """Fold entries into what was booked on each account."""
    debit: Counter[tuple[AccountRef, str]] = Counter()
    credit: Counter[tuple[AccountRef, str]] = Counter()
    for entry in entries:
        for transfer in entry.transfers:
            debit[transfer.debit, entry.currency] += transfer.amount
            credit[transfer.credit, entry.currency] += transfer.amount
    booked = dict.fromkeys([*debit, *credit])
    return [AccountSum(*account, debit[account], credit[account]) for account in booked]
