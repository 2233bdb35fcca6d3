"""The reserve proof: what is owed, what covers it, and every way in which it does not hold."""

from datetime import UTC, datetime

import pytest

from gateway.domain.ledger import CHART, AccountKind, Book
from gateway.domain.reserve import OWED, Receivable, Reserve, ReserveProof, Side, reserves

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def side(code: str, credit: int = 0, debit: int = 0, currency: str = "CNY") -> Side:
    return Side(code, currency, credit, debit)


def proven(sides: list[Side], *receivables: Receivable) -> Reserve:
    [found] = reserves(sides, receivables)
    return found


def sound(*more: Side, overdue: int = 0) -> Reserve:
    """The reserve of a platform that owes 100 and has 70 in the bank, 50 to come, 20 of its own."""
    sides = [
        side("wallet", 60),
        side("wallet_held", 10),
        side("merchant_unsettled", 30),
        side("reserve_bank", 0, 70),
        side("due_to_own", 20),
        side("due_from_reserve", 0, 20),
        *more,
    ]
    return proven(sides, Receivable("sandbox", "CNY", 50, overdue))


def test_everything_that_is_owed_is_added_up() -> None:
    """Every liability of the customers' book but our own part is owed to somebody."""
    liabilities = {
        code for code, rule in CHART[Book.CUSTOMER].items() if rule.kind is AccountKind.LIABILITY
    }
    assert {code for codes in OWED.values() for code in codes} == liabilities - {"due_to_own"}


def test_a_sound_reserve_holds() -> None:
    """What is owed is covered, and what is left over is our own part."""
    reserve = sound()
    assert (reserve.owed_in_all, reserve.covered, reserve.surplus) == (100, 120, 20)
    assert reserve.owed["wallet_held"] == 10
    assert (reserve.imbalance, reserve.overdrawn) == (0, 0)
    assert reserve.problems == ()


@pytest.mark.parametrize(("overdue", "missing"), [(20, 0), (21, 1), (50, 30)])
def test_what_is_overdue_covers_nothing(overdue: int, missing: int) -> None:
    """Our own money covers what a late channel leaves open; beyond it customers' is missing."""
    reserve = sound(overdue=overdue)
    assert reserve.covered == 120 - overdue
    words = f"{missing} minor units owed to customers are not covered"
    assert reserve.problems == ((words,) if missing else ())


def test_one_customers_debt_does_not_cover_anothers_claim() -> None:
    """What accounts are below zero makes nobody's claim smaller."""
    reserve = proven([side("merchant_unsettled", 100, 30), side("reserve_bank", 0, 70)])
    assert (reserve.owed_in_all, reserve.covered, reserve.overdrawn) == (100, 70, 30)
    assert reserve.imbalance == 0
    assert reserve.problems == ("30 minor units owed to customers are not covered",)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (side("due_from_reserve", 0, 21), "20 minor units in the customers' book, 21 in our own"),
        (side("due_to_own", 19), "our own part is 19"),
        (side("due_to_own", 0, 1), "our own part is 1 minor units below zero"),
        (side("reserve_bank", 0, 71), "liabilities of the customers' book are 1 minor units"),
        (side("escrow", 1), "liabilities of the customers' book are -1 minor units"),
    ],
)
def test_a_difference_of_one_is_found(wrong: Side, words: str) -> None:
    """Books that do not meet or do not balance by a single minor unit are no proof."""
    reserve = sound(wrong)
    assert any(words in problem for problem in reserve.problems), reserve.problems


def test_a_channel_that_paid_too_much_covers_less() -> None:
    """What we owe a channel is taken from what covers, and not hidden by other channels."""
    reserve = proven(
        [side("merchant_unsettled", 10), side("reserve_bank", 0, 5)],
        Receivable("other", "CNY", -3, 0),
        Receivable("sandbox", "CNY", 8, 0),
    )
    assert reserve.covered == 10
    assert reserve.problems == ()


def test_currencies_do_not_cover_each_other() -> None:
    """Each currency is proven for itself, and one that does not hold is enough."""
    found = reserves(
        [side("wallet", 10), side("reserve_bank", 0, 10), side("wallet", 10, currency="USD")],
        [Receivable("sandbox", "USD", 9, 0)],
    )
    assert [reserve.currency for reserve in found] == ["CNY", "USD"]
    assert [bool(reserve.problems) for reserve in found] == [False, True]
    assert not ReserveProof(NOW, found).holds
    assert ReserveProof(NOW, found[:1]).holds
    assert ReserveProof(NOW, []).holds
