"""Which entry each event books: one table, an event to a debit and a credit.

Whose accounts they are depends on the payment: what pays is a channel or a wallet, what is paid is
a merchant or, for a top-up, a wallet. Each entry is for the operation's amount, or the payment's
whole amount, and balances by construction. What goes along with it stands in the same entry: what
the platform advances for a refund (its own money, lent to the merchant out of own funds in book C,
a debt of the merchant in book O; given back if it fails), and what a last capture leaves of a hold.

What a wallet's row says is the fold of its two accounts, so a change moves it by what is booked.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

from gateway.domain.change import Change
from gateway.domain.decisions.moment import Moment
from gateway.domain.ledger import AccountRef, Entry, Transfer, customer, own
from gateway.domain.operation import Operation
from gateway.domain.payment import CaptureMode, Payment, PaymentState, Purpose
from gateway.domain.value import replace
from gateway.domain.wallet import WALLET_CHANNEL, WalletMove, WalletRef, owner_of

AVAILABLE, HELD = "wallet", "wallet_held"
"""Accounts in which a payer's money is: what pays, and what authorisations set aside."""

RESERVE_ACCOUNT = "main"
"""The bank account that holds customers' money and pays withdrawals."""


class Booking(StrEnum):
    """What happened to money; the name stands on the entry."""

    PAYMENT_CAPTURED = "payment_captured"
    PAYMENT_HELD = "payment_held"
    HOLD_RELEASED = "hold_released"
    REFUND_ACCEPTED = "refund_accepted"
    REFUND_SUCCEEDED = "refund_succeeded"
    REFUND_FAILED = "refund_failed"
    LATE_SUCCESS = "late_success"
    LATE_REFUND = "late_refund"
    RETURN_ACCEPTED = "return_accepted"
    RETURN_SUCCEEDED = "return_succeeded"
    RETURN_FAILED = "return_failed"
    WITHDRAWAL_ACCEPTED = "withdrawal_accepted"
    WITHDRAWAL_SUCCEEDED = "withdrawal_succeeded"
    WITHDRAWAL_FAILED = "withdrawal_failed"
    LATE_WITHDRAWAL = "late_withdrawal"


def from_wallet(payment: Payment) -> bool:
    """Whether a wallet pays: its money is with us, and no channel is asked for it."""
    return payment.method.channel == WALLET_CHANNEL


def _receivable(payment: Payment) -> AccountRef:
    """What the channel owes us."""
    return customer("channel_receivable", payment.method.channel)


def _available(payment: Payment) -> AccountRef:
    """What the payer has with us."""
    return customer(AVAILABLE, payment.payer.payer_id)


def _held(payment: Payment) -> AccountRef:
    """What of it is set aside."""
    return customer(HELD, payment.payer.payer_id)


def _source(payment: Payment) -> AccountRef:
    """Where captured money comes from."""
    if not from_wallet(payment):
        return _receivable(payment)
    return _held(payment) if payment.capture_mode is CaptureMode.MANUAL else _available(payment)


def _origin(payment: Payment) -> AccountRef:
    """Where refunded money goes back to."""
    return _available(payment) if from_wallet(payment) else _receivable(payment)


def _beneficiary(payment: Payment) -> AccountRef:
    """Whose captured money is: the merchant's, or that of a payer who tops up."""
    if payment.purpose is Purpose.TOP_UP:
        return _available(payment)
    return customer("merchant_unsettled", payment.merchant_id)


def _refund_in_transit(payment: Payment) -> AccountRef:
    """What is on its way back to payers."""
    return customer("refund_in_transit", payment.method.channel)


def _payout_in_transit(payment: Payment) -> AccountRef:
    """What is on its way out to payers."""
    return customer("payout_in_transit", payment.method.channel)


def _reserve(_: Payment) -> AccountRef:
    """What the bank keeps for our customers."""
    return customer("reserve_bank", RESERVE_ACCOUNT)


def _suspense(payment: Payment) -> AccountRef:
    """What came or went when it should not have: nobody's, until a person decides."""
    return customer("suspense", payment.method.channel)


