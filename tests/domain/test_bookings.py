"""The books, row by row: what each event of a payment books, and what it does not."""

from collections.abc import Callable

import pytest

from gateway.domain.change import Aggregate, Change
from gateway.domain.channel import Outcome
from gateway.domain.decisions.accept import accept_cancel, accept_capture, accept_refund
from gateway.domain.decisions.opening import open_withdrawal
from gateway.domain.decisions.wallet import pay_from_wallet
from gateway.domain.ledger import MEETING_ACCOUNTS, AccountRef
from gateway.domain.merchant import RefundPolicy
from gateway.domain.payment import CaptureMode, PaymentState, Purpose
from gateway.domain.wallet import WalletMove, WalletRef
from tests.domain.lives import (
    ABNORMAL,
    CLOSED,
    DECLINED,
    DONE,
    HELD,
    HOUR,
    NOT_SENT,
    OWNER_SERIAL,
    PAID,
    canceling,
    capturing,
    held,
    in_state,
    latest,
    refunding,
    releasing,
    said,
    spent,
    told,
    topping_up,
    withdrawing,
)
from tests.domain.samples import (
    START,
    ask,
    funded,
    id_maker,
    merchant,
    moment,
    sums,
    transfer,
    wallet_payment,
)

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

WALLET, HELD_IN_WALLET = "C wallet p-1", "C wallet_held p-1"
TO_WALLETS, PAYOUT = "C refund_in_transit wallet", "C payout_in_transit sandbox"
RESERVE = "C reserve_bank main"


def _spending(mode: CaptureMode, available: int = 3_000) -> Callable[[], Change]:
    wanted = wallet_payment(NEW_ID, capture_mode=mode)
    return lambda: pay_from_wallet(wanted, merchant(), moment(NEW_ID), available)


def _capture_of(amount: int, *, final: bool = False, before: int = 0) -> Callable[[], Change]:
    def change() -> Change:
        aggregate = held(NEW_ID)
        if before:
            aggregate = capturing(aggregate, NEW_ID, before)
        return accept_capture(aggregate, ask(NEW_ID, amount, final=final), moment(NEW_ID))

    return change


def _wallet_refund(balance: int) -> Callable[[], Change]:
    def change() -> Change:
        aggregate = funded(spent(NEW_ID), balance, budget=3_000)
        return accept_refund(aggregate, ask(NEW_ID, 1_000), RefundPolicy.ADVANCE, moment(NEW_ID))

    return change


def _withdrawing(available: int) -> Callable[[], Change]:
    wanted = transfer(NEW_ID, Purpose.WITHDRAWAL)
    return lambda: open_withdrawal(wanted, OWNER_SERIAL, moment(NEW_ID), available)


