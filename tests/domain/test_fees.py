"""Fees are exact."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.fees import MILLION, FeeSchedule, FeeTerms, terms_for
from tests.domain.samples import START

amounts = st.integers(1, 10**12)
rates = st.integers(0, MILLION)


def test_a_hundred_thousand_songs_are_exact() -> None:
    """100,000 payments of 2.00 at 0.1 % accrue 200.00 exactly."""
    terms = FeeTerms(rate_millionths=1_000)

    assert sum(terms.accrued(200) for _ in range(100_000)) == 200_00 * MILLION


@given(amounts, rates, st.integers(0, MILLION), st.integers(0, MILLION), st.integers(0, 10**12))
def test_fees_stay_inside_64_bits_and_bounds(
    amount: int, rate: int, fixed: int, least: int, most: int
) -> None:
    """Every fee the contract allows fits a 64-bit integer and the schedule's bounds."""
    fee = FeeTerms(rate, fixed, least, most).accrued(amount)

    assert 0 <= fee < 2**63
    assert not most or fee <= most * MILLION


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=20), rates)
def test_refunds_give_the_fee_back_exactly_once(parts: list[int], rate: int) -> None:
    """Any way of refunding everything gives back the whole fee, never more on the way."""
    terms, captured = FeeTerms(rate, returned_on_refund=True), sum(parts)
    fee = terms.accrued(captured)
    refunded, given_back = 0, 0
    for part in parts:
        refunded += part
        now = terms.returned(fee, refunded, captured)
        assert given_back <= now <= fee
        given_back = now

    assert given_back == fee


def test_schedules_that_keep_fees_give_nothing_back() -> None:
    """Without returned_on_refund a refund changes no fee."""
    assert FeeTerms(6_000).returned(600, 100, 100) == 0


def test_the_latest_schedule_in_force_counts() -> None:
    """A schedule of the future, of another channel or another band does not count."""

    def schedule(days: int, rate: int, **band: int) -> FeeSchedule:
        return FeeSchedule("sandbox", "CNY", START + timedelta(days=days), FeeTerms(rate), **band)

    schedules = [schedule(-9, 1), schedule(-5, 2), schedule(-1, 3, amount_to=100), schedule(1, 4)]

    assert terms_for(schedules, "sandbox", "CNY", 50, START) == FeeTerms(3)
    assert terms_for(schedules, "sandbox", "CNY", 100, START) == FeeTerms(2)
    assert terms_for(schedules, "other", "CNY", 100, START) is None
    assert terms_for(schedules, "sandbox", "USD", 100, START) is None
