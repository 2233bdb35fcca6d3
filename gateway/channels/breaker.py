"""Circuit breaker: while a channel is silent, callers are refused before anything is kept.

    closed     N calls in a row without a reply, within the window   -> open
    open       cool-down over                                        -> half open
    half open  one caller tries, the others are refused: a reply     -> closed
                                                         no reply    -> open

Any reply closes it, a refusal too, because it shows that the channel is there. Workers are never
refused, so their questions close it as well as a caller's try does.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.channels.bounds import ChannelBounds


class CircuitBreaker:
    """Judges one channel by whether it answers. `monotonic` gives seconds that never go back."""

    def __init__(self, bounds: ChannelBounds, monotonic: Callable[[], float]) -> None:
        self._cool_down_s = bounds.breaker_cool_down_s
        self._window_s = bounds.breaker_window_s
        self._silences: deque[float] = deque(maxlen=bounds.breaker_failures_max)
        self._monotonic = monotonic
        self._open_until: float | None = None
        self._trying = False

    def wait_s(self) -> float:
        """Give the seconds until a caller may be let in; 0 for now."""
        if self._open_until is None:
            return 0.0
        if self._trying:
            return self._cool_down_s
        return max(0.0, self._open_until - self._monotonic())

    @contextmanager
    def caller(self) -> Iterator[None]:
        """Let one caller in; while half open this is the try, over when the caller is done."""
        trying = self._half_open()
        self._trying = self._trying or trying
        try:
            yield
        finally:
            if trying:
                self._trying = False

    def answered(self) -> None:
        """The channel replied."""
        self._silences.clear()
        self._open_until = None

    def silent(self) -> None:
        """A call ended without any reply. An open breaker stays open no longer for it."""
        now = self._monotonic()
        self._silences.append(now)
        if self._half_open() or (self._open_until is None and self._too_many(now)):
            self._open_until = now + self._cool_down_s

    def _half_open(self) -> bool:
        return self._open_until is not None and self._monotonic() >= self._open_until

    def _too_many(self, now: float) -> bool:
        full = len(self._silences) == self._silences.maxlen
        return full and now - self._silences[0] <= self._window_s
