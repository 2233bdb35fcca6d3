"""Scales and charts."""

import itertools
import math

import pytest

from gatewayload.chart import POINTS_MAX, Axis, Line, line_chart, thinned
from gatewayload.markup import html_text, tag
from gatewayload.scale import Scale, Tick, scale_for


@pytest.mark.parametrize("highest", [0.0007, 0.3, 1.0, 7.0, 99.0, 1_234.0, 5e7])
def test_a_linear_scale_has_round_ticks_around_all_values(highest: float) -> None:
    """The scale holds every value, begins at zero, and has a handful of evenly spaced ticks."""
    scale = scale_for([highest / 3, highest], 0.0, 100.0)
    values = [tick.value for tick in scale.ticks()]
    assert scale.low == 0.0
    assert scale.high >= highest
    assert 3 <= len(values) <= 9
    steps = {round((late - early) / values[1], 6) for early, late in itertools.pairwise(values)}
    assert steps == {1.0}
    assert round(values[1] / 10 ** math.floor(math.log10(values[1]) + 1e-9), 6) in (1, 2, 5)


@pytest.mark.parametrize("values", [[0.5, 800.0], [3.0, 4.0], [1e-4, 1e5], [0.0, 2.0], []])
def test_a_logarithmic_scale_has_decades_around_all_values(values: list[float]) -> None:
    """The scale holds every value above zero between two decades, with ticks at both ends."""
    scale = scale_for(values, 100.0, 0.0, logarithmic=True)
    ticks = [tick.value for tick in scale.ticks()]
    assert ticks[0] == pytest.approx(scale.low)
    assert ticks[-1] == pytest.approx(scale.high)
    assert all(scale.low <= value <= scale.high for value in values if value > 0)
    assert 2 <= len(ticks) <= 12


def test_places_keep_the_order_and_the_edges() -> None:
    """Values lie between the ends in their order; what is outside lies on the edge."""
    scale = Scale(1.0, 1_000.0, 300.0, 0.0, logarithmic=True)
    assert [scale.place(value) for value in (1.0, 10.0, 100.0, 1_000.0)] == pytest.approx(
        [300.0, 200.0, 100.0, 0.0]
    )
    assert scale.place(0.0) == 300.0
    assert scale.place(1e9) == 0.0


def test_a_long_line_keeps_its_peaks() -> None:
    """Of more points than can be drawn the highest of each group is kept."""
    points = [(float(number), 1.0) for number in range(10 * POINTS_MAX)]
    points[4_321] = (4_321.0, 99.0)
    kept = thinned(points)
    assert len(kept) == POINTS_MAX
    assert (4_321.0, 99.0) in kept
    assert thinned(points[:5]) == points[:5]


def test_a_chart_draws_each_line_under_its_name() -> None:
    """Each line has a legend, its points in the picture, and its values under the pointer."""
    lines = [Line("p50", [(0.0, 1.0), (1.0, 2.0)]), Line("max", [(0.0, 10.0), (1.0, 40.0)])]
    chart = line_chart("Latency", lines, Axis("seconds"), Axis("ms", logarithmic=True))
    drawn = chart.findall("polyline")
    assert [line.get("class") for line in drawn] == ["line line0", "line line1"]
    texts = [element.text for element in chart.iter("text")]
    assert {"Latency", "p50", "max", "seconds", "ms"} <= set(texts)
    assert "max: 40 at 1" in [element.text for element in chart.iter("title")]
    (first, second) = (point.split(",") for point in drawn[1].get("points", "").split())
    assert float(first[0]) < float(second[0])
    assert float(first[1]) > float(second[1])


def test_ticks_can_be_given() -> None:
    """An axis may name its ticks; those outside of the picture are left out."""
    ticks = (Tick(1.0, "0 %"), Tick(10.0, "90 %"), Tick(1e6, "99.9999 %"))
    axis = Axis("share", logarithmic=True, ticks=ticks)
    chart = line_chart("Curve", [Line("a", [(1.0, 1.0), (50.0, 2.0)])], axis, Axis("ms"))
    texts = [element.text for element in chart.iter("text")]
    assert "90 %" in texts
    assert "99.9999 %" not in texts


def test_a_chart_without_points_is_a_chart() -> None:
    """Nothing to draw is an empty chart, not a fault."""
    chart = line_chart("Empty", [Line("none", [])], Axis("x"), Axis("y", logarithmic=True))
    assert chart.find("polyline") is not None


def test_text_cannot_become_markup() -> None:
    """Whatever a name or a message holds is shown, never obeyed."""
    text = html_text(tag("p", "<script>&", tag("b", "x"), 'tail "<i>"', title='"><img>'))
    assert "<script>" not in text
    assert "<i>" not in text
    assert "<img>" not in text
    assert "&lt;script&gt;&amp;" in text
