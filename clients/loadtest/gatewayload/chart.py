"""Line charts as SVG: axes with round ticks, a legend, and the values under the pointer.

A page of its own must not fetch a library from anywhere, and the libraries that draw without one
bring a hundred times the code that three charts need; so this one draws itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from gatewayload.markup import tag
from gatewayload.scale import Scale, Tick, scale_for

WIDTH: Final = 960
HEIGHT: Final = 300
LEFT: Final = 72
RIGHT: Final = 16
TOP: Final = 44
BOTTOM: Final = 44
"""Size of a chart and of its margins, in units of the picture."""

POINTS_MAX: Final = 1_000
"""Points of one line; of more that lie together the highest is drawn."""

DOTS_MAX: Final = 300
"""Points up to which each has a dot that tells its value."""

_LEGEND_STEP: Final = 180
_DOT: Final = 3

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what it is called, and its points from left to right."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: what it shows, and how. `ticks` replaces the round ones, by their places."""

    label: str
    logarithmic: bool = False
    ticks: Sequence[Tick] = ()


def line_chart(title: str, lines: Sequence[Line], across: Axis, up: Axis) -> Element:
    """Draw lines over one another, with a legend."""
    drawn = [Line(line.name, thinned(line.points)) for line in lines]
    x, y = _scales(drawn, across, up)
    return tag(
        "svg",
        tag("text", title, x=LEFT, y=16, class_="title"),
        *_legend(drawn),
        *_grid_across(x, across),
        *_grid_up(y, up),
        *(_drawn(number, line, x, y) for number, line in enumerate(drawn)),
        *(_dots(number, line, x, y) for number, line in enumerate(drawn)),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=title,
    )


def thinned(points: Sequence[Point]) -> Sequence[Point]:
    """Keep at most POINTS_MAX points, the highest of each group of neighbours."""
    size = -(-len(points) // POINTS_MAX)
    if size <= 1:
        return points
    groups = (points[first : first + size] for first in range(0, len(points), size))
    return [max(group, key=lambda point: point[1]) for group in groups]


def _scales(lines: Sequence[Line], across: Axis, up: Axis) -> tuple[Scale, Scale]:
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    x = scale_for(xs, LEFT, WIDTH - RIGHT, logarithmic=across.logarithmic)
    y = scale_for(ys, HEIGHT - BOTTOM, TOP, logarithmic=up.logarithmic)
    return Scale(x.low, max(xs, default=x.high), x.start, x.end, x.logarithmic), y


def _legend(lines: Sequence[Line]) -> list[Element]:
    found = []
    for number, line in enumerate(lines):
        x = LEFT + number * _LEGEND_STEP
        found.append(tag("line", x1=x, x2=x + 18, y1=30, y2=30, class_=f"line line{number}"))
        found.append(tag("text", line.name, x=x + 24, y=34, class_="label"))
    return found


def _grid_across(scale: Scale, axis: Axis) -> list[Element]:
    found = [_label(axis.label, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "middle")]
    for tick in axis.ticks or scale.ticks():
        if not scale.low <= tick.value <= scale.high:
            continue
        x = f"{scale.place(tick.value):.1f}"
        found.append(tag("line", x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM, class_="grid"))
        found.append(_label(tick.label, x, HEIGHT - BOTTOM + 16, "middle"))
    return found


def _grid_up(scale: Scale, axis: Axis) -> list[Element]:
    found = [_label(axis.label, WIDTH - RIGHT, 16, "end")]
    for tick in axis.ticks or scale.ticks():
        y = f"{scale.place(tick.value):.1f}"
        found.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        found.append(tag("text", tick.label, x=LEFT - 8, y=y, dy="0.32em", class_="label end"))
    return found


def _label(text: str, x: object, y: float, anchor: str) -> Element:
    return tag("text", text, x=x, y=y, class_=f"label {anchor}")


def _drawn(number: int, line: Line, x: Scale, y: Scale) -> Element:
    points = " ".join(f"{x.place(px):.1f},{y.place(py):.1f}" for px, py in line.points)
    return tag("polyline", points=points, class_=f"line line{number}")


def _dots(number: int, line: Line, x: Scale, y: Scale) -> Element:
    if len(line.points) > DOTS_MAX:
        return tag("g")
    dots = (
        tag(
            "circle",
            tag("title", f"{line.name}: {py:,.4g} at {px:,.6g}"),
            cx=f"{x.place(px):.1f}",
            cy=f"{y.place(py):.1f}",
            r=_DOT,
        )
        for px, py in line.points
    )
    return tag("g", *dots, class_=f"dots line{number}")
