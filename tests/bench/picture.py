"""How cost grows, as one picture: rates over calls under way, over sizes of batches, over workers.

Drawn by hand as SVG, which every browser shows and which needs nothing to be installed.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

Points = Sequence[tuple[float, float]]
Lines = Mapping[str, Points]

PANELS = (
    ("concurrency", "calls under way"),
    ("batch size", "payments in one call"),
    ("workers", "workers"),
)
"""Curves in their order, and what they are drawn over."""

WIDTH, HEIGHT = 360, 280
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 30, 46
COLOURS = ("#1565c0", "#c62828", "#2e7d32", "#6a1b9a")
GRID_LINES = 4
LINE_HEIGHT = 16


def picture(curves: Mapping[str, Lines]) -> str:
    """Draw one panel per curve that was measured; a sentence where there is none."""
    known = [(curves[name], over) for name, over in PANELS if curves.get(name)]
    if not known:
        return "<p>Not measured in this run.</p>"
    panels = "".join(
        f'<g transform="translate({number * WIDTH} 0)">{"".join(_panel(lines, over))}</g>'
        for number, (lines, over) in enumerate(known)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH * len(known)} {HEIGHT}" '
        f'font-family="sans-serif" font-size="11" role="img">{panels}</svg>'
    )


def _panel(lines: Lines, over: str) -> Iterator[str]:
    places = sorted({x for points in lines.values() for x, _ in points})
    top = _round_up(max(rate for points in lines.values() for _, rate in points))
    yield from _grid(top)
    for x in places:
        yield _text(_across(x, places), HEIGHT - BOTTOM + LINE_HEIGHT, f"{x:g}", "middle")
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, over, "middle")
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        at = [(_across(x, places), _height(rate, top)) for x, rate in sorted(points)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for x, y in at:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
        yield _text(LEFT + 70 * number, TOP - 14, name, "start", colour)


def _grid(top: float) -> Iterator[str]:
    for number in range(GRID_LINES + 1):
        rate = top * number / GRID_LINES
        y = _height(rate, top)
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        yield _text(LEFT - 6, y + 4, f"{rate:,.0f}", "end")


def _across(x: float, places: Sequence[float]) -> float:
    """Place the values at equal distances: each is some times the one before."""
    span = WIDTH - LEFT - RIGHT
    return LEFT + span * (places.index(x) + 0.5) / len(places)


def _height(rate: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * rate / top


def _round_up(rate: float) -> float:
    """Give the next number whose quarters are easily read."""
    unit = 10.0 ** math.floor(math.log10(max(rate, 1.0)))
    return next(unit * step for step in (1, 2, 4, 6, 8, 10) if unit * step >= rate)


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#444") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"'
    return f"<text {place}>{escape(text)}</text>"
