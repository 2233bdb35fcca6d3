"""The ledger: entries balance by construction, and the chart is the one that was agreed."""

import pytest

from gateway.domain.ledger import (
    CHART,
    MEETING_ACCOUNTS,
    AccountKind,
    AccountRef,
    AccountSum,
    Book,
    KeyKind,
    Transfer,
    customer,
    own,
)

AGREED = """
C reserve_bank asset bank account
C channel_receivable asset channel
C wallet liability payer, never below zero
C wallet_held liability payer, never below zero
C merchant_unsettled liability merchant
C merchant_available liability merchant
C refund_in_transit liability channel
C payout_in_transit liability channel
C escrow liability payment
C dispute_hold liability payment
C suspense liability channel
C due_to_own liability none, never below zero
O due_from_reserve asset none
O own_bank asset none
O merchant_debt asset merchant
O fee_income income none
O channel_fee_expense expense channel
O promo_expense expense campaign
O loss_compensation expense none
"""


def test_the_chart_is_what_was_agreed() -> None:
    """Each account stands in its book, grows on its side, and is kept per its key."""
    chart = [
        f"{book} {code} {rule.kind.lower()} {rule.key}"
        + (", never below zero" if rule.never_negative else "")
        for book, accounts in CHART.items()
        for code, rule in accounts.items()
    ]

    assert chart == AGREED.strip().splitlines()


def test_the_books_meet_in_one_pair() -> None:
    """What C owes to O is what O is owed by C, and neither is kept per anything."""
    to_own, from_reserve = MEETING_ACCOUNTS

    assert customer(to_own).rule.kind is AccountKind.LIABILITY
    assert own(from_reserve).rule.kind is AccountKind.ASSET
    assert customer(to_own).rule.key is own(from_reserve).rule.key is KeyKind.NONE


@pytest.mark.parametrize(
    ("book", "code"),
    [(Book.CUSTOMER, "fee_income"), (Book.OWN, "wallet"), (Book.CUSTOMER, ""), (Book.OWN, "cash")],
)
def test_only_accounts_of_the_chart_exist(book: Book, code: str) -> None:
    """An account that its book does not have cannot be named."""
    with pytest.raises(ValueError, match="no account"):
        AccountRef(book, code)


@pytest.mark.parametrize("amount", [0, -1])
def test_a_transfer_moves_something(amount: int) -> None:
    """Nothing, and less than nothing, is no booking: the reverse is a transfer of its own."""
    with pytest.raises(ValueError, match="not a transfer"):
        Transfer(customer("escrow", "p"), customer("suspense", "sandbox"), amount)


def test_a_transfer_stays_in_its_book() -> None:
    """Customers' money never becomes the platform's by one transfer."""
    with pytest.raises(ValueError, match="not a transfer"):
        Transfer(customer("due_to_own"), own("fee_income"), 1)


@pytest.mark.parametrize(
    ("account", "balance"),
    [
        (customer("channel_receivable", "sandbox"), 70),
        (own("promo_expense", "spring"), 70),
        (customer("merchant_unsettled", "m_1"), -70),
        (own("fee_income"), -70),
    ],
)
def test_a_balance_is_read_on_the_side_it_grows(account: AccountRef, balance: int) -> None:
    """Assets and expenses grow by debits, liabilities and income by credits."""
    assert AccountSum(account, "CNY", debits=100, credits=30).balance == balance