_Account = Callable[[Payment], AccountRef]

PAIRS: Mapping[Booking, tuple[_Account, _Account]] = {
    Booking.PAYMENT_CAPTURED: (_source, _beneficiary),
    Booking.PAYMENT_HELD: (_available, _held),
    Booking.HOLD_RELEASED: (_held, _available),
    Booking.REFUND_ACCEPTED: (_beneficiary, _refund_in_transit),
    Booking.REFUND_SUCCEEDED: (_refund_in_transit, _origin),
    Booking.REFUND_FAILED: (_refund_in_transit, _beneficiary),
    Booking.LATE_SUCCESS: (_receivable, _suspense),
    Booking.LATE_REFUND: (_suspense, _receivable),
    Booking.RETURN_ACCEPTED: (_suspense, _refund_in_transit),
    Booking.RETURN_SUCCEEDED: (_refund_in_transit, _receivable),
    Booking.RETURN_FAILED: (_refund_in_transit, _suspense),
    Booking.WITHDRAWAL_ACCEPTED: (_available, _payout_in_transit),
    Booking.WITHDRAWAL_SUCCEEDED: (_payout_in_transit, _reserve),
    Booking.WITHDRAWAL_FAILED: (_payout_in_transit, _available),
    Booking.LATE_WITHDRAWAL: (_suspense, _reserve),
}
"""Debit and credit of each event."""


def book(
    booking: Booking, payment: Payment, moment: Moment, operation: Operation | None = None
) -> Entry:
    """Make the entry of an event; without an operation it is for the payment's whole amount."""
    amount = (operation or payment).amount.minor_units
    transfers: tuple[Transfer, ...] = (_transfer(booking, payment, amount),)
    if booking is Booking.PAYMENT_CAPTURED and _leaves_rest(payment):
        rest = _transfer(Booking.HOLD_RELEASED, payment, payment.uncaptured)
        transfers = (*transfers, rest)
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


def booked(change: Change, *entries: Entry) -> Change:
    """Add entries to a change, and what they move in wallets."""
    every = (*change.entries, *entries)
    return replace(change, entries=every, wallet_moves=moves_of(every))


def moves_of(entries: tuple[Entry, ...]) -> tuple[WalletMove, ...]:
    """Sum up what entries move in wallets."""
    moves: dict[WalletRef, WalletMove] = {}
    for entry in entries:
        for transfer in entry.transfers:
            _move(moves, transfer.debit, entry.currency, -transfer.amount)
            _move(moves, transfer.credit, entry.currency, transfer.amount)
    return tuple(moves.values())


def _move(
    moves: dict[WalletRef, WalletMove], account: AccountRef, currency: str, amount: int
) -> None:
    if account.code not in (AVAILABLE, HELD):
        return
    wallet = WalletRef(owner_of(account.key), currency)
    available, held = (amount, 0) if account.code == AVAILABLE else (0, amount)
    before = moves.get(wallet)
    if before:
        available, held = before.available + available, before.held + held
    moves[wallet] = WalletMove(wallet, available, held)


def _transfer(booking: Booking, payment: Payment, amount: int) -> Transfer:
    debit, credit = PAIRS[booking]
    return Transfer(debit(payment), credit(payment), amount)


def _leaves_rest(payment: Payment) -> bool:
    """Whether the last capture of what a wallet held took less than all of it."""
    over = payment.state is not PaymentState.AUTHORIZED
    return from_wallet(payment) and over and payment.uncaptured > 0


def _lent(payment: Payment, amount: int) -> tuple[Transfer, ...]:
    """Lend the merchant what a refund lacks."""
    unsettled = customer("merchant_unsettled", payment.merchant_id)
    debt = own("merchant_debt", payment.merchant_id)
    return (
        Transfer(customer("due_to_own"), unsettled, amount),
        Transfer(debt, own("due_from_reserve"), amount),
    )


def _reversed(transfer: Transfer) -> Transfer:
    return Transfer(transfer.credit, transfer.debit, transfer.amount)
