"""The double-entry ledger: two books, a chart of accounts, entries balanced by construction.

Customers' money (book C) is not the platform's own (book O). An entry is a set of transfers, each a
debit and a credit of the same amount within one book, so it cannot be out of balance. The books
meet only in `due_to_own` (C) and `due_from_reserve` (O), which are always equal: money crosses by
an entry that touches both. Nothing is ever changed: a correction is a new entry.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from gateway.domain.value import value


class Book(StrEnum):
    """Whose money it is."""

    CUSTOMER = "C"
    OWN = "O"


class AccountKind(StrEnum):
    """Side on which an account grows: assets and expenses by debits, the others by credits."""

    ASSET = "ASSET"
    LIABILITY = "LIABILITY"
    INCOME = "INCOME"
    EXPENSE = "EXPENSE"


class KeyKind(StrEnum):
    """What an account is kept per."""

    NONE = "none"
    BANK_ACCOUNT = "bank account"
    CHANNEL = "channel"
    PAYER = "payer"
    MERCHANT = "merchant"
    PAYMENT = "payment"
    CAMPAIGN = "campaign"


@value(frozen=True, slots=True)
class AccountRule:
    """One line of the chart: kind, what it is kept per, and whether it may never be below zero."""

    kind: AccountKind
    key: KeyKind
    never_negative: bool = False


_A, _L = AccountKind.ASSET, AccountKind.LIABILITY
_X, _I = AccountKind.EXPENSE, AccountKind.INCOME

CHART: Mapping[Book, Mapping[str, AccountRule]] = {
    Book.CUSTOMER: {
        "reserve_bank": AccountRule(_A, KeyKind.BANK_ACCOUNT),
        "channel_receivable": AccountRule(_A, KeyKind.CHANNEL),
        "wallet": AccountRule(_L, KeyKind.PAYER, never_negative=True),
        "wallet_held": AccountRule(_L, KeyKind.PAYER, never_negative=True),
        "merchant_unsettled": AccountRule(_L, KeyKind.MERCHANT),
        "merchant_available": AccountRule(_L, KeyKind.MERCHANT),
        "refund_in_transit": AccountRule(_L, KeyKind.CHANNEL),
        "payout_in_transit": AccountRule(_L, KeyKind.CHANNEL),
        "escrow": AccountRule(_L, KeyKind.PAYMENT),
        "dispute_hold": AccountRule(_L, KeyKind.PAYMENT),
        "suspense": AccountRule(_L, KeyKind.CHANNEL),
        "due_to_own": AccountRule(_L, KeyKind.NONE, never_negative=True),
    },
    Book.OWN: {
        "due_from_reserve": AccountRule(_A, KeyKind.NONE),
        "own_bank": AccountRule(_A, KeyKind.NONE),
        "merchant_debt": AccountRule(_A, KeyKind.MERCHANT),
        "fee_income": AccountRule(_I, KeyKind.NONE),
        "channel_fee_expense": AccountRule(_X, KeyKind.CHANNEL),
        "promo_expense": AccountRule(_X, KeyKind.CAMPAIGN),
        "loss_compensation": AccountRule(_X, KeyKind.NONE),
    },
}

MEETING_ACCOUNTS = ("due_to_own", "due_from_reserve")
"""The pair in which the books meet: C's liability and O's asset, always equal per currency."""


@value(frozen=True, slots=True)
class AccountRef:
    """One account of the chart, for one key.

    Raises:
        ValueError: the chart has no such account in this book.
    """

    book: Book
    code: str
    key: str = ""

    def __post_init__(self) -> None:
        """Refuse an account that the chart does not know."""
        if self.code not in CHART[self.book]:
            message = f"book {self.book} has no account {self.code!r}"
            raise ValueError(message)

    @property
    def rule(self) -> AccountRule:
        """Its line in the chart."""
        return CHART[self.book][self.code]


@value(frozen=True, slots=True)
class Transfer:
    """One debit and one credit of the same amount, in minor units, within one book.

    Raises:
        ValueError: the amount is below one, or the accounts stand in different books.
    """

    debit: AccountRef
    credit: AccountRef
    amount: int

    def __post_init__(self) -> None:
        """Refuse what would not be a booking."""
        if self.amount < 1 or self.debit.book != self.credit.book:
            message = f"not a transfer: {self}"
            raise ValueError(message)


@value(frozen=True, slots=True)
class Entry:
    """One immutable booking, owned by the merchant or payer whose event it books."""

    owner_id: str
    entry_id: UUID
    event: str
    currency: str
    transfers: tuple[Transfer, ...]
    create_time: datetime
    payment_id: UUID | None = None
    operation_id: UUID | None = None


@value(frozen=True, slots=True)
class AccountSum:
    """What was booked on one account in one currency, in minor units."""

    account: AccountRef
    currency: str
    debits: int
    credits: int

    @property
    def balance(self) -> int:
        """Balance on the side on which the account grows."""
        grows_by_debits = self.account.rule.kind in (AccountKind.ASSET, AccountKind.EXPENSE)
        return self.debits - self.credits if grows_by_debits else self.credits - self.debits


def customer(code: str, key: str = "") -> AccountRef:
    """Name an account of the customer book."""
    return AccountRef(Book.CUSTOMER, code, key)


def own(code: str, key: str = "") -> AccountRef:
    """Name an account of the platform's own book."""
    return AccountRef(Book.OWN, code, key)
