"""From values to places on a picture: linear and logarithmic scales, with ticks at round values."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

TICKS: Final = 6
"""About how many ticks an axis has."""

_STEPS: Final = (1.0, 2.0, 5.0, 10.0)
_SMALLEST: Final = 1e-9
"""What a logarithmic scale takes for zero, which it does not have."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One mark of an axis."""

    value: float
    label: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps `low` to `start` and `high` to `end`, in units of the picture."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Give the place of a value; values outside are put on the edge."""
        low, high, at = (self._bent(v) for v in (self.low, self.high, value))
        share = (at - low) / (high - low) if high > low else 0.0
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def ticks(self) -> list[Tick]:
        """Give round values between low and high."""
        values = _decades(self.low, self.high) if self.logarithmic else _even(self.low, self.high)
        return [Tick(value, f"{value:,.10g}") for value in values]

    def _bent(self, value: float) -> float:
        return math.log10(max(value, _SMALLEST)) if self.logarithmic else value


def scale_for(
    values: Iterable[float], start: float, end: float, *, logarithmic: bool = False
) -> Scale:
    """Make a scale that holds all values, from zero on where it is linear, with round ends."""
    found = [value for value in values if value > 0] or [1.0]
    if logarithmic:
        low = 10 ** math.floor(math.log10(min(found)))
        high = 10 ** math.ceil(math.log10(max(found)))
        return Scale(low, max(high, low * 10), start, end, logarithmic=True)
    step = _step(max(found))
    return Scale(0.0, step * math.ceil(max(found) / step), start, end)


def _even(low: float, high: float) -> Sequence[float]:
    step = _step(high - low)
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _decades(low: float, high: float) -> Sequence[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = _STEPS[:1] if last - first > TICKS / 2 else _STEPS[:3]
    values = [step * 10.0**decade for decade in range(first, last + 1) for step in steps]
    return [value for value in values if low <= value <= high]


def _step(width: float) -> float:
    """The smallest round step that makes about so many ticks."""
    rough = (width or 1.0) / TICKS
    decade = 10.0 ** math.floor(math.log10(rough))
    return next(step * decade for step in _STEPS if step * decade >= rough * (1 - 1e-9))