WALLET_BOOKS: dict[str, tuple[Callable[[], Change | None], list[Transfers], tuple[int, int]]] = {
    "wallet payment": (
        _spending(CaptureMode.AUTOMATIC),
        [[(WALLET, UNSETTLED, 3_000)]],
        (-3_000, 0),
    ),
    "too little": (_spending(CaptureMode.AUTOMATIC, 2_999), [], (0, 0)),
    "hold": (
        _spending(CaptureMode.MANUAL),
        [[(WALLET, HELD_IN_WALLET, 3_000)]],
        (-3_000, 3_000),
    ),
    "capture of all": (
        _capture_of(3_000),
        [[(HELD_IN_WALLET, UNSETTLED, 3_000)]],
        (0, -3_000),
    ),
    "capture of a part": (
        _capture_of(1_000),
        [[(HELD_IN_WALLET, UNSETTLED, 1_000)]],
        (0, -1_000),
    ),
    "last capture": (
        _capture_of(350, final=True),
        [[(HELD_IN_WALLET, UNSETTLED, 350), (HELD_IN_WALLET, WALLET, 2_650)]],
        (2_650, -3_000),
    ),
    "last capture of several": (
        _capture_of(350, final=True, before=1_000),
        [[(HELD_IN_WALLET, UNSETTLED, 350), (HELD_IN_WALLET, WALLET, 1_650)]],
        (1_650, -2_000),
    ),
    "last capture of all": (
        _capture_of(3_000, final=True),
        [[(HELD_IN_WALLET, UNSETTLED, 3_000)]],
        (0, -3_000),
    ),
    "capture of too much": (_capture_of(3_001), [], (0, 0)),
    "cancel": (
        lambda: accept_cancel(held(NEW_ID), ask(NEW_ID), moment(NEW_ID)),
        [[(HELD_IN_WALLET, WALLET, 3_000)]],
        (3_000, -3_000),
    ),
    "expiry": (
        lambda: releasing(held(NEW_ID), NEW_ID),
        [[(HELD_IN_WALLET, WALLET, 3_000)]],
        (3_000, -3_000),
    ),
    "expiry of the rest": (
        lambda: releasing(capturing(held(NEW_ID), NEW_ID, 1_000), NEW_ID),
        [[(HELD_IN_WALLET, WALLET, 2_000)]],
        (2_000, -2_000),
    ),
    "refund to a wallet": (
        _wallet_refund(3_000),
        [[(UNSETTLED, TO_WALLETS, 1_000)], [(TO_WALLETS, WALLET, 1_000)]],
        (1_000, 0),
    ),
    "refund to a wallet, advanced": (
        _wallet_refund(400),
        [
            [
                (TO_OWN, UNSETTLED, 600),
                (DEBT, FROM_RESERVE, 600),
                (UNSETTLED, TO_WALLETS, 1_000),
            ],
            [(TO_WALLETS, WALLET, 1_000)],
        ],
        (1_000, 0),
    ),
    "top-up": (
        lambda: said(topping_up(NEW_ID), PAID, NEW_ID),
        [[(RECEIVABLE, WALLET, 3_000)]],
        (3_000, 0),
    ),
    "top-up refused": (lambda: said(topping_up(NEW_ID), DECLINED, NEW_ID), [], (0, 0)),
    "late top-up": (
        lambda: said(told(topping_up(NEW_ID), DECLINED, NEW_ID), PAID, NEW_ID),
        [[(RECEIVABLE, SUSPENSE, 3_000)], [(SUSPENSE, TRANSIT, 3_000)]],
        (0, 0),
    ),
    "withdrawal accepted": (_withdrawing(3_000), [[(WALLET, PAYOUT, 3_000)]], (-3_000, 0)),
    "withdrawal of too much": (_withdrawing(2_999), [], (0, 0)),
    "withdrawal paid": (
        lambda: said(withdrawing(NEW_ID), DONE, NEW_ID),
        [[(PAYOUT, RESERVE, 3_000)]],
        (0, 0),
    ),
    "withdrawal failed": (
        lambda: said(withdrawing(NEW_ID), DECLINED, NEW_ID),
        [[(PAYOUT, WALLET, 3_000)]],
        (3_000, 0),
    ),
    "late withdrawal": (
        lambda: said(told(withdrawing(NEW_ID), DECLINED, NEW_ID), DONE, NEW_ID),
        [[(SUSPENSE, RESERVE, 3_000)]],
        (0, 0),
    ),
}
"""What happens, the entries it books, and what that does to what is available and what is held."""


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
    _check_entries(change, expected)
    assert change.wallet_moves == ()


@pytest.mark.parametrize("row", WALLET_BOOKS)
def test_what_is_booked_on_wallets(row: str) -> None:
    """A wallet's row moves in the same commit, by exactly what is booked on its two accounts."""
    decide, expected, moved = WALLET_BOOKS[row]

    change = decide()

    assert change
    _check_entries(change, expected)
    moves = (WalletMove(WalletRef("@p-1", "CNY"), *moved),) if any(moved) else ()
    assert change.wallet_moves == moves


def _check_entries(change: Change, expected: list[Transfers]) -> None:
    assert _booked(change) == expected
    for entry in change.entries:
        assert (entry.owner_id, entry.currency) == (change.payment.merchant_id, "CNY")
        assert entry.payment_id == change.payment.payment_id
        assert entry.create_time >= START


def test_the_books_meet_in_equal_amounts() -> None:
    """Whatever crosses between the books moves both of the accounts in which they meet."""
    for decide, *_ in (*BOOKS.values(), *WALLET_BOOKS.values()):
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
