"""The breaker's states, with a clock that is moved by hand."""

import pytest

from gateway.channels.bounds import ChannelBounds
from gateway.channels.breaker import CircuitBreaker

BOUNDS = ChannelBounds(breaker_failures_max=3, breaker_window_s=30.0, breaker_cool_down_s=5.0)


class Breaker(CircuitBreaker):
    """A breaker whose time is `now`."""

    def __init__(self) -> None:
        self.now = 1_000.0
        super().__init__(BOUNDS, lambda: self.now)

    def silences(self, count: int, *, every_s: float = 0.0) -> None:
        for _ in range(count):
            self.now += every_s
            self.silent()


@pytest.fixture
def breaker() -> Breaker:
    return Breaker()


def test_closed_until_enough_silences(breaker: Breaker) -> None:
    """One silence less than the bound lets callers in; the bound refuses them for the cool-down."""
    breaker.silences(2)
    assert breaker.wait_s() == 0
    breaker.silences(1)
    assert breaker.wait_s() == 5.0
    breaker.now += 4.0
    assert breaker.wait_s() == 1.0


def test_a_reply_in_between_starts_anew(breaker: Breaker) -> None:
    """Only silences in a row count."""
    breaker.silences(2)
    breaker.answered()
    breaker.silences(2)
    assert breaker.wait_s() == 0


@pytest.mark.parametrize(("every_s", "waits"), [(15.0, True), (15.1, False)])
def test_old_silences_do_not_count(breaker: Breaker, every_s: float, waits: bool) -> None:
    """Silences further apart than the window are no outage."""
    breaker.silences(3, every_s=every_s)
    assert (breaker.wait_s() > 0) == waits


def test_one_caller_tries_after_the_cool_down(breaker: Breaker) -> None:
    """Half open, one caller is let in, and the others wait until that one is done."""
    breaker.silences(3)
    breaker.now += 5.0
    assert breaker.wait_s() == 0
    with breaker.caller():
        assert breaker.wait_s() == 5.0
    assert breaker.wait_s() == 0


def test_a_try_that_fails_opens_again(breaker: Breaker) -> None:
    """Without a reply the next cool-down begins at once."""
    breaker.silences(3)
    breaker.now += 6.0
    with breaker.caller():
        breaker.silent()
    assert breaker.wait_s() == 5.0


def test_a_try_that_is_answered_closes(breaker: Breaker) -> None:
    """With a reply everybody is let in again, and silences are counted from none."""
    breaker.silences(3)
    breaker.now += 5.0
    with breaker.caller():
        breaker.answered()
        assert breaker.wait_s() == 0
    breaker.silences(2)
    assert breaker.wait_s() == 0


def test_a_try_that_raises_is_over(breaker: Breaker) -> None:
    """A caller who fails before calling the channel does not keep the others out."""
    breaker.silences(3)
    breaker.now += 5.0
    with pytest.raises(RuntimeError), breaker.caller():
        raise RuntimeError
    assert breaker.wait_s() == 0


def test_silences_while_open_do_not_prolong(breaker: Breaker) -> None:
    """Questions of workers that stay unanswered do not put off the callers' try."""
    breaker.silences(3)
    breaker.silences(4, every_s=1.0)
    assert breaker.wait_s() == 1.0


def test_a_worker_closes_it(breaker: Breaker) -> None:
    """A worker's question that is answered lets callers in before the cool-down is over."""
    breaker.silences(3)
    breaker.answered()
    assert breaker.wait_s() == 0
