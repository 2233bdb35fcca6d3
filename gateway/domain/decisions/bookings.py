"""Which entry each event books, as in the chart of accounts.

One function per event, each balanced by construction.
"""

from gateway.domain.decisions.moment import Moment
from gateway.domain.ledger import AccountRef, Entry, Transfer, customer, own
from gateway.domain.operation import Operation
from gateway.domain.payment import Payment


def captured(
    payment: Payment, amount: int, moment: Moment, operation: Operation | None = None
) -> Entry:
    """Money was taken at the channel: the channel owes it to us, we owe it to the merchant."""
    return _entry(
        "payment_captured",
        payment,
        moment,
        operation,
        (_receivable(payment), _unsettled(payment), amount),
    )


def refund_accepted(payment: Payment, operation: Operation, moment: Moment) -> Entry:
    """A refund is on its way: the merchant no longer owns it.

    What the platform advances is lent to the merchant first.
    """
    pairs = [(_unsettled(payment), _in_transit(payment), operation.amount.minor_units)]
    if operation.advanced:
        pairs = [*_advance(payment, operation.advanced), *pairs]
    return _entry("refund_accepted", payment, moment, operation, *pairs)


def refund_succeeded(payment: Payment, operation: Operation, moment: Moment) -> Entry:
    """The channel gave the money back: it owes us less."""
    amount = operation.amount.minor_units
    return _entry(
        "refund_succeeded",
        payment,
        moment,
        operation,
        (_in_transit(payment), _receivable(payment), amount),
    )


def refund_failed(payment: Payment, operation: Operation, moment: Moment) -> Entry:
    """The money stays: the merchant owns it again, and gives back what was advanced."""
    pairs = [(_in_transit(payment), _unsettled(payment), operation.amount.minor_units)]
    if operation.advanced:
        pairs += [
            (credit, debit, amount)
            for debit, credit, amount in _advance(payment, operation.advanced)
        ]
    return _entry("refund_failed", payment, moment, operation, *pairs)


def late_success(payment: Payment, operation: Operation, moment: Moment) -> Entry:
    """Money came for a payment that was no longer open: it is nobody's yet."""
    amount = operation.amount.minor_units
    return _entry(
        "late_success",
        payment,
        moment,
        operation,
        (_receivable(payment), _suspense(payment), amount),
    )


def late_refund(payment: Payment, operation: Operation, moment: Moment) -> Entry:
    """Money went to the payer after its refund had failed: nobody has paid for it yet."""
    amount = operation.amount.minor_units
    pair = (_suspense(payment), _receivable(payment), amount)
    return _entry("late_refund", payment, moment, operation, pair)


def return_accepted(payment: Payment, operation: Operation, moment: Moment) -> Entry:
    """The late money goes back."""
    amount = operation.amount.minor_units
    return _entry(
        "return_accepted",
        payment,
        moment,
        operation,
        (_suspense(payment), _in_transit(payment), amount),
    )


def return_succeeded(payment: Payment, operation: Operation, moment: Moment) -> Entry:
    """The channel gave the late money back."""
    amount = operation.amount.minor_units
    return _entry(
        "return_succeeded",
        payment,
        moment,
        operation,
        (_in_transit(payment), _receivable(payment), amount),
    )


def return_failed(payment: Payment, operation: Operation, moment: Moment) -> Entry:
    """The channel refused to give late money back: it stays nobody's until a person decides."""
    amount = operation.amount.minor_units
    return _entry(
        "return_failed",
        payment,
        moment,
        operation,
        (_in_transit(payment), _suspense(payment), amount),
    )


_Pair = tuple[AccountRef, AccountRef, int]


def _entry(
    event: str, payment: Payment, moment: Moment, operation: Operation | None, *pairs: _Pair
) -> Entry:
    return Entry(
        owner_id=payment.merchant_id,
        entry_id=moment.new_id(),
        event=event,
        currency=payment.currency,
        transfers=tuple(Transfer(debit, credit, amount) for debit, credit, amount in pairs),
        create_time=moment.now,
        payment_id=payment.payment_id,
        operation_id=operation.operation_id if operation else None,
    )


def _advance(payment: Payment, amount: int) -> list[_Pair]:
    """Lend the platform's own money: out of own funds in C, a debt of the merchant in O."""
    return [
        (customer("due_to_own"), _unsettled(payment), amount),
        (own("merchant_debt", payment.merchant_id), own("due_from_reserve"), amount),
    ]


def _receivable(payment: Payment) -> AccountRef:
    return customer("channel_receivable", payment.method.channel)


def _unsettled(payment: Payment) -> AccountRef:
    return customer("merchant_unsettled", payment.merchant_id)


def _in_transit(payment: Payment) -> AccountRef:
    return customer("refund_in_transit", payment.method.channel)


def _suspense(payment: Payment) -> AccountRef:
    return customer("suspense", payment.method.channel)
