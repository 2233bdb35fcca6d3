"""Which entry each event books: one table, an event to a debit and a credit.

Each entry is for the operation's amount, or what a charge captured, and balances by construction.
What the platform advances for a refund goes along in the same entry: its own money, lent to the
merchant out of own funds in book C, a debt of the merchant in book O; given back if it fails.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

from gateway.domain.decisions.moment import Moment
from gateway.domain.ledger import AccountRef, Entry, Transfer, customer, own
from gateway.domain.operation import Operation
from gateway.domain.payment import Payment


class Booking(StrEnum):
    """What happened to money; the name stands on the entry."""

    PAYMENT_CAPTURED = "payment_captured"
    REFUND_ACCEPTED = "refund_accepted"
    REFUND_SUCCEEDED = "refund_succeeded"
    REFUND_FAILED = "refund_failed"
    LATE_SUCCESS = "late_success"
    LATE_REFUND = "late_refund"
    RETURN_ACCEPTED = "return_accepted"
    RETURN_SUCCEEDED = "return_succeeded"
    RETURN_FAILED = "return_failed"


def _receivable(payment: Payment) -> AccountRef:
    """What the channel owes us."""
    return customer("channel_receivable", payment.method.channel)


def _unsettled(payment: Payment) -> AccountRef:
    """What we owe the merchant."""
    return customer("merchant_unsettled", payment.merchant_id)


def _in_transit(payment: Payment) -> AccountRef:
    """What is on its way back to payers."""
    return customer("refund_in_transit", payment.method.channel)


def _suspense(payment: Payment) -> AccountRef:
    """What came or went when it should not have: nobody's, until a person decides."""
    return customer("suspense", payment.method.channel)


_Account = Callable[[Payment], AccountRef]

PAIRS: Mapping[Booking, tuple[_Account, _Account]] = {
    Booking.PAYMENT_CAPTURED: (_receivable, _unsettled),
    Booking.REFUND_ACCEPTED: (_unsettled, _in_transit),
    Booking.REFUND_SUCCEEDED: (_in_transit, _receivable),
    Booking.REFUND_FAILED: (_in_transit, _unsettled),
    Booking.LATE_SUCCESS: (_receivable, _suspense),
    Booking.LATE_REFUND: (_suspense, _receivable),
    Booking.RETURN_ACCEPTED: (_suspense, _in_transit),
    Booking.RETURN_SUCCEEDED: (_in_transit, _receivable),
    Booking.RETURN_FAILED: (_in_transit, _suspense),
}
"""Debit and credit of each event."""


def book(
    booking: Booking, payment: Payment, moment: Moment, operation: Operation | None = None
) -> Entry:
    """Make the entry of an event; without an operation it is for all that the payment captured."""
    debit, credit = (account(payment) for account in PAIRS[booking])
    amount = operation.amount.minor_units if operation else payment.captured
    transfers: tuple[Transfer, ...] = (Transfer(debit, credit, amount),)
    if operation and operation.advanced and booking is Booking.REFUND_ACCEPTED:
        transfers = (*_lent(payment, operation.advanced), *transfers)
    if operation and operation.advanced and booking is Booking.REFUND_FAILED:
        given_back = (_reversed(item) for item in _lent(payment, operation.advanced))
        transfers = (*transfers, *given_back)
    return Entry(
        owner_id=payment.merchant_id,
        entry_id=moment.new_id(),
        event=booking.value,
        currency=payment.currency,
        transfers=transfers,
        create_time=moment.now,
        payment_id=payment.payment_id,
        operation_id=operation.operation_id if operation else None,
    )


def _lent(payment: Payment, amount: int) -> tuple[Transfer, ...]:
    """Lend the merchant what a refund lacks."""
    debt = own("merchant_debt", payment.merchant_id)
    return (
        Transfer(customer("due_to_own"), _unsettled(payment), amount),
        Transfer(debt, own("due_from_reserve"), amount),
    )


def _reversed(transfer: Transfer) -> Transfer:
    return Transfer(transfer.credit, transfer.debit, transfer.amount)
