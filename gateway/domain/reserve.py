"""The reserve proof: customers' money is there, to the last minor unit, and ours is told apart.

What is owed to payers and merchants has to be covered by what the bank keeps for them and by what
channels owe and are not late with. Nobody's debt covers another's claim, so accounts are added up
as far as they are above zero; what some of them are below is shown, and covers nothing. Our own
money in the reserve may cover what a late channel leaves open. That is the only thing it is for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from gateway.domain.value import value

OWED: Mapping[str, Sequence[str]] = {
    "payers": ("wallet", "wallet_held"),
    "merchants": ("merchant_unsettled", "merchant_available"),
    "in transit": ("refund_in_transit", "payout_in_transit"),
    "escrow": ("escrow",),
    "disputed": ("dispute_hold",),
    "suspense": ("suspense",),
}
"""What is owed to customers, by whose it is: every liability of their book but our own part."""


@value(frozen=True, slots=True)
class Side:
    """All accounts of one code and currency: what is on them as credit, and what as debit.

    An account counts where its balance is, so neither sum is below zero; minor units.
    """

    code: str
    currency: str
    credit: int
    debit: int


@value(frozen=True, slots=True)
class Receivable:
    """What a channel owes, in minor units, and how much of it is overdue.

    Below zero where the channel paid more than it owed.
    """

    channel: str
    currency: str
    outstanding: int
    overdue: int


@value(frozen=True, slots=True)
class Reserve:
    """The proof in one currency, in minor units.

    Attributes:
        owed: what is owed to customers, per account of OWED.
        overdrawn: what customers' accounts are below zero, added up; zero or more.
        bank: what the bank keeps for customers.
        receivables: what channels owe.
        due_to_own: our part of the reserve, as the customers' book has it.
        due_from_reserve: the same, as our own book has it.
    """

    currency: str
    owed: Mapping[str, int]
    overdrawn: int
    bank: int
    receivables: Sequence[Receivable]
    due_to_own: int
    due_from_reserve: int

    @property
    def owed_in_all(self) -> int:
        """What has to be covered."""
        return sum(self.owed.values())

    @property
    def covered(self) -> int:
        """What covers it."""
        return self.bank + sum(item.outstanding - item.overdue for item in self.receivables)

    @property
    def surplus(self) -> int:
        """What is there beyond what is owed; below zero, what is missing."""
        return self.covered - self.owed_in_all

    @property
    def imbalance(self) -> int:
        """What the assets of the customers' book exceed its liabilities by: zero, in true books."""
        assets = self.bank + sum(item.outstanding for item in self.receivables)
        return assets + self.overdrawn - self.owed_in_all - self.due_to_own

    @property
    def problems(self) -> Sequence[str]:
        """Why it does not hold, one sentence each; nothing where it holds."""
        return tuple(self._problems())

    def _problems(self) -> Iterator[str]:
        if self.surplus < 0:
            yield f"{-self.surplus} minor units owed to customers are not covered"
        if self.due_to_own < 0:
            yield f"our own part is {-self.due_to_own} minor units below zero"
        if self.due_to_own != self.due_from_reserve:
            yield (
                f"our own part is {self.due_to_own} minor units in the customers' book, "
                f"{self.due_from_reserve} in our own"
            )
        if self.imbalance:
            yield f"assets less liabilities of the customers' book are {self.imbalance} minor units"


@value(frozen=True, slots=True)
class ReserveProof:
    """The proof as of one moment, a reserve per currency in which something was booked."""

    as_of: datetime
    reserves: Sequence[Reserve]

    @property
    def holds(self) -> bool:
        """Whether it holds in every currency."""
        return not any(reserve.problems for reserve in self.reserves)


def reserves(sides: Iterable[Side], receivables: Iterable[Receivable]) -> list[Reserve]:
    """Put the proof together, per currency."""
    found = {(side.currency, side.code): side for side in sides}
    owing = list(receivables)
    return [
        _reserve(currency, found, [item for item in owing if item.currency == currency])
        for currency in sorted({currency for currency, _ in found})
    ]


def _reserve(
    currency: str, found: Mapping[tuple[str, str], Side], receivables: Sequence[Receivable]
) -> Reserve:
    def side(code: str) -> Side:
        return found.get((currency, code)) or Side(code, currency, 0, 0)

    owing = [side(code) for codes in OWED.values() for code in codes]
    bank, ours, theirs = side("reserve_bank"), side("due_to_own"), side("due_from_reserve")
    return Reserve(
        currency=currency,
        owed={item.code: item.credit for item in owing},
        overdrawn=sum(item.debit for item in owing),
        bank=bank.debit - bank.credit,
        receivables=receivables,
        due_to_own=ours.credit - ours.debit,
        due_from_reserve=theirs.debit - theirs.credit,
    )
