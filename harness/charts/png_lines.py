"""Lines over sizes, by matplotlib."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from harness.charts.chart import ChartLine, LineFigure
from harness.charts.labels import spread
from harness.charts.palette import INK, OTHER, Style, line_styles
from harness.charts.png_canvas import FOOT_IN, HEAD_IN, new_canvas, set_scale, write_head

PLOT_IN = 5.6
LEFT_IN, RIGHT_IN = 1.0, 2.3
LABEL_SHARE = 0.034
"""The height of a label, as a share of the plot's."""


def canvas(figure: LineFigure, groups: Mapping[str, Style]) -> Canvas:
    """The whole picture: every line, and the names of the emphasised ones beside them."""
    styles, field = line_styles(figure, groups)
    of = {line.name: styles.get(getattr(line, field), OTHER) for line in figure.lines}
    picture, axes = new_canvas(PLOT_IN + HEAD_IN + FOOT_IN, LEFT_IN, RIGHT_IN, FOOT_IN)
    write_head(picture, figure, figure.title)
    set_scale(figure.x, axes, "x")
    set_scale(figure.y, axes, "y")
    for line in figure.lines:
        _draw(line, _colour(line, of), of[line.name], axes, dotted=figure.dotted)
    named = [line for line in figure.lines if line.emphasis != "rest"]
    heights = [figure.y.share(line.points[-1].y) for line in named]
    for line, place in zip(named, spread(heights, LABEL_SHARE, 0.01, 0.99), strict=True):
        where: dict[str, Any] = {"transform": axes.transAxes, "va": "center"}
        axes.text(1.015, place, _name(line), size=9, color=_colour(line, of), **where)
    return picture


def _draw(line: ChartLine, colour: str, look: Style, axes: Axes, *, dotted: bool) -> None:
    strong = line.emphasis != "rest"
    xs = [point.x for point in line.points]
    axes.plot(
        xs,
        [point.y for point in line.points],
        color=colour,
        marker=look.marker if dotted else "",
        markersize=5 if strong else 3.5,
        linewidth=1.9 if strong else 0.9,
        linestyle=(0, (5, 2)) if line.emphasis == "baseline" else "-",
        alpha=1 if strong else 0.35,
        zorder=3 if strong else 2,
    )
    if strong and dotted:
        lows, highs = [p.low for p in line.points], [p.high for p in line.points]
        axes.vlines(xs, lows, highs, color=colour, linewidth=1.1)


def _colour(line: ChartLine, styles: Mapping[str, Style]) -> str:
    return INK if line.emphasis == "baseline" else styles[line.name].light


def _name(line: ChartLine) -> str:
    if line.emphasis == "baseline":
        return f"{line.name} (baseline)"
    told = line.group and line.emphasis != "named"
    return f"{line.name} ({line.group})" if told else line.name
