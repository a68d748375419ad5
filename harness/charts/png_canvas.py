"""An empty picture with its title and axes, as every figure's has them.

The object interface of matplotlib is used throughout: pyplot keeps figures alive and looks for a
display.
"""

from __future__ import annotations

import textwrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, NullLocator

from harness.charts.chart import Axis, Figure
from harness.charts.palette import INK, MUTED, RULE
from harness.charts.ticks import linear_label

WIDTH_IN = 10.0
HEAD_IN, FOOT_IN = 1.15, 0.75
"""What the title takes above the plot, and the horizontal axis below it."""


def new_canvas(
    height_in: float, left_in: float, right_in: float, foot_in: float
) -> tuple[Canvas, Axes]:
    """A white canvas and the axes on it, without frame or marks; inches around the plot."""
    canvas = Canvas(figsize=(WIDTH_IN, height_in), facecolor="white")
    axes = canvas.add_axes(
        (
            left_in / WIDTH_IN,
            foot_in / height_in,
            1 - (left_in + right_in) / WIDTH_IN,
            1 - (HEAD_IN + foot_in) / height_in,
        )
    )
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelsize=9.5, labelcolor=MUTED)
    axes.set_axisbelow(True)
    return canvas, axes


def write_head(canvas: Canvas, figure: Figure, title: str) -> None:
    """Title, scenario, and what to read off the figure."""
    height_in = canvas.get_figheight()
    top = 1 - 0.3 / height_in
    canvas.text(0.02, top, title, size=14, weight="bold", color=INK, va="center")
    canvas.text(0.98, top, figure.scenario, size=9, color=MUTED, va="center", ha="right")
    lines = textwrap.fill(figure.subtitle, 130)
    canvas.text(0.02, 1 - 0.5 / height_in, lines, va="top", linespacing=1.35, size=9, color=MUTED)


def set_scale(axis: Axis, axes: Axes, which: str) -> None:
    """Draw one axis, ``x`` or ``y``, with its grid."""
    target = axes.xaxis if which == "x" else axes.yaxis
    label: dict[str, Any] = {"size": 9.5, "color": MUTED, "labelpad": 6}
    (axes.set_xlabel if which == "x" else axes.set_ylabel)(axis.title, **label)
    axes.grid(visible=True, axis="x" if which == "x" else "y", color=RULE, linewidth=0.7)
    if not axis.ticks:
        target.set_major_formatter(FuncFormatter(lambda value, _: linear_label(axis.unit, value)))
        return
    if axis.log:
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(axis.low, axis.high)
    target.set_major_locator(FixedLocator([value for value, _ in axis.ticks]))
    target.set_major_formatter(FixedFormatter([name for _, name in axis.ticks]))
    target.set_minor_locator(NullLocator())
