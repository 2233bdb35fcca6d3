"""The books, row by row: what each event of a payment books, and what it does not."""

from collections.abc import Callable

import pytest

from gateway.domain.change import Aggregate, Change
from gateway.domain.channel import Outcome
from gateway.domain.decisions.accept import accept_refund
from gateway.domain.ledger import MEETING_ACCOUNTS, AccountRef
from gateway.domain.merchant import RefundPolicy
from gateway.domain.payment import PaymentState
from tests.domain.lives import (
    ABNORMAL,
    CLOSED,
    DECLINED,
    DONE,
    HELD,
    HOUR,
    NOT_SENT,
    PAID,
    canceling,
    capturing,
    in_state,
    latest,
    refunding,
    said,
    told,
)
from tests.domain.samples import START, ask, funded, id_maker, moment, sums

S = PaymentState
NEW_ID = id_maker()
RECEIVABLE, UNSETTLED = "C channel_receivable sandbox", "C merchant_unsettled m_1"
TRANSIT, SUSPENSE = "C refund_in_transit sandbox", "C suspense sandbox"
TO_OWN, FROM_RESERVE = "C due_to_own ", "O due_from_reserve "
DEBT = "O merchant_debt m_1"

Transfers = list[tuple[str, str, int]]


def _charge(state: PaymentState, outcome: Outcome) -> Callable[[], Change | None]:
    return lambda: said(in_state(state, NEW_ID), outcome, NEW_ID, after=HOUR)


def _ended(running: Callable[[], Aggregate], outcome: Outcome) -> Callable[[], Change | None]:
    def change() -> Change | None:
        aggregate = running()
        return said(aggregate, outcome, NEW_ID, latest(aggregate))

    return change


def _refund_of(amount: int, balance: int) -> Callable[[], Change]:
    def change() -> Change:
        aggregate = funded(in_state(S.SUCCEEDED, NEW_ID), balance, budget=3_000)
        return accept_refund(aggregate, ask(NEW_ID, amount), RefundPolicy.ADVANCE, moment(NEW_ID))

    return change


def _capture() -> Aggregate:
    return capturing(in_state(S.AUTHORIZED, NEW_ID), NEW_ID, 1_000)


def _cancel() -> Aggregate:
    return canceling(in_state(S.AUTHORIZED, NEW_ID), NEW_ID)


def _refund() -> Aggregate:
    return refunding(in_state(S.SUCCEEDED, NEW_ID), NEW_ID, 1_000)


def _advanced_refund() -> Aggregate:
    return refunding(in_state(S.SUCCEEDED, NEW_ID), NEW_ID, 1_000, balance=400)


def _return() -> Aggregate:
    return told(in_state(S.FAILED, NEW_ID), PAID, NEW_ID)


def _refused(running: Callable[[], Aggregate]) -> Callable[[], Change | None]:
    """What is written when an operation succeeds that had been refused before."""

    def change() -> Change | None:
        aggregate = running()
        operation = latest(aggregate)
        return said(told(aggregate, DECLINED, NEW_ID, operation), DONE, NEW_ID, operation)

    return change


BOOKS: dict[str, tuple[Callable[[], Change | None], list[Transfers]]] = {
    "channel payment": (_charge(S.PROCESSING, PAID), [[(RECEIVABLE, UNSETTLED, 3_000)]]),
    "authorisation": (_charge(S.PROCESSING, HELD), []),
    "capture": (_ended(_capture, DONE), [[(RECEIVABLE, UNSETTLED, 1_000)]]),
    "capture refused": (_ended(_capture, DECLINED), []),
    "cancel": (_ended(_cancel, DONE), []),
    "decline": (_charge(S.PROCESSING, DECLINED), []),
    "nothing sent": (_charge(S.PROCESSING, NOT_SENT), []),
    "expiry": (_charge(S.REQUIRES_ACTION, CLOSED), []),
    "refund accepted": (_refund_of(1_000, 3_000), [[(UNSETTLED, TRANSIT, 1_000)]]),
    "refund succeeded": (_ended(_refund, DONE), [[(TRANSIT, RECEIVABLE, 1_000)]]),
    "refund failed": (_ended(_refund, DECLINED), [[(TRANSIT, UNSETTLED, 1_000)]]),
    "refund abnormal": (_ended(_refund, ABNORMAL), []),
    "refund refused": (_refund_of(3_001, 9_000), []),
    "refund advanced": (
        _refund_of(1_000, 400),
        [[(TO_OWN, UNSETTLED, 600), (DEBT, FROM_RESERVE, 600), (UNSETTLED, TRANSIT, 1_000)]],
    ),
    "advanced refund succeeded": (
        _ended(_advanced_refund, DONE),
        [[(TRANSIT, RECEIVABLE, 1_000)]],
    ),
    "advanced refund failed": (
        _ended(_advanced_refund, DECLINED),
        [[(TRANSIT, UNSETTLED, 1_000), (UNSETTLED, TO_OWN, 600), (FROM_RESERVE, DEBT, 600)]],
    ),
    "late success": (
        _charge(S.FAILED, PAID),
        [[(RECEIVABLE, SUSPENSE, 3_000)], [(SUSPENSE, TRANSIT, 3_000)]],
    ),
    "late hold": (_charge(S.FAILED, HELD), []),
    "return succeeded": (_ended(_return, DONE), [[(TRANSIT, RECEIVABLE, 3_000)]]),
    "late capture": (
        _refused(_capture),
        [[(RECEIVABLE, SUSPENSE, 1_000)], [(SUSPENSE, TRANSIT, 1_000)]],
    ),
    "late refund": (_refused(_refund), [[(SUSPENSE, RECEIVABLE, 1_000)]]),
    "late refund that was advanced": (
        _refused(_advanced_refund),
        [[(SUSPENSE, RECEIVABLE, 1_000)]],
    ),
    "late return": (_refused(_return), [[(SUSPENSE, RECEIVABLE, 3_000)]]),
    "return refused": (_ended(_return, DECLINED), [[(TRANSIT, SUSPENSE, 3_000)]]),
}
"""What happens, and the entries it books: debit, credit, amount of each transfer."""


def _named(account: AccountRef) -> str:
    return f"{account.book} {account.code} {account.key}"


def _booked(change: Change) -> list[Transfers]:
    return [
        [(_named(part.debit), _named(part.credit), part.amount) for part in entry.transfers]
        for entry in change.entries
    ]


@pytest.mark.parametrize("row", BOOKS)
def test_what_is_booked(row: str) -> None:
    """Each event books exactly its row, in the commit that writes it, and names the payment."""
    decide, expected = BOOKS[row]

    change = decide()

    assert change
    assert _booked(change) == expected
    for entry in change.entries:
        assert (entry.owner_id, entry.currency) == ("m_1", "CNY")
        assert entry.payment_id == change.payment.payment_id
        assert entry.create_time >= START


def test_the_books_meet_in_equal_amounts() -> None:
    """Whatever crosses between the books moves both of the accounts in which they meet."""
    for decide, _ in BOOKS.values():
        change = decide()
        assert change
        grown = {
            item.account.code: item.balance
            for item in sums(change.entries)
            if item.account.code in MEETING_ACCOUNTS
        }
        assert len({grown.get(code, 0) for code in MEETING_ACCOUNTS}) == 1


def test_every_entry_has_an_id_of_its_own() -> None:
    """Two entries of one commit are two entries."""
    change = BOOKS["late success"][0]()
    assert change

    assert len({entry.entry_id for entry in change.entries}) == 2
